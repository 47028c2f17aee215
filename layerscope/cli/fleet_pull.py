"""`layerscope fleet pull`: what a node transfers for an image, given the images it has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TextIO

import click

from layerscope.cli.confine import sandbox_option
from layerscope.cli.fleet_answer import print_answer

if TYPE_CHECKING:
    import duckdb


@click.command("pull", short_help="What a node pulls for an image, given those it has.")
@click.argument("folder", metavar="DIR")
@click.argument("image", metavar="IMAGE")
@click.option(
    "--have", "present", metavar="IMAGE", multiple=True, help="An image that the node has. Repeat."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@sandbox_option
def command(folder: str, image: str, present: tuple[str, ...], as_json: bool) -> int:
    """Add up the layers of IMAGE that a node has to transfer if it has the images of --have. Nothing is pulled.

    IMAGE is a reference or a digest of the fleet in DIR, or the end of a reference that fits only one image.

    \b
    layerscope fleet pull fleet team/app:2 --have team/app:1 --have team/other:7
    """

    def ask(connection: duckdb.DuckDBPyConnection) -> dict[str, Any]:
        from layerscope.fleet.questions.pull import pull

        return pull(connection, image, present)

    return print_answer(folder, ask, _write, as_json=as_json)


def _write(out: TextIO, found: dict[str, Any]) -> None:
    from layerscope.report.escape import escape
    from layerscope.units import format_percent, format_size

    total, transfer = found["total"], found["transfer"]
    out.write(
        f"{escape(found['image'])}: {format_size(transfer)} to transfer of {format_size(total)}"
        f" ({format_percent(transfer, total)})\n"
    )
    for row in found["layers"]:
        sign = "has" if row["present"] else "new"
        out.write(
            f"  {sign}  {row['index']:3}  {format_size(row['stored']):>9}  {escape(str(row['digest']))}\n"
        )
