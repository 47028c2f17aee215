"""`layerscope fleet rebase`: what one change of a base image would save everywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TextIO

import click

from layerscope.cli.confine import sandbox_option
from layerscope.cli.fleet_answer import print_answer

if TYPE_CHECKING:
    import duckdb


@click.command("rebase", short_help="What another base image would save everywhere.")
@click.argument("folder", metavar="DIR")
@click.argument("old", metavar="OLD")
@click.argument("new", metavar="NEW")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@sandbox_option
def command(folder: str, old: str, new: str, as_json: bool) -> int:
    """Add up what changes if each image that is built on OLD moves to NEW. Nothing is built.

    OLD and NEW are references or digests of the fleet in DIR, or the end of a reference that fits only one image. An image is
    built on OLD if its lower layers are those of OLD. Its own layers count as they are.

    \b
    layerscope fleet rebase fleet base/python:3.12 base/python:3.12-slim
    """

    def ask(connection: duckdb.DuckDBPyConnection) -> dict[str, Any]:
        from layerscope.fleet.questions.rebase import rebase

        return rebase(connection, old, new)

    return print_answer(folder, ask, _write, as_json=as_json)


def _write(out: TextIO, found: dict[str, Any]) -> None:
    from layerscope.report.escape import escape
    from layerscope.units import count, format_delta, format_size

    out.write(
        f"{count(found['images'], 'image')} on {escape(found['old'])} ({format_size(found['old_size'])})\n"
    )
    out.write(f"  on {escape(found['new'])} ({format_size(found['new_size'])}) instead:\n")
    out.write(
        f"  referenced  {format_size(found['referenced_before'])} → {format_size(found['referenced_after'])}"
        f" ({format_delta(found['referenced_after'] - found['referenced_before'])})\n"
    )
    out.write(
        f"  freed       {format_size(found['freed'])} in layers that no other image has, if OLD goes, too\n"
    )
