#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The truth, with Exim: it tells the port of each connection but for hosts that it passed over, so nearly all that mxrep reports
# of its mail is certain, and all of it is what the receivers saw.

set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/lab/mxrep.sh
. "$(dirname "$0")/mxrep.sh"
# shellcheck source=tests/lab/exim.sh
. "$(dirname "$0")/exim.sh"

LAB_EXIM=$("$(dirname "$0")/exim") || skip_all "no Exim: it could not be fetched"
messages=$((2000 / ${LAB_LESS:-1} / 40 * 40))
domains="gmail.com outlook.com yahoo.com alpha.example"

# Of ten messages to a domain six are taken, and each of the others is turned down in its own way.
send_all() {
	local domain
	for domain in $domains; do
		exim_send mail $((messages / 4)) "$domain" reader reader unknown reader full reader spam reader grey reader
	done
}

lab_up
at mail sysctl -q net.netfilter.nf_conntrack_tcp_timeout_time_wait=3 # connections are over sooner
config_write 'reputation-user = "nobody";'
LAB_LOG=$LAB_DIR/exim-mail/log/mainlog
mxrep_config 'steer = false;'
daemon_start
exim_start mail 'disable_ipv6 = true'
mxrep_start
eventually "mxrep hears the daemon" 10 grep -q "tells of its connections" "$LAB_DIR/mxrep.out"
begin=$(now_ms)
send_all
eventually "all is tried, what is not deferred is gone" 200 equal "exim_queued mail" $((messages / 5))
waits() {
	grep -q 'retry time not reached' "$LAB_LOG"
}
eventually "something waits for its time" 30 waits
ok "Exim ends" exim_stop mail
diag "$(seen - -) in $((($(now_ms) - begin) / 1000)) s"
eventually "sent, deferred and bounced are as the receivers saw them" 30 told
is "what was taken, and what was turned down for good" "$(reported - - | cut -d ' ' -f 1,3)" "$((messages * 6 / 10)) $((messages / 5))"
# Where a host has further ones behind it, Exim tells of what it defers without the port.
passed_over=$(grep -c ' H=[^ ]* [^ ]* SMTP error' "$LAB_LOG")
ok "hosts were passed over" test "$passed_over" -gt 0
wait_for "all are near" 60 all_are_near
for provider in google microsoft yahoo default; do
	is "at $provider, too" "$(reported $provider -)" "$(seen $provider -)"
	for source in mx1 mx2 mx3; do
		ok "$source at $provider is off by less than 1 %" test "$(off $provider $source)" -lt 10
	done
done
is "of each that tells its port the source is certain" "$(mxrep -j report | json 'd["attribution"]["exact"] >= sum(d["attribution"].values()) - '"$passed_over")" true
is "of none it is unknown" "$(mxrep -j report | json 'd["attribution"]["unknown"]')" 0
is "what waits for its time was no attempt" "$(mxrep -j report | json 'sum(l["failed"] for l in d["lanes"])')" 0
is "but it is told" "$(mxrep -j report | json 'sum(l["suspended"] for l in d["lanes"])')" \
	"$(grep -c 'retry time not reached' "$LAB_LOG")"
diag "$(mxrep report)"
diag "$(grep -v info "$LAB_DIR/mxrep.out")"
mxrep_stop
done_testing
