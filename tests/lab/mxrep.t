#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The closed loop: a provider turns one of three sources away; mxrep reads it in Postfix's log, and the source rests there
# and only there, its share flows to the others, nothing bounces, and it comes back by itself.

set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/lab/mxrep.sh
. "$(dirname "$0")/mxrep.sh"

state() {
	mx -j providers "$1" | json "[s['state'] for s in d['providers'][0]['lanes'] if s['source'] == '$2'][0]"
}
is_state() {
	[ "$(state "$1" "$2")" = "$3" ]
}
# has LANE-EXPRESSION: whether the report has a lane for which it is true
report_has() {
	[ "$(mxrep -j report | json "any($1 for l in d['lanes'])")" = True ]
}

lab_up
LAB_WEIGHTS="1 1 1" LAB_GOOGLE='weights: { mx2 = 0; mx3 = 0; };' config_write 'reputation-user = "nobody";'
echo 'yahoo 421 - rate-limited source 6s TSS04' > "$LAB_DIR/first.rules"
mxrep_config 'judge: { minimum = 100; };'
daemon_start
# what bounces goes back to nobody
mta_start mail 'transport_maps=inline:{{example.net = discard:}}'
touch "$LAB_DIR/postfix-mail/log"
mxrep_start
eventually "mxrep hears the daemon" 10 grep -q "tells of its connections" "$LAB_DIR/mxrep.out"

mail_send yahoo.com 30
mail_send outlook.com 30
ok "as long as all is well" mail_wait 60
eventually "what Postfix logged is counted" 10 equal 'mxrep_count - - sent' 60
is "at the provider that the daemon knows" "$(mxrep_count - yahoo sent) $(mxrep_count - microsoft sent)" "30 30"
is "every source is known" "$(mxrep -j report | json 'd["attribution"]["unknown"]')" 0
is "nothing was done" "$(mxrep -j log | json 'd["actions"]')" "[]"

receivers_answer "$(source_address 2) 198.51.100.30 421 4.7.0 [TSS04] Messages from {peer} temporarily deferred due to unexpected volume"
mail_send yahoo.com 30
begin=$(now_ms)
eventually "the source that is turned away rests" 10 is_state yahoo mx2 paused
diag "$(($(now_ms) - begin)) ms after the mail was handed over"
is "only there" "$(state microsoft mx2)" active
is "and only that one" "$(state yahoo mx1) $(state yahoo mx3)" "active active"
like "with its reason" "$(mx sources)" "mx2 .*at yahoo by mxrep: rate-limited: 421 4.7.0 .TSS04."
receivers_forget
ok "its share flows to the others, nothing bounces" mail_wait 60
is "nothing at all" "$(mail_count bounced)" 0
mail_send yahoo.com 20
mail_wait 60
is "by none of its connections" "$(receiver_count yahoo mx2 message)" 0
like "what was done is on record" "$(mxrep log)" "mx2 +yahoo .*backoff +6 +done +rate-limited: 421 4.7.0 .TSS04."
receivers_answer
back() {
	mail_send yahoo.com 6
	[ "$(receiver_count yahoo mx2 message)" -gt 0 ]
}
eventually "it comes back by itself" 60 back
eventually "and is as the others" 60 is_state yahoo mx2 active


# Of 1,000 messages at a source 5 in a hundred are to addresses that are none, and of 2,000 twelve in a hundred.
judged() {
	[ "$(mxrep -j report | json "[l['judgement'] for l in d['lanes'] if (l['source'], l['provider']) == ('mx1', 'google')]")" = "[\"$1\"]" ]
}
factor() {
	mx -j explain 198.51.100.10 | json 'd["candidates"][0]["factor"]'
}
is_factor() {
	[ "$(factor)" = "$1" ]
}
mail_send gmail.com 950
LAB_TO=unknown mail_send gmail.com 50
eventually "5 %: suspicious" 120 judged suspicious
eventually "it gets half of its weight there" 20 is_factor 0.5
mail_send gmail.com 810
LAB_TO=unknown mail_send gmail.com 190
eventually "12 %: a spammer" 120 judged spammer
eventually "it gets a tenth" 20 is_factor 0.1
is "nowhere else" "$(mx -j explain 198.51.100.30 | json '[c["factor"] for c in d["candidates"]]')" "[1.0, 1.0, 1.0]"
# The judgement may be there before the last of the mail is.
counted_as_seen() {
	equal 'mxrep_count mx1 google sent; mxrep_count mx1 google bounced' \
		"$(receiver_count google mx1 message; receiver_count google mx1 bounced)"
}
ok "all of it arrives" mail_wait 120
is "all bad addresses bounce" "$(receiver_count google mx1 bounced)" 240
eventually "mxrep counts what the receivers saw" 20 counted_as_seen
like "with the evidence" "$(mxrep -j log | json '[a["evidence"] for a in d["actions"] if a["action"] == "factor"][-1]')" \
	"bad addresses and 0 complaints of"

# --- who must not be written to again ---------------------------------------------------------------------------------
refused() {
	at mail smtp-source -f news@example.net -t "$1" 127.0.0.1:2525 2>&1 | grep "5.7.1 <$1>: .*suppressed: asked us to"
}
ok "an address is put on the list" mxrep suppress add --reason "asked us to" gone@gmail.com
mxrep suppress export > "$LAB_DIR/suppressed"
ok "postmap takes the map" at mail postmap -c "$LAB_DIR/postfix-mail/config" "hash:$LAB_DIR/suppressed"
mta_option mail "smtpd_recipient_restrictions = check_recipient_access hash:$LAB_DIR/suppressed"
at mail postfix -c "$LAB_DIR/postfix-mail/config" reload > /dev/null 2>&1
eventually "Postfix refuses mail to it" 10 refused gone@gmail.com
ok "and takes other mail" mail_send gmail.com 1
nok "to others" refused reader@gmail.com
mail_wait 30
ok "it ends in order" mxrep_stop
ok "the books balance" test "$(mx -j stats | json '[l for l in d["lanes"]
	if l["charged"]["messages"] != l["charged"]["settled"] + l["charged"]["estimated"] - l["charged"]["refunded"]]')" = "[]"
is "every message was settled once" "$(mx -j stats | json 'sum(l["charged"]["settled"] for l in d["lanes"])')" \
	"$(mxrep_count - - total)"
done_testing
