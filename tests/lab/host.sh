# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# host.sh - what the documents say of a host, as it is in the lab: paths, commands and services. Behind lib.sh and mxrep.sh.

MXSIM=${MXSIM:-$(dirname "$MXLOAD")/mxsim}

# here TEXT: a host's paths, as they are here, and on which host. there: and back, of standard input.
here() {
	sed -E -e "s|/etc/mxload/|$LAB_DIR/|g; s|/var/lib/mxrep/|$LAB_DIR/mxrep/|g; s|/var/log/mail.log\.\*|$LAB_DIR/postfix-mail/log-*|g" \
		-e "s|/var/log/mail.log|$LAB_DIR/postfix-mail/log|g" \
		-e "s#/etc/(exim4|mail|postfix)/#$LAB_DIR/\1/#g" \
		-e 's/(^|&& )(ip|conntrack) /\1at mail \2 /; s/(^|&& )iptables /\1at mail iptables-nft /' <<< "$1"
}
there() {
	sed -e "s|$LAB_DIR/ledger.db|/var/lib/mxload/ledger.db|g; s|$LAB_DIR/|/etc/mxload/|g"
}

# By the lab's resolver: who asks another for the names of addresses waits for it in vain.
mxload() {
	at mail "$MXLOAD" -s "$LAB_DIR/control.sock" "$@"
}
mxsim() {
	"$MXSIM" "$@"
}
postmap() {
	command postmap -c "$LAB_DIR/postfix-mail/config" "$@"
}
# It knows no other first instance than that in /etc/postfix.
postmulti() {
	# shellcheck disable=SC2016 # the inner shell's
	at mail unshare -m bash -c 'mount --bind "$0/postfix-mail/config" /etc/postfix && exec postmulti "$@"' "$LAB_DIR" "$@"
}
# The world that doctor sees is that of the zone.
mxrep() {
	if [ "$1" = doctor ]; then
		"$MXREP" -c "$LAB_DIR/mxrep.conf" "$@" --server "127.0.0.1:$(cat "$LAB_DIR/zone.port")"
	else
		at mail setpriv --reuid=nobody --regid=nogroup --clear-groups "$MXREP" -c "$LAB_DIR/mxrep.conf" "$@"
	fi
}
runuser() {
	[ "$1 $2 $3" = "-u mxrep --" ] || return 2
	case $4 in
	mxrep) "${@:4}" ;;
	mxload) at mail setpriv --reuid=nobody --regid=nogroup --clear-groups "$MXLOAD" -s "$LAB_DIR/control.sock" "${@:5}" ;;
	esac
}
systemctl() {
	case "$*" in
	"enable --now mxload-rules mxload" | "start mxload") daemon_start ;;
	"stop mxload") daemon_stop ;;
	"enable --now mxrep") mxrep_start && wait_for "mxrep hears mxload" 10 grep -q "tells of its connections" "$LAB_DIR/mxrep.out" ;;
	*) return 2 ;;
	esac
}

# host_runs TEXT: commands that change a host, on a copy of what they change.
host_runs() {
	cp -a /etc "$LAB_DIR/etc"
	unshare -m bash -ec "mount --bind '$LAB_DIR/etc' /etc; mount -t tmpfs none /var/lib; $1"
}

# postfix_knows TEXT: Postfix has these options, and finds nothing wrong with them.
postfix_knows() {
	local said
	cp -r "$LAB_DIR/postfix-mail/config" "$LAB_DIR/postfix-try"
	echo "$1" >> "$LAB_DIR/postfix-try/main.cf"
	said=$(postconf -n -c "$LAB_DIR/postfix-try" 2>&1)
	rm -r "$LAB_DIR/postfix-try"
	echo "$said" | grep -F warning:
	[[ $said == *"$1"* && $said != *"unused parameter"* ]]
}

# mxrep_put TEXT: a configuration of mxrep, with the files of the lab.
mxrep_put() {
	mkdir -p "$LAB_DIR/mxrep"
	chown nobody "$LAB_DIR/mxrep"
	chmod 755 "$LAB_DIR"
	{
		# shellcheck disable=SC2154 # lab_top is of lib.sh
		printf 'store = "%s";\ncontrol = "%s";\npolicy = "%s";\nrules = "%s";\n' "$LAB_DIR/mxrep/mxrep.db" \
			"$LAB_DIR/control.sock" "$LAB_DIR/mxload.conf" "$lab_top/tools/mxrep/replies.rules"
		here "$1"
	} > "$LAB_DIR/mxrep.conf"
}
