# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# mta.sh - a real Postfix on a host of the lab, with its own configuration, queue and log.

# mta_config HOST [OPTION=VALUE...]: write its configuration; an option takes the place of what is usual. (Were it there
# twice, each process would log a warning, and those are enough to fill the socket of postlogd, which then waits for itself.)
mta_config() {
	local host=$1 dir=$LAB_DIR/postfix-$1 option
	shift
	mkdir -p "$dir/config" "$dir/queue" "$dir/data"
	chown postfix "$dir/data"
	# One message is one connection, as with different recipients' servers; and a lab's patience is short.
	{
		cat <<- END
			compatibility_level = 3.6
			queue_directory = $dir/queue
			data_directory = $dir/data
			maillog_file = $dir/log
			maillog_file_prefixes = $LAB_DIR
			myhostname = $host.example.net
			mydestination =
			mynetworks = 127.0.0.0/8
			inet_interfaces = 127.0.0.1
			inet_protocols = all
			local_transport = error:no local mail in the lab
			alias_maps =
			alias_database =
			smtpd_recipient_restrictions = permit_mynetworks, reject
			smtpd_relay_restrictions = permit_mynetworks, reject
			smtpd_client_connection_count_limit = 0
			smtpd_client_connection_rate_limit = 0
			smtp_connection_cache_on_demand = no
			smtp_tls_security_level = none
			smtp_address_preference = any
			queue_run_delay = 2s
			minimal_backoff_time = 2s
			maximal_backoff_time = 4s
			in_flow_delay = 0
			default_process_limit = $((100 / ${LAB_LESS:-1}))
			biff = no
		END
	} > "$dir/config/main.cf"
	for option; do
		mta_option "$host" "$option"
	done
	cat > "$dir/config/master.cf" <<- 'END'
		127.0.0.1:2525 inet n - n - - smtpd
		pickup    unix n - n 60 1 pickup
		cleanup   unix n - n - 0 cleanup
		qmgr      unix n - n 300 1 qmgr
		rewrite   unix - - n - - trivial-rewrite
		bounce    unix - - n - 0 bounce
		defer     unix - - n - 0 bounce
		trace     unix - - n - 0 bounce
		verify    unix - - n - 1 verify
		flush     unix n - n 1000? 0 flush
		showq     unix n - n - - showq
		proxymap  unix - - n - - proxymap
		smtp      unix - - n - - smtp
		error     unix - - n - - error
		retry     unix - - n - - error
		discard   unix - - n - - discard
		anvil     unix - - n - 1 anvil
		scache    unix - - n - 1 scache
		tlsmgr    unix - - n 1000? 1 tlsmgr
		postlog   unix-dgram n - n - 1 postlogd
	END
}

# mta_option HOST OPTION=VALUE: in its configuration, instead of what was there.
mta_option() {
	local file=$LAB_DIR/postfix-$1/config/main.cf
	sed -i "/^${2%%=*} *=/d" "$file"
	echo "$2" >> "$file"
}

# mta_start [HOST] [OPTION=VALUE...]: start Postfix on mail (or HOST), e.g. mta_start mail smtp_address_preference=ipv6.
mta_start() {
	local host=${1-mail}
	mta_config "$host" "${@:2}"
	at "$host" postfix -c "$LAB_DIR/postfix-$host/config" start > "$LAB_DIR/postfix-$host.out" 2>&1 ||
		bail "Postfix does not start: $(cat "$LAB_DIR/postfix-$host.out" "$LAB_DIR/postfix-$host/log")"
}

# mta_start_logged HOST [OPTION=VALUE...]: start Postfix; its lines go through a process of their own, as with a syslog
# daemon, so that the log can be rotated. Its own postlogd only opens a file anew in a reload, which can wait for ever
# for postlogd under load.
mta_start_logged() {
	local host=$1
	mta_config "$host" "${@:2}" maillog_file=/dev/stdout maillog_file_prefixes=/dev/stdout
	# shellcheck disable=SC2016 # the inner shell's
	spawn "postfix-$host" "$host" bash -c 'postfix -c "$1/config" start-fg | { echo "$BASHPID" > "$1/logger.pid"; exec "$2" "$3" "$1/log"; }' \
		- "$LAB_DIR/postfix-$host" $LAB_PYTHON "$lab_here/logger.py"
	wait_for "Postfix answers" 20 at "$host" bash -c ': <> /dev/tcp/127.0.0.1/2525' ||
		bail "Postfix does not start: $(cat "$LAB_DIR/postfix-$host.out" "$LAB_DIR/postfix-$host/log")"
}

# mta_rotate [HOST]: rename its log, let it open a new one, and compress the old one, as logrotate does.
mta_rotate() {
	local dir=$LAB_DIR/postfix-${1-mail} old
	old=$dir/log-$(date +%s%N)
	mv "$dir/log" "$old"
	kill -HUP "$(cat "$dir/logger.pid")"
	wait_for "a new log" 10 test -e "$dir/log" && gzip "$old"
}

# mta_contain [HOST]: Postfix again, as it was started, but in a pid namespace of its own, as in a container.
mta_contain() {
	local host=${1-mail}
	mta_stop "$host"
	spawn "contained-$host" "$host" unshare --pid --fork --kill-child --mount-proc \
		postfix -c "$LAB_DIR/postfix-$host/config" start-fg
	wait_for "Postfix answers" 20 at "$host" bash -c ': <> /dev/tcp/127.0.0.1/2525' ||
		bail "Postfix does not start: $(cat "$LAB_DIR/contained-$host.out" "$LAB_DIR/postfix-$host/log")"
}

# mta_cache [HOST]: let Postfix use a connection again (its default), from now on.
mta_cache() {
	mta_option "${1-mail}" smtp_connection_cache_on_demand=yes
	at "${1-mail}" postfix -c "$LAB_DIR/postfix-${1-mail}/config" reload > /dev/null 2>&1
}

# mta_stop [HOST]: stop it at once.
mta_stop() {
	at "${1-mail}" postfix -c "$LAB_DIR/postfix-${1-mail}/config" abort > /dev/null 2>&1
}

# mta_log [HOST]: its log so far.
mta_log() {
	cat "$LAB_DIR/postfix-${1-mail}/log"
}

# mta_flush [HOST]: try everything that is deferred now.
mta_flush() {
	at "${1-mail}" postqueue -c "$LAB_DIR/postfix-${1-mail}/config" -f
}

# mail_send DOMAIN COUNT [HOST]: hand Postfix COUNT messages to DOMAIN (to LAB_TO there: reader); returns when it has
# taken them.
mail_send() {
	at "${3-mail}" smtp-source -c -l 400 -s 4 -m "$2" -f news@example.net -t "${LAB_TO-reader}@$1" 127.0.0.1:2525 > /dev/null
}

# mail_queued [HOST]: how many messages wait there.
mail_queued() {
	local queue=$LAB_DIR/postfix-${1-mail}/queue
	find "$queue"/{maildrop,incoming,active,deferred} -type f 2> /dev/null | wc -l
}

# mail_wait SECONDS [HOST]: until Postfix has delivered everything.
mail_wait() {
	wait_for "Postfix delivers everything" "$1" equal "mail_queued ${2-mail}" 0
}

# mail_count sent|deferred|bounced [HOST]: deliveries that Postfix has logged with that status.
mail_count() {
	grep -c "postfix/smtp\[.*status=$1 " "$LAB_DIR/postfix-${2-mail}/log"
}
