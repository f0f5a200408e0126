#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# mxrep report --html: the page as a browser shows it. What is in its stores: tests/report/store.py.

set -u
cd "$(dirname "$0")/.." || exit 1
# shellcheck source=tests/lab/tap.sh
. tests/lab/tap.sh
mxrep=$(realpath "${MXREP:-build/mxrep}")
store=$(realpath tests/report/store.py)
dom=$(realpath tests/report/dom.py)
browse=$(realpath tests/report/browse.py)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1

if ! command -v chromium > /dev/null; then
	fail "chromium is here (./bootstrap check installs it)"
	done_testing
	exit 1
fi

# browser ARGUMENT...: chromium by itself: what it wants from the network is not there.
browser() {
	timeout 120 chromium --headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage --hide-scrollbars \
		--no-first-run --disable-background-networking --disable-component-update --disable-sync \
		--disable-default-apps --disable-extensions --user-data-dir="$folder/profile" \
		--host-resolver-rules='MAP * ~NOTFOUND' --enable-logging=stderr --v=0 --virtual-time-budget=2000 "$@"
}

# show NAME ARGUMENT...: NAME.html as a browser has it is then in NAME.dom, what its console says in NAME.console, and what
# was asked of the network in NAME.net.
show() {
	local name=$1
	shift
	browser --log-net-log="$name.net" "$@" --dump-dom "file://$folder/$name.html" > "$name.dom" 2> "$name.log"
	grep -F CONSOLE "$name.log" > "$name.console"
}

# requests NAME: what was asked for by http, but for what the browser asks its maker.
requests() {
	grep -oE '"url":"(https?|wss?)://[^"]*' "$1.net" | grep -vE '://[a-z0-9.]+\.(google|googleapis)\.com[/"]' | sort -u
}

# without NAME WIDTH: NAME.html as a browser without scripts has it is then in NAME.dom; says how wide it is on a screen of WIDTH.
without() {
	timeout 120 "$browse" "$1.html" "$folder/profile" "$2" > "$1.dom"
	tail -n 1 "$1.dom" | cut -d' ' -f2
}

# report NAME KIND: NAME.html of a store of that kind (empty: none).
report() {
	echo "store = \"$folder/$1.db\";" > "$1.conf"
	"$mxrep" -c "$1.conf" report > /dev/null && { [ -z "$2" ] || "$store" "$1.db" "$2"; } &&
		"$mxrep" -c "$1.conf" report --html "$1.html"
}

# --- the browser would tell

cat > control.html << 'END'
<!DOCTYPE html><title>control</title><img src="http://outside.example/x.png"><table><tr><td onclick="x">
<script>document.title = "ran"; console.error("heard")</script>
END
show control
is "a script would run" "$("$dom" title control.dom)" ran
like "what the console says would be heard" "$(< control.console)" heard
like "a request would be seen" "$(requests control)" outside.example
like "markup would be found" "$("$dom" markup control.dom)" "element: img.*attribute: td onclick"
like "a table without a caption would be found" "$("$dom" shape control.dom 2>&1)" "no caption"

printf '<!DOCTYPE html><title>control</title><p style="width:700px">x<script>document.title = "ran"</script>' > control.html
is "a page that is too wide would be seen" "$(without control 400)" 708
is "and scripts would not run" "$("$dom" title control.dom)" control

# --- a week

ok "a page is written" report week week
show week
written=$(date -d "$(grep -oE 'Written by mxrep at [^,]*' week.html | cut -d' ' -f5)" +%s)
is "the tables of lanes say what is in the store" "$("$dom" lanes week.dom)" \
	"$("$store" week.db "$written" | LC_ALL=C sort)"
is "and something is there" "$("$dom" lanes week.dom | wc -l)" 18
is "nothing is wrong on the console" "$(< week.console)" ""
is "nothing is asked of the network" "$(requests week)" ""
is "no element or attribute that has no use" "$("$dom" markup week.dom | grep -v '^element: title ')" ""
is "captions, scopes, names and words of pictures, ways" "$("$dom" shape week.dom)" ""
"$dom" text week.dom > with
is "the text is the file's own" "$("$dom" text week.html | xargs -0 | tr -s '\n' | cksum)" "$(xargs -0 < with | tr -s '\n' | cksum)"
is "no wider than a screen" "$(without week 1200)" 1200
is "the same without scripts" "$("$dom" text week.dom | xargs -0 | tr -s '\n' | cksum)" "$(xargs -0 < with | tr -s '\n' | cksum)"
is "no wider than a telephone" "$(without week 400)" 400
like "which lane is not as it should be, why, and what was done" "$(< with)" \
	"spammer mx3 at google: [0-9]+ bad addresses and [0-9]+ complaints of [0-9]+ messages: .* Done: warm-up set back at .*\(done\)"
