"""The exact numbers that dive 0.13.1 reports for an image, for budgets that were made with it.

They are not the true ones. dive counts every copy of a file, even live ones, misses directories removed as a whole and
opaque whiteouts, and treats all layers but the lowest as the user's. `Sizes` has the true numbers.

dive builds a tree for each layer and walks its leaves. For every whiteout it stacks all layers below again to see what
the whiteout removes. Here one stacked tree grows with the layers, which gives the same numbers in linear time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from layerscope.analysis.model import Analysis, Facts
from layerscope.filesystem.entry import Entry, PlacedLayer
from layerscope.layers.entry import DIRECTORY, FILE, OPAQUE, OTHER, WHITEOUT
from layerscope.layers.file_content import stored_bytes
from layerscope.layers.header import BLOCK_SIZE, number
from layerscope.layers.names import OPAQUE_MARKER, WHITEOUT_PREFIX
from layerscope.layers.reader import StoredLayer
from layerscope.records import dataclass
from layerscope.units import format_percent, format_size

_ODD_SIZES: Final = frozenset(("size-on-link", "size-without-data", "odd-whiteout"))
_DROPPED: Final = b".wh..wh.."
"""The prefix of names that dive leaves out of its trees. It treats other AUFS names as whiteouts."""
_SIZE_FIELD: Final = slice(124, 136)


@dataclass(frozen=True, slots=True, kw_only=True)
class DiveNumbers:
    """dive's sizes in bytes, its score from 0 to 1, and the share of the upper layers that it calls wasted.

    `user_wasted_percent` is None if dive divides by zero because no upper layer has content.
    """

    size_bytes: int
    inefficient_bytes: int
    efficiency_score: float
    user_wasted_percent: float | None

    def difference(self, analysis: Analysis | Facts) -> str | None:
        """A sentence on how dive's numbers differ from the true ones; None if they agree."""
        sizes = analysis.sizes
        if self.inefficient_bytes == sizes.wasted and self.efficiency_score == sizes.efficiency:
            return None
        return (
            f"dive calls {format_size(self.inefficient_bytes)} wasted and the image "
            f"{100 * self.efficiency_score:.1f} % efficient; actually {format_size(sizes.wasted)} are wasted and "
            f"{format_percent(sizes.live, sizes.content) if sizes.content else '100.0 %'} are live: dive also counts "
            "copies that are in use, and misses directories removed as a whole"
        )


def dive_numbers(analysis: Analysis) -> DiveNumbers | None:
    """dive's numbers; None if the source lacks a layer. The image must be open.

    Differs from dive where dive reads an archive wrongly: if a layer appears twice in a legacy docker-archive, dive sees
    an empty one the second time, and it refuses layers with a PAX global header.
    """
    indexes = [index for index in analysis.indexes if index is not None]
    if len(indexes) != len(analysis.layers):
        return None
    sizes = _Sizes(analysis.indexes)
    layers = analysis.tree.layers
    totals = [sizes.total(layer) for layer in layers]
    tally = _Tally()
    stacked: _Node | None = None
    for layer in layers:
        tree = _tree(layer, sizes)
        below = tree if stacked is None else stacked
        tally.add(tree, below)
        if stacked is None:
            stacked = _tree(layer, sizes)
        _stack(stacked, tree)
    user = sum(totals[1:])
    return DiveNumbers(
        size_bytes=sum(totals),
        inefficient_bytes=tally.wasted,
        efficiency_score=tally.score,
        user_wasted_percent=tally.wasted / user if user else None,
    )


class _Sizes:
    """The size in the header of each entry, including sizes without data, which layerscope itself doesn't count."""

    def __init__(self, indexes: Sequence[StoredLayer | None]) -> None:
        self._indexes = indexes
        self._odd = {
            _key(index)
            for index in indexes
            if index is not None and any(note.code in _ODD_SIZES for note in index.notes)
        }
        self._known: dict[tuple[object, int], int] = {}

    def of(self, entry: Entry) -> int:
        if entry.kind == FILE or entry.size:
            extra = entry.extra
            return entry.size if extra is None or extra.logical_size is None else extra.logical_size
        index = self._indexes[entry.layer]
        assert index is not None
        if entry.kind != OTHER and _key(index) not in self._odd:
            return 0
        return self._read(index, entry)

    def _read(self, index: StoredLayer, entry: Entry) -> int:
        key = _key(index), entry.data
        if key not in self._known:
            self._read_all(index)
        return self._known.get(key, 0)

    def _read_all(self, index: StoredLayer) -> None:
        """Read the headers of the entries without data again, in tar order."""
        tar = stored_bytes([index], 0)
        for member in index.index.members():
            if member.kind != FILE and not member.size:
                block = tar.read_at(member.data - BLOCK_SIZE, BLOCK_SIZE)
                if len(block) == BLOCK_SIZE:
                    self._known[_key(index), member.data] = number(block[_SIZE_FIELD])

    def total(self, layer: PlacedLayer) -> int:
        return sum(self.of(entry) for entry in layer if not _is_made_up(entry))


def _key(index: StoredLayer) -> tuple[int, int, int]:
    return index.blob.key


def _is_made_up(entry: Entry) -> bool:
    """Whether an opaque whiteout was made from an attribute of the next entry, and is not a member of its own."""
    data, following = entry.place.columns.data, entry.position + 1
    return entry.kind == OPAQUE and following < len(data) and data[following] == entry.data


