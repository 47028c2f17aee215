"""An output format: its name, and the factory of its renderer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, Protocol, TextIO, TypeVar

from layerscope.records import dataclass
from layerscope.report.page import Page

NARROWEST = 40
WIDEST = 160

DocumentT_contra = TypeVar("DocumentT_contra", contravariant=True)
"""The kind of document that a format writes."""


class Renderer(Protocol[DocumentT_contra]):
    """Writes the report document in one format. Options of that format are passed to its constructor."""

    def render(self, document: DocumentT_contra, out: TextIO) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Display:
    """Options of human-readable formats: width in columns, color, and rows of each list (None for the default)."""

    width: int = 100
    color: bool = False
    rows: int | None = None

    def page(self, out: TextIO) -> Page:
        """A page of this width, within what a table of text can use."""
        return Page(out, width=max(NARROWEST, min(WIDEST, self.width)), color=self.color)


@dataclass(frozen=True, slots=True, kw_only=True)
class Format(Generic[DocumentT_contra]):
    """One format by name. `create` imports the renderer only when it is needed.

    `filesystem` says that the renderer draws the key of that name, which `document.filesystem.with_filesystem` adds.
    `entries` says that it writes the entries of layers, which `--files` adds.
    """

    name: str
    suffix: str
    help: str
    create: Callable[[Display], Renderer[DocumentT_contra]]
    filesystem: bool = False
    entries: bool = False
