"""Notes about how a layer fits on the layers below it."""

from __future__ import annotations

from layerscope.filesystem.entry import Entry
from layerscope.filesystem.node import Node, is_implicit
from layerscope.layers.entry import DIRECTORY, SYMLINK
from layerscope.notes import Notes


class Oddities:
    """Collects the notes of a replay. `layer` is the layer being applied."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes
        self.layer = 0

    def _add(self, code: str, message: str, path: bytes | None = None) -> None:
        self._notes.add(code, message, layer=self.layer, path=path)

    def duplicate(self, entry: Entry) -> None:
        """Note a path that the layer itself stores twice."""
        if not is_implicit(entry):
            self._add(
                "duplicate-entry",
                "stored more than once in one layer; the last one counts, and engines disagree",
                entry.path,
            )

    def turned(self, node: Node, before: Entry) -> None:
        """Note a directory that replaces `before`, which is not a directory."""
        where = "a lower layer" if before.layer != self.layer else "the same layer"
        if before.kind == SYMLINK:
            code, what = "directory-over-symlink", f"a symlink of {where} becomes a directory"
        else:
            code, what = "directory-over-file", f"a file of {where} becomes a directory"
        self._add(
            code,
            f"{what}, which hides what it pointed to; engines disagree on this layer",
            node.path,
        )

    def led(self, path: bytes) -> None:
        """Note an entry or whiteout below a symlink of its layer that points to a directory the layer doesn't have."""
        self._add(
            "through-own-symlink",
            f"a symlink of this layer points to {_shown(path)}, which is not in the layer; engines disagree on it",
            path,
        )

    def looped(self, path: bytes) -> None:
        """Note a whiteout below symlinks of its layer that lead in a circle, or are more than Linux follows."""
        self._add(
            "symlink-loop",
            "a whiteout is below symlinks of its layer that lead in a circle or are too many; engines refuse that",
            path,
        )

    def order(self, entry: Entry, whiteout_later: bool) -> None:
        """Note an entry and a whiteout of the same path in one layer."""
        if whiteout_later:
            self._add(
                "whiteout-after-entry",
                "a whiteout that follows an entry of the same name hides only lower layers; engines disagree",
                entry.path,
            )
        elif entry.kind == DIRECTORY:
            self._add(
                "whiteout-and-directory",
                "a directory is whited out and created again in one layer, so the old files are gone; overlay2 shows them",
                entry.path,
            )

    def broken_link(self, entry: Entry, target: bytes) -> None:
        self._add(
            "broken-link",
            f"a hard link to {_shown(target)}, but no file is there",
            entry.path,
        )

    def lower_link(self, entry: Entry, target: bytes, by_symlink: bool) -> None:
        """Note a hard link to a file in a lower layer, or through a symlink of one."""
        by = "through a symlink " if by_symlink else ""
        self._add(
            "link-to-lower-layer",
            f"a hard link to {_shown(target)} {by}in a lower layer; engines disagree on it",
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
