#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# mxrep doctor: a world of DNS records that is well (tests/doctor/good.zone), and one thing at a time that is not.

set -u
cd "$(dirname "$0")/.." || exit 1
# shellcheck source=tests/lab/tap.sh
. tests/lab/tap.sh
mxrep=$(realpath "${MXREP:-build/mxrep}")
here=$(realpath tests/doctor)
folder=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2> /dev/null; rm -rf "$folder"' EXIT
cd "$folder" || exit 1

# sources TEXT: mxload's configuration, with one pool for mx1 and mx2.
sources() {
	printf 'catalogue = ""; sources: { %s };\npools: { main: { members: { mx1 = 1; mx2 = 1; }; }; };
		routes = ( { pool = "main"; } );\n' "$1" > mxload.conf
}

# settings TEXT: mxrep's configuration.
settings() {
	printf 'policy = "%s/mxload.conf";\n%s\n' "$folder" "$1" > mxrep.conf
}

# world [EDIT]: the records that are well, after a sed script; standard input of put() is added to them.
world() {
	sed -E "${1:-}" "$here/good.zone" > zone
}
put() {
	cat >> zone
}

# doctor ARGUMENT...: findings in out.json, errors in $errors, status in $status.
doctor() {
	errors=$("$mxrep" -c mxrep.conf doctor -j --server "127.0.0.1:$port" "$@" 2>&1 > out.json)
	status=$?
}

find() {
	"$here/find.py" "$@"
}

# found NAME STATUS FINDINGS [PUBLISH]: what is not well, all of it, and what to do about each.
found() {
	doctor
	is "$1" "$(find severity,check,subject,address severity=-; find found severity=-)" "$3"
	is "$1: status $2, and nothing on standard error" "$status$errors" "$2"
	[ -z "${4:-}" ] || is "$1: what to do" "$(find publish severity=-)" "$4"
	[ "$2" -eq 0 ] || is "$1: and why" "$(find why severity=- | grep -c '\.$')" "$(find check severity=- | wc -l)"
}

default_sources='mx1: { address = "192.0.2.1"; hostname = "mx1.example.com"; };
	mx2: { address = "192.0.2.2"; hostname = "mx2.example.com"; };'
default_settings='domains = [ "example.com" ]; selectors = [ "s1" ]; block-lists = [ "list.example" ];'
sources "$default_sources"
settings "$default_settings"
world
# It ends by itself, too.
"$here/dns.py" zone 900 > port &
server=$!
wait_for "the server's port" 10 test -s port || bail "no DNS server"
port=$(< port)
export MXREP_DNS_TIMEOUT=5

# --- all is well

found "nothing to complain of" 0 ""
is "what is well is said, too" "$(find check,address,found subject=mx1; find check,address,found subject=example.com)" \
	"ptr 192.0.2.1 mx1.example.com, which leads back to it
helo 192.0.2.1 its hostname mx1.example.com leads to it
list 192.0.2.1 not on list.example
spf the record takes 0 of 10 lookups
spf 192.0.2.1 pass
spf 192.0.2.2 pass
dkim selector s1: RSA key of 2048 bits
dmarc p=reject
mx mail.example.com"
is "the worst of it" "$(/usr/bin/python3 -c 'import json; print(json.load(open("out.json"))["worst"])')" well
text=$("$mxrep" -c mxrep.conf doctor --server "127.0.0.1:$port")
is "as text, without colours" "$(head -n 4 <<< "$text")" "source mx1
  well       ptr 192.0.2.1: mx1.example.com, which leads back to it
  well       helo 192.0.2.1: its hostname mx1.example.com leads to it
  well       list 192.0.2.1: not on list.example"
is "and its sum" "$(tail -n 1 <<< "$text")" "errors: 0, unchecked: 0, warnings: 0, well: 12"
text=$(/usr/bin/python3 -c 'import pty, sys; pty.spawn(sys.argv[1:])' "$mxrep" -c mxrep.conf doctor --server "127.0.0.1:$port" < /dev/null)
like "on a terminal in colours" "$text" $'\033\\[32mwell +\033\\[0m  ptr'
text=$(NO_COLOR=1 /usr/bin/python3 -c 'import pty, sys; pty.spawn(sys.argv[1:])' "$mxrep" -c mxrep.conf doctor --server "127.0.0.1:$port" < /dev/null)
nok "but not with NO_COLOR" grep -q $'\033' <<< "$text"
like "a server that is none" "$("$mxrep" -c mxrep.conf doctor --server nowhere 2>&1)" \
	"nowhere: expected the address of a DNS server, like 192.0.2.53 or 192.0.2.53:53"
"$mxrep" -c mxrep.conf doctor --server nowhere > nowhere.out 2>&1
is "is status 3" $? 3

