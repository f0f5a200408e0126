#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# While no daemon answers, what one source may not send any more another one does, however small its share.

set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

lab_up
LAB_WEIGHTS="9 1 0" LAB_GOOGLE='sources: { mx1: { limits = [ "20 connections/hour" ]; }; };' config_write
daemon_start
like "mx1 gets all that it may, mx2 the rest" "$(connect_tally mail -n 60 -f 1 198.51.100.10)" "ok 60 refused 0"
is "as the receivers saw it" "$(receiver_count google mx1)" 20
daemon_stop
receivers_forget
like "the fallback refuses nothing that mx2 may still send" "$(connect_tally mail -n 100 -f 4 198.51.100.10)" "ok 100 refused 0"
is "nor sends anything from mx1" "$(receiver_count google mx1) $(receiver_count google mx2)" "0 100"
done_testing
