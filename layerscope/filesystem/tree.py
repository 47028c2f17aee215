"""The replay of layers onto one tree, by opencontainers/image-spec layer.md.

Whiteouts and opaque whiteouts of a layer act on the layers below it alone, wherever they stand in the tar; then its
entries are applied in tar order. Hiding costs the subtree that is hidden, never the image.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from layerscope.filesystem.node import Node, implicit_directory, is_implicit
from layerscope.layers.entry import (
    DELETED,
    DIRECTORY,
    FILE,
    HARDLINK,
    METADATA,
    MODIFIED,
    SYMLINK,
    UNCHANGED,
    VISIBLE,
    WHITEOUT,
    Entry,
)
from layerscope.layers.names import clean
from layerscope.notes import Notes

REMOVED: Final = 0
"""A whiteout, an opaque whiteout, or a non-directory where a directory above was."""
REPLACED: Final = 1
"""Something else was put at the same path."""


@dataclass(frozen=True, slots=True)
class Loss:
    """Stored content whose last name went: `content` by which event, in which layer, and at which path.

    `successor` is what that layer leaves at the path where the content was replaced.
    """

    content: Entry
    event: int
    layer: int
    node: Node
    successor: Entry | None


class FileTree:
    """The filesystem of an image; layers are applied base first.

    `losses` lists the stored content that no name reaches any more, in the order in which it was lost; `rewrites` the
    pairs of an entry and the one of the same kind and size that replaced it; `deleted` the number of paths that each
    layer took away; `never_seen` the entries that their own layer hides again.
    """

    def __init__(self, notes: Notes) -> None:
        self.root = Node(b"", None)
        self.root.latest = implicit_directory(0)
        self.losses: list[Loss] = []
        self.rewrites: list[tuple[Entry, Entry]] = []
        self.deleted: list[int] = []
        self.never_seen: list[Entry] = []
        self._notes = notes
        self._directories: dict[bytes, Node] = {b"": self.root}
        self._layer = -1
        self._gone = 0
        self._lost: list[tuple[Entry, int, Node]] = []

    # Looking up

    def find(self, path: bytes) -> Node | None:
        """The node of a clean path, whether or not anything is visible there."""
        node = self._directories.get(path)
        if node is not None:
            return node
        parent, _, name = path.rpartition(b"/")
        above = self._directories.get(parent)
        if above is not None:
            return above.children.get(name) if above.children else None
        node = self.root
        for part in path.split(b"/"):
            below = node.children.get(part) if node.children else None
            if below is None:
                return None
            node = below
        return node

    def nodes(self) -> Iterator[Node]:
        """Every node ever seen below the root, parents before children."""
        stack = [self.root]
        while stack:
            node = stack.pop()
            if node.children:
                yield from node.children.values()
                stack.extend(node.children.values())

    # Applying a layer

    def apply(self, layer: int, entries: Sequence[Entry]) -> None:
        """Put one layer on top."""
        self._layer = layer
        self._gone = 0
        whited, metadata = self._hide(entries)
        last_parent_path: bytes | None = None
        parent = self.root
        for position, entry in enumerate(entries):
            kind = entry.kind
            if kind >= WHITEOUT:
                continue
            path = entry.path
            parent_path, _, name = path.rpartition(b"/")
            if parent_path != last_parent_path:
                parent = self._directory(parent_path)
                last_parent_path = parent_path
            above = parent.latest
            if above is None or above.ended != VISIBLE or above.kind != DIRECTORY:
                self._make_directory(parent)
            if not path:
                node = self.root
            else:
                children = parent.children
                if children is None:
                    children = parent.children = {}
                found = children.get(name)
                if found is None:
                    node = children[name] = Node(name, parent)
                else:
                    node = found
            if whited and path in whited:
                self._note_order(entry, position < whited[path])
            if kind == FILE:
                if entry.size:
                    entry.content = entry
                    entry.names = 1
            elif kind == HARDLINK:
                self._link(entry, node, metadata)
            before = node.latest
            if before is not None:
                self._replace(node, before, entry)
            node.latest = entry
            if not node.listed and path:
                node.listed = True
                if parent.shown is None:
                    parent.shown = [node]
                else:
                    parent.shown.append(node)
        self.deleted.append(self._gone)
        self._settle_losses()

    def _hide(self, entries: Sequence[Entry]) -> tuple[dict[bytes, int], dict[bytes, Entry]]:
        """Let the whiteouts of a layer act on the layers below it, in whatever order they stand.

        Returns where the path of each was named, and the entries that are no part of the filesystem.
        """
        whited: dict[bytes, int] = {}
        metadata: dict[bytes, Entry] = {}
        parents: dict[bytes, None] = {}
        for position, entry in enumerate(entries):
            if entry.kind < WHITEOUT:
                continue
            if entry.kind == METADATA:
                metadata[entry.path] = entry
                entry.change = UNCHANGED
            elif entry.kind == WHITEOUT:
                whited[entry.path] = position
                parents[entry.path.rpartition(b"/")[0]] = None
                self._whiteout(entry)
            else:
                parents[entry.path] = None
                self._opaque(entry)
        for path in parents:
            self._turn_into_directory(path)
        return whited, metadata

    def _settle_losses(self) -> None:
        """Now that the layer is applied, tell what stands where content was lost in it."""
        for content, event, node in self._lost:
            latest = node.latest if event == REPLACED else None
            successor = latest if latest is not None and latest.ended == VISIBLE else None
            self.losses.append(Loss(content, event, self._layer, node, successor))
        self._lost.clear()

    def _directory(self, path: bytes) -> Node:
        """The node of a path that is about to be a parent, made where it is not there."""
        node = self._directories.get(path)
        if node is not None:
            return node
        above, _, name = path.rpartition(b"/")
        known = self._directories.get(above)
        node, parts = (self.root, path.split(b"/")) if known is None else (known, [name])
        for part in parts:
            children = node.children
            if children is None:
                children = node.children = {}
            below = children.get(part)
            if below is None:
                below = children[part] = Node(part, node)
            node = below
        self._directories[path] = node
        return node

    def _make_directory(self, node: Node) -> None:
        """Let a visible directory stand at the node and at all above it, as engines do for a path that needs it."""
        missing = []
        current: Node | None = node
        while current is not None:
            latest = current.latest
            if latest is not None and latest.ended == VISIBLE and latest.kind == DIRECTORY:
                break
            missing.append(current)
            current = current.parent
        for current in reversed(missing):
            entry = implicit_directory(self._layer)
            before = current.latest
            if before is not None:
                if before.ended == VISIBLE:
                    self._note_turned(current, before)
                self._replace(current, before, entry)
            current.latest = entry
            above = current.parent
            if not current.listed and above is not None:
                current.listed = True
                if above.shown is None:
                    above.shown = []
                above.shown.append(current)

    def _link(self, entry: Entry, node: Node, metadata: dict[bytes, Entry]) -> None:
        """Give a hard link the content of its target, as visible now."""
        target_path, _ = clean(entry.link)
        target = self.find(target_path)
        latest = target.latest if target is not None else None
        if latest is None or latest.ended != VISIBLE or latest.kind == DIRECTORY or target is node:
            kept = metadata.get(target_path)
            if kept is not None and kept.size:
                entry.content = kept
                kept.content = kept
                kept.names += 1
                return
            self._notes.add(
                "broken-link",
                f"a hard link to {_shown(target_path)}, which is no file there",
                layer=self._layer,
                path=entry.path,
            )
            return
        if latest.layer != self._layer:
            self._notes.add(
                "link-to-lower-layer",
                f"a hard link to {_shown(target_path)} of a lower layer; engines disagree on it",
                layer=self._layer,
                path=entry.path,
            )
        if latest.content is not None:
            entry.content = latest.content
            latest.content.names += 1

    def _replace(self, node: Node, before: Entry, entry: Entry) -> None:
        """Let `entry` follow `before` at the node: hide what it hides, and tell what changed."""
        layer = self._layer
        entry.previous = before if before.layer != layer else before.previous
        ended = before.ended
        if ended == VISIBLE:
            before.ended = layer
            if before.layer == layer and not is_implicit(before):
                self.never_seen.append(before)
            if before.kind == DIRECTORY:
                if entry.kind != DIRECTORY:
                    self._hide_children(node)
                    if before.layer == layer and not is_implicit(before):
                        self._note_duplicate(entry)
            else:
                if entry.kind == DIRECTORY and before.layer != layer and not is_implicit(entry):
                    self._note_turned(node, before)
                if before.layer == layer:
                    self._note_duplicate(entry)
                if before.content is not None:
                    self._release(before, REPLACED, node)
        base = self._below(before)
        if base is None:
            return
        if ended == layer and not is_implicit(base):
            self._gone -= 1
        entry.change = _compare(base, entry)
        if entry.change == UNCHANGED and entry.content is not base.content:
            self.rewrites.append((base, entry))

    def _below(self, entry: Entry) -> Entry | None:
        """What lower layers showed at the path of an entry when this layer began."""
        layer = self._layer
        base = entry if entry.layer != layer else entry.previous
        if base is None or (base.ended != VISIBLE and base.ended < layer):
            return None
        return base

    def _release(self, entry: Entry, event: int, node: Node) -> None:
        content = entry.content
        if content is not None:
            content.names -= 1
            if not content.names:
                self._lost.append((content, event, node))

    def _hide_children(self, node: Node) -> None:
        """Let everything visible below the node go."""
        layer = self._layer
        stack = [node]
        while stack:
            current = stack.pop()
            shown = current.shown
            if not shown:
                continue
            current.shown = None
            for child in shown:
                child.listed = False
                entry = child.latest
                if entry is None or entry.ended != VISIBLE:
                    continue
                entry.ended = layer
                if entry.layer == layer and not is_implicit(entry):
                    self.never_seen.append(entry)
                base = entry if entry.layer != layer else self._below(entry)
                if base is not None and not is_implicit(base):
                    self._gone += 1
                if entry.content is not None:
                    self._release(entry, REMOVED, child)
                if child.shown:
                    stack.append(child)

    # Whiteouts

    def _whiteout(self, entry: Entry) -> None:
        entry.change = UNCHANGED
        node = self.find(entry.path)
        latest = node.latest if node is not None else None
        if node is None or latest is None or latest.ended != VISIBLE:
            if not self._removed_here(entry.path):
                self._notes.add(
                    "whiteout-of-nothing",
                    "a whiteout of a path that no lower layer has",
                    layer=self._layer,
                    path=entry.path,
                )
            return
        entry.change = DELETED
        latest.ended = self._layer
        if not is_implicit(latest):
            self._gone += 1
        if latest.content is not None:
            self._release(latest, REMOVED, node)
        self._hide_children(node)

    def _opaque(self, entry: Entry) -> None:
        entry.change = UNCHANGED
        if not entry.path:
            self._notes.add(
                "opaque-root",
                "an opaque whiteout of the root hides all lower layers; overlay2 ignores it, so engines disagree",
                layer=self._layer,
            )
        node = self.find(entry.path)
        if node is not None and node.visible:
            gone = self._gone
            self._hide_children(node)
            if self._gone > gone:
                entry.change = DELETED

    def _turn_into_directory(self, path: bytes) -> None:
        """Where a whiteout's parent is a link or a file, a directory takes its place, as in an overlay."""
        for node in self._along(path):
            latest = node.latest
            if latest is None or latest.ended != VISIBLE:
                return
            if latest.kind != DIRECTORY:
                self._make_directory(node)
                return

    def _removed_here(self, path: bytes) -> bool:
        """Whether this layer already took the path away, or a directory above it."""
        return any(
            node.latest is not None and node.latest.ended == self._layer
            for node in self._along(path)
        )

    def _along(self, path: bytes) -> Iterator[Node]:
        """The nodes on the way to a path, as far as there are any; the root is left out."""
        node = self.root
        for part in path.split(b"/"):
            below = node.children.get(part) if node.children else None
            if below is None:
                return
            node = below
            yield node

    # Telling what is odd

    def _note_duplicate(self, entry: Entry) -> None:
        if not is_implicit(entry):
            self._notes.add(
                "duplicate-entry",
                "stored more than once in one layer; the last one counts, and engines disagree",
                layer=self._layer,
                path=entry.path,
            )

    def _note_turned(self, node: Node, before: Entry) -> None:
        where = "a lower layer" if before.layer != self._layer else "the same layer"
        if before.kind == SYMLINK:
            code, what = "directory-over-symlink", f"a symlink of {where} becomes a directory"
        else:
            code, what = "directory-over-file", f"a file of {where} becomes a directory"
        self._notes.add(
            code,
            f"{what}, which hides what it led to; engines disagree on this layer",
            layer=self._layer,
            path=node.path,
        )

    def _note_order(self, entry: Entry, whiteout_later: bool) -> None:
        if whiteout_later:
            self._notes.add(
                "whiteout-after-entry",
                "a whiteout behind the entry of the same name hides only lower layers; engines disagree",
                layer=self._layer,
                path=entry.path,
            )
        elif entry.kind == DIRECTORY:
            self._notes.add(
                "whiteout-and-directory",
                "a directory whited out and made again in one layer is empty but for it; overlay2 shows the old files",
                layer=self._layer,
                path=entry.path,
            )


def _shown(path: bytes) -> str:
    return "/" + path[:200].decode("utf-8", "backslashreplace")


def _compare(before: Entry, entry: Entry) -> int:
    """How `entry` changes the path, as far as headers tell; content of one size has still to be compared."""
    kind = entry.kind
    if kind != before.kind or is_implicit(entry):
        if is_implicit(entry):
            return UNCHANGED if before.kind == DIRECTORY else MODIFIED
        if not {kind, before.kind} <= {FILE, HARDLINK}:
            return MODIFIED
    if entry.owner != before.owner:
        return MODIFIED
    if entry.xattrs != before.xattrs:
        return MODIFIED
    if kind == DIRECTORY:
        return UNCHANGED
    if entry.mtime != before.mtime:
        return MODIFIED
    if kind == SYMLINK:
        return UNCHANGED if entry.link == before.link else MODIFIED
    if kind in (FILE, HARDLINK):
        old, new = before.content, entry.content
        if old is new:
            return UNCHANGED
        if old is None or new is None or old.size != new.size:
            return MODIFIED
        return UNCHANGED
    return UNCHANGED if entry.extra == before.extra else MODIFIED
