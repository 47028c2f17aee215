"""A member of a layer as part of an image: its facts from the layer's index, and its fate in the layers above."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import chain
from operator import attrgetter
from typing import TYPE_CHECKING, overload

from layerscope.layers.entry import ADDED, FILE, KIND_NAMES, VISIBLE, Extra, Member

if TYPE_CHECKING:
    from layerscope.filesystem.node import Node
    from layerscope.layers.layer_index import LayerIndex, Owner


class Entry:
    """One version of a path. The header's facts come from the layer's index, the rest from the tree.

    The tree sets `previous` (the entry that lower layers had at the path), `ended` (the layer that hid this one, or
    VISIBLE), `content` (the entry that stores the bytes this name refers to), `names` (the number of visible names for
    these bytes), and `change`. `path` follows the symlinks of the entry's own layer; `stored_path` is the path in the
    tar. `fingerprint` can be set later, when the content is read.
    """

    __slots__ = (
        "_led",
        "_mark",
        "change",
        "content",
        "ended",
        "kind",
        "layer",
        "names",
        "place",
        "position",
        "previous",
        "size",
    )

    def __init__(self, place: PlacedLayer, position: int, layer: int) -> None:
        index = place.columns
        self.place = place
        self.position = position
        self.layer = layer
        self.kind = index.kinds[position]
        self.size = index.sizes[position]
        self.previous: Entry | None = None
        self.ended = VISIBLE
        self.content: Entry | None = None
        self.names = 0
        self.change = ADDED
        self._mark: bytes | None = None
        self._led: bytes | None = None
        if self.size and self.kind == FILE:
            self.content = self
            self.names = 1

    @property
    def path(self) -> bytes:
        """The path in the image, cleaned."""
        return self.place.columns.path(self.position) if self._led is None else self._led

    @property
    def stored_path(self) -> bytes:
        """The path in the tar, cleaned."""
        return self.place.columns.path(self.position)

    @property
    def led(self) -> bool:
        """Whether a symlink of the same layer moves the entry to another path than the one in the tar."""
        return self._led is not None

    def lead(self, path: bytes) -> None:
        """Set a path that differs from the one in the tar."""
        self._led = path

    @property
    def data(self) -> int:
        """The offset of the content in the uncompressed tar, in bytes."""
        return self.place.columns.data[self.position]

    @property
    def compressed(self) -> int | None:
        """The bytes that the member takes in the compressed blob, its header included; None if unknown."""
        column = self.place.columns.compressed
        return None if column is None else column[self.position]

    @property
    def owner(self) -> Owner:
        """The mode, uid, and gid."""
        return self.place.columns.owner(self.position)

    @property
    def mode(self) -> int:
        return self.owner[0]

    @property
    def uid(self) -> int:
        return self.owner[1]

    @property
    def gid(self) -> int:
        return self.owner[2]

    @property
    def mtime(self) -> int:
        return self.place.columns.mtimes[self.position]

    @property
    def link(self) -> bytes:
        return self.place.columns.links.get(self.position, b"")

    @property
    def extra(self) -> Extra | None:
        return self.place.columns.extras.get(self.position)

    @property
    def xattrs(self) -> tuple[tuple[bytes, bytes], ...]:
        extra = self.place.columns.extras.get(self.position)
        return extra.xattrs if extra is not None else ()

    @property
    def logical_size(self) -> int:
        """The size that a program sees, which includes the holes of a sparse file, in bytes."""
        extra = self.extra
        return self.size if extra is None or extra.logical_size is None else extra.logical_size

    @property
    def read_hash(self) -> bytes | None:
        """The hash of the content, if it was read after the layer was indexed."""
        return self._mark

    @property
    def fingerprint(self) -> bytes | None:
        """A hash of the content; None until the content is read."""
        mark = self._mark
        return self.place.columns.fingerprint(self.position) if mark is None else mark

    @fingerprint.setter
    def fingerprint(self, mark: bytes) -> None:
        self._mark = mark

    @property
    def member(self) -> Member:
        """All facts from the tar."""
        return self.place.columns.member(self.position)

    def __repr__(self) -> str:
        return (
            f"Entry({self.path!r}, {KIND_NAMES[self.kind]}, {self.size} bytes, layer {self.layer})"
        )


class PlacedLayer(Sequence[Entry]):
    """The entries of one layer of a tree, in tar order.

    An entry object is created when it is first needed, and stays the same object from then on. Most files are added
    once and never touched again, and the tree keeps only their number: their position plus `first`, which is the number
    of entries in all layers below.
    """

    __slots__ = ("_folders", "_starts", "columns", "first", "number", "records", "stack")

    def __init__(self, columns: LayerIndex, number: int, stack: list[PlacedLayer]) -> None:
        self.columns = columns
        self.number = number
        self.stack = stack
        self.first: int = stack[-1].first + len(stack[-1]) if stack else 0
        self.records: list[Entry | None] = [None] * len(columns)
        self._starts = array("Q")
        self._folders: list[Node] = []

    def enter(self, position: int, folder: Node) -> None:
        """Say that the entries from `position` on are in `folder`, until the next one is entered."""
        self._starts.append(position)
        self._folders.append(folder)

    def runs(self) -> Iterator[tuple[int, int, Node]]:
        """The entries that follow each other in one directory: from a position up to another, and the directory.

        Whiteouts may be in a run of another directory, or in none. So are entries with `led`.
        """
        ends = chain(self._starts[1:], (len(self),))
        return zip(self._starts, ends, self._folders, strict=False)  # a layer may be empty

    def entry(self, position: int) -> Entry:
        found = self.records[position]
        if found is None:
            found = self.records[position] = Entry(self, position, self.number)
        return found

    def __len__(self) -> int:
        return len(self.records)

    @overload
    def __getitem__(self, position: int) -> Entry: ...
    @overload
    def __getitem__(self, position: slice) -> Sequence[Entry]: ...
    def __getitem__(self, position: int | slice) -> Entry | Sequence[Entry]:
        if isinstance(position, slice):
            return [self.entry(each) for each in range(*position.indices(len(self.records)))]
        return self.entry(range(len(self.records))[position])

    def __iter__(self) -> Iterator[Entry]:
        return map(self.entry, range(len(self.records)))

    def live(self) -> Iterator[int]:
        """The positions of the entries whose stored bytes are live in the final filesystem."""
        for position, (size, record) in enumerate(
            zip(self.columns.sizes, self.records, strict=True)
        ):
            if size if record is None else record.names > 0:
                yield position


_FIRST = attrgetter("first")


def numbered_entry(stack: Sequence[PlacedLayer], number: int) -> Entry:
    """The entry with this number, counted through all layers of a tree."""
    place = stack[bisect_right(stack, number, key=_FIRST) - 1]
    return place.entry(number - place.first)