# --- names of addresses

world '/^1\.2\.0/d'
found "no PTR" 2 "error ptr mx1 192.0.2.1
it has no name (PTR record)" "1.2.0.192.in-addr.arpa. PTR mx1.example.com."
world '/^mx1/d'
put <<< "mx1.example.com TXT b''"
found "a PTR that leads nowhere, and so does the hostname" 2 "error ptr mx1 192.0.2.1
error helo mx1 192.0.2.1
its name mx1.example.com does not lead back to it: no A record
its hostname mx1.example.com has no address record at all" "mx1.example.com. A 192.0.2.1
mx1.example.com. A 192.0.2.1"
world '2s/mx1/other/'
put <<< "other.example.com A 192.0.2.99"
found "a PTR that leads elsewhere" 2 "error ptr mx1 192.0.2.1
its name other.example.com does not lead back to it, but to 192.0.2.99" "other.example.com. A 192.0.2.1"
world
put << 'END'
1.2.0.192.in-addr.arpa PTR again.example.com
END
found "two PTR, of which one leads back" 1 "warning ptr mx1 192.0.2.1
2 names (PTR records) where one should be: mx1.example.com, again.example.com" "1.2.0.192.in-addr.arpa. PTR mx1.example.com."
for name in host-192-0-2-1 1.2.0.192 c0000201 192000002001 mail.dynamic dsl17 pool-9 2-0-192-x; do
	world "2s/mx1/$name/"
	put <<< "$name.example.com A 192.0.2.1"
	found "a generic name: $name" 1 "warning ptr mx1 192.0.2.1
its name $name.example.com looks like that of a customer's line" "1.2.0.192.in-addr.arpa. PTR mx1.example.com."
done
for name in mail2-1 out.carpool dynamo mx-192 a2.b1; do
	world "2s/mx1/$name/"
	put <<< "$name.example.com A 192.0.2.1"
	found "no generic name: $name" 0 ""
done
is "of the same domain as the hostname will do" "$(find found check=helo subject=mx1)" \
	"its hostname mx1.example.com leads to it; its name is a2.b1.example.com, of the same domain"
world '2s/mx1.*/mail.example.org/'
put <<< "mail.example.org A 192.0.2.1"
found "of another domain" 1 "warning helo mx1 192.0.2.1
its hostname mx1.example.com is of another domain than its name mail.example.org" "1.2.0.192.in-addr.arpa. PTR mx1.example.com."
world '2s/.*/1.2.0.192.in-addr.arpa CNAME 1.sub.2.0.192.in-addr.arpa/'
put <<< "1.sub.2.0.192.in-addr.arpa PTR mx1.example.com"
found "a delegated part of a network (RFC 2317)" 0 ""
world
put << 'END'
1.2.0.192.in-addr.arpa SERVFAIL
mx2.example.com REFUSED
END
found "SERVFAIL and REFUSED are not missing" 3 "unchecked ptr mx1 192.0.2.1
unchecked ptr mx2 192.0.2.2
unchecked helo mx2 192.0.2.2
its name (PTR record): every server failed (SERVFAIL), or none is there
whether its name mx2.example.com leads back to it: every server failed (SERVFAIL), or none is there
whether its hostname mx2.example.com leads to it: every server failed (SERVFAIL), or none is there"
world
put <<< "1.2.0.192.in-addr.arpa GARBAGE"
found "an answer that is none" 3 "unchecked ptr mx1 192.0.2.1
its name (PTR record): the answer is malformed"

# --- greetings

world 's/^mx1.*/mx1.example.com A 192.0.2.77/; 2s/mx1/own/'
put <<< "own.example.com A 192.0.2.1"
found "a hostname that leads elsewhere" 1 "warning helo mx1 192.0.2.1
its hostname mx1.example.com does not lead to it, but to 192.0.2.77" "mx1.example.com. A 192.0.2.1"
sources "${default_sources/mx2.example/mx1.example}"
world
found "one hostname for two sources" 1 "warning helo mx2 192.0.2.2
its hostname mx1.example.com does not lead to it, but to 192.0.2.1" "mx1.example.com. A 192.0.2.2"
like "is explained" "$(find why subject=mx2 severity=-)" "several sources that greet with one name need an address record of it for each"
put <<< "mx1.example.com A 192.0.2.2"
found "with an address record for each it is well" 0 ""
sources 'mx1: { address = "192.0.2.1"; }; mx2: { address = "192.0.2.2"; hostname = "mx2.example.com"; };'
world '2d'
found "no hostname configured, and no PTR" 2 "error ptr mx1 192.0.2.1
warning helo mx1 192.0.2.1
it has no name (PTR record)
no hostname is configured" "1.2.0.192.in-addr.arpa. PTR <name>. and <name>. A 192.0.2.1, where the address was given to you
hostname = \"...\" in the source mx1: the name that the MTA greets with"

