#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The table at boot: mxload-rules loads what was saved, or boot.nft, and touches nothing that is not ours.

set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

lab_up
state=$LAB_DIR/state
mkdir "$state"

rules() {
	at mail env MXLOAD_RULES="$lab_top/nft-rules" MXLOAD_STATE="$state" MXLOAD_DEFAULTS=/nonexistent \
		"$lab_top/nft-rules/mxload-rules" "$@" 2>&1
}

# save_fallback: a file as the daemon saves it: everything to mx1.
save_fallback() {
	cat > "$state/fallback.nft" <<- END
		define MASK = 0x0fff0000
		define KEEP = 0xf000ffff
		define REFUSE = 0x0fff0000
		define PASS = 0x0ffe0000
		include "$lab_top/nft-rules/mxload.nft"
		table inet mxload {
			chain src.mx1 {
				meta mark set meta mark & \$KEEP | 0x00010000
				ct mark set ct mark & \$KEEP | 0x00010000
				accept
			}
		}
		add element inet mxload ports { 25 }
		add element inet mxload enforced { 25 }
		add element inet mxload source4 { 0x00010000 : $(source_address 1) }
		add element inet mxload ours4 { $(source_address 1) }
		add element inet mxload bymark { 0x00010000 : goto src.mx1 }
		add rule inet mxload fallback goto src.mx1
	END
}

# Someone else's rules, which must survive everything below.
at mail nft -f - <<- 'END'
	table inet theirs {
		chain out {
			type filter hook output priority 0; policy accept;
			tcp dport 25 counter
		}
	}
END
at mail iptables-nft -t nat -A POSTROUTING -p udp -j MASQUERADE
theirs() {
	at mail nft -s list table inet theirs
	at mail iptables-nft -t nat -S
}
before=$(theirs)

nok "status tells that nothing is loaded" rules status
at mail sh -c 'echo 0 > /proc/sys/net/netfilter/nf_conntrack_acct; echo 2 > /proc/sys/net/netfilter/nf_conntrack_events'
ok "start without a saved file" rules start
ok "status tells that it is loaded" rules status
is "conntrack counts and tells" \
	"$(at mail cat /proc/sys/net/netfilter/nf_conntrack_acct /proc/sys/net/netfilter/nf_conntrack_events)" $'1\n1'
is "boot.nft resets new connections at once" "$(connect_tally mail -n 3 -t 5 "$(provider_address google)")" \
	"done 3 ok 0 refused 3 timeout 0 unreachable 0"
is "and leaves other ports alone" "$(connect_tally mail -p 53 $lab_resolver)" \
	"done 1 ok 1 refused 0 timeout 0 unreachable 0"

loaded=$(table_handle)
save_fallback
ok "start again" rules start
is "start leaves a loaded table as it is" "$(table_handle)" "$loaded"

ok "reload takes the saved file" rules reload
receivers_forget
live_open before mail -n 5 "$(provider_address google)"
is "the saved shares are in force" "$(receiver_count google mx1)/$(receiver_count google -)" 5/5

loaded=$(table_handle)
ok "reload on a live host" rules reload
isnt "reload replaces the table" "$(table_handle)" "$loaded"
is "live connections go on over a reload" "$(live_talk before)" 5
live_close before

echo 'table inet mxload { chain broken' >> "$state/fallback.nft"
output=$(rules reload)
is "reload with a broken saved file succeeds" $? 0
like "and says that it took boot.nft" "$output" "fallback.nft cannot be loaded, taking boot.nft"
is "and then resets" "$(connect_tally mail -t 5 "$(provider_address google)")" \
	"done 1 ok 0 refused 1 timeout 0 unreachable 0"

ok "stop" rules stop
nok "the table is gone" table_loaded
ok "stop again" rules stop
is "mail leaves as if we were not there" "$(connect_tally mail -t 5 "$(provider_address google)")" \
	"done 1 ok 1 refused 0 timeout 0 unreachable 0"

output=$(rules start)
like "start says it too" "$output" "fallback.nft cannot be loaded, taking boot.nft"
ok "and has loaded boot.nft" table_loaded

save_fallback
rules stop
ok "start takes the saved file" rules start
receivers_forget
ok "connections go" connect mail -n 4 -t 5 "$(provider_address yahoo)"
is "and leave from the saved source" "$(receiver_count yahoo mx1)" 4
rules stop

is "other tables were never touched" "$(theirs)" "$before"
done_testing
