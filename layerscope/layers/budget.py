"""A memory limit that the layers of an image share."""

from __future__ import annotations

import threading
from typing import Final

from layerscope.errors import LimitExceeded
from layerscope.limits import Limits

EXTENT_BYTES: Final = 120
"""Memory that one region of a sparse file takes."""
ATTRIBUTE_BYTES: Final = 160
"""Memory that one extended attribute takes on top of its name and value."""


class Budget:
    """Counts bytes kept in memory, across threads. `limit` is the option's name, `what` the subject of the error."""

    def __init__(self, most: int, limit: str, what: str, whole: Budget | None = None) -> None:
        self._most = most
        self._limit = limit
        self._what = what
        self._whole = whole
        self._lock = threading.Lock()
        self.spent = 0

    def part(self) -> Budget:
        """A budget that counts for itself what it spends of this one."""
        return Budget(self._most, self._limit, self._what, self)

    def spend(self, count: int) -> None:
        """Count more bytes. Raises `LimitExceeded` once the total is over the limit."""
        with self._lock:
            self.spent += count
            spent = self.spent
        if self._whole is not None:
            self._whole.spend(count)
        elif spent > self._most:
            raise LimitExceeded(
                f"{self._what} take {spent} bytes of memory, over the {self._most} allowed",
                limit=self._limit,
            )


def extra_budget(most: int) -> Budget:
    """The budget for what all layers of one image keep from extension headers and of package databases."""
    return Budget(
        most, "extra_bytes", "long names, links, attributes, sparse maps, and package databases"
    )


def check_depth(path: bytes, limits: Limits) -> None:
    """Raise `LimitExceeded` for a path that is nested too deep."""
    depth = path.count(b"/") + 2
    if depth > limits.path_depth:
        raise LimitExceeded(
            f"a path of {depth} levels, over the {limits.path_depth} allowed",
            limit="path_depth",
        )