like "one that rests" "$(< with)" "resting mx2 at microsoft: blocked-address: .* It rests until 20"
like "a sample of what was answered" "$(< with)" "550 5.1.1 The email account that you tried to reach does not exist"
is "it is the file's owner's, and everybody reads it" "$(stat -c %a week.html)" 644
nok "the page needs nothing else" grep -qiE '(https?|file|ftp):|src=|<script|@import|url\(' week.html
ok "the page is well-formed" /usr/bin/python3 -c 'import sys, xml.etree.ElementTree as e; e.parse(sys.argv[1])' week.html

# --- nothing yet

ok "a page of an empty store" report empty ""
show empty
like "it says what to do" "$("$dom" text empty.dom)" "What to do next:.*mxrep ingest /var/log/mail.log.*mxrep run"
is "nothing is wrong on the console then" "$(< empty.console)$("$dom" shape empty.dom)" ""

# --- texts from outside

ok "a page of hostile texts" report hostile hostile
show hostile
is "no script has run" "$("$dom" title hostile.dom)" "mxrep: what became of the mail"
is "none of it is markup, a mark of direction or a control" "$("$dom" markup hostile.dom | grep -v '^element: title ')" ""
is "titles are those of lines alone" "$(grep -oE '<title>[^<]*' hostile.html | grep -c mxrep:)" 1
is "nothing of it is asked for, or wrong on the console" "$(requests hostile)$(< hostile.console)" ""
"$dom" text hostile.dom > said
like "it is there as text" "$(< said)" "<script>document.title='owned'</script><img src=x onerror=alert\(1\)>"
like "also what ends other texts" "$(< said)" "\]\]></style></title></svg><svg onload=alert\(1\)><!-- -->"
like "references stay what they were" "$(< said)" "&lt;b&gt; &#60;i&#62; &amp;copy"
like "controls are replaced" "$(< said)" "�\[31mred�\[0m �� and �31m, �"
like "marks of direction, too" "$(< said)" "left �gnp.exe� �hid� �zero� �line �tag"
like "ends of lines are blanks" "$(< said)" "lines  with tabs"
ok "10 kB of text are cut" test "$(wc -c < hostile.html)" -lt 500000
ok "and it is UTF-8, well-formed" /usr/bin/python3 -c \
	'import sys, xml.etree.ElementTree as e; open(sys.argv[1], encoding="utf-8").read(); e.parse(sys.argv[1])' hostile.html
is "it is no wider than a telephone" "$(without hostile 400)" 400

# --- large

ok "50 sources, 30 providers, 30 days" report large large
ok "less than 1 MB" test "$(wc -c < large.html)" -lt 1000000
like "the rest of the lanes is summed up" "$(< large.html)" "the others</th><td class=\"t\">1300 lanes"

# --- the file

# whole: a reader looks at the page while it is written anew, again and again.
whole() {
	local broken=0 writer
	for _ in {1..20}; do
		"$mxrep" -c week.conf report --html week.html || break
	done &
	writer=$!
	while kill -0 "$writer" 2> /dev/null; do
		[ "$(tail -c 8 week.html)" = "</html>" ] || broken=$((broken + 1))
	done
	wait "$writer" && [ "$broken" -eq 0 ]
}
ok "nobody sees half a page" whole
mkdir full
cp week.html full/page.html
out=$(trap '' XFSZ; ulimit -f 100; "$mxrep" -c week.conf report --html full/page.html 2>&1)
is "no room: one line" "$out" \
	"mxrep: error: full/page.html: File too large: expected a file, in a folder that may be written to"
is "the page before it stays, and nothing else" "$(ls full; cmp week.html full/page.html)" page.html
mkdir closed
chmod 755 . closed
chmod 666 week.db*
if [ "$(id -u)" -eq 0 ]; then
	chown 65534 .
	unprivileged() { setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; }
else
	chmod 555 closed
	unprivileged() { "$@"; }
fi
out=$(unprivileged "$mxrep" -c week.conf report --html closed/page.html 2>&1)
is "no rights: status 1" "$?" 1
is "no rights: one line" "$out" \
	"mxrep: error: closed/page.html: Permission denied: expected a file, in a folder that may be written to"
done_testing
