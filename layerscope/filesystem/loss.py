"""Stored content that no name reaches anymore, and what took its last name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from layerscope.filesystem.entry import Entry
from layerscope.filesystem.node import Node

REMOVED: Final = 0
"""A whiteout, an opaque whiteout, or a non-directory where a directory above was."""
REPLACED: Final = 1
"""Something else was put at the same path."""


@dataclass(frozen=True, slots=True)
class Loss:
    """Stored content whose last name went: `content` by which event, in which layer, and at which path.

    `successor` is what that layer leaves at the path where the content was replaced.
    """

    content: Entry
    event: int
    layer: int
    node: Node
    successor: Entry | None
