"""What the contents of files say about dead weight: symbols in programs, core files, archives, and packages for development.

The scanner keeps it with the index while it reads a layer (`packages/documents.py`), so no file is read again.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from typing import Final

from layerscope.filesystem.entry import PlacedLayer
from layerscope.filesystem.tree import FileTree
from layerscope.layers.documents import unpacked
from layerscope.layers.entry import FILE, VISIBLE
from layerscope.layers.layer_index import LayerIndex, values
from layerscope.packages.archive_members import ENDINGS, MEMBERS, Member, members_in
from layerscope.packages.databases import DEVELOPMENT
from layerscope.packages.documents import CORE, LEAST_EXECUTABLE, may_be_elf, symbols_in
from layerscope.packages.json_documents import json_object
from layerscope.packages.package import Unreadable

_FOLDER: Final = len(b"/node_modules/.package-lock.json")


class Contents:
    """What the contents of the live files say. Files are numbers, counted through all layers.

    `symbols` are the bytes of symbols in programs and libraries, `cores` are core files, `development` the paths of
    packages that npm installed for development only, and `archives` the first files of archives.
    """

    def __init__(self, tree: FileTree) -> None:
        self.symbols: dict[int, int] = {}
        self.cores: set[int] = set()
        self.development: set[bytes] = set()
        self.archives: dict[int, list[Member]] = {}
        for layer in tree.layers:
            for position, data in _documents(layer):
                self._look_at(layer, position, data)

    def _look_at(self, layer: PlacedLayer, position: int, data: bytes) -> None:
        record = layer.records[position]
        if record is not None and record.names <= 0:
            return
        number = layer.first + position
        symbols = symbols_in(data)
        if symbols:
            self.symbols[number] = min(symbols, layer.columns.sizes[position])
        elif data == CORE:
            self.cores.add(number)
        elif data.startswith(MEMBERS):
            self.archives[number] = members_in(data)
        elif record is None or record.ended == VISIBLE:
            path = layer.columns.path(position) if record is None else record.path
            if path.endswith(DEVELOPMENT):
                self.development.update(_development(path[:-_FOLDER], data))


def depends_on_contents(index: LayerIndex) -> bool:
    """Whether a layer has a file whose contents could say something about dead weight."""
    if DEVELOPMENT in index.paths:
        return True
    return any(
        index.kinds[at] == FILE
        and (
            index.path(at).endswith(ENDINGS)
            or (size >= LEAST_EXECUTABLE and may_be_elf(index.path(at), index.owner(at)[0]))
        )
        for at, size in enumerate(values(index.sizes))
        if size
    )


def _documents(layer: PlacedLayer) -> Iterator[tuple[int, bytes]]:
    """The positions of files with a document, and the document."""
    columns = layer.columns
    for offset, kept in columns.documents.items():
        position = bisect_left(columns.data, offset)
        while position < len(columns) and columns.data[position] == offset:
            if columns.kinds[position] == FILE and columns.sizes[position]:
                if len(kept) < _SHORT or columns.path(position).endswith(DEVELOPMENT):
                    yield position, unpacked(kept)
                break
            position += 1


_SHORT: Final = 4 * 1024 * 1024
"""Longer documents are packed, and of no interest here, except npm's record."""


def _development(folder: bytes, data: bytes) -> Iterator[bytes]:
    """The paths of the packages that only development needs. A record that can't be read has none."""
    try:
        packages = json_object(data).get("packages")
    except Unreadable:
        return
    if not isinstance(packages, dict):
        return
    for name, row in packages.items():
        if isinstance(row, dict) and row.get("dev") is True and name.startswith("node_modules/"):
            path = name.encode("utf-8", "surrogatepass")
            yield folder + b"/" + path if folder else path
