"""Stored content that no name refers to anymore, and the event that removed its last name."""

from __future__ import annotations

from typing import Final

from layerscope.filesystem.entry import Entry
from layerscope.filesystem.node import Node
from layerscope.records import dataclass

REMOVED: Final = 0
"""By a whiteout, an opaque whiteout, or a file that replaces a directory above it."""
REPLACED: Final = 1
"""By another entry at the same path."""


@dataclass(frozen=True, slots=True)
class Loss:
    """Content whose last name is gone: the entry that stores it, the event, the layer, and the path.

    If the content was replaced, `successor` is the entry that the layer leaves at the path.
    """

    content: Entry
    event: int
    layer: int
    node: Node
    successor: Entry | None
