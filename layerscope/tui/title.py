"""The first line of a screen: what it shows, and the sizes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content

from layerscope.report.escape import cell_width, fit_end
from layerscope.tui.paint import one_line
from layerscope.units import format_percent, format_size

if TYPE_CHECKING:
    from layerscope.analysis.model import Analysis

_NAME = "layerscope  "
_READABLE = 14
"""The columns that the reference keeps, even in a narrow terminal."""


def image_title(reference: str, analysis: Analysis | None, width: int) -> Content:
    """The line about one image. Until it is read, only its reference."""
    if analysis is None:
        return titled([fit_end(one_line(reference), width - len(_NAME))], "", width)
    sizes = analysis.sizes
    facts = [
        f"content {format_size(sizes.content)}",
        f"wasted {format_size(sizes.wasted)} ({format_percent(sizes.wasted, sizes.content)})",
    ]
    if sizes.compressed is not None:
        facts.append(f"download {format_size(sizes.compressed)}")
    if analysis.notes:
        count = len(analysis.notes)
        facts.append(f"{count} note" + ("s" if count != 1 else ""))
    text = "   ".join(facts)
    while len(facts) > 2 and len(text) > width * 2 // 3:
        facts.pop()
        text = "   ".join(facts)
    if width - len(_NAME) - 2 - len(text) < _READABLE:
        text = f"content {format_size(sizes.content)}   wasted {format_size(sizes.wasted)}"
    room = max(4, width - len(_NAME) - 2 - len(text))
    return titled([fit_end(one_line(analysis.image.reference), room)], text, width)


def titled(names: list[str], facts: str, width: int) -> Content:
    """The names on the left, with arrows between them, and the facts on the right."""
    parts: list[tuple[str, str]] = [(_NAME, "bold $accent")]
    used = len(_NAME) + cell_width(facts)
    for number, name in enumerate(names):
        if number:
            parts.append((" → ", ""))
            used += 3
        parts.append((name, "bold"))
        used += cell_width(name)
    return Content.assemble(*parts, (" " * max(2, width - used) + facts, ""))
