"""`layerscope export IMAGE -o FILE`: save an image of an engine."""

from __future__ import annotations

import os
import sys

import click

from layerscope.cli.confine import confine
from layerscope.cli.examine import Choice
from layerscope.cli.exits import Ended, Exit, stopping
from layerscope.cli.options import engine_options, image_argument
from layerscope.cli.progress import progress_bar
from layerscope.cli.streams import tell
from layerscope.errors import OutputError


@click.command("export", short_help="Save an engine's image as a tarball.")
@image_argument
@click.option(
    "-o",
    "--output",
    "path",
    metavar="FILE",
    required=True,
    help="The file to write; - is standard output.",
)
@click.option("--force", is_flag=True, help="Replace FILE if it exists.")
@engine_options
def command(choice: Choice, path: str, force: bool) -> int:
    """Save IMAGE as a tarball, as `docker save` writes it.

    FILE appears only when it is complete. An export that fails or is stopped leaves nothing behind, and an existing
    FILE unchanged.

    \b
    layerscope export docker:python:3.8 -o python.tar
    layerscope export python:3.8 -o - | gzip > python.tar.gz
    """
    if path == "-" and sys.stdout is None:
        raise OutputError("standard output is closed", hint="write to a file with -o FILE")

    from layerscope.sources import export
    from layerscope.units import format_size

    confine(
        (choice.reference,),
        folders=() if path == "-" else (os.path.dirname(path) or ".",),
        pull=choice.options.pull,
        cache=False,
    )
    try:
        with progress_bar(quiet=choice.quiet) as progress:
            size = export(
                choice.reference,
                path,
                force=force,
                platform=choice.options.platform,
                pull=choice.options.pull,
                progress=progress,
                cancelled=stopping.is_set,
            )
    except BrokenPipeError:
        raise Ended(Exit.PIPE) from None
    if not choice.quiet and path != "-":
        tell(f"wrote {path}: {format_size(size)}")
    return Exit.OK
