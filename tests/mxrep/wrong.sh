# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# wrong.sh - what is wrong in mxrep.conf, and what is said of it; for tests/mxrep.t, which has wrong().

wrong 'colour = "red";' \
	'unknown option "colour": expected one of store, control, rules, html, policy, domains, block-lists, selectors, logs, judge, keep, providers, steer'
wrong 'steer = "yes";' \
	'steer: expected true or false'
wrong 'store = 5;' \
	'store: expected a path of 1 to 4095 bytes in quotes'
wrong 'keep = "1h";' \
	'keep: expected a time from 24h to 3650d, like "24h" or "7d"'
wrong 'keep = 7;' \
	'keep: expected a time from 24h to 3650d, like "24h" or "7d"'
wrong 'judge: { suspicious = 101.0; };' \
	'suspicious: expected a percentage from 0 to 100, like 0.3'
wrong 'judge: { suspicious = -1; };' \
	'suspicious: expected a percentage from 0 to 100, like 0.3'
wrong 'judge: { spammer = "bad"; };' \
	'spammer: expected a percentage from 0 to 100, like 0.3'
wrong 'judge: { minimum = 0; };' \
	'minimum: expected a number from 1 to 100000000'
wrong 'judge: { window = "1m"; };' \
	'window: expected a time from 1h to 31d, like "24h" or "7d"'
wrong 'judge: { suspicious = 5.0; spammer = 1.0; };' \
	'judge: expected spammer to be at least suspicious'
wrong 'judge = 5;' \
	'judge: expected a group { ... }'
wrong 'logs: { mail: { }; };' \
	'logs: mail: expected path = "...", or format = "journal"'
wrong 'logs: { mail: { format = "postfix"; }; };' \
	'logs: mail: expected path = "...", or format = "journal"'
wrong 'logs: { mail: { path = "/var/log/mail.log"; format = "pine"; }; };' \
	'format: expected "auto", "postfix", "exim", "opensmtpd", "sendmail" or "journal"'
wrong 'logs: { Mail: { path = "/var/log/mail.log"; }; };' \
	'logs: Mail: expected a name of small letters, digits, - and _'
wrong 'logs = "/var/log/mail.log";' \
	'logs: expected a group { name: { path = "..."; }; }'
wrong 'providers: { google: { window = "1h"; }; };' \
	'unknown option "window": expected one of suspicious, spammer, complaints, deferred, minimum'
wrong 'domains = "example.com";' \
	'domains: expected a list [ ... ]'
wrong 'steer = = true;' \
	'syntax error: expected name = value; or name: { ... };'
