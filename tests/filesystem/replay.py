"""Replays layers that a test defines as members."""

from __future__ import annotations

from collections.abc import Sequence

from layerscope.filesystem.entry import Entry
from layerscope.filesystem.tree import FileTree
from layerscope.layers.entry import CHANGE_NAMES, HARDLINK, KIND_NAMES, SYMLINK
from layerscope.layers.reader import StoredLayer
from layerscope.notes import Notes
from tests.builder.image import Members, normalized
from tests.builder.tar import tar
from tests.layers.reading import index


class Replayed:
    """The tree of some layers, and its notes."""

    def __init__(self, *layers: Members) -> None:
        self.notes = Notes()
        self.tree = FileTree(self.notes)
        self.indexes: list[StoredLayer] = []
        for members in layers:
            found = index(tar(normalized(members), "pax"))
            self.indexes.append(found)
            self.tree.apply(found.index)

    @property
    def codes(self) -> list[str]:
        return [note.code for note in self.notes for _ in range(note.count)]

    def names(self) -> dict[str, str]:
        """The kind of each visible path. A directory that no entry describes is `implicit`."""
        return {
            node.path.decode("utf-8", "backslashreplace"): kind_of(node.latest)
            for node in self.tree.nodes()
            if node.visible and node.latest is not None
        }

    def files(self) -> set[str]:
        return {
            path
            for path, kind in self.names().items()
            if "directory" not in kind and kind != "implicit"
        }

    def lost(self) -> list[tuple[str, int, int]]:
        """The path, layer, and wasting layer of content that no name refers to."""
        return sorted(
            (loss.content.path.decode(), loss.content.layer, loss.layer)
            for loss in self.tree.losses
        )

    def changes(self, layer: int) -> dict[str, str]:
        return {
            entry.path.decode(): CHANGE_NAMES[entry.change] for entry in self.tree.layers[layer]
        }

    def entry(self, path: str, layer: int = 0, which: int = -1) -> Entry:
        found = [one for one in self.tree.layers[layer] if one.path == path.encode()]
        return found[which]


def kind_of(entry: Entry) -> str:
    if entry.data < 0:
        return "implicit"
    if entry.kind in {SYMLINK, HARDLINK}:
        return f"{KIND_NAMES[entry.kind]} to {entry.link.decode()}"
    return KIND_NAMES[entry.kind]


def ordered(*members: tuple[str, object]) -> Sequence[tuple[str, object]]:
    return members
