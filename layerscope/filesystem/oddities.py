"""What is odd about a layer's place in the stack, told as notes."""

from __future__ import annotations

from layerscope.filesystem.entry import Entry
from layerscope.filesystem.node import Node, is_implicit
from layerscope.layers.entry import DIRECTORY, SYMLINK
from layerscope.notes import Notes


class Oddities:
    """The notes of a replay; `layer` is the one that is being applied."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes
        self.layer = 0

    def _add(self, code: str, message: str, path: bytes | None = None) -> None:
        self._notes.add(code, message, layer=self.layer, path=path)

    def duplicate(self, entry: Entry) -> None:
        """A path that the layer itself stores twice."""
        if not is_implicit(entry):
            self._add(
                "duplicate-entry",
                "stored more than once in one layer; the last one counts, and engines disagree",
                entry.path,
            )

    def turned(self, node: Node, before: Entry) -> None:
        """A directory where `before`, which is none, was visible."""
        where = "a lower layer" if before.layer != self.layer else "the same layer"
        if before.kind == SYMLINK:
            code, what = "directory-over-symlink", f"a symlink of {where} becomes a directory"
        else:
            code, what = "directory-over-file", f"a file of {where} becomes a directory"
        self._add(
            code,
            f"{what}, which hides what it led to; engines disagree on this layer",
            node.path,
        )

    def led(self, path: bytes) -> None:
        """An entry or whiteout below a symlink of its layer, to a directory that only lower layers have, or none."""
        self._add(
            "through-own-symlink",
            f"a symlink of this layer leads to {_shown(path)}, which the layer does not hold; engines disagree on it",
            path,
        )

    def order(self, entry: Entry, whiteout_later: bool) -> None:
        """An entry and a whiteout of one path in one layer."""
        if whiteout_later:
            self._add(
                "whiteout-after-entry",
                "a whiteout behind the entry of the same name hides only lower layers; engines disagree",
                entry.path,
            )
        elif entry.kind == DIRECTORY:
            self._add(
                "whiteout-and-directory",
                "a directory whited out and made again in one layer is empty but for it; overlay2 shows the old files",
                entry.path,
            )

    def broken_link(self, entry: Entry, target: bytes) -> None:
        self._add(
            "broken-link",
            f"a hard link to {_shown(target)}, which is not a file there",
            entry.path,
        )

    def lower_link(self, entry: Entry, target: bytes, by_symlink: bool) -> None:
        """A hard link to a file of a lower layer, or one that such a layer's symlink leads to."""
        by = "by a symlink " if by_symlink else ""
        self._add(
            "link-to-lower-layer",
            f"a hard link to {_shown(target)} {by}of a lower layer; engines disagree on it",
            entry.path,
        )

    def whiteout_of_nothing(self, entry: Entry) -> None:
        self._add("whiteout-of-nothing", "a whiteout of a path that no lower layer has", entry.path)

    def opaque_root(self) -> None:
        self._add(
            "opaque-root",
            "an opaque whiteout of the root hides all lower layers; overlay2 ignores it, so engines disagree",
        )


def _shown(path: bytes) -> str:
    return "/" + path[:200].decode("utf-8", "backslashreplace")
