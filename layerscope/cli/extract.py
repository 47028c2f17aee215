"""`layerscope extract IMAGE PATH -o DIR`: copy a file or directory out of an image."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from layerscope.cli.confine import confine_image
from layerscope.cli.examine import Choice, opened
from layerscope.cli.exits import Exit, stopping
from layerscope.cli.options import file_options, image_argument
from layerscope.cli.streams import tell
from layerscope.errors import UsageError

if TYPE_CHECKING:
    from layerscope.analysis.model import Analysis
    from layerscope.filesystem.node import Node


@click.command("extract", short_help="Copy a file or directory out of an image.")
@image_argument
@click.argument("path", metavar="PATH")
@click.option(
    "-o", "--output", "folder", metavar="DIR", required=True, help="The folder to copy it to."
)
@click.option(
    "--layer",
    type=click.IntRange(min=0),
    metavar="N",
    help="Copy PATH as it is after layer N, even if a later layer hides it. The default is the last layer.",
)
@click.option("--force", is_flag=True, help="Overwrite existing files.")
@file_options
def command(choice: Choice, path: str, folder: str, layer: int | None, force: bool) -> int:
    """Copy PATH and everything below it from IMAGE to the folder DIR.

    This creates regular files, directories, and symlinks that stay inside DIR, but not owners, setuid bits, or devices.
    It never writes outside DIR.

    \b
    layerscope extract python:3.8 /etc -o .
    layerscope extract app.tar /root/.cache --layer 3 -o cache
    """
    from layerscope.filesystem.extract import extract
    from layerscope.report.file_text import path_text
    from layerscope.units import count, format_size

    confine_image(choice, folders=(folder,))
    with opened(choice, contents=True) as (analysis, progress):
        node, after = find(analysis, path, layer)
        taken = extract(
            node,
            after,
            analysis.indexes,
            folder,
            overwrite=force,
            limits=choice.options.limits,
            progress=progress,
            cancelled=stopping.is_set,
        )
    for skipped, reason in taken.skipped:
        tell(f"layerscope: left out {path_text(skipped)}: {reason}")
    if taken.skipped_count > len(taken.skipped):
        tell(f"layerscope: left out {taken.skipped_count - len(taken.skipped)} more")
    if not choice.quiet:
        tell(
            f"layerscope: {count(taken.files, 'file')}, {count(taken.directories, 'directory')},"
            f" {count(taken.symlinks, 'symlink')},"
            f" {format_size(taken.size)} in {folder}"
        )
    return Exit.OK


def find(analysis: Analysis, path: str, layer: int | None) -> tuple[Node, int]:
    """The node of a path as the report writes it, and the layer after which to copy it.

    Raises `UsageError`, which names the layers that have something at the path.
    """
    from layerscope.layers.names import clean
    from layerscope.report.file_text import path_text
    from layerscope.report.paths import unescape_path

    last = len(analysis.layers) - 1
    if layer is not None and layer > last:
        raise UsageError(f"there is no layer {layer}", hint=f"the last is {last}")
    after = last if layer is None else layer
    name, _ = clean(unescape_path(path))
    node = analysis.tree.find(name)
    if node is not None and node.at_layer(after) is not None:
        return node, after
    shown = path_text(name)
    entry = node.latest if node is not None else None
    if entry is None:
        raise UsageError(f"no layer holds {shown}", hint="see `layerscope files IMAGE`")
    while entry.previous is not None and entry.layer > after:
        entry = entry.previous
    if entry.layer > after:
        raise UsageError(
            f"{shown} does not exist yet after layer {after}", hint=f"layer {entry.layer} adds it"
        )
    raise UsageError(
        f"{shown} is removed by layer {entry.ended}", hint=f"add --layer {entry.layer}"
    )
