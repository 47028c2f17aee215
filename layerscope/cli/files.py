"""`layerscope files IMAGE`: every file that any layer holds, also those that a later layer hides."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, TextIO

import click

from layerscope.cli.confine import confine_image
from layerscope.cli.examine import Choice, opened
from layerscope.cli.exits import Exit
from layerscope.cli.options import image_argument, source_options
from layerscope.cli.streams import write_stdout
from layerscope.errors import UsageError
from layerscope.report.paths import clean_text

if TYPE_CHECKING:
    from layerscope.analysis.filter.query import Query
    from layerscope.analysis.model import Analysis
    from layerscope.filesystem.entry import Entry

State = dict[str, Any]


@click.command("files", short_help="List an image's files, deleted ones too.")
@image_argument
@click.argument("words", metavar="[FILTER]...", nargs=-1)
@click.option("--live", "which", flag_value="live", help="Only what a container sees.")
@click.option("--deleted", "which", flag_value="deleted", help="Only what later layers hide.")
@click.option("--layer", type=click.IntRange(min=0), metavar="N", help="Only what layer N stores.")
@click.option(
    "--sort", type=click.Choice(["path", "size"]), default="path", help="By path, or largest first."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON array.")
@source_options
def command(
    choice: Choice,
    words: tuple[str, ...],
    which: str | None,
    layer: int | None,
    sort: str,
    as_json: bool,
) -> int:
    """List the files of IMAGE: size, mode, owner, the layer that wrote each, the layer that hides it, and the path.

    Every version of a file that a layer stores is a row. FILTER is what the browser takes: a part of the path,
    *.glob, re:regex, '>10MB', layer:3; all of several must hold.

    \b
    layerscope files python:3.8 --deleted --sort size
    layerscope files app.tar '*.so' '>1MB'
    """
    from layerscope.analysis.filter.query import parse

    if choice.options.dockerfile is not None and not as_json:
        raise UsageError(
            "--dockerfile has no effect without --json, which has the lines",
            hint="leave it out, or add --json",
        )
    query = parse(" ".join(words))
    confine_image(choice)
    with opened(choice) as (analysis, _):
        rows = list(_rows(analysis, query, which, layer))
        origins = _origins(analysis)
    if sort == "size":
        rows.sort(key=lambda row: (-row[1].size, row[0], row[1].layer))
    else:
        rows.sort(key=lambda row: (row[0], row[1].layer))
    write_stdout(lambda out: _write_json(out, rows, origins) if as_json else _write_text(out, rows))
    return Exit.OK


def _origins(analysis: Analysis) -> list[State]:
    """For each layer, the instruction that wrote it and its lines."""
    origins: list[State] = []
    for layer in analysis.layers:
        place = analysis.instructions[layer.instruction].instruction.location
        origins.append(
            {
                "instruction": layer.instruction,
                "location": place
                and {
                    "end_line": place.end_line,
                    "file": clean_text(place.file),
                    "start_line": place.start_line,
                },
            }
        )
    return origins


def _rows(
    analysis: Analysis, query: Query, which: str | None, layer: int | None
) -> Iterator[tuple[bytes, Entry]]:
    from layerscope.layers.entry import VISIBLE, WHITEOUT

    for entry in analysis.tree.entries():
        live = entry.ended == VISIBLE
        if (
            entry.kind < WHITEOUT
            and (which is None or live == (which == "live"))
            and (layer is None or entry.layer == layer)
            and query.holds(
                entry.path,
                entry.size,
                (entry.layer, entry.ended),
                type=entry.kind,
                wasted=entry.size > 0 and not entry.names,
            )
        ):
            yield entry.path, entry


def _state(path: bytes, entry: Entry) -> State:
    from layerscope.layers.entry import HARDLINK, KIND_NAMES, SYMLINK, VISIBLE
    from layerscope.report.paths import escape_path

    row: State = {
        "gid": entry.gid,
        "hidden_by": None if entry.ended == VISIBLE else entry.ended,
        "layer": entry.layer,
        "mode": entry.mode,
        "mtime": entry.mtime,
        "path": escape_path(path),
        "size": entry.size,
        "type": KIND_NAMES[entry.kind],
        "uid": entry.uid,
    }
    if entry.logical_size != entry.size:
        row["logical_size"] = entry.logical_size
    if entry.kind == HARDLINK:
        row["linkname"] = escape_path(entry.link)
    elif entry.kind == SYMLINK:
        row["linkname"] = escape_path(b"/" + entry.link)[1:]
    return row


def _write_json(out: TextIO, rows: list[tuple[bytes, Entry]], origins: list[State]) -> None:
    out.write("[")
    for number, (path, entry) in enumerate(rows):
        out.write(",\n " if number else "\n ")
        out.write(json.dumps(_state(path, entry) | origins[entry.layer], sort_keys=True))
    out.write("\n]\n")


def _write_text(out: TextIO, rows: list[tuple[bytes, Entry]]) -> None:
    from layerscope.layers.entry import HARDLINK, SYMLINK, VISIBLE
    from layerscope.report.file_text import mode_text, name_text, owner_text, path_text, size_text

    for path, entry in rows:
        hidden = "–" if entry.ended == VISIBLE else str(entry.ended)
        facts = f"{size_text(entry.size):>10}  {mode_text(entry)}  {owner_text(entry):<11}"
        line = f"{facts}  {entry.layer:>3}  {hidden:>3}  {path_text(path)}"
        if entry.kind == SYMLINK:
            line += f" -> {name_text(entry.link)}"
        elif entry.kind == HARDLINK:
            line += f" = {path_text(entry.link)}"
        if entry.logical_size != entry.size:
            line += f"  (sparse: {size_text(entry.logical_size)} with its holes)"
        out.write(line + "\n")
