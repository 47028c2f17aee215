"""One entry of an image's history: opencontainers/image-spec config.md, `history`."""

from __future__ import annotations

from layerscope.records import dataclass


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """A build step as the builder recorded it. Its texts come from the image and can contain anything.

    `created` is the RFC 3339 text as written. An entry with `empty_layer` made no layer; each of the
    others made one, in order.
    """

    created: str | None = None
    created_by: str = ""
    author: str = ""
    comment: str = ""
    empty_layer: bool = False
