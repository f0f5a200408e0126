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
	sed -i "s/^    google: .*/    google: { mx = [ \"google.com\" ]; weights: { mx2 = 0; mx3 = 0; }; };/
		s/^    microsoft: .*/    microsoft: { mx = [ \"protection.outlook.com\" ]; };/
		s/^    yahoo: .*/    yahoo: { mx = [ \"yahoodns.net\" ]; domains = [ \"odd.example\" ]; };/" "$LAB_DIR/mxload.conf"
}

# mail_to DOMAIN...: five messages to each; returns when they are delivered.
mail_to() {
	local domain
	for domain; do
		mail_send "$domain" 5
	done
	mail_wait 60
}

# counted_right PROVIDER: the daemon and the receivers count the same.
counted_right() {
	is "$1: every connection is counted there, from the first one on" "$(mx_count "$1" -)" "$(receiver_count "$1" -)"
}

# belongs ADDRESS: what explain says of it.
belongs() {
	mx -j explain "$1" | json 'd["provider"] + ": " + d["rule"]'
}

LAB_DNS='mx-host=hosted.example,aspmx.l.google.com,1
host-record=aspmx.l.google.com,198.51.100.11,2001:db8:100:1::11
mx-host=tenant.example,tenant-example.mail.protection.outlook.com,0
host-record=tenant-example.mail.protection.outlook.com,198.51.100.20,2001:db8:100:2::20
mx-host=alias.example,mx.alias.example,5
cname=mx.alias.example,aspmx.l.google.com
mx-host=evil.example,mx.evil-google.com,5
host-record=mx.evil-google.com,203.0.113.50,2001:db8:100:b::50
mx-host=odd.example,mail.somewhere.example,5
host-record=mail.somewhere.example,198.51.100.30,2001:db8:100:3::30'
lab_up
unbound_start mail
learning_config
daemon_start
mta_start
mail_to odd.example
is "a mail domain of the configuration tells its MX hosts" "$(belongs 198.51.100.30)" "yahoo: domain mail.somewhere.example"
mail_to gmail.com hosted.example alias.example tenant.example yahoo.com alpha.example evil.example
is "all of it was delivered" "$(mail_count sent)" 40
for provider in google microsoft yahoo default; do
	counted_right $provider
done
ok "over IPv4 and IPv6" test "$(mx -j providers google | json "len({':' in a['address'] for a in d['providers'][0]['addresses']})")" = 2
is "a name that only looks like it is not google's" "$(belongs 203.0.113.50)" "default: default"
is "explain names the host that told" "$(belongs 198.51.100.10)" "google: answer gmail-smtp-in.l.google.com"
is "no connection came from another address" "$(receiver_strangers)" 0

# The MX moves to an address that nobody has seen before.
at net ip address add 198.51.100.21/32 dev lo
echo "198.51.100.21 microsoft" >> "$LAB_DIR/names"
receiver_start moved net 198.51.100.21
end resolver
sed -i '/host-record=tenant-example/s/=.*/=tenant-example.mail.protection.outlook.com,198.51.100.21/' "$LAB_DIR/dnsmasq.conf"
spawn resolver net dnsmasq --conf-file="$LAB_DIR/dnsmasq.conf"
wait_for "the resolver starts" 5 grep -q started "$LAB_DIR/resolver.out"
before=$(mx_count microsoft -)
mail_to tenant.example
is "an MX that moved: the new address is right at once" "$(mx_count microsoft -)" $((before + 5))
is "by its name" "$(belongs 198.51.100.21)" "microsoft: answer tenant-example.mail.protection.outlook.com"
is "the old one is still known" "$(belongs 198.51.100.20 | cut -d: -f1)" microsoft
like "for a day longer than its record says" \
	"$(mx -j providers microsoft | json "[a['until'] for a in d['providers'][0]['addresses'] if a['address'] == '198.51.100.21'][0]")" \
	"^$(date -u -d "+1 day" +%Y-%m-%dT)"

# Who answers without being asked, or something else than was asked for, teaches nothing.
at net ip address add 198.51.100.54/32 dev lo
spawn liar net $LAB_PYTHON "$lab_here/dns_answer.py" serve 198.51.100.54 53
wait_for "the liar is there" 5 grep -q ready "$LAB_DIR/liar.out"
ask() {
	at mail $LAB_PYTHON "$lab_here/dns_answer.py" ask 198.51.100.54 "$1.lie.${2-google.com}" > /dev/null
}
dns_count() {
	mx -j status | json "d['dns']['$1']"
}
for lie in number name unasked noflag; do
	answers=$(dns_count answers) unasked=$(dns_count unasked)
	ask $lie "$([ $lie = unasked ] && echo example || echo google.com)"
	heard() {
		[ $(($(dns_count answers) + $(dns_count unasked))) -gt $((answers + unasked)) ]
	}
	# What was asked without recursion desired is not even copied.
	[ $lie = noflag ] || eventually "the answer with another $lie is heard" 5 heard
	is "$lie: nothing is learned from it" "$(belongs 203.0.113.40)" "default: default"
done
ask true
is "the answer to what was asked for is believed" "$(belongs 203.0.113.40 | cut -d: -f1)" google
ok "forget takes it out" mx forget 203.0.113.40
is "it is unknown again" "$(belongs 203.0.113.40)" "default: default"
like "what is not known cannot be forgotten" "$(mx forget 203.0.113.40 2>&1)" "nothing was learned"

ok "learn is believed, whatever answers say" mx learn 203.0.113.40 yahoo
ask true
is "it stays" "$(belongs 203.0.113.40)" "yahoo: operator"
like "learn wants a provider that there is" "$(mx learn 203.0.113.40 nobody 2>&1)" "there is no provider"

# What was learned is written down within some seconds.
written() {
	$LAB_PYTHON -c 'import sqlite3, sys
print(sqlite3.connect(sys.argv[1]).execute("SELECT count(*) FROM destinations").fetchone()[0])' "$LAB_DIR/ledger.db"
}
eventually "all that was learned is written down" 15 equal written "$(mx -j providers | json "sum(p['learned'] for p in d['providers'])")"
daemon_kill
receivers_forget
connect_tally mail -n 12 198.51.100.10 > /dev/null
is "the fallback knows learned addresses, and their provider's weights" "$(receiver_count google mx1)" 12
daemon_start
is "a restart knows what the operator told" "$(belongs 203.0.113.40)" "yahoo: operator"
daemon_stop
daemon_start
is "and what was learned" "$(belongs 198.51.100.21)" "microsoft: answer tenant-example.mail.protection.outlook.com"

end resolver
end unbound
before=$(mx_count google -)
like "with DNS dead connections are decided as before" "$(connect_tally mail -n 5 198.51.100.10)" "ok 5"
is "by what is known" "$(mx_count google -)" $((before + 5))
like "also those that nobody knows" "$(connect_tally mail -n 5 203.0.113.50)" "ok 5"
is "no connection came from another address" "$(receiver_strangers)" 0
ok "mxloadd ends in order" daemon_stop
lab_down

# A gateway, whose clients' questions and answers pass through it, translated on the way.
LAB_HOST=gw
lab_up
learning_config 'clients = [ "10.0.0.0/24" ];'
at gw nft -f - <<- 'END'
	table ip hidden {
		chain out { type nat hook postrouting priority srcnat; udp dport 53 oifname "eth0" masquerade
		}
	}
END
daemon_start
mta_start client inet_protocols=ipv4
mail_send gmail.com 5 client
mail_send tenant.example 5 client
mail_wait 60 client
for provider in google microsoft; do
	counted_right $provider
done
is "of a client's question the gateway has learned" "$(belongs 198.51.100.20)" \
	"microsoft: answer tenant-example.mail.protection.outlook.com"
is "no connection came from another address" "$(receiver_strangers)" 0
ok "mxloadd ends in order" daemon_stop
done_testing
