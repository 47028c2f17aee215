"""A self-contained HTML file: no network, no other files, and no script but its own.

Text from an image gets into a page in only three ways: through the template, which escapes it; through drawings, which
do the same; and as JSON in a data block, which the script turns into text nodes, never markup. A strict
Content-Security-Policy allows only the page's own style and script, by hash. So even a mistake there can't load or run
anything.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from layerscope.report.document.serialize import dumps
from layerscope.report.escape import escape
from layerscope.report.parts.palette import DARK, LIGHT, OTHER, rules
from layerscope.report.words import one_line, short_digest
from layerscope.units import count, format_delta, format_percent, format_size

if TYPE_CHECKING:
    from jinja2 import Environment


ASSETS = Path(__file__).parent.parent / "assets"
MOST_ROWS = 1000
"""The most rows of one table. One more row sums up the rest, which is in the JSON."""
PAPER = 40
"""The number of rows of a table of files that are printed on paper."""


def write_page(
    out: TextIO,
    template: str,
    scripts: Sequence[str],
    document: Mapping[str, object],
    *,
    words: Mapping[str, object],
    values: Mapping[str, object],
) -> None:
    """Write a page from `template` and `document`. The document is embedded as JSON.

    `scripts` are the assets to include, `words` are for the macros, and `values` are for this page alone.
    """
    environment = _environment(template)
    environment.globals.update(words)
    style = _style()
    script = "".join(_asset(name) for name in scripts)
    page = environment.get_template(template).stream(
        document=document,
        report=_data(dumps(document)),
        style=style,
        style_hash=_hash(style),
        script=script,
        script_hash=_hash(script),
        **values,
    )
    page.enable_buffering(64)
    out.writelines(page)


def data_block(value: Any) -> str:
    """JSON for a data block of a page."""
    return _data(json.dumps(value, sort_keys=True))


@cache
def _environment(_template: str) -> Environment:
    """What a template is compiled in. Compiling takes many times as long as writing a page."""
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
        MOST_ROWS=MOST_ROWS,
        OTHER=OTHER,
        PAPER=PAPER,
        count=count,
        delta=format_delta,
        one_line=one_line,
        percent=format_percent,
        short_digest=short_digest,
        size=format_size,
    )
    return environment


def _asset(name: str) -> str:
    return (ASSETS / name).read_text(encoding="utf-8")


def _style() -> str:
    style = _asset("report.css")
    style = style.replace("/* light colors */", rules("c", LIGHT))
    style = style.replace("/* dark colors */", rules("c", DARK))
    fills = (f".c{index} {{ fill: var(--c{index}); }}" for index in range(OTHER + 1))
    return style + "\n".join(fills) + "\n"


def _hash(text: str) -> str:
    """The source expression that allows an inline element of this content (CSP level 3)."""
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"


def _data(text: str) -> str:
    """ASCII JSON, escaped so that no HTML parser finds an end tag or a comment in it."""
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
