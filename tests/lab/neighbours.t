#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Other people's rules in the same namespace change nothing, and are not changed.

set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

lab_up
at mail iptables-nft -t nat -A POSTROUTING -j MASQUERADE
at mail nft -f - << 'END'
table inet theirs {
	chain out {
		type route hook output priority -140; policy accept;
		tcp dport 25 meta mark set meta mark | 0x00000007
		tcp dport 25 ct mark set ct mark | 0x30000000
	}
	chain post {
		type filter hook postrouting priority 150; policy accept;
		tcp dport 25 meta mark & 0x0000000f == 0x00000007 counter
		tcp dport 25 ct mark & 0xf0000000 != 0x30000000 counter
	}
}
END
rules() {
	at mail nft -s list table inet theirs
	at mail iptables-nft -t nat -S
}
before=$(rules)
config_write
daemon_start
like "a MASQUERADE for everything: connections flow" "$(connect_tally mail -n 90 -f 1 198.51.100.20)" "ok 90"
is "from the sources" "$(receiver_strangers)" 0
is "in the right shares" "$(receiver_count microsoft mx1) $(receiver_count microsoft mx2) $(receiver_count microsoft mx3)" "50 30 10"
seen() {
	at mail nft -j list chain inet theirs post | json '[r["rule"]["expr"][-1]["counter"]["packets"] for r in d["nftables"] if "rule" in r]['"$1"']'
}
isnt "their marks are kept on the packets" "$(seen 0)" 0
is "and on the connections" "$(seen 1)" 0
live_open others mail -n 2 198.51.100.20
is "restored packets keep their bits" "$(live_talk others)" 2
is "their rules are as they were" "$(rules)" "$before"
at mail nft flush ruleset
at mail nft -f - <<< 'add table inet theirs'
eventually "the table is back beside a new ruleset" 3 table_loaded
ok "theirs stays" at mail nft list table inet theirs
at mail nft -f - << 'END'
table inet theirs {
	chain untrack {
		type filter hook output priority -300; policy accept;
		tcp dport 25 notrack
	}
}
END
like "their notrack: refused at once, not lost" "$(connect_tally mail -n 3 -t 5 198.51.100.20)" "refused 3"
is "and said in status" "$(mx -j status | json 'd["table"]["untracked"]')" 3
ok "mxloadd ends in order" daemon_stop
ok "their rules survive its end" at mail nft list table inet theirs
done_testing
