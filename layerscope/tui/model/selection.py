"""The file or directory that the row under the cursor refers to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from layerscope.records import dataclass

if TYPE_CHECKING:
    from layerscope.filesystem.node import Node
    from layerscope.layers.reader import StoredLayer


@dataclass(frozen=True, slots=True)
class Selection:
    """A file or directory as it is after a layer. `when` says so in words, and `indexes` lead to its content."""

    node: Node
    layer: int
    when: str
    indexes: Sequence[StoredLayer | None]
