# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# screen.sh - a terminal for tests, that of tmux, with a server of its own in $screen_folder (which is to be set). Whoever
# starts it (screen new-session -d) ends it (screen_end).

# screen ARGUMENT...: tmux
screen() {
	# shellcheck disable=SC2154 # it is the test's
	tmux -u -f /dev/null -S "$screen_folder/tmux" "$@"
}

# screen_end: the terminal goes, if there is one, and its server.
screen_end() {
	local pid
	pid=$(screen display-message -p '#{pid}' 2> /dev/null) || return 0
	screen kill-server
	wait_for "tmux ends" 10 pid_over "$pid"
}
pid_over() {
	! kill -0 "$1" 2> /dev/null
}

# shown: the text on the terminal. colours: with the sequences that made it.
shown() {
	screen capture-pane -p
}
colours() {
	screen capture-pane -pe
}

# shows PATTERN / lacks PATTERN: a line of it is like this / none is.
shows() {
	shown | grep -Eq -- "$1"
}
lacks() {
	! shown | grep -Eq -- "$1"
}

# press KEY...: by their names
press() {
	screen send-keys "$@"
}

# run_in_shell LINE: typed into the terminal's shell.
run_in_shell() {
	screen send-keys -l "$1"
	press Enter
}
