"""Why an image is big: its content divided into causes that share no byte.

Waste is divided by its kind, live content that is dead weight by the kind of that, and what is left by package, and below
that by directory. The causes of the base image are apart, since a Dockerfile can only choose another one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field
from itertools import compress, count, pairwise
from typing import TYPE_CHECKING, Final, Literal

from layerscope.analysis.base_instructions import base_instructions
from layerscope.analysis.claims import UNOWNED
from layerscope.analysis.grouping import WasteSummary
from layerscope.analysis.model import Analysis
from layerscope.filesystem.entry import Entry, PlacedLayer
from layerscope.filesystem.node import Node
from layerscope.records import dataclass

if TYPE_CHECKING:
    from layerscope.analysis.ownership import PackageShare

CauseKind = Literal["dead_weight", "directory", "package", "packages", "waste"]
MOST_DIRECTORIES: Final = 10
DEEPEST: Final = 40
"""Directories below this depth count as one, so that no path can make the sums slow."""
_LARGE: Final = 10
"""A package with this part of the content, one in ten, is a cause of its own."""
_SHARES: Final = ((1, 1_000_000), (1, 4))
"""The share of a directory's bytes from which the one in it says more, by depth: `/` says nothing, `/usr` little."""
_DEEPER: Final = (2, 3)


@dataclass(slots=True)
class Cause:
    """A part of the content with one cause.

    `name` is the kind of waste or dead weight, the package, the type of packages, or the path of a directory. `base`
    says that the base image's instructions are to blame, and `instruction` is the one that is to blame for most of it,
    None if nothing says so. `compressed` is None if unknown.
    """

    kind: CauseKind
    name: str | bytes
    base: bool
    bytes: int = 0
    files: int = 0
    compressed: int | None = 0
    by_instruction: dict[int, int] = field(default_factory=dict, repr=False)

    @property
    def instruction(self) -> int | None:
        found = self.by_instruction
        return max(found, key=lambda each: (found[each], -each)) if found else None

    def add(self, size: int, cost: int | None, instruction: int, files: int = 1) -> None:
        self.bytes += size
        self.files += files
        self.compressed = (
            None if cost is None or self.compressed is None else self.compressed + cost
        )
        self.by_instruction[instruction] = self.by_instruction.get(instruction, 0) + size


def causes_of(analysis: Analysis, waste: WasteSummary | None = None) -> tuple[Cause, ...]:
    """All causes, those of the base image last, and otherwise the largest first. They add up to the content."""
    waste = WasteSummary(analysis.waste) if waste is None else waste
    found = [*_Live(analysis).causes(), *_waste(analysis, waste)]
    found.sort(key=lambda each: (each.base, -each.bytes, each.kind, _text(each.name)))
    return tuple(each for each in found if each.bytes)


def _text(name: str | bytes) -> bytes:
    return name if isinstance(name, bytes) else name.encode("utf-8", "surrogateescape")


def _waste(analysis: Analysis, waste: WasteSummary) -> Iterator[Cause]:
    """The waste by kind. What own instructions waste of the base image is not the base image's fault."""
    base = base_instructions(analysis.facts)
    found: dict[tuple[str, bool], Cause] = {}
    for pair in waste.pairs():
        key = (pair.kind, pair.wasted_by in base)
        cause = found.get(key)
        if cause is None:
            cause = found[key] = Cause("waste", *key)
        cause.add(pair.bytes, pair.compressed, pair.written_by, pair.files)
    yield from found.values()


class _Sums(dict[str | int | bytes | Node, list[int]]):
    """Bytes, cost, and number of files of a kind of dead weight (text), a package (its number), or a directory."""

    def add(self, key: str | int | bytes | Node, size: int, cost: int, files: int) -> None:
        found = self.get(key)
        if found is None:
            self[key] = [size, cost, files]
            return
        found[0] += size
        found[1] += cost
        found[2] += files


