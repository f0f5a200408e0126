#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# No address is configured: whose a destination is comes from the DNS answers that the MTA gets.

set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

# learning_config [LINE...]: the lab's providers by the names of their MX hosts alone.
learning_config() {
	config_write "$@"
	sed -i 's/^    google: .*/    google: { mx = [ "google.com" ]; };/
		s/^    microsoft: .*/    microsoft: { mx = [ "protection.outlook.com" ]; };/
		s/^    yahoo: .*/    yahoo: { mx = [ "yahoodns.net" ]; };/' "$LAB_DIR/mxload.conf"
}

lab_up
learning_config
daemon_start
mta_start
for domain in gmail.com outlook.com yahoo.com alpha.example; do
	mail_send "$domain" 5
done
mail_wait 30
for provider in google microsoft yahoo default; do
	is "every connection to $provider is counted there, from the first one on" "$(mx_count $provider -)" \
		"$(receiver_count $provider -)"
done
like "explain names the rule" "$(mx explain 198.51.100.20)" "belongs to microsoft .*outlook-com.olc.protection.outlook.com"
mx status | head -30
daemon_stop
done_testing
