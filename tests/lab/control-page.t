#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# mxload-control(7) says what the program does.

set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

lab_up
LAB_GOOGLE='domains = [ "gmail.com" ];' LAB_MICROSOFT='limits = [ "15000 messages/day" ];' LAB_MX3='warmup: { started = "2026-01-01"; schedule = "gentle"; };' \
	config_write
daemon_start > /dev/null
wait_for "the domain is answered" 10 equal "mx -j providers google | json 'd[\"providers\"][0][\"resolved\"][0][\"state\"]'" ok
for source in mx1 mx2 mx3; do
	mx pause $source yahoo --reason "too much at once" > /dev/null
done
connect mail -n 1 198.51.100.30 > /dev/null
live_open some mail -n 9 198.51.100.10 > /dev/null
live_open others mail -n 9 198.51.100.20 > /dev/null
at mail $LAB_PYTHON "$lab_top/tests/control_page.py" "$LAB_DIR/control.sock" "$lab_top/doc/mxload-control.7"