class _Live:
    """The live content, each file added to one cause."""

    def __init__(self, analysis: Analysis) -> None:
        self._analysis = analysis
        facts = analysis.facts
        self._base_layers = 0 if facts.base is None else facts.base.layers
        self._found: dict[tuple[str | int, bool], Cause] = {}
        self._directories = {False: _Directories(), True: _Directories()}
        weighed = analysis.weighed
        self._dead = bytearray(0 if weighed is None else sum(map(len, analysis.tree.layers)))
        """Which entries are dead weight, by number."""
        for number in () if weighed is None else weighed.found:
            self._dead[number] = 1

    def causes(self) -> Iterator[Cause]:
        for layer in self._analysis.tree.layers:
            self._add_layer(layer)
        yield from self._by_package()
        least = self._analysis.sizes.content // 100
        for base, directories in self._directories.items():
            yield from directories.summed_up().carved(base, least)

    def _add_layer(self, layer: PlacedLayer) -> None:
        """Add up the files of a layer by package, by directory, or by kind of dead weight."""
        ownership, columns = self._analysis.ownership, layer.columns
        owners = None if ownership is None else ownership.owners[layer.number]
        costs = columns.compressed
        sums = _Sums()
        for start, end, folder in layer.runs():
            if end - start == 1 and not columns.sizes[start]:
                continue
            sizes = columns.sizes[start:end].tolist()
            records = layer.records[start:end]
            own = (UNOWNED,) * len(sizes) if owners is None else owners[start:end]
            lost = (0,) * len(sizes) if costs is None else costs[start:end].tolist()
            first = layer.first + start
            if (
                records.count(None) == len(sizes)
                and own.count(own[0]) == len(sizes)
                and self._dead.find(1, first, first + len(sizes)) < 0
            ):
                files = len(sizes) - sizes.count(0)
                if files:
                    cost = sum(lost) if files == len(sizes) else sum(compress(lost, sizes))
                    key = folder if own[0] == UNOWNED else own[0]
                    sums.add(key, sum(sizes), cost, files)
                continue
            for number, size, record, owner, cost in zip(
                count(first), sizes, records, own, lost, strict=False
            ):
                if size and (record is None or record.names > 0):
                    self._add_file(sums, number, size, record, owner, cost, folder)
        self._add(layer, sums, costs_known=costs is not None)

    def _add_file(
        self,
        sums: _Sums,
        number: int,
        size: int,
        record: Entry | None,
        owner: int,
        cost: int,
        folder: Node,
    ) -> None:
        """Add one file, or what of it is not dead weight."""
        files = 1
        weighed = self._analysis.weighed
        if weighed is not None and (told := weighed.found.get(number)) is not None:
            part = weighed.parts.get(number, size)
            lost = cost * part // size
            sums.add(told[0].kind, part, lost, 1)
            size -= part
            cost -= lost
            if not size:
                return
            files = 0
        key: int | bytes | Node = owner
        if owner == UNOWNED:
            key = folder if record is None else record.path.rpartition(b"/")[0]
        sums.add(key, size, cost, files)

    def _add(self, layer: PlacedLayer, sums: _Sums, *, costs_known: bool) -> None:
        """Add the sums of a layer."""
        base = layer.number < self._base_layers
        instruction = self._analysis.layers[layer.number].instruction
        directories = self._directories[base]
        for key, (size, known_cost, files) in sums.items():
            cost = known_cost if costs_known else None
            if isinstance(key, bytes | Node):
                directories.add(key, size, cost, instruction, files)
                continue
            cause = self._found.get((key, base))
            if cause is None:
                name = key if isinstance(key, str) else ""
                cause = Cause("dead_weight" if name else "package", name, base)
                self._found[key, base] = cause
            cause.add(size, cost, instruction, files)

    def _by_package(self) -> Iterator[Cause]:
        """The dead weight, and the packages: large ones by themselves, and the others by type."""
        ownership = self._analysis.ownership
        content = self._analysis.sizes.content
        groups: dict[tuple[str, bool], Cause] = {}
        for (key, base), cause in self._found.items():
            if not isinstance(key, int):
                yield cause
                continue
            assert ownership is not None
            share = ownership.packages[key]
            if _LARGE * cause.bytes >= content:
                cause.name = _package_name(share)
                yield cause
                continue
            name = (str(share.package.type), base)
            group = groups.setdefault(name, Cause("packages", *name))
            for instruction, size in cause.by_instruction.items():
                group.add(size, 0, instruction, 0)
            group.files += cause.files
            costs = (group.compressed, cause.compressed)
            group.compressed = None if None in costs else sum(cost or 0 for cost in costs)
        yield from groups.values()


