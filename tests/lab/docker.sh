# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# docker.sh - Docker on mail, as far as the network sees it: its bridge, a container behind it (the lab's client), and the
# rules that dockerd makes.

# docker_bridge: the bridge docker0 of mail, with `client` as the container behind it.
docker_bridge() {
	ip -n "$(lab_ns mail)" -batch - <<- END
		link add docker0 type bridge
		link set docker0 up
		address add 172.17.0.1/16 dev docker0
		address add fd17::1/64 dev docker0 nodad
		link add veth0 type veth peer name eth1 netns $(lab_ns client)
		link set veth0 master docker0 up
	END
	ip -n "$(lab_ns client)" -batch - <<- END
		link set eth0 down
		link set eth1 up
		address add 172.17.0.2/16 dev eth1
		address add fd17::2/64 dev eth1 nodad
		route replace default via 172.17.0.1
		route replace default via fd17::1
	END
	# Docker does this, too.
	at mail sh -c 'echo 1 > /proc/sys/net/ipv4/ip_forward; echo 1 > /proc/sys/net/ipv6/conf/all/forwarding'
	# shows a leaked address to the receivers instead of losing it
	at net ip route replace 172.17.0.0/16 via 192.0.2.2
	at net ip route replace fd17::/64 via 2001:db8::2
}

# docker_filter_20 CONTAINER / docker_filter_28 CONTAINER: the filter table of dockerd, of Debian 12's version (20.10) and from
# version 28 on, with a container that publishes port 25.
docker_filter_20() {
	cat <<- END
		:FORWARD DROP [0:0]
		:DOCKER - [0:0]
		:DOCKER-ISOLATION-STAGE-1 - [0:0]
		:DOCKER-ISOLATION-STAGE-2 - [0:0]
		:DOCKER-USER - [0:0]
		-A FORWARD -j DOCKER-USER
		-A FORWARD -j DOCKER-ISOLATION-STAGE-1
		-A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
		-A FORWARD -o docker0 -j DOCKER
		-A FORWARD -i docker0 ! -o docker0 -j ACCEPT
		-A FORWARD -i docker0 -o docker0 -j ACCEPT
		-A DOCKER -d $1 ! -i docker0 -o docker0 -p tcp -m tcp --dport 25 -j ACCEPT
		-A DOCKER-ISOLATION-STAGE-1 -i docker0 ! -o docker0 -j DOCKER-ISOLATION-STAGE-2
		-A DOCKER-ISOLATION-STAGE-1 -j RETURN
		-A DOCKER-ISOLATION-STAGE-2 -o docker0 -j DROP
		-A DOCKER-ISOLATION-STAGE-2 -j RETURN
		-A DOCKER-USER -j RETURN
	END
}
docker_filter_28() {
	cat <<- END
		:FORWARD DROP [0:0]
		:DOCKER - [0:0]
		:DOCKER-BRIDGE - [0:0]
		:DOCKER-CT - [0:0]
		:DOCKER-FORWARD - [0:0]
		:DOCKER-INTERNAL - [0:0]
		:DOCKER-USER - [0:0]
		-A FORWARD -j DOCKER-USER
		-A FORWARD -j DOCKER-FORWARD
		-A DOCKER -d $1 ! -i docker0 -o docker0 -p tcp -m tcp --dport 25 -j ACCEPT
		-A DOCKER ! -i docker0 -o docker0 -j DROP
		-A DOCKER-BRIDGE -o docker0 -j DOCKER
		-A DOCKER-CT -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
		-A DOCKER-FORWARD -j DOCKER-CT
		-A DOCKER-FORWARD -j DOCKER-INTERNAL
		-A DOCKER-FORWARD -j DOCKER-BRIDGE
		-A DOCKER-FORWARD -i docker0 -j ACCEPT
	END
}

# docker_rules VERSION NETWORK CONTAINER LOOPBACK DESTINATION IPTABLES: all that dockerd makes of one family.
docker_rules() {
	{
		echo '*filter'
		"docker_filter_$1" "$3"
		cat <<- END
			COMMIT
			*nat
			:DOCKER - [0:0]
			-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
			-A OUTPUT ! -d $4 -m addrtype --dst-type LOCAL -j DOCKER
			-A POSTROUTING -s $2 ! -o docker0 -j MASQUERADE
			-A POSTROUTING -s $3 -d $3 -p tcp -m tcp --dport 25 -j MASQUERADE
			-A DOCKER -i docker0 -j RETURN
			-A DOCKER ! -i docker0 -p tcp -m tcp --dport 25 -j DNAT --to-destination $5
			COMMIT
		END
	} | at mail "$6-restore" --noflush
}
docker_start() {
	docker_rules "$1" 172.17.0.0/16 172.17.0.2 127.0.0.0/8 172.17.0.2:25 iptables-nft &&
		docker_rules "$1" fd17::/64 fd17::2 ::1/128 '[fd17::2]:25' ip6tables-nft
}
# docker_stop: as when its service ends and somebody clears what it left.
docker_stop() {
	local table
	for table in filter nat; do
		at mail iptables-nft -t $table -F && at mail iptables-nft -t $table -X
		at mail ip6tables-nft -t $table -F && at mail ip6tables-nft -t $table -X
	done
}
