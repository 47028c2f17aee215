"""`layerscope fleet`: thousands of images, read on a cluster and asked by SQL."""

from __future__ import annotations

from importlib import import_module

import click

_COMMANDS = ("scan", "report", "query", "pull", "rebase", "browse")
"""The modules `fleet_NAME` next to this one, in the order of the help."""


class FleetCommands(click.Group):
    """Loads a command's module when it is named."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        command = import_module(f"layerscope.cli.fleet_{cmd_name}").command
        assert isinstance(command, click.Command)
        return command


@click.group(
    "fleet", cls=FleetCommands, short_help="Scan a registry, and ask what its images share."
)
def command() -> None:
    """Many images at once: what they store, what they share, and what one change would save everywhere.

    Needs the extra: pip install 'layerscope[fleet]'.
    """
