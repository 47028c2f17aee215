"""The paths and directories that packages claim in a filesystem, and which package owns a path that several claim."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from layerscope.filesystem.links import resolve
from layerscope.filesystem.node import Node
from layerscope.filesystem.tree import FileTree
from layerscope.layers.entry import DIRECTORY, SYMLINK
from layerscope.packages.databases import Database, Unit
from layerscope.packages.package import Installed

UNOWNED: Final = -1
_LAST_WHOLE_RANK: Final = 1
"""A document owned by a package of this rank or lower doesn't describe a package of its own."""

Claim = tuple[Installed, Sequence[bytes], Sequence[bytes]]
"""A package, and the files and directories that it owns, by their real paths."""


class Claims:
    """The owners of paths according to the current state of the databases. Packages are numbers.

    Files take precedence over directories, and databases of lower rank over others. A package whose own document belongs
    to a system or conda package is part of that one and claims nothing: Debian's `python3-yaml` has a `dist-info` too.
    """

    def __init__(self, tree: FileTree) -> None:
        self._root = tree.root
        self._claims: dict[Unit, dict[int, Claim]] = {}
        self._files: dict[int, dict[bytes, int]] = {}
        self._ranked: Sequence[dict[bytes, int]] = ()
        self._trees: dict[bytes, int] = {}
        self._folders: dict[bytes, tuple[Node | None, bytes]] = {b"": (tree.root, b"")}

    def forget_folders(self) -> None:
        """Forget where folders lead, since a layer may have changed that."""
        self._folders = {b"": (self._root, b"")}

    def replace(self, unit: Unit, rows: Iterable[tuple[int, Installed]], layer: int) -> None:
        """Replace the claims of a unit with what its packages own after a layer."""
        rank = unit[0].rank
        files = self._files.setdefault(rank, {})
        before = self._claims.pop(unit, {})
        claims: dict[int, Claim] = {}
        added = []
        for number, installed in rows:
            held = before.get(number)
            if held is not None and held[0] == installed:
                claims[number] = before.pop(number)
            else:
                added.append((number, installed))
        for number, (_, own, trees) in before.items():
            _withdraw(files, own, number)
            _withdraw(self._trees, trees, number)
        for number, installed in added:
            own = self._real(installed.files, layer)
            trees = self._real(installed.trees, layer)
            claim = files.setdefault
            for path in own:
                claim(path, number)
            for path in trees:
                self._trees.setdefault(path, number)
            claims[number] = (installed, own, trees)
        self._claims[unit] = claims
        self._ranked = [self._files[each] for each in sorted(self._files) if self._files[each]]

    def packages(self) -> Iterator[int]:
        """The packages that the databases have now."""
        for claims in self._claims.values():
            yield from claims

    def owner_of(self, path: bytes) -> int:
        """The package that owns a path, or `UNOWNED`."""
        for files in self._ranked:
            number = files.get(path)
            if number is not None:
                return number
        trees = self._trees
        if trees:
            end = path.rfind(b"/")
            while end > 0:
                number = trees.get(path[:end])
                if number is not None:
                    return number
                end = path.rfind(b"/", 0, end)
        return UNOWNED

    def is_part(self, database: Database, documents: Iterable[bytes]) -> bool:
        """Whether the documents of a package belong to a package of the system or of conda."""
        if database.rank <= _LAST_WHOLE_RANK:
            return False
        whole = [files for rank, files in self._files.items() if rank <= _LAST_WHOLE_RANK]
        return any(path in files for path in documents for files in whole)

    def _real(self, paths: Sequence[bytes], layer: int) -> Sequence[bytes]:
        """The real paths after a layer. A database may say `bin/ls` although `bin` is a symlink to `usr/bin`."""
        found: list[bytes] = []
        add = found.append
        folders = self._folders
        last = real = b""
        same = True
        for path in paths:
            end = path.rfind(b"/")
            if end <= 0:
                add(path)
                continue
            folder = path[:end]
            if folder != last:
                last = folder
                real = (folders.get(folder) or self._folder(folder, layer))[1]
                same = real == folder
            add(path if same else real + path[end:])
        return found

    def _folder(self, folder: bytes, layer: int) -> tuple[Node | None, bytes]:
        """The node and the real path of a folder after a layer. If it doesn't exist, the path is returned unchanged."""
        above, _, name = folder.rpartition(b"/")
        node, real = self._folders.get(above) or self._folder(above, layer)
        child = node.child(name) if node is not None else None
        entry = child.at_layer(layer) if child is not None else None
        path = real + b"/" + name if real else name
        if child is not None and entry is not None and entry.kind == SYMLINK:
            child = resolve(self._root, child, entry.link, layer)
            path = path if child is None else child.path
        elif entry is None or entry.kind != DIRECTORY:
            child = None
        found = self._folders[folder] = (child, path)
        return found


def _withdraw(claimed: dict[bytes, int], paths: Iterable[bytes], number: int) -> None:
    for path in paths:
        if claimed.get(path) == number:
            del claimed[path]
