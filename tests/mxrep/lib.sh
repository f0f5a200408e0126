# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# lib.sh - mxrep's commands without a network and without a daemon: for tests/mxrep.t and tests/fault/mxrep-faults.t, which
# source it at the top of the tree, and are in a folder of their own ($folder) from then on.

mxrep=$(realpath "${MXREP:-build/mxrep}")
log=$(realpath tests/mxrep/log.py)
counts=$(realpath tests/mxrep/counts.py)
as_journal=$(realpath tests/mxrep/journal.py)
hostile=$(realpath tests/mxrep/hostile.py)
wrong=$(realpath tests/mxrep/wrong.sh)
mail=$(realpath tests/mail)
catalogue=$(realpath catalogue/providers.conf)
rules=$(realpath tools/mxrep/replies.rules)
folder=$(mktemp -d)
follower=
trap '[ -z "$follower" ] || kill -KILL "$follower" 2> /dev/null; rm -rf "$folder"' EXIT
cd "$folder" || exit 1

cat > mxload.conf << END_CONF
catalogue = "$catalogue";
sources: { mx1: { address = "192.0.2.25"; }; };
pools: { main: { members: { mx1 = 1; }; }; };
routes = ( { pool = "main"; } );
END_CONF

# conf NAME [TEXT]: NAME.conf, with a store NAME.db of its own.
conf() {
	cat > "$1.conf" << END_CONF
store = "$folder/$1.db";
control = "$folder/none.sock";
rules = "$rules";
policy = "$folder/mxload.conf";
steer = false;
${2-}
END_CONF
}

# fresh [TEXT]: the commands that follow use a new store.
stores=0
fresh() {
	stores=$((stores + 1))
	store=store$stores
	conf "$store" "${1-}"
}

# rep ARGUMENT...: output in $out, errors in $err, status in $status.
rep() {
	out=$("$mxrep" -c "$store.conf" "$@" 2> err)
	status=$?
	err=$(< err)
}

# now_counted [OPTION...]: the counts of all lanes.
now_counted() {
	"$mxrep" -c "$store.conf" report -j "$@" | "$counts"
}

# query STORE STATEMENT
query() {
	python3 - "$1.db" "$2" << 'END_PYTHON'
import sqlite3
import sys
db = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=20)
db.text_factory = lambda text: text.decode("latin-1")
for row in db.execute(sys.argv[2]):
    print(*row)
END_PYTHON
}

# letter KIND ID ADDRESS [HEADER]: a mail of that kind, about the message ID to ADDRESS.
letter() {
	sed -e "s/^\(Last-Attempt-\)\?Date: .*/\1Date: $(date -R)/" -e "s/m1@example\.com\|gm1@example\.com\|jm1@example\.com/$2/" -e "s/user@\(example\.net\|outlook\.example\)/$3/I" "$mail/$1"
}
