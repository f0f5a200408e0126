# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Completion for bash, of all of mxload's programs: `mxload complete` knows what can stand there.

_mxload() {
	local cur words cword line word before
	# bash takes = and : for the end of a word; they are not.
	_get_comp_words_by_ref -n =: cur words cword 2> /dev/null || return
	# readline completes from the last of them on.
	before=
	[[ $cur != *[=:]* ]] || before=${cur%"${cur##*[=:]}"}
	COMPREPLY=()
	while IFS= read -r line; do
		word=${line%%$'\t'*}
		if [ -z "$word" ]; then
			compopt -o default 2> /dev/null
			continue
		fi
		[[ $word != *= ]] || compopt -o nospace 2> /dev/null
		COMPREPLY+=("${word#"$before"}")
	done < <(mxload complete "${words[@]:0:cword}" "$cur" 2> /dev/null)
}

complete -F _mxload mxload mxloadd mxrep mxsim
