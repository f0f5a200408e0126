#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Every example of the manual pages (and the configuration in README.md) is tried: commands are run, configurations read by
# whoever they are for. One that is of no kind that is known here fails. Those of mxload-control(7) are tried by
# control-page.t, and that it has them all is seen here.

set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/lab/mxrep.sh
. "$(dirname "$0")/mxrep.sh"
# shellcheck source=tests/lab/exim.sh
. "$(dirname "$0")/exim.sh"
# shellcheck source=tests/lab/host.sh
. "$(dirname "$0")/host.sh"

work=

# run TEXT: commands.
run() {
	cd "$work" && eval "$(here "$1")"
}

# rest_of TEXT: what a configuration of mxloadd lacks.
rest_of() {
	[[ $1 == *sources:* ]] || echo 'sources: { mx1: { address = "192.0.2.11"; }; mx2: { address = "192.0.2.12"; }; };'
	[[ $1 == *pools:* ]] || echo 'pools: { main: { members: { mx1 = 2; mx2 = 1; }; }; };'
	[[ $1 == *routes* ]] || echo 'routes = ( { pool = "main"; } );'
}
mxload_reads() {
	{
		echo "catalogue = \"$lab_top/catalogue/providers.conf\";"
		rest_of "$1"
		echo "$1"
	} > "$work/mxload.conf"
	"$MXLOADD" -n -c "$work/mxload.conf"
}

# new_conf TEXT: a source that joins others, in the configuration that the next examples are about.
new_conf() {
	{
		echo "catalogue = \"$lab_top/catalogue/providers.conf\";"
		printf 'sources: { mx1: { address = "192.0.2.11"; }; mx2: { address = "192.0.2.12"; };\n%s };\n' "$1"
		echo 'pools: { main: { members: { mx1 = 2; mx2 = 2; mx3 = 1; }; }; };'
		rest_of "sources: pools:"
	} > "$work/new.conf"
	"$MXLOADD" -n -c "$work/new.conf"
}

mxrep_reads() {
	mxrep_put "$1"
	mxrep check
}

# rules_read TEXT: they are rules, and what stands below each is its own.
rules_read() {
	sed "s|/usr/share/mxload/replies.rules|$lab_top/tools/mxrep/replies.rules|; s|FILE|$lab_top/tools/mxrep/replies.rules|" \
		<<< "$1" > "$work/replies.rules"
	chmod 644 "$work/replies.rules"
	sed "s|^rules = .*|rules = \"$work/replies.rules\";|" "$LAB_DIR/mxrep.conf" > "$work/mxrep.conf"
	at mail setpriv --reuid=nobody --regid=nogroup --clear-groups "$MXREP" -c "$work/mxrep.conf" check
}

# columns TEXT: these are the columns that the page explains, in its order.
columns() {
	[ "$1" = "$(sed -n 's/^\.It Ar \([A-Z]*\)$/\1/p' "$page" | paste -sd ' ')" ]
}

# postfix_table KIND TEXT KEY: Postfix makes a table of it, and finds something under that key.
postfix_table() {
	echo "$2" > "$work/table"
	"$1" -c "$LAB_DIR/postfix-mail/config" "hash:$work/table" && "$1" -c "$LAB_DIR/postfix-mail/config" -q "$3" "hash:$work/table"
}

postfix_service() {
	echo "$1" >> "$LAB_DIR/postfix-mail/config/master.cf"
	[[ $(postconf -c "$LAB_DIR/postfix-mail/config" -M mxrep/unix 2>&1) == "mxrep "*"pipe"*"user=mxrep argv=/usr/bin/mxrep"* ]]
}

# postfix_refuses TEXT: who is suppressed, and nobody else.
postfix_refuses() {
	local dir=$LAB_DIR/postfix-mail/config
	sed -i "/^${1%% *} =/d" "$dir/main.cf"
	here "$1" >> "$dir/main.cf"
	! postconf -n -c "$dir" 2>&1 > /dev/null | grep . || return
	mta_stop mail
	at mail postfix -c "$dir" start > /dev/null 2>&1
	at mail $LAB_PYTHON -c '
import smtplib
s = smtplib.SMTP("127.0.0.1", 2525)
s.helo("a.example")
s.mail("a@example.net")
said = [s.rcpt("bad@example.org"), s.rcpt("good@example.org")]
print(said)
assert said[0][0] == 554 and b"suppressed" in said[0][1] and said[1][0] == 250'
}

# Who is suppressed is refused, and others are not: said over SMTP, and over nothing but pipes.
exim_refuses() {
	exim_config mail "acl_smtp_rcpt = check" "begin acl" "check:" "$(here "$1")" "accept"
	printf '%s\r\n' "HELO a.example" "MAIL FROM:<a@example.net>" "RCPT TO:<bad@example.org>" "RCPT TO:<good@example.org>" QUIT |
		exim mail -bh 192.0.2.99 > "$work/said" 2> /dev/null
	[ "$(grep -cE '^550 suppressed' "$work/said") $(grep -cE '^250 Accepted' "$work/said")" = "1 1" ]
}
exim_knows() {
	exim_config mail
	sed -i "/^log_selector/d; 1i $1" "$LAB_DIR/exim-mail/config"
	exim mail -bV
}

