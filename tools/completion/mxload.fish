# SPDX-License-Identifier: GPL-2.0-or-later
#
# Completion for fish, of all of mxload's programs: `mxload complete` knows what can stand there.

function __mxload_complete
    set -l current (commandline -ct)
    for line in (mxload complete (commandline -opc) "$current" 2> /dev/null)
        if string match -q \t'*' -- $line
            __fish_complete_path "$current"
        else
            echo $line
        end
    end
end

complete -c mxload -c mxloadd -c mxrep -c mxsim -f -a '(__mxload_complete)'
