"""`layerscope packages IMAGE`: the packages with the bytes that they really store."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, TextIO

import click

from layerscope.cli.confine import confine_image
from layerscope.cli.examine import Choice, opened
from layerscope.cli.exits import Exit
from layerscope.cli.options import image_argument, source_options
from layerscope.cli.streams import write_stdout
from layerscope.errors import UsageError
from layerscope.system.collector import collector_paused

if TYPE_CHECKING:
    from layerscope.analysis.model import Facts
    from layerscope.report.document.package_types import PackageRow, PackagesRow

_HEAD = ("content", "wasted", "download", "files", "layer", "line", "package")
_DOWNLOAD = _HEAD.index("download")


@click.command("packages", short_help="List the packages with the bytes they store.")
@image_argument
@click.argument("patterns", metavar="[PACKAGE]...", nargs=-1)
@click.option("--top", type=click.IntRange(min=1), metavar="N", help="List the N largest.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@source_options
def command(choice: Choice, patterns: tuple[str, ...], top: int | None, as_json: bool) -> int:
    """List the packages of IMAGE with the content they store, how much of it is wasted, and the layer that installed them.

    IMAGE can be a saved report.

    The bytes are those of the files that a package owned when a layer stored them. PACKAGE picks packages by type and
    name, with * and ?: pypi:torch, deb:lib*, or just lodash.

    \b
    layerscope packages python:3.8 --top 20
    layerscope packages app.tar 'npm:*' --json
    """
    if choice.options.dockerfile is not None and as_json:
        raise UsageError(
            "--dockerfile has no effect with --json, which has no lines",
            hint="leave one of the two options out",
        )
    from layerscope.report.document.package_rows import packages_row

    facts = _facts(choice)
    if facts.packages is None:
        raise UsageError(
            f"the report {choice.reference} has no packages",
            hint="save it again, without --no-packages and --head",
        )
    document = packages_row(facts.packages, None)
    lines = [
        "" if place is None else str(place.start_line)
        for each in facts.instructions
        for place in (each.instruction.location,)
    ]
    picked = [row for row in document["largest"] if _matches(row, patterns)]
    if as_json:
        shown: PackagesRow = {**document, "largest": picked[:top]}
        write_stdout(lambda out: out.write(json.dumps(shown, indent=1, sort_keys=True) + "\n"))
    else:
        write_stdout(lambda out: _write_text(out, document, picked, top, lines))
    return Exit.OK


def _facts(choice: Choice) -> Facts:
    """What is known of the image, or of the image of a saved report. Raises any `LayerscopeError`."""
    from layerscope.report.saved.reference import report_path

    confine_image(choice)
    path = report_path(choice.reference)
    if path is None:
        with opened(choice) as (analysis, _):
            return analysis.facts
    own = [name for each in click.get_current_context().command.params for name in each.opts]
    useless = [name for name in choice.given_beside_reference() if name in own]
    if useless:
        raise UsageError(
            f"{useless[0]} has no effect on a saved report", hint="leave it out, or name the image"
        )
    from layerscope.report.saved.report import read_saved

    with collector_paused():
        return read_saved(path, choice.options.limits).facts


def _matches(row: PackageRow, patterns: Sequence[str]) -> bool:
    from layerscope.analysis.packages import name_matcher

    return not patterns or any(name_matcher(each)(row["type"], row["name"]) for each in patterns)


def _write_text(
    out: TextIO,
    document: PackagesRow,
    picked: Sequence[PackageRow],
    top: int | None,
    lines: Sequence[str],
) -> None:
    from layerscope.report.sections.packages import package_name, packages_sentence
    from layerscope.units import format_size

    if not document["count"]:
        out.write("no package database was found\n")
        return
    rows = [
        (
            format_size(row["content"]),
            format_size(row["wasted"] or None),
            format_size(row.get("compressed")),
            f"{row['files']:,}",
            str(row["layer"]),
            lines[row["instruction"]],
            package_name(row),
        )
        for row in picked[:top]
    ]
    table: list[tuple[str, ...]] = [_HEAD, *rows]
    if document["owned"].get("compressed") is None:
        table = [row[:_DOWNLOAD] + row[_DOWNLOAD + 1 :] for row in table]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)][:-1]
    for row in table:
        numbers = "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=False))
        out.write(f"{numbers}  {row[-1]}\n")
    if len(picked) > len(rows):
        rest = sum(row["content"] for row in picked[len(rows) :])
        out.write(f"and {len(picked) - len(rows):,} more with {format_size(rest)}\n")
    if "rest" in document:
        cut = document["rest"]
        size = format_size(cut["content"])
        out.write(
            f"the report leaves out {cut['count']:,} smaller packages with {size}; save it with --files\n"
        )
    out.write(f"\n{packages_sentence(document)}\n")
