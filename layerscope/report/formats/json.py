"""The whole report document as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TextIO

from layerscope.report.document.serialize import pieces


class JsonRenderer:
    """Writes the whole document; it has no options."""

    def render(self, document: Mapping[str, object], out: TextIO) -> None:
        batch: list[str] = []
        for piece in pieces(document):
            batch.append(piece)
            if len(batch) >= 4096:
                out.write("".join(batch))
                batch.clear()
        out.write("".join(batch))
