"""`layerscope cache`: shows or clears the cache of layer indexes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, TextIO

import click

from layerscope.cli.exits import Exit
from layerscope.cli.streams import tell, write_stdout
from layerscope.errors import OutputError
from layerscope.units import count

if TYPE_CHECKING:
    from layerscope.cache.folder import CacheFolder, Usage


@click.group("cache", short_help="Show or clear the cache of layers that were read before.")
def command() -> None:
    """The cache of layer indexes: a layer that was read before isn't fetched, exported, or decompressed again."""


@command.command("info")
@click.option("--json", "as_json", is_flag=True, help="Write JSON.")
def info(as_json: bool) -> int:
    """Show where the cache is, how many layers and images it has, its size, and its limit."""
    folder = _folder()
    usage = folder.usage()
    if as_json:
        document = {
            "bound": folder.most,
            "bytes": usage.bytes,
            "entries": usage.entries,
            "folder": folder.path,
            "images": usage.images,
            "layers": usage.layers,
        }
        text = json.dumps(document, indent=2, sort_keys=True)
        write_stdout(lambda out: out.write(text + "\n"))
    else:
        write_stdout(lambda out: _write(out, folder, usage))
    return Exit.OK


def _write(out: TextIO, folder: CacheFolder, usage: Usage) -> None:
    from layerscope.report.escape import escape
    from layerscope.units import format_size

    out.write(f"folder  {escape(folder.path or '–')}\n")
    out.write(f"layers  {usage.layers}\n")
    out.write(f"images  {usage.images}\n")
    out.write(f"size    {format_size(usage.bytes)} of at most {format_size(folder.most)}\n")


@command.command("clear")
def clear() -> int:
    """Remove everything in the cache."""
    from layerscope.units import format_size

    folder = _folder()
    try:
        usage = folder.clear()
    except OSError as error:
        raise OutputError(
            f"the cache {folder.path} cannot be cleared: {error.strerror}",
            hint="check who owns it",
        ) from None
    tell(
        f"layerscope: removed {count(usage.layers, 'layer')} and {count(usage.images, 'image')}, {format_size(usage.bytes)}"
    )
    return Exit.OK


def _folder() -> CacheFolder:
    from layerscope.cache.opened import user_folder

    return user_folder(lambda line: tell(f"layerscope: {line}"))
