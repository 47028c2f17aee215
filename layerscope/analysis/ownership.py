"""The package that each stored file version belongs to, according to the databases after the layer that stored it."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import field
from itertools import repeat

from layerscope.analysis.claims import UNOWNED, Claims
from layerscope.filesystem.entry import Entry, PlacedLayer
from layerscope.filesystem.tree import FileTree
from layerscope.layers.documents import unpacked
from layerscope.layers.entry import FILE, HARDLINK, METADATA, VISIBLE
from layerscope.layers.layer_index import values
from layerscope.notes import Notes
from layerscope.packages.databases import RELEASES, Unit, distribution
from layerscope.packages.documents import about_packages, unit_of_document
from layerscope.packages.package import Installed, Package, PackageType, Unreadable
from layerscope.records import dataclass


@dataclass(slots=True)
class Share:
    """A number of stored file versions, their total bytes, and their live bytes.

    `compressed` is what they take in the compressed blobs; None if one of those blobs isn't compressed.
    """

    files: int = 0
    content: int = 0
    live: int = 0
    compressed: int | None = 0

    @property
    def wasted(self) -> int:
        return self.content - self.live


@dataclass(slots=True)
class PackageShare(Share):
    """The file versions that one package owned when they were stored.

    `where` is the document that names the package, and `layer` the first layer with that document. `installed` says that
    the final filesystem has it too. `inside` are packages built into its files.
    """

    package: Package = field(kw_only=True)
    where: bytes = field(kw_only=True)
    layer: int = field(kw_only=True)
    installed: bool = field(default=False, kw_only=True)
    inside: tuple[Package, ...] = field(default=(), kw_only=True)


@dataclass(slots=True)
class Ownership:
    """The packages of an image and the files they own.

    For each layer, `owners` has the number of the package that each member belongs to, or `UNOWNED`. The shares of all
    packages and `unowned` add up to the content of the image. `unreadable` are the types of databases that can't be read.
    """

    packages: list[PackageShare] = field(default_factory=list)
    unowned: Share = field(default_factory=Share)
    owners: list[array[int]] = field(default_factory=list, repr=False)
    unreadable: set[PackageType] = field(default_factory=set)


def own(tree: FileTree, notes: Notes) -> Ownership:
    """Attribute all stored content to packages. An unreadable database is reported as a note."""
    result = Ownership()
    databases = _Databases(tree, notes, result)
    for layer, placed in enumerate(tree.layers):
        databases.follow(layer, placed)
        result.owners.append(_attribute(placed, databases.claims, result))
    for number in databases.claims.packages():
        result.packages[number].installed = True
    return result


def _attribute(placed: PlacedLayer, claims: Claims, result: Ownership) -> array[int]:
    """Attribute the content of one layer to the packages that own its paths after that layer."""
    columns = placed.columns
    owners = array("i", (UNOWNED,)) * len(columns)
    costs = repeat(0, len(columns)) if columns.compressed is None else values(columns.compressed)
    rows = zip(
        values(columns.sizes),
        columns.kinds,
        columns.each_path(),
        placed.records,
        costs,
        strict=True,
    )
    owner_of = claims.owner_of
    sums: dict[int, list[int]] = {}
    find = sums.get
    for position, (size, kind, path, record, cost) in enumerate(rows):
        if not size:
            continue
        owner = UNOWNED
        if kind != METADATA:
            owner = owner_of(path if record is None else record.path)
            if owner != UNOWNED:
                owners[position] = owner
        elif record is None or record.content is None:
            continue
        total = find(owner)
        if total is None:
            total = sums[owner] = [0, 0, 0, 0]
        total[0] += 1
        total[1] += size
        if record is None or record.names:
            total[2] += size
        total[3] += cost
    for owner, (files, content, live, compressed) in sums.items():
        share: Share = result.unowned if owner == UNOWNED else result.packages[owner]
        share.files += files
        share.content += content
        share.live += live
        if columns.compressed is None:
            share.compressed = None
        elif share.compressed is not None:
            share.compressed += compressed
    return owners


def _documents(placed: PlacedLayer) -> Iterator[tuple[Entry, bytes]]:
    """The files of package databases in a layer and their contents, including hard links to them."""
    columns = placed.columns
    if not columns.documents:
        return
    for offset, kept in columns.documents.items():
        position = bisect_left(columns.data, offset)
        while position < len(columns) and columns.data[position] == offset:
            if columns.kinds[position] == FILE and columns.sizes[position]:
                yield placed.entry(position), about_packages(unpacked(kept))
                break
            position += 1
    position = columns.kinds.find(HARDLINK)
    while position >= 0:
        entry = placed.entry(position)
        content = entry.content
        if (
            content is not None
            and content.layer == entry.layer
            and content.data in columns.documents
        ):
            yield entry, about_packages(unpacked(columns.documents[content.data]))
        position = columns.kinds.find(HARDLINK, position + 1)


class _Databases:
    """The package databases as they are after each layer, and the claims they make."""

    def __init__(self, tree: FileTree, notes: Notes, result: Ownership) -> None:
        self.claims = Claims(tree)
        self._notes = notes
        self._packages = result.packages
        self._unreadable = result.unreadable
        self._numbers: dict[tuple[Package, bytes], int] = {}
        self._documents: defaultdict[Unit, dict[bytes, tuple[Entry, bytes]]] = defaultdict(dict)
        self._ending: defaultdict[int, list[tuple[Unit, bytes, Entry]]] = defaultdict(list)
        self._releases: dict[bytes, bytes] = {}

    def follow(self, layer: int, placed: PlacedLayer) -> None:
        """Update databases and claims to the state after a layer."""
        changed: dict[Unit, None] = {}
        for unit, path, entry in self._ending.pop(layer, ()):
            held = self._documents[unit].get(path)
            if held is not None and held[0] is entry:
                del self._documents[unit][path]
                changed[unit] = None
        for entry, data in _documents(placed):
            if entry.path in RELEASES:
                self._releases[entry.path] = data
                continue
            found = unit_of_document(entry.path, data)
            if found is not None and entry.ended != layer:
                self._hold(found, entry, data)
                changed[found] = None
        if changed:
            self.claims.forget_folders()
        for unit in sorted(changed, key=lambda unit: unit[0].rank):
            self._reread(unit, layer)

    def _hold(self, unit: Unit, entry: Entry, data: bytes) -> None:
        self._documents[unit][entry.path] = (entry, data)
        if entry.ended != VISIBLE:
            self._ending[entry.ended].append((unit, entry.path, entry))

    def _reread(self, unit: Unit, layer: int) -> None:
        database, where = unit
        documents = {path: data for path, (_, data) in self._documents[unit].items()}
        installed: list[Installed] = []
        if documents and not self.claims.is_part(database, documents):
            try:
                installed = list(database.read(where, documents, self._distribution()))
            except Unreadable as error:
                self._unreadable.update(database.types)
                self._notes.add(
                    "packages-unreadable",
                    f"a package database can't be read: it {error}",
                    layer=layer,
                    path=where,
                )
        self.claims.replace(unit, self._numbered(installed, layer), layer)

    def _numbered(self, installed: Iterable[Installed], layer: int) -> list[tuple[int, Installed]]:
        rows = []
        for each in installed:
            key = (each.package, each.where)
            number = self._numbers.get(key)
            if number is None:
                number = self._numbers[key] = len(self._packages)
                self._packages.append(
                    PackageShare(
                        package=each.package, where=each.where, layer=layer, inside=each.inside
                    )
                )
            rows.append((number, each))
        return rows

    def _distribution(self) -> str:
        for path in sorted(self._releases):
            found = distribution(self._releases[path])
            if found:
                return found
        return ""
