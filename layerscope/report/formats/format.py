"""What a format is: a name, and what makes a renderer for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TextIO

if TYPE_CHECKING:
    from layerscope.report.document.rows import Document


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
    """One format by name; `create` imports the renderer only when it is asked for.

    `filesystem` says that it draws the document's key of that name, which `document.filesystem.with_filesystem` adds.
    """

    name: str
    suffix: str
    help: str
    create: Callable[[Display], Renderer]
    filesystem: bool = False
