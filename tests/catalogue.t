#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The catalogue that is shipped: read without a warning, every figure with its source, and nothing that an administrator
# would have to put right.

set -u
cd "$(dirname "$0")/.." || exit 1
mxloadd=${MXLOADD:-build/mxloadd}
catalogue=$PWD/catalogue/providers.conf
# shellcheck source=tests/lab/tap.sh
. tests/lab/tap.sh

# result GOT EXPECTED NAME
result() {
	is "$3" "$1" "$2"
}

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# configuration CATALOGUE [LINE...]: the least that there has to be, with the lines.
configuration() {
	printf 'catalogue = "%s";\n' "$1"
	[ $# -eq 1 ] || printf '%s\n' "${@:2}"
	echo 'sources: { mx1: { address = "192.0.2.11"; }; };'
	echo 'pools: { main: { members: { mx1 = 1; }; }; };'
	echo 'routes = ( { pool = "main"; } );'
}

configuration "$catalogue" > "$folder/plain.conf"
result "$("$mxloadd" -n -c "$folder/plain.conf" 2>&1; echo $?)" 0 "it is read, and nothing is said"
"$mxloadd" -nv -c "$folder/plain.conf" > "$folder/plain.out"
grep -E '^    [A-Za-z0-9_-]+: \{.*\};$' "$folder/plain.out" | sed '/^    mx1:/d; /^    main:/d; /^    default:/d' > "$folder/providers"
count=$(wc -l < "$folder/providers")
result "$((count >= 24))" 1 "at least 24 providers ($count)"
result "$(grep -v ' mx = \[ "' "$folder/providers")" "" "each with an MX suffix"
for name in google outlook microsoft yahoo apple comcast charter cox orange gmx t-online mailru yandex qq netease \
	proofpoint mimecast barracuda cisco; do
	grep -q "^    $name: " "$folder/providers" || echo "$name"
done > "$folder/missing"
result "$(cat "$folder/missing")" "" "the largest are there"

# No suffix lies under another one, so that it matters nowhere which is the longer.
sed 's/.* mx = \[ \([^]]*\) \];.*/\1/' "$folder/providers" | grep -o '"[^"]*"' | tr -d '"' | sort > "$folder/suffixes"
mapfile -t suffixes < "$folder/suffixes"
for suffix in "${suffixes[@]}"; do
	grep -E "\\.${suffix//./\\.}\$" "$folder/suffixes" | sed "s/\$/ under $suffix/"
done > "$folder/nested"
result "$(cat "$folder/nested")" "" "no suffix under another one"

# A figure, in force or as a comment, stands below a comment that begins with "Source:" and has an address and a date;
# other figures may stand between.
cat > "$folder/sources.awk" <<- 'SCRIPT'
	function judge() {
		if (source !~ /Source:.*[a-z0-9-]+\.[a-z]+/ || source !~ /20[0-9][0-9]-[01][0-9]/)
			print FNR ": " $0
	}
	/^ *(# *)?(limits|total-limits|concurrency|messages-per-connection|pace|wait|wait-max) *=.*;/ {
		judge(); figures++; used = 1; next
	}
	/^ *# Source:/ { source = $0; used = 0; next }
	/^ *#/ { source = source && !used ? source $0 : ""; next }
	{ source = "" }
	END { if (figures < 8) print "only " figures + 0 " figures" }
SCRIPT
result "$(awk -f "$folder/sources.awk" "$catalogue")" "" "every figure has a source, with an address and a date"

# What stands as a comment for the administrator to take over can be taken over.
sed -E 's/^( *)# ((limits|total-limits|concurrency|messages-per-connection|pace|wait|wait-max) *=.*;)$/\1\2/' "$catalogue" \
	> "$folder/all.conf"
configuration "$folder/all.conf" > "$folder/taken.conf"
result "$("$mxloadd" -n -c "$folder/taken.conf" 2>&1)" "" "the figures in comments are right settings"
result "$(("$("$mxloadd" -nv -c "$folder/taken.conf" | grep -oE '(limits|concurrency|messages-per-connection) =' | wc -l)" > \
	"$(grep -oE '(limits|concurrency|messages-per-connection) =' "$folder/providers" | wc -l)"))" 1 "and were not in force"

# Nobody is held back by it in a way that he would have to look for: few options are in force, none counts messages.
result "$(grep -oE '(limits|total-limits|pace|wait|wait-max|messages-per-connection|weights|balance) =' "$folder/providers")" "" \
	"only concurrency is in force"
configuration "$catalogue" 'providers: { comcast: { concurrency = 0; }; };' > "$folder/lifted.conf"
result "$("$mxloadd" -nv -c "$folder/lifted.conf" | grep concurrency)" "" "and can be lifted"
configuration "$catalogue" 'providers: { gsuite: { mx = [ "google.com" ]; }; };' > "$folder/own.conf"
result "$("$mxloadd" -n -c "$folder/own.conf" 2>&1 | sed 's/:[0-9]*$//')" \
	"mxloadd: warning: $folder/own.conf:2: mx: google.com of gsuite is taken from google, which the catalogue gives it at $catalogue" \
	"a suffix can be taken from it, with a warning"
done_testing
