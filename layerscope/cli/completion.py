"""`layerscope completion SHELL`: the script with which a shell completes commands, options and images."""

from __future__ import annotations

import click

from layerscope.cli.exits import Exit
from layerscope.cli.streams import write_stdout

SHELLS = ("bash", "zsh", "fish")
SCRIPTS = {
    "bash": r"""
_layerscope_completion() {
    local IFS=$'\n' word=() joined part current answer type value
    # Bash ends a word at a colon, but the name of an image has one.
    for part in "${COMP_WORDS[@]:0:COMP_CWORD+1}"; do
        joined=${#word[@]}
        if (( joined > 0 )) && [[ $part == :* || ${word[joined-1]} == *: ]]; then
            word[joined-1]+=$part
        else
            word+=("$part")
        fi
    done
    current=${word[${#word[@]}-1]}
    answer=$(env COMP_WORDS="${word[*]}" COMP_CWORD=$(( ${#word[@]} - 1 )) _LAYERSCOPE_COMPLETE=bash_complete "$1")
    for part in $answer; do
        IFS=',' read -r type value <<< "$part"
        case $type in
            dir) COMPREPLY=(); compopt -o dirnames ;;
            file) COMPREPLY=(); compopt -o default ;;
            plain)
                [[ $current == *:* ]] && value=${value#"${current%"${current##*:}"}"}
                COMPREPLY+=("$value")
                ;;
        esac
    done
    if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == */ ]]; then
        compopt -o nospace 2> /dev/null
    fi
    return 0
}
complete -o nosort -F _layerscope_completion layerscope
""",
    "zsh": r"""
#compdef layerscope
_layerscope_completion() {
    local -a folders names described answer
    local type key help
    (( ! $+commands[layerscope] )) && return 1
    answer=("${(@f)$(env COMP_WORDS="${words[*]}" COMP_CWORD=$((CURRENT-1)) _LAYERSCOPE_COMPLETE=zsh_complete layerscope)}")
    for type key help in ${answer}; do
        if [[ $type == dir ]]; then
            _path_files -/
        elif [[ $type == file ]]; then
            _path_files -f
        elif [[ $help != _ ]]; then
            described+=("$key:$help")
        elif [[ $key == */ ]]; then
            folders+=("$key")
        else
            names+=("$key")
        fi
    done
    [[ -n $described ]] && _describe -V unsorted described -U
    [[ -n $names ]] && compadd -U -V images -a names
    [[ -n $folders ]] && compadd -U -S '' -V folders -a folders
    (( ${#described} + ${#names} + ${#folders} ))
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _layerscope_completion "$@"
else
    compdef _layerscope_completion layerscope
fi
""",
}
"""Our own scripts, because Click's break an image's name at its colon or add a space after a folder."""


@click.command("completion", short_help="Print the completion script for a shell.")
@click.argument("shell", type=click.Choice(SHELLS), metavar="SHELL")
def command(shell: str) -> int:
    """Print the script that makes SHELL (bash, zsh, or fish) complete commands, options, paths, and images.

    \b
    eval "$(layerscope completion bash)"      # in ~/.bashrc
    eval "$(layerscope completion zsh)"       # in ~/.zshrc
    layerscope completion fish > ~/.config/fish/completions/layerscope.fish
    """
    from click.shell_completion import get_completion_class

    from layerscope.cli.main import COMPLETE, NAME, commands

    found = get_completion_class(shell)
    assert found is not None
    source = SCRIPTS.get(shell) or found(commands, {}, NAME, COMPLETE).source()
    write_stdout(lambda out: out.write(source.strip() + "\n"))
    return Exit.OK
