"""`layerscope fleet report`: what a fleet stores, shares, and wastes."""

from __future__ import annotations

from collections.abc import Sequence

import click

from layerscope.cli.confine import confine, sandbox_option
from layerscope.cli.exits import Exit
from layerscope.cli.outputs import check_outputs, parse_outputs, write_outputs
from layerscope.cli.writing import force_option, json_option, one_format, outputs_option
from layerscope.fleet.formats.renderers import FLEET_RENDERERS


@click.command("report", short_help="Report what the images store, share, and waste.")
@click.argument("folder", metavar="DIR")
@json_option
@click.option(
    "--format",
    "format_name",
    type=click.Choice(list(FLEET_RENDERERS)),
    help="Format of standard output, or of -o PATH.",
)
@outputs_option
@force_option
@click.option(
    "--top",
    type=click.IntRange(min=1, max=100_000),
    metavar="N",
    default=20,
    show_default=True,
    help="List N rows for each question.",
)
@sandbox_option
def command(
    folder: str,
    as_json: bool,
    format_name: str | None,
    outputs: Sequence[str],
    force: bool,
    top: int,
) -> int:
    """Report on the fleet in DIR: bytes stored and referenced, base images, packages, waste, advice, duplicates, and growth.

    \b
    layerscope fleet report fleet
    layerscope fleet report fleet -o fleet.html -o json=fleet.json
    """
    from layerscope.fleet.extra import check_extra

    check_extra()
    from layerscope.fleet.database import connected
    from layerscope.fleet.document import build

    name = one_format(as_json=as_json, name=format_name)
    places = parse_outputs(outputs, name, formats=FLEET_RENDERERS)
    check_outputs(places, force=force)
    confine((), files=(folder,), outputs=places, cache=False)
    with connected(folder) as connection:
        document = build(connection, top=top)
    write_outputs(places, document, rows=None, force=force, formats=FLEET_RENDERERS)
    return Exit.OK
