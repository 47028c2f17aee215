"""The report as one HTML file that needs nothing else: no network, no other file, and no script but its own.

Text of the image reaches the page in three ways only: through the template, where it is made visible and escaped; through
the drawing, which escapes likewise; and as JSON in a data block, from which the script makes text nodes and never markup.
A strict Content-Security-Policy allows the page's own style and script by their hashes and nothing else, so that even a
mistake in these could load and run nothing. Without script all of it is there to read but the zoom, sorting and filters.
"""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from layerscope.report.escape import escape
from layerscope.report.json import dumps
from layerscope.report.palette import DARK, LIGHT, OTHER, Palette, rules
from layerscope.report.svg import draw
from layerscope.report.treemap import Rect, Spacing
from layerscope.report.words import (
    KIND_MEANINGS,
    KIND_WORDS,
    blame,
    count,
    group_path,
    instruction_text,
    is_warning,
    one_line,
    rule_bound,
    rule_numbers,
    short_digest,
    verdict_words,
)
from layerscope.units import format_percent, format_size

if TYPE_CHECKING:
    from jinja2 import Environment

    from layerscope.report.document import Document

Row = dict[str, Any]

ASSETS = Path(__file__).parent / "assets"
MOST_ROWS = 1000
"""Rows of any one table; the rest is one row more, and in the JSON."""
PAPER = 40
"""Rows of a table of files that are printed."""
ADVICE = 3
"""Pieces of advice that are not folded away."""
MAP = Rect(0, 0, 1200, 620)
_COARSE = Spacing(smallest=6)
"""For the drawing that stands in the file; the script draws finer."""


class HtmlRenderer:
    """Writes the page; the treemap is left out of a document without the key `filesystem`."""

    def render(self, document: Document, out: TextIO) -> None:
        environment = _environment()
        palette = Palette(document)
        style = _style()
        script = _asset("treemap.js") + _asset("tables.js")
        page = environment.get_template("report.html.j2").stream(
            document=document,
            palette=palette,
            style=style,
            style_hash=_hash(style),
            script=script,
            script_hash=_hash(script),
            report=_data(dumps(_without_entries(document))),
            view=_data(json.dumps(_view(document, palette), sort_keys=True)),
            drawing="\n".join(draw(document, MAP, palette, spacing=_COARSE))
            if "filesystem" in document
            else "",
            map=MAP,
            most=max((row["sizes"]["content"] for row in document["instructions"]), default=0),
            legend=_legend(document, palette),
            segments=_segments(document, palette),
            kinds=_kinds(document),
            advice=_advice(document),
        )
        page.enable_buffering(64)
        out.writelines(page)


def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    def visible(value: Any) -> Any:
        return escape(value) if isinstance(value, str) and not isinstance(value, Markup) else value

    environment = Environment(
        loader=FileSystemLoader(ASSETS),
        autoescape=True,
        finalize=visible,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals.update(
        ADVICE=ADVICE,
        KIND_MEANINGS=KIND_MEANINGS,
        KIND_WORDS=KIND_WORDS,
        MOST_ROWS=MOST_ROWS,
        OTHER=OTHER,
        PAPER=PAPER,
        blame=blame,
        count=count,
        group_path=group_path,
        instruction_text=instruction_text,
        is_warning=is_warning,
        one_line=one_line,
        percent=format_percent,
        rule_bound=rule_bound,
        rule_numbers=rule_numbers,
        short_digest=short_digest,
        size=format_size,
        verdict_words=verdict_words,
    )
    return environment


def _asset(name: str) -> str:
    return (ASSETS / name).read_text(encoding="utf-8")


def _style() -> str:
    style = _asset("report.css")
    style = style.replace("/* light colours */", rules("c", LIGHT))
    style = style.replace("/* dark colours */", rules("c", DARK))
    fills = (f".c{index} {{ fill: var(--c{index}); }}" for index in range(OTHER + 1))
    return style + "\n".join(fills) + "\n"


def _hash(text: str) -> str:
    """The source expression that allows an inline element of this content (CSP level 3)."""
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"


def _data(text: str) -> str:
    """JSON, ASCII already, that no HTML parser can find an end tag or a comment in."""
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _without_entries(document: Document) -> Document:
    """The document without the files of each layer, which may be a million."""
    layers = [
        {key: value for key, value in row.items() if key != "entries"} for row in document["layers"]
    ]
    return {**document, "layers": layers}


def _view(document: Document, palette: Palette) -> Row:
    """What the script shows beside the numbers: colour and text of each instruction."""
    return {
        "colors": [palette.color(row["index"]) for row in document["instructions"]],
        "texts": [instruction_text(row, 160) for row in document["instructions"]],
    }


def _legend(document: Document, palette: Palette) -> list[Row]:
    rows = []
    others = 0
    for row in document["instructions"]:
        live = row["sizes"]["live"]
        if row["index"] in palette.instructions and live:
            rows.append(
                {
                    "color": palette.color(row["index"]),
                    "index": row["index"],
                    "live": live,
                    "text": instruction_text(row, 60),
                }
            )
        elif live:
            others += live
    if others:
        rows.append({"color": OTHER, "index": "", "live": others, "text": "all other instructions"})
    return rows


def _segments(document: Document, palette: Palette) -> list[Row]:
    """The layers along a bar of 1000 units, each with its live part first."""
    whole = document["sizes"]["content"]
    segments = []
    x = 0.0
    for layer in document["layers"]:
        sizes = layer["sizes"]
        if not sizes["content"]:
            continue
        width = 1000 * sizes["content"] / whole
        instruction = document["instructions"][layer["instruction"]]
        segments.append(
            {
                "color": palette.color(layer["instruction"]),
                "layer": layer["index"],
                "sizes": sizes,
                "text": f"{layer['instruction']}, {instruction_text(instruction, 100)}",
                "wasted": round(width * sizes["wasted"] / sizes["content"], 2),
                "width": round(width, 2),
                "x": round(x, 2),
            }
        )
        x += width
    return segments


def _kinds(document: Document) -> list[Row]:
    """The kinds of waste along a bar of 1000 units, largest first."""
    whole = document["sizes"]["wasted"]
    rows = []
    x = 0.0
    ordered = sorted(document["wasted_by_kind"].items(), key=lambda item: (-item[1], item[0]))
    for number, (kind, size) in enumerate(item for item in ordered if item[1]):
        width = 1000 * size / whole
        rows.append(
            {
                "bytes": size,
                "kind": kind,
                "number": number,
                "width": round(width, 2),
                "x": round(x, 2),
            }
        )
        x += width
    return rows


def _advice(document: Document) -> list[Row]:
    content = document["sizes"]["content"]
    return [row for row in document["advice"] if 1000 * row["bytes"] >= content]