def _package_name(share: PackageShare) -> str:
    package = share.package
    return " ".join(part for part in (package.type, package.full_name, package.version) if part)


class _Directories:
    """The files that belong to no package, by directory."""

    def __init__(self) -> None:
        self._root = _Directory(None)
        self._all = [self._root]
        self._known: dict[Node, _Directory] = {}

    def add(
        self, folder: bytes | Node, size: int, cost: int | None, instruction: int, files: int
    ) -> None:
        """Add files that are directly in a folder, given as a node of the tree or as a path."""
        here = self._of_path(folder) if isinstance(folder, bytes) else self._of_node(folder)
        here.bytes += size
        here.own.append((size, cost, instruction, files))

    def _of_path(self, path: bytes) -> _Directory:
        here = self._root
        for name in path.split(b"/")[:DEEPEST] if path else ():
            here = self._below(here, name)
        return here

    def _of_node(self, node: Node) -> _Directory:
        way = []
        here = self._root
        while node.parent is not None:
            known = self._known.get(node)
            if known is not None:
                here = known
                break
            way.append(node)
            node = node.parent
        for each in reversed(way):
            here = self._known[each] = self._below(here, each.name)
        return here

    def _below(self, here: _Directory, name: bytes) -> _Directory:
        """The directory of this name in another one, or that one if it is the deepest."""
        if here.depth == DEEPEST:
            return here
        below = here.below.get(name)
        if below is None:
            below = here.below[name] = _Directory(here)
            self._all.append(below)
        return below

    def summed_up(self) -> _Directory:
        """The root, once each directory has the bytes of those in it, too. Nothing can be added after that."""
        for each in reversed(self._all):
            if each.above is not None:
                each.above.bytes += each.bytes
        return self._root


class _Directory:
    """The files of one directory, and the directories in it."""

    __slots__ = ("above", "below", "bytes", "depth", "own")

    def __init__(self, above: _Directory | None) -> None:
        self.above = above
        self.depth: int = 0 if above is None else above.depth + 1
        self.below: dict[bytes, _Directory] = {}
        self.bytes = 0
        self.own: list[tuple[int, int | None, int, int]] = []
        """Files by the layer that stores them: their bytes, cost, instruction, and number."""

    def carved(self, base: bool, least: int) -> Iterator[Cause]:
        """The largest directories, none within another one, and the rest of the files under `/`."""
        for _ in range(MOST_DIRECTORIES):
            way = self._way()
            found = way[-1]
            if found.bytes <= least or len(way) < 2:
                break
            names = _names(way)
            cause = Cause("directory", b"/".join(names), base)
            size = found.bytes
            found.gather(cause)
            for above in way[:-1]:
                above.bytes -= size
            del way[-2].below[names[-1]]
            yield cause
        rest = Cause("directory", b"", base)
        self.gather(rest)
        yield rest

    def _way(self) -> list[_Directory]:
        """The way down to the directory that says most about its bytes."""
        way = [self]
        while way[-1].below:
            here = way[-1]
            depth = len(way) - 1
            most = max(here.below.values(), key=lambda each: each.bytes)
            part, whole = _SHARES[depth] if depth < len(_SHARES) else _DEEPER
            if most.bytes * whole < here.bytes * part:
                break
            way.append(most)
        return way

    def gather(self, cause: Cause) -> None:
        """Add everything in the directory to a cause."""
        waiting = [self]
        while waiting:
            here = waiting.pop()
            waiting.extend(here.below.values())
            for row in here.own:
                cause.add(*row)


def _names(way: list[_Directory]) -> list[bytes]:
    """The names on a way down."""
    names = []
    for above, here in pairwise(way):
        names.append(next(name for name, each in above.below.items() if each is here))
    return names
