#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A source whose reputation at a provider is poor gets a part of its weight there, and only there.

set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

# shares PROVIDER ADDRESS COUNT: of three sources, in so many connections.
shares() {
	receivers_forget
	connect_tally mail -n "$3" -f 1 "$2" > /dev/null
	echo "$(receiver_count "$1" mx1) $(receiver_count "$1" mx2) $(receiver_count "$1" mx3)"
}
factor() {
	mx -j explain 198.51.100.10 | json '[(c["source"], c["weight"], c["factor"]) for c in d["candidates"]][0]'
}

lab_up
config_write
daemon_start
is "all weights are whole" "$(shares google 198.51.100.10 90)" "50 30 10"
is "a factor is taken" "$(mx factor mx1 google 0.2)" "mx1 at google: weight times 0.2"
is "and shown beside the weight" "$(factor)" '["mx1", 5, 0.2]'
is "a fifth of five is one" "$(shares google 198.51.100.10 50)" "10 30 10"
is "elsewhere nothing changes" "$(shares microsoft 198.51.100.20 90)" "50 30 10"
ok "a set weight is multiplied, too" mx weight mx1 google 20
is "by the same factor" "$(shares google 198.51.100.10 80)" "40 30 10"
daemon_kill
daemon_start
is "it survives the daemon" "$(factor)" '["mx1", 20, 0.2]'
ok "nothing" mx factor mx1 google 0
is "is nothing" "$(shares google 198.51.100.10 40)" "0 30 10"
ok "and back" mx factor mx1 google 1
ok "and the weight" mx weight mx1 google --reset
is "as configured" "$(shares google 198.51.100.10 90)" "50 30 10"
like "more than whole is refused" "$(mx factor mx1 google 1.5 2>&1)" "factor from 0 to 1"
done_testing
