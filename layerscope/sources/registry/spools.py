"""What the layers of an image that somebody looked into take on disk, together."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Protocol

from layerscope.errors import LimitExceeded
from layerscope.limits import Limits


class Spooled(Protocol):
    """A blob with a copy in a hidden file."""

    @property
    def name(self) -> str: ...
    @property
    def size(self) -> int: ...
    def forget(self) -> bool:
        """Give the copy up. False if it is in use right now."""


class Spools:
    """Keeps copies within `spool_bytes`: the one that was made or read longest ago goes first. Threads share it."""

    def __init__(self, limits: Limits) -> None:
        self._most = limits.spool_bytes
        self._lock = threading.Lock()
        self._kept: OrderedDict[int, Spooled] = OrderedDict()

    def make_room(self, blob: Spooled) -> None:
        """Count a copy that is about to be made, and give up older ones. Raises `LimitExceeded` for one that never fits."""
        if blob.size > self._most:
            raise LimitExceeded(
                f"{blob.name} has {blob.size} bytes, and looking inside takes a copy of at most {self._most}",
                limit="spool_bytes",
            )
        with self._lock:
            kept = self._kept
            total = blob.size + sum(other.size for other in kept.values())
            for key in list(kept):
                if total <= self._most:
                    break
                if kept[key].forget():
                    total -= kept.pop(key).size
            kept[id(blob)] = blob

    def used(self, blob: Spooled) -> None:
        """Note that a copy was read."""
        with self._lock:
            if id(blob) in self._kept:
                self._kept.move_to_end(id(blob))
