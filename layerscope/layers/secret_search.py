"""The search for secrets in the files of a layer while it is read.

A compressed layer is read only once, and a layer from the cache has no blob at hand. So the index keeps what was found:
the rule and the line, never the secret. Files whose names say that they hold secrets are always looked into. All other
text files are looked into if everything is to be searched, which means that the contents are read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from layerscope.image.blob import StoredBlob
from layerscope.layers.budget import Budget
from layerscope.layers.entry import FILE
from layerscope.layers.layer_index import Columns, LayerIndex
from layerscope.layers.window import Window
from layerscope.limits import Limits
from layerscope.secrets import search
from layerscope.secrets.files import is_known, known_among
from layerscope.secrets.hit import BINARY, Gap, Hit, LayerSecrets, Tally

_ROW_BYTES: Final = 200
"""Memory that one finding takes."""
MOST_IN_LAYER: Final = 10_000
"""Findings of one layer that are kept."""


class SecretSearch:
    """Looks through the files of one layer. Does nothing if the engine is not installed."""

    def __init__(self, limits: Limits, budget: Budget | None = None, *, everything: bool) -> None:
        self._budget = budget
        self.everything = everything
        self._most = limits.secret_file_bytes
        self._off = not search.is_available()
        self._hits: list[tuple[int, Hit]] = []
        self._gaps: list[tuple[int, Gap]] = []
        self._known = [0, 0]
        self._all = [0, 0]

    def wants(self, path: bytes) -> bool:
        """Whether a file is looked into, by its name."""
        return (self.everything or is_known(path)) and not self._off

    def pass_by(self, window: Window, path: bytes, offset: int, size: int) -> None:
        """Look into a file in a stream. This may move the window."""

        def read_at(position: int, count: int) -> bytes:
            start = offset + position - window.start
            if start < 0 or start + count > len(window.data):
                window.move(offset, position + count)
                start = offset + position - window.start
            return window.data[start : start + count]

        self._look(path, offset, size, read_at)

    def look_through(self, blob: StoredBlob, columns: Columns) -> None:
        """Look into the files of a layer that can be read at any offset."""
        if self._off:
            return
        positions: Iterable[int] = range(len(columns))
        if not self.everything:
            positions = known_among(bytes(columns.paths), columns.ends)
        for position in positions:
            size = columns.sizes[position]
            if columns.kinds[position] != FILE or not size:
                continue
            path = columns.path(position)
            if not _is_sparse(columns, position):
                data = columns.data[position]

                def read_at(at: int, count: int, data: int = data) -> bytes:
                    return blob.read_at(data + at, count)

                self._look(path, data, size, read_at)

    def _look(
        self, path: bytes, offset: int, size: int, read_at: Callable[[int, int], bytes]
    ) -> None:
        found = search.search(path, size, read_at, self._most)
        if found is None:
            self._gaps.append((offset, "too-large"))
            return
        if found is BINARY:
            return
        for tally in (self._all, self._known) if is_known(path) else (self._all,):
            tally[0] += 1
            tally[1] += size
        if found.hits:
            room = MOST_IN_LAYER - len(self._hits)
            self._hits += [(offset, hit) for hit in found.hits[:room]]
            if len(found.hits) > room:
                self._gaps.append((offset, "too-many"))
        if not found.complete:
            self._gaps.append((offset, "too-many"))

    def result(self, columns: Columns) -> LayerSecrets | None:
        """What was found; None if the engine is not installed. Sparse files are not looked into."""
        if self._off:
            return None
        if self._budget is not None:
            self._budget.spend(_ROW_BYTES * (len(self._hits) + len(self._gaps)))
        sparse: list[tuple[int, Gap]] = [
            (columns.data[position], "sparse")
            for position in columns.extras
            if _is_sparse(columns, position)
            and columns.sizes[position]
            and self.wants(columns.path(position))
        ]
        return LayerSecrets(
            rules=search.version(),
            everything=self.everything,
            most=self._most,
            hits=tuple(self._hits),
            gaps=tuple(sorted({*self._gaps, *sparse})),
            known=Tally(*self._known),
            searched=Tally(*self._all),
        )


def _is_sparse(columns: Columns, position: int) -> bool:
    extra = columns.extras.get(position)
    return extra is not None and extra.logical_size is not None


def is_searched(index: LayerIndex, limits: Limits, *, everything: bool) -> bool:
    """Whether an index that was kept says of secrets what reading the layer now would say."""
    if not search.is_available():
        return index.secrets is None or not everything
    return index.secrets is not None and index.secrets.serves(
        search.version(), limits.secret_file_bytes, everything=everything
    )
