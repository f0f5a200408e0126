#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Configurations as files: NAME.conf gives NAME.out, its canonical form, or NAME.err, its one error line; and the
# warnings of NAME.warn.

set -u
cd "$(dirname "$0")" || exit 1
mxloadd=${MXLOADD:-../../build/mxloadd}
# shellcheck source=tests/lab/tap.sh
. ../lab/tap.sh

# result GOT EXPECTED NAME
result() {
	is "$3" "$1" "$2"
}

for conf in *.conf; do
	name=${conf%.conf}
	if [ -e "$name.err" ]; then
		result "$("$mxloadd" -n -c "$conf" 2>&1; echo "status $?")" \
			"$(sed 's/^/mxloadd: error: /' "$name.err")"$'\n'"status 1" "$name is a mistake"
	else
		result "$("$mxloadd" -nv -c "$conf" 2>&1; echo "status $?")" "$(cat "$name.out")"$'\n'"status 0" "$name"
		result "$("$mxloadd" -nv -c "$name.out" 2>&1)" "$(cat "$name.out")" "$name reads back the same"
	fi
	[ ! -e "$name.warn" ] || result "$("$mxloadd" -n -c "$conf" 2>&1)" \
		"$(sed 's/^/mxloadd: warning: /' "$name.warn")" "$name warns"
done
result "$("$mxloadd" -n -c missing.conf 2>&1)" \
	"mxloadd: error: missing.conf: No such file or directory: expected a readable file" "a missing file"
result "$("$mxloadd" -n -c . 2>&1)" "mxloadd: error: .: Is a directory: expected a readable file" "a folder"

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
shipped=/usr/share/mxload/providers.conf
sed '/^catalogue/d' minimal.conf > "$folder/named.conf"
result "$("$mxloadd" -n -c "$folder/named.conf" 2>&1; echo $?)" 0 "the shipped catalogue may be missing"
if [ -e $shipped ]; then
	n=$((n + 1))
	echo "ok $n - a catalogue that is named may not # SKIP $shipped is there"
else
	sed "s|^catalogue.*|catalogue = \"$shipped\";|" minimal.conf > "$folder/named.conf"
	result "$("$mxloadd" -n -c "$folder/named.conf" 2>&1)" \
		"mxloadd: error: $folder/named.conf:2: catalogue: $shipped: No such file or directory: expected a readable file" \
		"a catalogue that is named may not"
fi
cp included.conf included.inc "$folder"
result "$("$mxloadd" -n -c "$folder/included.conf" 2>&1)" \
	"mxloadd: error: $folder/included.inc:3: queues: expected a number from 1 to 64" "an included file, by its full name"
echo '@include "included.conf"' > "$folder/included.inc"
result "$("$mxloadd" -n -c "$folder/included.conf" 2>&1 | grep -c "included.*expected at most 1000 files, and no circle")" 1 \
	"files that include each other"
mkfifo "$folder/fifo"
result "$(timeout 10 "$mxloadd" -n -c "$folder/fifo" 2>&1)" \
	"mxloadd: error: $folder/fifo: Invalid argument: expected a readable file" "a FIFO that nobody writes into"
# rubbish NAME: one line, status 1.
rubbish() {
	timeout 10 "$mxloadd" -n -c "$folder/rubbish" > "$folder/out" 2>&1
	result "$? $(wc -l < "$folder/out")" "1 1" "$1"
}
: > "$folder/rubbish"
rubbish "an empty file"
seed=$RANDOM
python3 -c "import random, sys; sys.stdout.buffer.write(random.Random($seed).randbytes(100000))" > "$folder/rubbish"
rubbish "random bytes (seed $seed)"
printf '"a text" = 5;' > "$folder/rubbish"
rubbish "a text where a name belongs"
printf 'queues\0 = 5;\n' > "$folder/rubbish"
rubbish "a zero byte"
printf 'a = %s' "$(head -c 100000 /dev/zero | tr '\0' '(')" > "$folder/rubbish"
rubbish "100,000 brackets"
printf 'ledger = "%s";' "$(head -c 1000000 /dev/zero | tr '\0' 'x')" > "$folder/rubbish"
rubbish "a text of 1 MB"
printf 'queues = "unfinished' > "$folder/rubbish"
rubbish "a text without an end"
printf '/* unfinished' > "$folder/rubbish"
rubbish "a comment without an end"

# mxload.conf(5) and the program have the same options: each group is asked for one that there is not.
asked() {
	printf 'catalogue = "";\n%s\n' "$1" > "$folder/rubbish"
	"$mxloadd" -n -c "$folder/rubbish" 2>&1 | sed -n 's/.*expected one of //p' | tr -d ' ' | tr ',' '\n'
}
source='sources: { s: { address = "192.0.2.1"; }; };'
pool='pools: { p: { members: { s = 1; }; }; };'
known=$({
	asked 'x = 1;'
	asked 'sources: { s: { x = 1; }; };'
	asked 'sources: { s: { warmup: { x = 1; }; }; };'
	asked 'schedules: { s: { x = 1; }; };'
	asked "$source pools: { p: { x = 1; }; };"
	asked "$source $pool providers: { p: { x = 1; }; };"
	asked "$source $pool providers: { p: { sources: { s: { x = 1; }; }; }; };"
	asked "$source $pool classes: { c: { x = 1; }; };"
	asked "$source $pool routes = ( { x = 1; } );"
} | sort -u)
page=../../doc/mxload.conf.5
told=$({
	sed -n 's/^\.It Va //p' $page | sed 's/No //g; s/Va //g; s/[*,]//g' | tr ' ' '\n'
	sed -n 's/^\.Va \([a-z]*\) ,$/\1/p' $page
	sed -n 's/^\.Ss \([a-z]*\).*/\1/p' $page
} | grep . | sort -u)
result "$told" "$known" "the page and the program have the same options"
{ echo 'catalogue = "";'; sed -n '/^sources: {/,/^routes/p' $page; } > "$folder/rubbish"
result "$("$mxloadd" -n -c "$folder/rubbish" 2>&1; echo $?)" 0 "the page's example is well"
done_testing
