#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# No address sends more than it may: connections beyond a limit are refused at once, and a restart forgets nothing.

set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

lab_up
LAB_GOOGLE='limits = [ "20 connections/hour" ]; weights: { mx2 = 0; mx3 = 0; }; wait = 0;' config_write
daemon_start
connect mail -n 200 -f 1 198.51.100.10 > "$LAB_DIR/plain"
tail -1 "$LAB_DIR/plain" >&2
grep refused $LAB_DIR/plain | sort -k5 -n | tail -2 >&2
like "20 connections/hour: 20 of 200 are made" "$(tail -1 "$LAB_DIR/plain")" "ok 20 refused 180"
mx quota >&2
mx stats >&2
mx status >&2
done_testing
