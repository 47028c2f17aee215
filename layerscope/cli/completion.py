"""`layerscope completion SHELL`: what a shell needs to complete commands, options and images' files."""

from __future__ import annotations

import click

from layerscope.cli.exits import Exit
from layerscope.cli.streams import write_stdout

SHELLS = ("bash", "zsh", "fish")


@click.command("completion", short_help="Print the completion script of a shell.")
@click.argument("shell", type=click.Choice(SHELLS), metavar="SHELL")
def command(shell: str) -> int:
    """Print the script that makes SHELL (bash, zsh or fish) complete layerscope's commands and options.

    \b
    eval "$(layerscope completion bash)"      # in ~/.bashrc
    eval "$(layerscope completion zsh)"       # in ~/.zshrc
    layerscope completion fish > ~/.config/fish/completions/layerscope.fish
    """
    from click.shell_completion import get_completion_class

    from layerscope.cli.main import COMPLETE, NAME, commands

    found = get_completion_class(shell)
    assert found is not None
    source = found(commands, {}, NAME, COMPLETE).source()
    write_stdout(lambda out: out.write(source.strip() + "\n"))
    return Exit.OK