# --- behind NAT, and IPv6

sources 'mx1: { address = "10.0.0.1"; public = "192.0.2.1"; hostname = "mx1.example.com"; };
	mx2: { address = "192.0.2.2"; hostname = "mx2.example.com"; };'
world
found "the public address counts" 0 ""
is "and it alone" "$(find address subject=mx1; find address check=spf subject=example.com)" \
	"192.0.2.1
192.0.2.1
192.0.2.1

192.0.2.1
192.0.2.2"
sources 'mx1: { address = "10.0.0.1"; hostname = "mx1.example.com"; };
	mx2: { address = "192.0.2.2"; hostname = "mx2.example.com"; };'
found "none is given" 1 "warning config mx1 10.0.0.1
a private address, and no public one is configured" "public = \"...\" in the source mx1: the address that the world sees"
sources 'mx1: { address = "192.0.2.1"; address6 = "2001:db8::1"; hostname = "mx1.example.com"; };
	mx2: { address = "192.0.2.2"; hostname = "mx2.example.com"; };'
six=1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2
world
found "nothing there for the IPv6 address" 2 "error ptr mx1 2001:db8::1
warning helo mx1 2001:db8::1
error spf example.com 2001:db8::1
it has no name (PTR record)
its hostname mx1.example.com has no AAAA record
fail: the record forbids it" "$six.ip6.arpa. PTR mx1.example.com.
mx1.example.com. AAAA 2001:db8::1
example.com. TXT \"v=spf1 ip4:192.0.2.1 ip4:192.0.2.2 ip6:2001:db8::1 -all\""
is "a list that has no IPv6 says so" "$(find severity,found subject=list.example)" \
	"well it lists no IPv6 addresses: those were not looked for"
world 's/ -all/ ip6:2001:db8::\/32 -all/'
put << END
$six.ip6.arpa PTR mx1.example.com
mx1.example.com AAAA 2001:db8::1
2.0.0.0.0.0.f.7.f.f.f.f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.list.example A 127.0.0.2
END
found "all there" 0 ""
is "the list was asked for it" "$(find found check=list address=2001:db8::1)" "not on list.example"
put <<< "$six.list.example A 127.0.0.2"
found "listed" 2 "error list mx1 2001:db8::1
on list.example as 127.0.0.2"
for name in 2001-db8--1 20010db8000000000000000000000001; do
	world 's/ -all/ ip6:2001:db8::\/32 -all/'
	put << END
$six.ip6.arpa PTR $name.example.com
$name.example.com AAAA 2001:db8::1
mx1.example.com AAAA 2001:db8::1
END
	found "a generic name: $name" 1 "warning ptr mx1 2001:db8::1
its name $name.example.com looks like that of a customer's line"
done
sources "$default_sources"

# --- SPF