class _Node:
    """A name in one of dive's trees: its size, whether it is a directory, and what is below."""

    __slots__ = ("children", "directory", "size")

    def __init__(self) -> None:
        self.children: dict[bytes, _Node] = {}
        self.size = 0
        self.directory = False


def _tree(entries: Iterable[Entry], sizes: _Sizes) -> _Node:
    """The tree of one layer, built in tar order."""
    root = _Node()
    for entry in entries:
        path = _raw_path(entry, entry.stored_path)
        if not path:
            continue
        node: _Node | None = root
        for name in path.split(b"/"):
            assert node is not None
            below = node.children.get(name)
            if below is None:
                if name.startswith(_DROPPED):
                    node = None
                    break
                below = node.children[name] = _Node()
            node = below
        if node is not None:
            node.size = sizes.of(entry)
            node.directory = entry.kind == DIRECTORY
    return root


def _raw_path(entry: Entry, path: bytes) -> bytes:
    """The cleaned name of the member, including the prefix that makes it a whiteout."""
    if entry.kind == OPAQUE:
        return path + b"/" + OPAQUE_MARKER if path else OPAQUE_MARKER
    if entry.kind == WHITEOUT and not (entry.extra is not None and entry.extra.device == (0, 0)):
        parent, _, name = path.rpartition(b"/")
        return parent + b"/" + WHITEOUT_PREFIX + name if parent else WHITEOUT_PREFIX + name
    return path


class _Visit:
    """A directory on the current path of a walk: its node, its path, its parent, and the children still to visit.

    `at` is the node with the same path in a second tree, looked up when needed.
    """

    __slots__ = ("above", "at", "name", "names", "node", "path")

    def __init__(self, node: _Node, name: bytes, path: bytes, above: _Visit | None) -> None:
        self.node = node
        self.name = name
        self.path = path
        self.above = above
        self.names = iter(sorted(node.children))
        self.at: _Node | None = None


def _walk(root: _Node, at: _Node) -> Iterator[_Visit]:
    """Every node below the root in dive's order: children first, by name. `at` is the root of the second tree."""
    top = _Visit(root, b"", b"", None)
    top.at = at
    stack = [top]
    while stack:
        visit = stack[-1]
        name = next(visit.names, None)
        if name is not None:
            stack.append(_Visit(visit.node.children[name], name, visit.path + b"/" + name, visit))
            continue
        stack.pop()
        if visit is not top:
            yield visit


def _found(visit: _Visit, *, make: bool) -> _Node | None:
    """The node with the same path in the second tree. With `make`, it is created if missing, with its parents."""
    missing: list[_Visit] = []
    current: _Visit | None = visit
    while current is not None and current.at is None:
        missing.append(current)
        current = current.above
    assert current is not None
    node = current.at
    for each in reversed(missing):
        assert node is not None
        below = node.children.get(each.name)
        if below is None:
            if not make:
                return None
            below = node.children[each.name] = _Node()
        each.at = node = below
    return node


def _is_whiteout(name: bytes) -> bool:
    return name.startswith(WHITEOUT_PREFIX)


def _stack(lower: _Node, upper: _Node) -> None:
    """Apply the tree of a layer to the layers below: whiteouts remove paths, everything else replaces them."""
    for visit in _walk(upper, lower):
        if not _is_whiteout(visit.name):
            node = _found(visit, make=True)
            assert node is not None
            node.size = visit.node.size
            node.directory = visit.node.directory
            continue
        assert visit.above is not None
        parent = _found(visit.above, make=False)
        if parent is not None:
            parent.children.pop(visit.name.removeprefix(WHITEOUT_PREFIX), None)


class _Tally:
    """What dive adds up for each path: how often it is a leaf, the sum of its sizes, and the smallest one."""

    def __init__(self) -> None:
        self._paths: dict[bytes, list[int]] = {}

    def add(self, tree: _Node, below: _Node) -> None:
        """Count the leaves of a layer's tree. `below` is the tree of the layers below it.

        As in dive, a whiteout of a missing path ends the count of the whole layer.
        """
        weights: dict[int, int] = {}
        for visit in _walk(tree, below):
            if visit.node.children:
                continue
            path = visit.path
            if not _is_whiteout(visit.name):
                size = visit.node.size
                row = self._paths.setdefault(path, [0, 0, -1])
            else:
                assert visit.above is not None
                name = visit.name.removeprefix(WHITEOUT_PREFIX)
                row = self._paths.setdefault(visit.above.path + b"/" + name, [0, 0, -1])
                parent = _found(visit.above, make=False)
                removed = None if parent is None else parent.children.get(name)
                if removed is None:
                    return
                size = _weight(removed, weights) if removed.directory else 0
            row[0] += 1
            row[1] += size
            row[2] = size if row[2] < 0 else min(row[2], size)

    @property
    def wasted(self) -> int:
        return sum(total for count, total, _ in self._paths.values() if count >= 2)

    @property
    def score(self) -> float:
        total = sum(row[1] for row in self._paths.values())
        least = sum(row[2] for row in self._paths.values())
        return 1.0 if total == 0 else float(least) / float(total)


def _weight(node: _Node, known: dict[int, int]) -> int:
    """The sum of the sizes of a node and everything below it. Each node is added up once."""
    stack = [(node, iter(node.children.values()))]
    while stack:
        current, children = stack[-1]
        child = next((each for each in children if id(each) not in known), None)
        if child is not None:
            stack.append((child, iter(child.children.values())))
            continue
        stack.pop()
        below = sum(known[id(each)] for each in current.children.values())
        known[id(current)] = current.size + below
    return known[id(node)]
