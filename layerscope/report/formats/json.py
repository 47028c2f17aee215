"""The whole report document as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from layerscope.report.document.serialize import pieces

if TYPE_CHECKING:
    from layerscope.report.document.rows import Document


class JsonRenderer:
    """Writes the whole document; it has no options."""

    def render(self, document: Document, out: TextIO) -> None:
        batch: list[str] = []
        for piece in pieces(document):
            batch.append(piece)
            if len(batch) >= 4096:
                out.write("".join(batch))
                batch.clear()
        out.write("".join(batch))
