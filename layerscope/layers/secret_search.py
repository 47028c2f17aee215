"""The search for secrets in the files of a layer while it is read.

A compressed layer is read only once, and a layer from the cache has no blob at hand. So the index keeps what was found:
the rule and the line, never the secret. Files whose names say that they hold secrets are always looked into. All other
text files are looked into if everything is to be searched, which means that the contents are read.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

from layerscope.image.blob import Blob, StoredBlob
from layerscope.layers.budget import Budget
from layerscope.layers.entry import FILE
from layerscope.layers.layer_index import Columns, LayerIndex
from layerscope.layers.window import Window
from layerscope.limits import Limits
from layerscope.secrets import search
from layerscope.secrets.files import is_known, known_among
from layerscope.secrets.hit import BINARY, Gap, Hit, LayerSecrets, Search, Tally
from layerscope.secrets.prefilter import BLOCK, Words

_ROW_BYTES: Final = 200
"""Memory that one finding takes."""
_READ_AHEAD: Final = 64 * 1024
MOST_IN_LAYER: Final = 10_000
"""Findings of one layer that are kept."""


class SecretSearch:
    """Looks through the files of one layer. Does nothing if it is `off`, or if the engine is not installed."""

    def __init__(
        self, limits: Limits, budget: Budget | None = None, *, everything: bool, off: bool = False
    ) -> None:
        self._budget = budget
        self.everything = everything
        self._most = limits.secret_file_bytes
        self._small = min(BLOCK, self._most)
        self._off = off or not search.is_available()
        self._words: Callable[[bytes], Words] = (
            search.prefilter().words if everything and not self._off else _no_words
        )
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

        if size <= self._small and not is_known(path):
            self._look_at_small(path, offset, read_at(0, size))
        else:
            self._look(path, offset, size, read_at)

    def look_through(self, blob: StoredBlob, columns: Columns) -> None:
        """Look into the files of a layer that can be read at any offset."""
        if self._off:
            return
        named = known_among(bytes(columns.paths), columns.ends)
        known = frozenset(named)
        kinds, sizes = columns.kinds, columns.sizes
        # Small files lie close together, and one read for several of them is cheaper than many.
        ahead = _READ_AHEAD if isinstance(blob, Blob) else 0
        near, start = b"", 0
        for position in range(len(columns)) if self.everything else named:
            size = sizes[position]
            if not size or kinds[position] != FILE or _is_sparse(columns, position):
                continue
            offset = columns.data[position]
            if size <= self._small and position not in known:
                if not start <= offset <= start + len(near) - size:
                    near, start = blob.read_at(offset, max(size, ahead)), offset
                data = near[offset - start : offset - start + size]
                self._look_at_small(partial(columns.path, position), offset, data)
                continue

            def read_at(at: int, count: int, offset: int = offset) -> bytes:
                return blob.read_at(offset + at, count)

            self._look(columns.path(position), offset, size, read_at)

    def _look_at_small(self, path: bytes | Callable[[], bytes], offset: int, data: bytes) -> None:
        """Look into a file of at most a block whose name says nothing. Hardly any has a word that a rule begins with."""
        if not search.is_text(data):
            return
        self._all[0] += 1
        self._all[1] += len(data)
        words = self._words(data)
        if words or data[:2] in search.BOMS:
            self._add(
                offset,
                search.search_bytes(data, path if isinstance(path, bytes) else path(), words),
            )

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
        self._add(offset, found)

    def _add(self, offset: int, found: Search) -> None:
        room = MOST_IN_LAYER - len(self._hits)
        self._hits += [(offset, hit) for hit in found.hits[:room]]
        if len(found.hits) > room or not found.complete:
            self._gaps.append((offset, "too-many"))

    def result(self, columns: Columns) -> LayerSecrets | None:
        """What was found; None if nothing was searched. Sparse files are not looked into."""
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


def _no_words(_: bytes) -> Words:
    return ()


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
