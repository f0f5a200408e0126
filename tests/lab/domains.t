#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Providers by their mail domains alone: the daemon asks for the addresses of their MX hosts itself. It hears no other
# answers, but at the end.

set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

# domain_is PROVIDER DOMAIN WORD: state, asked, answered or next of a domain.
domain_is() {
	mx -j providers "$1" | json "[r['$3'] for p in d['providers'] for r in p['resolved'] if r['domain'] == '$2'][0]"
}

# asked_after TIME: gmail.com was asked for later than at that time.
asked_after() {
	[ "$(domain_is google gmail.com asked)" != "$1" ]
}

# leap SECONDS: so much later; the daemon takes a step within a quarter of a second.
leap() {
	echo $(($(cat "$CLOCK_AHEAD" 2> /dev/null || echo 0) + $1)) > "$CLOCK_AHEAD"
}

# counted ADDRESS PROVIDER NAME: five connections to it are counted there.
counted() {
	local before
	before=$(mx_count "$2" -)
	connect mail -n 5 "$1" > /dev/null
	is "$3" "$(mx_count "$2" -)" $((before + 5))
}

# warned PATTERN: the status warns of that.
warned() {
	mx -j status | json "'\\n'.join(d['warnings'])" | grep -Eq -- "$1"
}

[ -e "$lab_top/build/fault/clock.so" ] || bail "no build/fault/clock.so: make lab builds it"
lab_up
export CLOCK_AHEAD=$LAB_DIR/ahead LAB_PRELOAD=$lab_top/build/fault/clock.so
resolver_change 's/^mx-host=gmail.com,alt1.*/#&/' 'dns-rr=null.example,15,00:00:00' \
	'mx-host=broken.example,mta5.am0.yahoodns.net,1' 'host-record=bare.example,203.0.113.40,2001:db8:100:a::40'
resolver_breaks broken.example
config_write
sed -i 's/^    google: .*/    google: { domains = [ "gmail.com", "bare.example", "null.example", "nothere.example" ]; };/
	s/^    microsoft: .*/    microsoft: { domains = [ "broken.example" ]; };/
	s/^    yahoo: .*/    yahoo: { };/' "$LAB_DIR/mxload.conf"
# The resolver that is named first does not answer.
echo "nameserver 198.51.100.54" > "/etc/netns/$(lab_ns mail)/resolv.conf"
spawn holder mail $LAB_PYTHON "$lab_here/hold_log_group.py" 2553
wait_for "the log group is taken" 5 grep -q ready "$LAB_DIR/holder.out"
daemon_start

# --- no resolver, and then one ---------------------------------------------------------------------------------------
is "nothing is known yet" "$(domain_is google gmail.com state)" nothing-yet
eventually "no resolver answers" 40 equal "domain_is google gmail.com state" timeout
nok "that is no warning at first" warned 'gmail.com'
asked=$(domain_is google gmail.com asked)
leap 4000
ok "after an hour it is" warned 'provider google: domain gmail.com: timeout since'
eventually "it is asked for again" 5 asked_after "$asked"
eventually "in vain" 40 equal "domain_is google gmail.com next | grep -c T" 1
echo "nameserver $lab_resolver" > "/etc/netns/$(lab_ns mail)/resolv.conf"
leap 61 # which is sooner than it would be asked for by itself
eventually "another resolv.conf is read on the minute" 5 equal "domain_is google gmail.com state" ok
nok "the warning is gone" warned gmail.com
ok "a line says that it is well" daemon_said 'info: provider google: domain gmail.com is answered again'

# --- what the answers teach ------------------------------------------------------------------------------------------
counted 198.51.100.10 google "its MX host is known by its address, whatever its name"
counted 2001:db8:100:1::10 google "over IPv6, too"
counted 203.0.113.40 google "a domain without MX takes its mail itself"
counted 198.51.100.20 default "other addresses are nobody's"
is "no MX for ever is told" "$(domain_is google null.example state)" null-mx
is "a name that is not there, too" "$(domain_is google nothere.example state)" nxdomain
eventually "and a resolver that fails" 20 equal "domain_is microsoft broken.example state" servfail
is "each is logged once" "$(daemon_log | grep -c 'warning: provider microsoft: domain broken.example')" 1

# --- a reload asks for what is new -----------------------------------------------------------------------------------
asked=$(domain_is google gmail.com asked)
leap 2
sed -i 's/^    yahoo: .*/    yahoo: { domains = [ "yahoo.com" ]; };/
	s/^    microsoft: .*/    aaa: { }; &/; s/"nothere.example"//; s/"null.example",/"null.example"/' "$LAB_DIR/mxload.conf"
