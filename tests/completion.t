#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What bash, zsh and fish complete, as make install sets them up, is what the programs' own --help has: every command, and
# every option of each. Names are those of the daemon.

set -u
cd "$(dirname "$0")/.." || exit 1
# shellcheck source=tests/lab/tap.sh
. tests/lab/tap.sh
# shellcheck source=tests/lab/screen.sh
. tests/lab/screen.sh
mxload=$(realpath "${MXLOAD:-build/mxload}")
PATH=$(dirname "$mxload"):$PATH
folder=$(mktemp -d)
screen_folder=$folder
fake=
leave() {
	screen_end
	[ -z "$fake" ] || kill "$fake"
	rm -rf "$folder"
}
trap leave EXIT
export MXLOAD_SOCKET=$folder/socket XDG_DATA_DIRS=$folder/usr/share:/usr/share HOME=$folder ZDOTDIR=$folder HISTFILE=/dev/null
env -u MAKEFLAGS make -s install-completion DESTDIR="$folder" PREFIX=/usr || bail "they cannot be installed"
/usr/bin/python3 tests/client/fake_daemon.py "$MXLOAD_SOCKET" doc/mxload-control.7 /dev/null 2> /dev/null &
fake=$!
wait_for "the fake daemon listens" 5 test -S "$MXLOAD_SOCKET"

# commands PROGRAM: by its --help. options PROGRAM [COMMAND]: by both of them.
commands() {
	"$1" --help | awk '/^  [a-z]+ / { print $1 }'
}
options() {
	{
		"$1" --help
		[ $# -eq 1 ] || "$1" "$2" --help
	} | sed -n 's/^ *\(-[^ ].*\)/\1/p' | sed 's/   *.*//' | grep -oE -- '(^|, )--[a-z-]+' | sed 's/, //' | LC_ALL=C sort -u
}
# words: the lines of the input, in one.
words() {
	LC_ALL=C sort -u | paste -sd ' '
}

# --- the shells: PREPARE is typed into an interactive one first

# prompts LINE: how often it stands behind a prompt, as the last that was typed there.
prompts() {
	shown | grep -Fxc "ready> $1"
}
# start SHELL COMMAND LINE...: on a fresh terminal, with these lines typed
start() {
	local line
	screen respawn-pane -k "$2" 2> /dev/null || screen new-session -d -x 200 -y 60 "$2" || bail "no tmux"
	wait_for "$1 is ready" 20 shows '^ready>'
	for line in "${@:3}" "echo prepared"; do
		run_in_shell "$line"
	done
	wait_for "$1 is prepared" 20 shows '^prepared'
}
# again: an empty line on an empty screen
again() {
	press C-u C-l
	wait_for "an empty screen" 10 equal "shown | grep -v '^$'" "ready>"
}
# complete LINE: typed on an empty screen, and then the key
complete() {
	again
	screen send-keys -l "$1"
	wait_for "it is typed: $1" 10 equal "prompts '${1% }'" 1
	press Tab
}
# list LINE: what is listed for it: the words between it and the prompt behind.
list() {
	complete "$1"
	wait_for "a list for: $1" 20 equal "prompts '${1% }'" 2 >&2
	shown | awk '/^ready> / { if (inside++) exit; next } inside' | tr -s ' \t' '\n' | grep . | words
}
# becomes LINE RESULT: the only thing that it can be
becomes() {
	complete "$1"
	wait_for "$1 becomes $2" 20 equal "prompts '$2'" 1
}

# --- what each has to know

# try SHELL: LIST prints the candidates of a line, BECOMES tells what a line can only be.
try() {
	local shell=$1 program command
	for program in mxload mxrep; do
		is "$shell: commands of $program" "$($list "$program ")" "$(commands $program | words)"
		for command in $(commands $program); do
			is "$shell: options of $program $command" "$($list "$program $command --")" "$(options $program "$command" | words)"
		done
	done
	for program in mxsim mxloadd; do
		[ -z "$(options $program)" ] ||
			is "$shell: options of $program" "$($list "$program --")" "$(options $program | words)"
	done
	is "$shell: options of mxloadd" "$($list "mxloadd -")" "$(build/mxloadd -h | sed -n 's/^  \(-[a-zA-Z]\) .*/\1/p' | words)"
	is "$shell: what an option can be" "$($list "mxload stats --by ")" "lane provider source"
	is "$shell: the same, in one word" "$($list "mxload stats --by=" | sed 's/--by=//g')" "lane provider source"
	is "$shell: patterns of mxsim" "$($list "mxsim --pattern ")" "blast burst even wave"
	is "$shell: steps, or a provider" "$($list "mxload warmup mx1 ")" "back finish google hold resume start"
	ok "$shell: a source of the daemon" "$becomes" "mxload -j pause m" "mxload -j pause mx1"
	ok "$shell: a provider" "$becomes" "mxload learn 2001:db8::1 g" "mxload learn 2001:db8::1 google"
	ok "$shell: a pool" "$becomes" "mxload weight mx1 5 --pool m" "mxload weight mx1 5 --pool main"
	ok "$shell: of mxrep, too" "$becomes" "mxrep report --source m" "mxrep report --source mx1"
	ok "$shell: a rate's provider" "$becomes" "mxsim --rate goo" "mxsim --rate google="
	ok "$shell: a file" "$becomes" "mxload check $folder/the-c" "mxload check $folder/the-configuration"
	ok "$shell: a file of an option" "$becomes" "mxsim -c $folder/the-c" "mxsim -c $folder/the-configuration"
}
: > "$folder/the-configuration"

list=list becomes=becomes
start bash "PS1='ready> ' exec bash --norc --noprofile -i" ". /usr/share/bash-completion/bash_completion" \
	"bind 'set show-all-if-ambiguous on'; bind 'set completion-query-items 0'; bind 'set page-completions off'" "PS1='ready> '"
try bash

start zsh "PROMPT='ready> ' exec zsh -f -i" "fpath=($folder/usr/share/zsh/vendor-completions \$fpath)" \
	"autoload -U compinit && compinit -u -D" "zstyle ':completion:*' verbose no; unsetopt alwayslastprompt automenu listtypes beep" "LISTMAX=0"
try zsh
screen_end

# shellcheck disable=SC2016 # it is fish's variable
fish_list() {
	fish -c 'complete -C $argv[1]' "$1" | cut -f 1 | words
}
fish_becomes() {
	[ "$(fish_list "$1")" = "${2##* }" ]
}
list=fish_list becomes=fish_becomes
try fish

# --- nothing where there is nothing

is "another program is never run" "$(mxload complete /bin/ls --)" ""
is "nothing behind a command that there is not" "$(mxload complete mxload fly "")" ""
kill "$fake"
wait "$fake" 2> /dev/null
fake=
is "no daemon: no names, and no word of it" "$(mxload complete mxload pause "" 2>&1)" ""
is "but all else" "$(mxload complete mxload warmup mx1 s 2>&1)" $'start\t'
rm -f "$MXLOAD_SOCKET"
is "the same where there is no socket" "$(mxload complete mxload pause "" 2>&1)" ""
done_testing
