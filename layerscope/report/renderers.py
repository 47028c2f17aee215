"""The formats a report can be written in: one list behind `--format`, its help and the tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TextIO

if TYPE_CHECKING:
    from layerscope.report.document import Document


class Renderer(Protocol):
    """Writes the report document in one format; what only this format can be told stands in its constructor."""

    def render(self, document: Document, out: TextIO) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Display:
    """What a format for people may use: columns, colour, and rows of each list (None for the usual number)."""

    width: int = 100
    color: bool = False
    rows: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """One format by name; `create` imports the renderer only when it is asked for."""

    name: str
    suffix: str
    help: str
    create: Callable[[Display], Renderer]


def _text(display: Display) -> Renderer:
    from layerscope.report.text import TextRenderer

    return TextRenderer(display)


def _json(_: Display) -> Renderer:
    from layerscope.report.json import JsonRenderer

    return JsonRenderer()


RENDERERS: dict[str, Format] = {
    each.name: each
    for each in (
        Format(
            name="text", suffix=".txt", help="For people, in a terminal or a log.", create=_text
        ),
        Format(name="json", suffix=".json", help="The whole report, for programs.", create=_json),
    )
}
