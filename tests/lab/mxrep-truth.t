#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The truth: what mxrep reports of thousands of messages, some of which are turned down, is what the receivers saw;
# also when it is killed, and when the log is rotated and compressed meanwhile. With LAB_REUSE Postfix uses connections
# again, and which of them carried a message shows when they are over.

set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/lab/mxrep.sh
. "$(dirname "$0")/mxrep.sh"

LAB_REUSE=${LAB_REUSE-}
messages=$((${LAB_MESSAGES:-10000} / ${LAB_LESS:-1}))
part=$((messages / 40))

send_all() {
	local domain
	for domain in gmail.com outlook.com yahoo.com alpha.example; do
		mail_send $domain $((part * 8))
		LAB_TO=unknown mail_send $domain $((part / 2))
		LAB_TO=full mail_send $domain $((part / 2))
		LAB_TO=spam mail_send $domain $((part / 2))
		LAB_TO=grey mail_send $domain $((part / 2))
	done
}
lab_up
at mail sysctl -q net.netfilter.nf_conntrack_tcp_timeout_time_wait=3 # connections are over sooner
config_write 'reputation-user = "nobody";'
mxrep_config 'steer = false;'
daemon_start
mta_start_logged mail ${LAB_REUSE:+smtp_connection_cache_on_demand=yes} 'transport_maps=inline:{{example.net = discard:}}' minimal_backoff_time=20s maximal_backoff_time=40s
mxrep_start
eventually "mxrep hears the daemon" 10 grep -q "tells of its connections" "$LAB_DIR/mxrep.out"
begin=$(now_ms)
send_all &
sending=$!
some_seen() {
	[ "$(receiver_count - - message)" -gt "$1" ]
}
if [ -z "$LAB_REUSE" ] && [ "${LAB_ENGINE-}" != kmod ]; then
	wait_for "a fifth is sent" 100 some_seen $((messages / 5))
	mxrep_kill
	mxrep_start
	wait_for "a third is sent" 100 some_seen $((messages / 3))
	ok "the log is rotated" mta_rotate
	wait_for "half is sent" 100 some_seen $((messages / 2))
	mxrep_kill
	ok "the log is rotated while nobody reads it" mta_rotate
	mxrep_start
fi
wait $sending
# shellcheck disable=SC2016 # expanded when it is asked
wait_for "all is tried" 200 equal 'find "$LAB_DIR"/postfix-mail/queue/{maildrop,incoming,active} -type f | wc -l' 0
diag "$(seen - -) in $((($(now_ms) - begin) / 1000)) s"
at mail postsuper -c "$LAB_DIR/postfix-mail/config" -d ALL > /dev/null 2>&1
eventually "sent, deferred and bounced are as the receivers saw them" 30 told
for provider in google microsoft yahoo default; do
	is "at $provider, too" "$(reported $provider -)" "$(seen $provider -)"
done
# Placing deliveries takes mxrep minutes where all is slow.
wait_for "all are near" 400 all_are_near
if [ "${LAB_ENGINE-}" = kmod ]; then
	# The module knows the process that connects, and Postfix says whose line it is.
	is "with the module, every one of them is known" \
		"$(mxrep -j report | json '[d["attribution"][how] for how in ("inferred", "ambiguous", "unknown")]')" "[0, 0, 0]"
	most=0
else
	most=9
fi
for source in mx1 mx2 mx3; do
	for provider in google microsoft yahoo default; do
		ok "$source at $provider is off by $most thousandths at most" test "$(off $provider $source)" -le $most
	done
done
diag "$(mxrep report)"
diag "$(grep -v info "$LAB_DIR/mxrep.out")"
mxrep_stop
done_testing
