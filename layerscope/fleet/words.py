"""The words of a fleet's report that several formats share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from layerscope.fleet.questions.question import Column
from layerscope.report.words import one_line
from layerscope.units import count, format_size


def shown(column: Column, value: Any) -> str:
    """A value as people read it."""
    if value is None:
        return "–"
    if column.kind == "size":
        return format_size(value)
    if column.kind == "word":
        value = str(value).replace("_", " ")
    if column.kind == "path":
        # Nearly all names of a fleet are in a registry, and every command takes them without the scheme.
        value = str(value).removeprefix("registry:")
    if column.kind == "count":
        return f"{value:,}"
    return f"{value} %" if column.kind == "percent" else one_line(str(value))


def facts(summary: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """The sums of a fleet: a name, a value, and what it means."""
    files = summary["files"]
    return [
        (
            "images",
            f"{summary['images']:,}",
            f"under {count(summary['names'], 'name')} in {count(summary['repositories'], 'repository')}",
        ),
        ("stored", format_size(summary["stored"]), f"in {count(summary['layers'], 'layer')}"),
        (
            "referenced",
            format_size(summary["referenced"]),
            f"if no layer were shared: {_times(summary['sharing'])} what is stored",
        ),
        (
            "shared",
            format_size(summary["shared"]),
            "in layers that more than one image has",
        ),
        (
            "files",
            format_size(files["bytes"]),
            (
                f"in {files['copies']:,} files, each content once {format_size(files['bytes_once'])} ({_times(files['sharing'])}); "
                f"{_percent(files['unique_percent'])} of the files are different"
            ),
        ),
        ("wasted", format_size(summary["wasted"]), "of content, summed over all images"),
        *(
            [("failed", f"{summary['failed']:,}", "images that can't be read, in full or in part")]
            if summary["failed"]
            else []
        ),
    ]


def _times(ratio: float | None) -> str:
    return "–" if ratio is None else f"{ratio:.2f} times"


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.1f} %"
