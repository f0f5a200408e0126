# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# exim.sh - a real Exim on a host of the lab (in LAB_EXIM: what tests/lab/exim printed), as an ordinary user.

# exim_config HOST [LINE...]: write its configuration; the lines are added to the main section.
exim_config() {
	local host=$1 dir=$LAB_DIR/exim-$1
	shift
	mkdir -p "$dir/log" "$dir/spool"
	chown nobody:nogroup "$dir/log" "$dir/spool"
	# It has no setuid bit (and the loader would not hear LD_LIBRARY_PATH): one user does it all.
	{
		cat <<- END
			exim_path = $LAB_EXIM/usr/sbin/exim4
			exim_user = nobody
			exim_group = nogroup
			deliver_drop_privilege
			keep_environment = LD_LIBRARY_PATH
			spool_directory = $dir/spool
			log_file_path = $dir/log/%slog
			log_selector = +incoming_interface +outgoing_interface +outgoing_port +smtp_confirmation +pid +millisec
			message_logs = false
			primary_hostname = $host.example.net
			local_interfaces = 127.0.0.1
			daemon_smtp_ports = 2526
			tls_advertise_hosts =
			queue_only
			queue_run_max = $((20 / ${LAB_LESS:-1} + 1))
		END
		[ $# -eq 0 ] || printf '%s\n' "$@"
		cat <<- END
			begin routers
			back:
			    driver = redirect
			    domains = $host.example.net
			    data = :blackhole:
			out:
			    driver = dnslookup
			    transport = out
			    no_more
			begin transports
			out:
			    driver = smtp
			    hosts_avoid_tls = *
			begin retry
			* * F,1h,${LAB_EXIM_RETRY:-20s}
		END
	} > "$dir/config"
}

# exim_user HOST: the user that Debian's Exim was built for; it asks for it before it reads what user it shall be. On that
# host alone.
exim_user() {
	local files
	files=/etc/netns/$(lab_ns "$1")
	cp /etc/passwd /etc/group "$files"
	echo "Debian-exim:x:65534:65534::/:/bin/false" >> "$files/passwd"
	echo "Debian-exim:x:65534:" >> "$files/group"
}

# exim HOST ARGUMENT...: the program. What it reads comes from standard input.
exim() {
	at "$1" "${exim_as[@]}" "$LAB_EXIM/usr/sbin/exim4" -C "$LAB_DIR/exim-$1/config" "${@:2}"
}

# exim_start HOST [LINE...]: start it; it goes through its queue each second, many at a time.
exim_start() {
	local host=$1
	exim_as=(setpriv --reuid=nobody --regid=nogroup --clear-groups env "LD_LIBRARY_PATH=$(echo "$LAB_EXIM"/usr/lib/*-linux-gnu*)")
	exim_user "$host"
	exim_config "$@"
	spawn "exim-$host" "$host" "${exim_as[@]}" "$LAB_EXIM/usr/sbin/exim4" -C "$LAB_DIR/exim-$host/config" -bdf -q1s
	wait_for "Exim starts" 10 grep -q "daemon started" "$LAB_DIR/exim-$host/log/mainlog" ||
		bail "Exim does not start: $(cat "$LAB_DIR/exim-$host.out" "$LAB_DIR/exim-$host/log/"*)"
}

# exim_stop HOST: no queue run begins any more; returns when those under way have ended.
exim_stop() {
	end "exim-$1"
	wait_for "Exim's queue runs end" 150 exim_rests "$1"
}
exim_rests() {
	awk '/ Start queue run: / { n++ } / End queue run: / { n-- } END { exit n != 0 }' "$LAB_DIR/exim-$1/log/mainlog"
}

# exim_send HOST COUNT DOMAIN WORD...: hand Exim COUNT messages to addresses of their own in DOMAIN, which begin with the
# words in turn (see receiver.py).
exim_send() {
	local host=$1 count=$2 domain=$3 n words
	words=("${@:4}")
	for ((n = 0; n < count; n++)); do
		printf '%s\n' "MAIL FROM:<news@$host.example.net>" "RCPT TO:<${words[n % ${#words[@]}]}-$n@$domain>" DATA \
			"Subject: news" "" "All is well." .
	done | exim "$host" -bS > "$LAB_DIR/exim-send.out" 2>&1
}

# exim_queued HOST: how many messages wait there.
exim_queued() {
	exim "$1" -bpc
}