# export_for_smtpd TEXT: the list is written; smtpctl, which asks a running server, is seen to be given the table's name.
export_for_smtpd() {
	[[ $1 == *"smtpctl update table suppressed"* ]] || return
	run "${1%%&&*}"
	grep -qx bad@example.org "$LAB_DIR/mail/suppressed"
}
smtpd_reads() {
	here "$1" > "$work/smtpd.conf"
	"$LAB_SMTPD/usr/sbin/smtpd" -n -f "$work/smtpd.conf"
}

# prometheus_reads TEXT: with the rules of this tree.
prometheus_reads() {
	echo "${1/\/usr\/share\/mxload\//$lab_top/monitoring/}" > "$work/prometheus.yml"
	promtool check config "$work/prometheus.yml"
}

# try KIND TEXT: one example.
try() {
	case $1 in
	run) run "$2" ;;
	mxload.conf) mxload_reads "$2" ;;
	new.conf) new_conf "$2" ;;
	mxrep.conf) mxrep_reads "$2" ;;
	rules) rules_read "$2" ;;
	columns) columns "$2" ;;
	master.cf) postfix_service "$2" ;;
	transport) postfix_table postmap "$2" bounces@example.com ;;
	aliases) postfix_table postalias "$2" bounces ;;
	main.cf) postfix_refuses "$2" ;;
	sudoers) /usr/sbin/visudo -c -f - <<< "$2" ;;
	"exim main") exim_knows "$2" ;;
	"exim acl") exim_refuses "$2" ;;
	export) export_for_smtpd "$2" ;;
	smtpd.conf) smtpd_reads "$2" ;;
	prometheus) prometheus_reads "$2" ;;
	*) echo "nobody knows how an example of the kind \"$1\" is tried" && return 1 ;;
	esac
}

LAB_EXIM=$("$(dirname "$0")/exim") || bail "no Exim: it could not be fetched"
LAB_SMTPD=$("$(dirname "$0")/opensmtpd") || bail "no OpenSMTPD: it could not be fetched"
lab_up
work=$LAB_DIR/work
mkdir -m 755 "$work" "$LAB_DIR"/{exim4,mail,postfix}
mta_start mail
exim_as=(env "LD_LIBRARY_PATH=$(echo "$LAB_EXIM"/usr/lib/*-linux-gnu*)")
exim_user mail
config_write 'reputation-user = "nobody";'
daemon_start
mxrep_put 'logs: { mail: { path = "/var/log/mail.log"; }; };'
# What the examples are about: somebody suppressed, a rest of mxrep's, an old log, a plan with one source.
mxrep suppress add bad@example.org
runuser -u mxrep -- mxload backoff mx1 google > /dev/null
mail_send gmail.com 1
mail_wait 30
cp "$LAB_DIR/postfix-mail/log" "$LAB_DIR/postfix-mail/log-1"
chmod 644 "$LAB_DIR/postfix-mail/log-1"
cat > "$work/sparkpost.conf" << END
catalogue = "$lab_top/catalogue/providers.conf";
sources: { mx1: { address = "192.0.2.11"; warmup: { started = "2026-01-01"; schedule = "sparkpost"; scope = "source"; }; }; };
pools: { main: { members: { mx1 = 1; }; }; };
routes = ( { pool = "main"; } );
END

# shellcheck disable=SC2016 # a pattern
ok "README.md: its configuration" mxload_reads "$(sed -n '/^mode = /,/^```/{/^```/d;p}' "$lab_top/README.md")"
for page in "$lab_top"/doc/*.[1578]; do
	name=$(basename "$page")
	rm -rf "$work/examples"
	mkdir "$work/examples"
	"$lab_here/examples.py" cut "$page" "$work/examples"
	# shellcheck disable=SC2012 # no name here has a blank
	is "$name: every display is an example" "$(find "$work/examples" -name '*.kind' | wc -l)" "$(grep -cE '^\.(Bd|Dl|D1)' "$page")"
	if [ "$name" = mxload-control.7 ]; then
		# A request, marked, and its answer: control_page.py counts that it reads every one that is marked.
		is "$name: each is a request or its answer" "$(grep -c '^\.\\" example: ' "$page")" \
			"$(($(grep -cE '^\.(Bd|Dl|D1)' "$page") / 2))"
		continue
	fi
	for example in "$work"/examples/*.kind; do
		[ -e "$example" ] || continue
		text=$(< "${example%.kind}.text")
		ok "$name: ${text%%$'\n'*}" try "$(< "$example")" "$text"
	done
done
ok "mxloadd ends in order" daemon_stop
done_testing
