"""One entry of an image's history: opencontainers/image-spec config.md, `history`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """A step of the build as its builder recorded it; texts are the image's own and can hold anything.

    `created` is the RFC 3339 text as written. An entry with `empty_layer` made no layer; the
    others stand for one layer each, in order.
    """

    created: str | None = None
    created_by: str = ""
    author: str = ""
    comment: str = ""
    empty_layer: bool = False
