#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# doc/guide.md, played from its first line to its last: every command prints what stands there, every configuration is a
# good one, and what the guide says of mail happens. Its paths are those of a host; here they lead into the lab.

set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/lab/mxrep.sh
. "$(dirname "$0")/mxrep.sh"
# shellcheck source=tests/lab/docker.sh
. "$(dirname "$0")/docker.sh"
# shellcheck source=tests/lab/host.sh
. "$(dirname "$0")/host.sh"

# --- what the guide's remarks for the lab use ---------------------------------------------------------------------

shares() {
	echo "$(receiver_count "$1" mx1) $(receiver_count "$1" mx2) $(receiver_count "$1" mx3)"
}
rests() {
	mx sources | grep -q "^$1 .* at $2 by mxrep"
}
mxrep_steers() {
	sed -i '/^steer/d' "$LAB_DIR/mxrep.conf"
	systemctl enable --now mxrep
}
conf_without_mx4() {
	sed -i '/mx4:/d; s/ mx4 = 3;//' "$LAB_DIR/mxload.conf"
}
# multi_up / multi_send COUNT / multi_down: a second instance of Postfix beside that of mail; each bound to a source.
multi_up() {
	local dir=$LAB_DIR/postfix-mx2
	mta_config mx2 inet_protocols=ipv4 multi_instance_enable=yes multi_instance_name=postfix-mx2 smtp_bind_address=192.0.2.12 \
		smtp_helo_name=out.example.com
	sed -i 's/^127.0.0.1:2525/127.0.0.1:2626/' "$dir/config/master.cf"
	mta_stop mail
	mta_config mail inet_protocols=ipv4 multi_instance_enable=yes smtp_bind_address=192.0.2.11 smtp_helo_name=out.example.com \
		multi_instance_directories="$dir/config" 'multi_instance_wrapper=/usr/sbin/postmulti -p --'
	cp -rn /etc/postfix/. "$LAB_DIR/postfix-mail/config"
	postmulti -p start > "$LAB_DIR/multi.out" 2>&1
}
multi_send() {
	mail_send gmail.com "$1"
	at mail smtp-source -c -l 400 -s 4 -m "$1" -f news@example.net -t reader@gmail.com 127.0.0.1:2626 > /dev/null
	mail_wait 60 mail
	mail_wait 60 mx2
}
multi_down() {
	mta_stop mail
}

# --- blocks -------------------------------------------------------------------------------------------------------


# conf_put WHERE TEXT: a whole configuration, or an option at its top, or an entry of a section in the place of one of its name.
conf_put() {
	local file=$LAB_DIR/mxload.conf
	case $1 in
	whole)
		{
			echo "ledger = \"$LAB_DIR/ledger.db\"; control = \"$LAB_DIR/control.sock\"; reputation-user = \"nobody\";"
			echo "catalogue = \"$lab_top/catalogue/providers.conf\";"
			echo "$2"
		} > "$file"
		;;
	top) sed -i "/^${2%% *} =/d; 1i $2" "$file" ;;
	*)
		grep -q "^$1: {" "$file" || sed -i "/^routes/i $1: {\n};" "$file"
		sed -i "/^    ${2%%:*}:/d; /^$1: {/a \    $2" "$file"
		;;
	esac
}

# zone_put TEXT: the names of the world, with what else a good sender's domain has.
zone_put() {
	{
		grep -E '_dmarc|_domainkey|^mail|MX|list.example' "$lab_top/tests/doctor/good.zone"
		sed -E 's/ +/ /g' <<< "$1"
	} > "$LAB_DIR/zone"
	sed -i 's/hostname = "mx[0-9]/hostname = "out/' "$LAB_DIR/mxload.conf"
	echo 'block-lists = [ "list.example" ];' >> "$LAB_DIR/mxrep.conf"
	"$lab_top/tests/doctor/dns.py" "$LAB_DIR/zone" 300 > "$LAB_DIR/zone.port" &
	dns=$!
	wait_for "the zone is served" 5 test -s "$LAB_DIR/zone.port"
}

# console NUMBER COMMAND: it ends well, and prints what the guide has.
console() {
	local printed=$LAB_DIR/guide/$1.got command status
	command=$(here "$2")
	[ -n "$command" ] || bail "nothing is left of: $2"
	eval "$command" > "$printed.raw" 2>&1 < /dev/null
	status=$?
	there < "$printed.raw" > "$printed"
	tap_result $((status != 0)) "${2//$'\n'/ }: ends well" || diag "status $status" "$(< "$printed")"
	"$lab_top/tests/lab/examples.py" match "$LAB_DIR/guide/$1.printed" "$printed"
	tap_result $? "and prints what the guide has" || diag "printed:" "$(< "$printed")" "expected:" "$(< "$LAB_DIR/guide/$1.printed")"
}

# --- from the first line to the last ------------------------------------------------------------------------------

dns=
lab_up
trap '[ -z "$dns" ] || kill "$dns" 2> /dev/null; lab_down' EXIT
mta_start_logged mail inet_protocols=ipv4
mkdir "$LAB_DIR/guide"
"$lab_top/tests/lab/examples.py" cut "$lab_top/doc/guide.md" "$LAB_DIR/guide"
for piece in "$LAB_DIR"/guide/*.kind; do
	number=$(basename "$piece" .kind)
	kind=$(< "$piece")
	text=$(< "${piece%.kind}.text")
	case $kind in
	lab) eval "$text" ;;
	console) console "$number" "$text" ;;
	conf\ *)
		conf_put "${kind#conf }" "$text"
		# an address of a pool is there when its source is, which may be the next block
		[ "$kind" = "conf sources" ] || ok "a configuration is well: ${text%%$'\n'*}" "$MXLOADD" -n -c "$LAB_DIR/mxload.conf"
		;;
	mxrep)
		mta_rotate
		mxrep_put "$text"
		;;
	"sh host") ok "on a host: ${text%%$'\n'*}" host_runs "$text" ;;
	"sh lab") ok "${text%%$'\n'*}" at mail bash -ec "${text//iptables/iptables-nft}" ;;
	postfix) ok "Postfix knows: $text" postfix_knows "$text" ;;
	zone\ *) zone_put "$text" ;;
	*) fail "a block that nobody tries: $kind: ${text%%$'\n'*}" ;;
	esac
done
ok "mxloadd ends in order" daemon_stop
done_testing