ok "a reload" mx reload
eventually "a new domain is asked for" 5 equal "domain_is yahoo yahoo.com state" ok
is "one that was there is not" "$(domain_is google gmail.com asked)" "$asked"
nok "one that has gone is not shown" domain_is google nothere.example state
counted 198.51.100.30 yahoo "the new one's host is known"
counted 198.51.100.10 google "the old one's, still"

# --- an MX that moves ------------------------------------------------------------------------------------------------
resolver_change 's/^mx-host=gmail.com,.*/mx-host=gmail.com,outlook-com.olc.protection.outlook.com,5/'
leap 200
sleep 0.6
is "not before its time has come is it asked for again" "$(domain_is google gmail.com asked)" "$asked"
leap 140
eventually "then it is" 5 asked_after "$asked"
eventually "and answered" 5 equal "domain_is google gmail.com next | grep -c T" 1
counted 198.51.100.20 google "the new address is known at once"
counted 198.51.100.10 google "the old one still"
asked=$(domain_is google gmail.com asked)
leap 80000
eventually "most of a day later it is asked for once more" 5 asked_after "$asked"
wait_for "the round is over" 5 equal "domain_is google gmail.com next | grep -c T" 1
leap 6600
eventually "a day after its record the old one is forgotten" 5 equal \
	"mx -j explain 198.51.100.10 | json 'd[\"provider\"]'" default
counted 198.51.100.20 google "the new one is not"

# --- failures --------------------------------------------------------------------------------------------------------
resolver_breaks gmail.com
leap 400
eventually "now the resolver fails" 20 equal "domain_is google gmail.com state" servfail
counted 198.51.100.20 google "what is known stays"
asked=$(domain_is google gmail.com asked)
leap 67
eventually "a minute later it is tried again" 5 asked_after "$asked"
wait_for "it fails again" 20 equal "domain_is google gmail.com next | grep -c T" 1
asked=$(domain_is google gmail.com asked)
leap 67
sleep 0.6
is "then two minutes later" "$(domain_is google gmail.com asked)" "$asked"
resolver_mends gmail.com
leap 67
eventually "it is well again" 5 equal "domain_is google gmail.com state" ok

# --- silence ---------------------------------------------------------------------------------------------------------
begun=$(now_ms)
connect_tally mail -n 200 198.51.100.20 > /dev/null
before=$(($(now_ms) - begun))
resolver_silent
leap 400
eventually "it asks again" 5 equal "domain_is google gmail.com next" null
begun=$(now_ms)
is "connections are decided while it waits" "$(connect_tally mail -n 200 198.51.100.20)" \
	"done 200 ok 200 refused 0 timeout 0 unreachable 0"
during=$(($(now_ms) - begun))
ok "as fast as before ($before ms, now $during ms)" [ "$during" -le $((2 * before + 500)) ]
begun=$(now_ms)
mx status > /dev/null
during=$(($(now_ms) - begun))
ok "and the daemon says how it is ($during ms)" [ "$during" -le 500 ]
is "it waits still" "$(domain_is google gmail.com next)" null
resolver_speaks
ok "the daemon ends in order" daemon_stop

# --- answers that others get, after a reload -------------------------------------------------------------------------
end holder
resolver_change 's/^mx-host=gmail.com,.*/mx-host=gmail.com,mta5.am0.yahoodns.net,5/'
sed -i 's/^    yahoo: .*/    yahoo: { };/' "$LAB_DIR/mxload.conf"
daemon_start
eventually "a daemon that hears them" 10 equal "domain_is google gmail.com state" ok
ok "reloads" mx reload
resolver_change 's/^host-record=mta5.am0.yahoodns.net,.*/host-record=mta5.am0.yahoodns.net,203.0.113.50/'
at mail getent ahostsv4 mta5.am0.yahoodns.net > "$LAB_DIR/getent"
like "somebody asks for a host of the domain" "$(cat "$LAB_DIR/getent")" "203.0.113.50"
counted 203.0.113.50 google "it is known that the host is google's"
sed -i 's/^    google: .*/    google: { domains = [ "null.example" ]; };/' "$LAB_DIR/mxload.conf"
ok "when the domain is the provider's no longer" mx reload
resolver_change 's/^host-record=mta5.am0.yahoodns.net,.*/host-record=mta5.am0.yahoodns.net,203.0.113.77/'
at mail getent ahostsv4 mta5.am0.yahoodns.net > "$LAB_DIR/getent"
counted 203.0.113.77 default "its hosts are not, either"
ok "the daemon ends in order once more" daemon_stop
done_testing