# spf RECORD: the domain's.
spf() {
	world '/v=spf1/d'
	[ $# -eq 0 ] || put <<< "example.com TXT b'$1'"
}
# of RESULT WORDS: findings for both addresses.
both() {
	echo "$1 spf example.com 192.0.2.1
$1 spf example.com 192.0.2.2
$2
$2"
}

spf
found "no SPF record" 2 "error spf example.com
none: the domain has no SPF record" 'example.com. TXT "v=spf1 ip4:192.0.2.1 ip4:192.0.2.2 ~all"'
spf "v=spf1 a:mail.example.com -all"
found "fail" 2 "$(both error "fail: the record forbids it")" \
	'example.com. TXT "v=spf1 a:mail.example.com ip4:192.0.2.1 ip4:192.0.2.2 -all"
example.com. TXT "v=spf1 a:mail.example.com ip4:192.0.2.1 ip4:192.0.2.2 -all"'
spf "v=spf1 ip4:192.0.2.2 ~all"
found "softfail" 1 "warning spf example.com 192.0.2.1
softfail: the record does not name it" 'example.com. TXT "v=spf1 ip4:192.0.2.2 ip4:192.0.2.1 ~all"'
spf "v=spf1 ip4:192.0.2.1 ?ALL"
found "neutral" 1 "warning spf example.com 192.0.2.2
neutral: the record does not name it" 'example.com. TXT "v=spf1 ip4:192.0.2.1 ip4:192.0.2.2 ?ALL"'
spf "v=spf1 ip4:192.0.2.1"
found "a record without an end" 1 "warning spf example.com 192.0.2.2
neutral: the record does not name it" 'example.com. TXT "v=spf1 ip4:192.0.2.1 ip4:192.0.2.2"'
spf "v=spf1 ip4:192.0.2.1 redirect=_spf.example.net"
put <<< "_spf.example.net TXT b'v=spf1 -all'"
found "redirect" 2 "error spf example.com 192.0.2.2
fail: the record forbids it" 'example.com. TXT "v=spf1 ip4:192.0.2.1 ip4:192.0.2.2 redirect=_spf.example.net"'
is "costs a lookup" "$(find found check=spf severity=well address=)" "the record takes 1 of 10 lookups"
spf "v=spf1 -ip4:192.0.2.1 ip4:192.0.2.0/24 -all"
found "a term that forbids: what is missing stands before it" 2 "error spf example.com 192.0.2.1
fail: the record forbids it" 'example.com. TXT "v=spf1 ip4:192.0.2.1 -ip4:192.0.2.1 ip4:192.0.2.0/24 -all"'
spf "v=spf1 include:_spf.example.net mx ptr:x exists:%{i}.e.example.com -all redirect=_spf.example.net"
put << 'END'
_spf.example.net TXT b'v=spf1 ip4:192.0.2.0/28 include:more.example.net ~all'
more.example.net TXT b'v=spf1 a -all'
END
found "all terms that cost" 0 ""
is "are counted, those of included records with them" "$(find found check=spf address=)" "the record takes 6 of 10 lookups"
spf "v=spf1 exists:%{ir}.%{v}._ip.%{d} mx:mx.example.com -all"
put << 'END'
1.2.0.192.in-addr._ip.example.com A 127.0.0.2
mx.example.com MX mx2.example.com
END
found "macros, and the addresses of MX hosts" 0 ""
spf "v=spf1 $(printf 'include:i%d.example.net ' {1..12})-all"
for i in {1..12}; do
	put <<< "i$i.example.net TXT b'v=spf1 ip4:198.51.100.$i -all'"
done
found "too many lookups" 2 "error spf example.com
permerror: the record takes 12 lookups in the DNS, 10 are allowed"
spf "v=spf1 include:i1.example.net -all"
for i in {1..11}; do
	put <<< "i$i.example.net TXT b'v=spf1 include:i$((i + 1)).example.net -all'"
done
put <<< "i12.example.net TXT b'v=spf1 ip4:192.0.2.0/24 -all'"
doctor
is "too many, one behind the other" "$(find found check=spf severity=error)" \
	"permerror: the record takes 11 lookups in the DNS, 10 are allowed"
spf "v=spf1 include:loop.example.net -all"
put <<< "loop.example.net TXT b'v=spf1 include:loop.example.net include:loop.example.net -all'"
doctor
like "a loop ends" "$status $(find found check=spf severity=error address=)" "^2 permerror: the record takes at least 100 lookups"
spf "v=spf1 ip4:192.0.2.1 -all"
put <<< "example.com TXT b'v=spf1 ip4:192.0.2.1 include:i.example.net ~all'"
put <<< "i.example.net TXT b'v=spf1 -all'"
found "two records" 2 "error spf example.com
permerror: 2 records where one may be" 'example.com. TXT "v=spf1 ip4:192.0.2.1 include:i.example.net ip4:192.0.2.2 -all"'
spf "v=spf1 ip4:192.0.2.300 -all"
found "a mistake" 2 "error spf example.com
permerror: Invalid IPv4 address literal near '192.0.2.300'" "correct the record, or what it includes"
spf "v=spf1 include:none.example.net -all"
doctor
is "an include that leads nowhere" "$status $(find severity,address check=spf severity=error)" "2 error"
spf "v=spf1 include:slow.example.net -all"
put <<< "slow.example.net SERVFAIL"
found "an include that does not answer" 3 "$(both unchecked "temperror: the DNS did not answer")"
for term in a:slow.example.net mx:slow.example.net exists:slow.example.net redirect=slow.example.net; do
	spf "v=spf1 ip4:198.51.100.1 $term -all"
	[ "${term%%=*}" != redirect ] || spf "v=spf1 $term"
	put <<< "slow.example.net SERVFAIL"
	found "a term that does not answer: $term" 3 "$(both unchecked "temperror: the DNS did not answer")"
done
spf "v=spf1 ip4:192.0.2.0/24 +all"
found "everybody passes" 1 "warning spf example.com
the record lets everybody pass: it ends with all" 'example.com. TXT "v=spf1 ip4:192.0.2.0/24 ~all"'
spf "v=spf10 +all"
doctor
is "v=spf10 is no SPF record" "$(find found check=spf severity=error)" "none: the domain has no SPF record"
long=$(for i in {1..20}; do printf 'ip4:198.51.100.%d ' "$i"; done)
spf "v=spf1 $long-all"
doctor
record="v=spf1 ${long}ip4:192.0.2.1 ip4:192.0.2.2 -all"
is "a long record is cut into strings" "$(find publish check=spf address=192.0.2.1)" \
	"example.com. TXT \"${record:0:255}\" \"${record:255}\""
spf "v=spf1 $(printf 'ip4:198.51.100.%d ' {1..200})-all"
doctor
like "too long a record" "$(find found check=spf)" "^a record of [0-9]+ bytes: expected at most 2000$"
sources "$default_sources spare: { address = \"192.0.2.3\"; hostname = \"mx3.example.com\"; };"
world
put << 'END'
3.2.0.192.in-addr.arpa PTR mx3.example.com
mx3.example.com A 192.0.2.3
END
found "a source in no pool sends nothing" 0 ""
sources "$default_sources"

# --- DKIM

# dkim RECORD: of the selector s1.
dkim() {
	world '/_domainkey/d'
	[ $# -eq 0 ] || put <<< "s1._domainkey.example.com TXT b'$1'"
}
key=$(sed -nE 's/.*_domainkey.* p=([^"]*)"/\1/p' "$here/good.zone")
short=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQCuJ7kklNzKU97b4YVNFeP5xK7gx3UM91bJKA0qImpmrtEwf10bYZ4eM2hnQ5fjHh8dmOqc4cm/T0+Yg/AeUijB2xNTfFBKptNGHU/qNlIrRFc0GtqmtzmvVxqlwfKxR5QlsGbp/f6du3Z9PEZvNVYlKvXZaiQO7kfbtLQG167jKwIDAQAB
bare=MIGJAoGBANYYJ203AUUKIkLp4fG/+y5dwGVQNdbWkz7VSdipfD/peMzeKDrx+CFJFf89oujZxrJQ0x1NIQqK2HCA7ZKparOImYaJgoErZQfGz3U5ukeXpa3hsYF9omzs8w6tZOMlMwmWhrRZjoxXPjP99kbC8BEJfdkTHRYFO1rPep3x+OILAgMBAAE=
shorter=MHwwDQYJKoZIhvcNAQEBBQADawAwaAJhANFpa8wKn0o+7gIRUme4ndoHtdRG/2Wm/kQMJjn+hchUD6V/wm8WGLHwDTYh4aJmZ6sQXM2fM+QoB1SMRu7NWcpYe0cWURFCv71I579pPpHs+cRlh6qE/mw9GK6lQo2kvwIDAQAB
ed=lQtISF0MRUapNF1C29oCwujyDKwWBlHwwGQjrDVNRfc=
fresh='s1._domainkey.example.com. TXT "v=DKIM1; k=rsa; p=<the public key of your signer, at least 2048 bits>"'

dkim
found "no key" 2 "error dkim example.com
selector s1: there is no key" "$fresh"
dkim "v=DKIM1; p=$short"
found "1024 bits" 1 "warning dkim example.com
selector s1: RSA key of 1024 bits, 2048 are asked for" "$fresh"
dkim "k=rsa; t=s; n=a note; p=$bare"
found "1024 bits, as a key alone" 1 "warning dkim example.com
selector s1: RSA key of 1024 bits, 2048 are asked for"
dkim "v=DKIM1;k=rsa;p=$shorter;"
found "768 bits" 2 "error dkim example.com
selector s1: RSA key of 768 bits, at least 1024 are needed" "$fresh"
dkim "v=DKIM1; k=ed25519; p=$ed"
found "Ed25519" 0 ""
is "is said" "$(find found check=dkim)" "selector s1: Ed25519 key"
dkim "v=DKIM1; p="
found "revoked" 2 "error dkim example.com
selector s1: the key is revoked (p= is empty)" "$fresh"
dkim "v=DKIM1; t=s:y; p=$key"
found "being tried" 1 "warning dkim example.com
selector s1: t=y: only being tried" "the same record without t=y at s1._domainkey.example.com"
dkim "v=DKIM1; h=sha1 : sha256; s=email; p=${key:0:100} ${key:100}"
found "blanks, and other tags" 0 ""
while IFS='|' read -r record wrong; do
	dkim "$record"
	found "no key: ${record:0:40}" 2 "error dkim example.com
selector s1: not a key: $wrong" "$fresh"
done << END
hello|expected tags like v=...; p=..., each with an equals sign
v=DKIM1; p=$key; p=$key|expected each tag once
v=DKIM1;; p=$key|expected a tag between two semicolons
v=DKIM1; a-b=c; p=$key|expected the names of tags to be of letters and digits
k=rsa; v=DKIM1; p=$key|expected v=DKIM1 to stand first
v=DKIM2; p=$key|expected v=DKIM1 to stand first
v=DKIM1; k=rsa|expected a tag p= with the key
v=DKIM1; h=sha1; p=$key|expected h= to allow sha256
v=DKIM1; s=tlsrpt; p=$key|expected s= to allow email
v=DKIM1; k=dsa; p=$key|expected k= to be rsa or ed25519
v=DKIM1; k=ed25519; p=$key|expected p= to be 32 bytes for k=ed25519
v=DKIM1; p=!!!!|expected p= to be base64 of at most 4096 bytes
v=DKIM1; p=${key:0:101}|expected p= to be base64 of at most 4096 bytes
v=DKIM1; p=${key:0:100}|expected p= to be an RSA public key
v=DKIM1; p=$ed|expected p= to be an RSA public key
END
dkim "v=DKIM1; p=$key"
put <<< "s1._domainkey.example.com TXT b'v=DKIM1; p='"
found "two records" 2 "error dkim example.com
selector s1: not a key: expected one TXT record there"
settings "${default_settings/\"s1\"/\"s1\", \"s2\"}"
world
found "a key for another selector" 1 "warning dkim example.com
selector s2: there is no key, but for another selector there is" "${fresh/s1/s2}"
settings 'domains = [ "example.com" ]; block-lists = [ "list.example" ];'
found "no selectors" 1 "warning dkim example.com
no key was looked at: no selectors are configured" 'selectors = [ "..." ] in mxrep.conf: those of your signer'
settings "$default_settings"

# --- DMARC

# dmarc RECORD: the domain's.
dmarc() {
	world '/^_dmarc/d'
	[ $# -eq 0 ] || put <<< "_dmarc.example.com TXT b'$1'"
}
fresh='_dmarc.example.com. TXT "v=DMARC1; p=none; rua=mailto:dmarc@example.com", and p=quarantine once the reports are clean'

dmarc
found "no DMARC record" 2 "error dmarc example.com
the domain has no DMARC record" "$fresh"
dmarc "v=DMARC1; p=none; sp=reject; rua=mailto:a@example.com!10m, mailto:b@sub.example.com"
found "p=none" 1 "warning dmarc example.com
p=none" '_dmarc.example.com. TXT "v=DMARC1; p=quarantine; sp=reject; rua=mailto:a@example.com!10m, mailto:b@sub.example.com"'
dmarc "v=DMARC1;p=quarantine;pct=50"
found "no reports" 1 "warning dmarc example.com
nobody gets reports: no rua" '_dmarc.example.com. TXT "v=DMARC1; p=quarantine; rua=mailto:dmarc@example.com; pct=50"'
dmarc "v=DMARC1; p=reject; rua=dmarc@example.com"
found "an address that is none" 1 "warning dmarc example.com
rua: expected addresses like mailto:dmarc@example.com, not dmarc@example.com" \
	'_dmarc.example.com. TXT "v=DMARC1; p=reject; rua=mailto:dmarc@example.com"'
dmarc "v=DMARC1; p=reject; rua=mailto:x@reports.example.net"
found "reports to another domain that says nothing" 1 "warning dmarc example.com
rua: reports.example.net does not say that it takes reports for example.com" \
	'example.com._report._dmarc.reports.example.net. TXT "v=DMARC1"'
put <<< '*._report._dmarc.reports.example.net TXT b"v=DMARC1;"'
found "that agrees" 0 ""
while IFS='|' read -r record wrong; do
	dmarc "$record"
	found "broken: $record" 2 "error dmarc example.com
broken: $wrong: $record" "$fresh"
done << 'END'
p=reject; v=DMARC1|expected v=DMARC1 to stand first
v=DMARC1.1; p=reject|expected v=DMARC1 to stand first
v=dmarc1; p=reject|expected v=DMARC1 to stand first
v=DMARC1; rua=mailto:x@example.com|expected p=none, quarantine or reject
v=DMARC1; p=monitor|expected p=none, quarantine or reject
v=DMARC1; p=none; sp=all|expected sp=none, quarantine or reject
v=DMARC1; p=none; pct=101|expected pct= to be from 0 to 100
v=DMARC1; p=none; pct=|expected pct= to be from 0 to 100
v=DMARC1 p=none|expected v=DMARC1 to stand first
v=DMARC1; none|expected tags like v=...; p=..., each with an equals sign
END
dmarc "v=DMARC1; p=none"
put <<< '_dmarc.example.com TXT b"v=DMARC1; p=reject"'
found "two records" 2 "error dmarc example.com
2 records where one may be" "$fresh"
world
put <<< '_dmarc.example.com TXT b"something else"'
found "other records do not count" 0 ""
settings "${default_settings/example.com/a.news.example.com}"
child() {
	world "$1"
	put << END
a.news.example.com TXT b"v=spf1 ip4:192.0.2.0/24 -all"
a.news.example.com MX mail.example.com
s1._domainkey.a.news.example.com TXT b"v=DKIM1; p=$key"
END
}
child ''
found "the organization's record" 0 ""
is "is said to be inherited" "$(find found check=dmarc)" "p=reject, inherited from example.com"
child 's/p=reject/p=reject; sp=none/'
found "by its policy for subdomains" 1 "warning dmarc a.news.example.com
sp=none, inherited from example.com" '_dmarc.example.com. TXT "v=DMARC1; p=reject; sp=quarantine; rua=mailto:dmarc@example.com"'
put <<< "_dmarc.news.example.com TXT b'v=DMARC1; p=quarantine; rua=mailto:dmarc@example.com'"
doctor
is "one between them comes first" "$status $(find found check=dmarc)" "0 p=quarantine, inherited from news.example.com"
child '/^_dmarc/d'
found "nobody has one" 2 "error dmarc a.news.example.com
the domain has no DMARC record, nor has example.com" "${fresh//example.com/a.news.example.com}"
settings "$default_settings"
world
put <<< "_dmarc.example.com SERVFAIL"
found "SERVFAIL" 3 "unchecked dmarc example.com
_dmarc.example.com: every server failed (SERVFAIL), or none is there"

# --- MX

host='example.com. MX 10 <the host that takes mail for example.com>.'
world 's/^(example.com MX) .*/\1 ./'
found "null MX" 2 "error mx example.com
null MX: the domain says that it takes no mail (RFC 7505)" "$host"
world '/^example.com MX/d'
found "no MX" 2 "error mx example.com
no MX record and no address: bounces cannot come back" "$host"
put <<< "example.com AAAA 2001:db8::25"
found "only an address" 1 "warning mx example.com
no MX record, only an address" "$host"
world '/^mail/d'
found "an MX without an address" 2 "error mx example.com
its host mail.example.com has no address" "$host"
put <<< "mail.example.com SERVFAIL"
found "SERVFAIL" 3 "unchecked mx example.com
whether its hosts have addresses: no answer"

# --- block lists

world
put << 'END'
1.2.0.192.list.example A 127.0.0.4
1.2.0.192.list.example A 127.0.0.2
1.2.0.192.list.example TXT b"seen \x1b[31mwith\x00spam\xff"
END
found "listed; what the list says is harmless" 2 "error list mx1 192.0.2.1
on list.example as 127.0.0.2: seen \\027[31mwith\\001spam\\255" \
	"find what caused it, end that, then ask list.example to take the address out"
is "as text, too" "$("$mxrep" -c mxrep.conf doctor --server "127.0.0.1:$port" | LC_ALL=C tr -d '\n -~' | wc -c)" 0
is "the worst comes first" "$("$mxrep" -c mxrep.conf doctor --server "127.0.0.1:$port" | sed -n '2s/ *list.*//p')" "  error"
world
put <<< "1.2.0.192.list.example A 127.255.255.254"
found "the list errs" 3 "unchecked list mx1 192.0.2.1
list.example answers 127.255.255.254, which is no listing but an error (a public resolver, or too many questions?)"
world 's/^(2.0.0.127.list.example A).*/\1 127.255.255.252/'
found "already at its test address: skipped" 3 "unchecked list list.example
list.example answers 127.255.255.252, which is no listing but an error (a public resolver, or too many questions?)"
is "nothing is said of the addresses" "$(find found check=list subject=mx1)" ""
world
put <<< "1.2.0.192.list.example A 192.0.2.200"
found "an answer that is no listing" 3 "unchecked list mx1 192.0.2.1
list.example answers 192.0.2.200, which is no listing (does somebody else answer in its place?)"
world '/list.example/d'
put <<< "*.list.example A 127.0.0.2"
found "lists everything" 3 "unchecked list list.example
it does not answer as it should (a public resolver?): its test address 127.0.0.1 is listed, as everything seems to be"
world '/list.example/d'
found "lists nothing" 3 "unchecked list list.example
it does not answer as it should (a public resolver?): its test address 127.0.0.2 is not listed"
settings "${default_settings/list.example/zen.spamhaus.org}"
while read -r code words; do
	world
	put <<< "1.2.0.192.zen.spamhaus.org A $code"
	found "Spamhaus: $code" 2 "error list mx1 192.0.2.1
on zen.spamhaus.org as $code${words:+ }$words"
done << 'END'
127.0.0.2  (SBL: seen with spam)
127.0.0.3  (SBL CSS: spam of low reputation)
127.0.0.4  (XBL: the host is taken over, or an open proxy)
127.0.0.7  (XBL: the host is taken over, or an open proxy)
127.0.0.9  (SBL DROP: a network in wrong hands)
127.0.0.10  (PBL: a line that should not send mail itself; its owner can take it out)
127.0.0.11  (PBL: a line that should not send mail itself; its owner can take it out)
127.0.0.12
END
settings "${default_settings/block-lists*/}"
world
doctor
is "the usual lists, where none are configured" "$(find found subject=mx1 check=list; find subject check=list severity=unchecked)" \
	"not on zen.spamhaus.org
bl.spamcop.net
b.barracudacentral.org
psbl.surriel.com"
settings "$default_settings"

# --- nothing configured

settings 'block-lists = [ "list.example" ];'
world
found "no domains" 1 "warning config
no sending domains are configured: none was looked at" \
	'domains = [ "..." ] in mxrep.conf: what stands behind the @ of your senders'
settings "$default_settings"

# --- hostile and dead

world
: > zone.asked
put <<< "example.com TXT b'$(printf 'x%.0s' {1..60000})'"
found "an answer of 60 kB comes by TCP" 0 ""
ok "it did" grep -qx TCP zone.asked
spf
put <<< "example.com TXT* b'v=spf1 ip4:192.0.2.1 ip4:192.0.2.2 -all'"
found "a record of many strings" 0 ""
for name in _dmarc.example.com s1._domainkey.example.com; do
	world "/^$name/d"
	put <<< "$name TXT b'v=DMARC1; $(printf 'a%d=b; ' {1..5000})'"
	doctor
	is "thousands of tags: $name" "$status $(find severity severity=-)" "2 error"
	world "/^$name/d"
	put <<< "$name TXT b'v=DMARC1; p=\\x00\\x1b\\xff'"
	doctor
	is "bytes of any kind: $name" "$status $(find severity severity=-)" "2 error"
done
for record in "v=spf1 \\x00\\x1b\\xff -all" "v=spf1 $(printf 'x%.0s' {1..1900})" "v=spf1 a:%{%%%{d10r+-}" "v=spf1 exists:%{l}%{s}%{o}%{p}%{h}.x -all" \
	"v=spf1 $(printf 'a ptr mx %.0s' {1..200}) -all" "v=spf1 ip6:::::1 ip4:/ include: redirect= a/ a//" "v=spf1 $(printf '%%{p}%.0s' {1..400})"; do
	spf "$record"
	doctor
	like "harmless: ${record:0:50}" "$status$errors" "^[0-2]$"
done
spf 'v=spf1 ip4:192.0.2.1 a:"x\\y -all'
doctor
is "quotes in a record that is shown" "$(find publish check=spf address=192.0.2.2)" \
	'example.com. TXT "v=spf1 ip4:192.0.2.1 a:\"x\\y ip4:192.0.2.2 -all"'
export MXREP_DNS_TIMEOUT=1
world
put << 'END'
1.2.0.192.in-addr.arpa SILENT
s1._domainkey.example.com SILENT
END
found "no answer" 3 "unchecked ptr mx1 192.0.2.1
unchecked dkim example.com
its name (PTR record): no answer in time
selector s1: no answer in time"
world
put << 'END'
2.2.0.192.in-addr.arpa SILENT
1.2.0.192.list.example A 127.0.0.3
END
doctor
is "an error counts for more than what is unchecked" "$status" 2
echo "*.arpa SILENT
*.com SILENT
*.example SILENT
example.com SILENT" > zone
begin=$(now_ms)
doctor
took=$(($(now_ms) - begin))
is "nobody answers: all of it is unchecked" "$status $(find severity severity=- | sort | uniq -c | xargs)" "3 9 unchecked"
ok "in one round: $took ms" test "$took" -ge 900 -a "$took" -lt 5000
settings "domains = [ $(printf '"d%d.example", ' {1..400})\"example.com\" ]; selectors = [ \"s1\" ]; block-lists = [ \"list.example\" ];"
echo '*.example SILENT
*.com SILENT
*.arpa SILENT
example.com SILENT' > zone
: > zone.asked
begin=$(now_ms)
doctor
took=$(($(now_ms) - begin))
asked=$(sort -u zone.asked | wc -l)
is "1600 questions and nobody answers: unchecked" "$status $(find severity severity=- | sort | uniq -c | xargs)" "3 1609 unchecked"
ok "bounded by six times the time for one: $took ms" test "$took" -ge 5900 -a "$took" -lt 15000
ok "never more than 100 at once: $asked in all" test "$asked" -ge 200 -a "$asked" -le 700
like "those that were not asked" "$(find found | sort | uniq -c)" "no answer before the time for everything was up"
kill "$server"
wait "$server" 2> /dev/null
server=
settings "$default_settings"
doctor
is "no server at all: unchecked" "$status $(find severity severity=- | sort | uniq -c | xargs)" "3 9 unchecked"
like "and why" "$(find found check=ptr)" "every server failed \(SERVFAIL\), or none is there"
done_testing
