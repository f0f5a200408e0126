# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# mxrep.sh - mxrep beside the daemon and Postfix of the lab, as an ordinary user.

MXREP=${MXREP-$(dirname "$MXLOAD")/mxrep}

# mxrep_config [LINE...]: write its configuration; lines for it are added. The rules of $LAB_DIR/first.rules come first.
mxrep_config() {
	[ -e "$LAB_DIR/first.rules" ] || echo "# none" > "$LAB_DIR/first.rules"
	{
		echo "include \"$LAB_DIR/first.rules\""
		cat "$lab_top/tools/mxrep/replies.rules"
	} > "$LAB_DIR/replies.rules"
	{
		cat <<- END
			store = "$LAB_DIR/mxrep/mxrep.db";
			control = "$LAB_DIR/control.sock";
			rules = "$LAB_DIR/replies.rules";
			policy = "$LAB_DIR/mxload.conf";
			logs: { mail: { path = "${LAB_LOG-$LAB_DIR/postfix-mail/log}"; }; };
		END
		[ $# -eq 0 ] || printf '%s\n' "$@"
	} > "$LAB_DIR/mxrep.conf"
	mkdir -p "$LAB_DIR/mxrep"
	chown nobody "$LAB_DIR/mxrep"
	chmod 755 "$LAB_DIR"
}

# mxrep_start / mxrep_kill / mxrep_stop: mxrep run. It is nobody, so the daemon needs reputation-user = "nobody".
mxrep_start() {
	spawn mxrep mail setpriv --reuid=nobody --regid=nogroup --clear-groups "$MXREP" -c "$LAB_DIR/mxrep.conf" run "$@"
}
mxrep_kill() {
	end mxrep KILL
	true
}
mxrep_stop() {
	end mxrep TERM
}

# mxrep COMMAND...: any of its commands.
mxrep() {
	at mail setpriv --reuid=nobody --regid=nogroup --clear-groups "$MXREP" -c "$LAB_DIR/mxrep.conf" "$@"
}

# mxrep_count SOURCE PROVIDER sent|deferred|bounced|total: messages in its report; "-" is every source or provider.
mxrep_count() {
	mxrep -j report | json "sum(l['messages']['$3'] for l in d['lanes'] if ('$1' == '-' or l['source'] == '$1') and ('$2' == '-' or l['provider'] == '$2'))"
}

# seen PROVIDER SOURCE / reported PROVIDER SOURCE: sent, deferred and bounced, as the receivers have it / as mxrep has it; "-" is
# every one. told: both are the same in all.
seen() {
	echo "$(receiver_count "$1" "$2" message) $(receiver_count "$1" "$2" deferred) $(receiver_count "$1" "$2" bounced)"
}
reported() {
	mxrep -j report | json "' '.join(str(sum(l['messages'][k] for l in d['lanes'] if '$1' in ('-', l['provider']) and '$2' in ('-', l['source']))) for k in ('sent', 'deferred', 'bounced'))"
}
told() {
	[ "$(reported - -)" = "$(seen - -)" ]
}
# offs: a line for each provider and source: PROVIDER SOURCE and by how many thousandths of the provider's messages mxrep's
# count is off. all_are_near: all by less than a hundredth, as what has to be inferred may be.
offs() {
	mxrep -j report | $LAB_PYTHON -I -S "$lab_here/offs.py" "$LAB_DIR/names" "$LAB_DIR/receivers.log"
}
all_are_near() {
	offs > "$LAB_DIR/offs" && awk '$3 >= 10 { far = 1 } END { exit far || !NR }' "$LAB_DIR/offs"
}
# off PROVIDER SOURCE: as it was when all_are_near looked last.
off() {
	awk -v provider="$1" -v source="$2" '$1 == provider && $2 == source { print $3; n++ } END { exit !n }' "$LAB_DIR/offs"
}
