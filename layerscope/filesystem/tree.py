"""The replay of layers onto one tree, as layer.md of opencontainers/image-spec says.

The whiteouts and opaque whiteouts of a layer apply only to the layers below it, wherever they are in the tar. Then the
layer's entries are applied in tar order. Hiding a subtree takes time proportional to that subtree, not to the image.

If a layer stores a file below one of its own symlinks, the file ends up where the link points, as in every engine. Below
a symlink of a lower layer, a directory replaces the link, since each layer is unpacked by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from layerscope.filesystem.entry import Entry, PlacedLayer, numbered_entry
from layerscope.filesystem.hiding import Hiding
from layerscope.filesystem.links import Follower, leads_through, link_names
from layerscope.filesystem.loss import REMOVED
from layerscope.filesystem.node import (
    Below,
    Node,
    along,
    implicit_directory,
    implicit_layer,
    is_implicit,
)
from layerscope.filesystem.oddities import Oddities
from layerscope.layers.budget import Budget, check_depth
from layerscope.layers.entry import (
    DELETED,
    DIRECTORY,
    HARDLINK,
    METADATA,
    OPAQUE,
    SYMLINK,
    UNCHANGED,
    VISIBLE,
    WHITEOUT,
)
from layerscope.layers.layer_index import LayerIndex, values
from layerscope.layers.names import clean, joined
from layerscope.limits import DEFAULT_LIMITS, Limits
from layerscope.notes import Notes

NODE_BYTES: Final = 512
"""Memory for a directory that no entry describes, on top of its path."""
ENTRY_BYTES: Final = 128


class FileTree:
    """The filesystem of an image. Apply layers base first.

    `layers` holds the applied layers with their entries. Those belong to this tree; the layer indexes never change.
    `losses` lists stored content that no name refers to anymore, in the order it was wasted. `rewrites` lists pairs of
    an entry and its replacement of the same kind and size. `deleted` is the number of paths that each layer removed.
    `never_seen` lists the entries that their own layer hides again.
    """

    def __init__(self, notes: Notes, limits: Limits = DEFAULT_LIMITS) -> None:
        self._limits = limits
        self._budget = Budget(
            limits.implied_bytes, "implied_bytes", "directories without an entry of their own"
        )
        self.layers: list[PlacedLayer] = []
        self._implicit = implicit_layer(self.layers)
        self.root = Node(b"", None, implicit_directory(self._implicit, 0))
        self.deleted: list[int] = []
        self._odd = Oddities(notes)
        self._hiding = Hiding(self.layers, self._odd)
        self.losses = self._hiding.losses
        self.rewrites = self._hiding.rewrites
        self.never_seen = self._hiding.never_seen
        self._directories: dict[bytes, Node] = {b"": self.root}
        self._links = Follower(self.root)
        self._layer = -1

    # Lookup

    def find(self, path: bytes) -> Node | None:
        """The node of a clean path, even if nothing is visible there; None if the path never existed."""
        node = self._directories.get(path)
        if node is not None:
            return node
        parent, _, name = path.rpartition(b"/")
        above = self._directories.get(parent)
        if above is not None:
            return above.child(name)
        node = self.root
        for part in path.split(b"/"):
            below = node.child(part)
            if below is None:
                return None
            node = below
        return node

    def nodes(self) -> Iterator[Node]:
        """Every node ever seen below the root, parents before children."""
        stack = [self.root]
        while stack:
            node = stack.pop()
            children = node.children
            if children:
                yield from children.values()
                stack.extend(children.values())

    # Applying a layer

    def apply(self, index: LayerIndex | None) -> None:
        """Apply one layer on top. Pass None for a layer whose members are unknown."""
        self._layer = self._odd.layer = len(self.layers)
        place = PlacedLayer(_NOTHING if index is None else index, self._layer, self.layers)
        self.layers.append(place)
        self._hiding.start(self._layer)
        whited: dict[bytes, int] = {}
        metadata: dict[bytes, Entry] = {}
        kinds = place.columns.kinds
        if WHITEOUT in kinds or OPAQUE in kinds or METADATA in kinds:
            whited, metadata = self._hide(place)
        self._put(place, 0, len(place), whited, metadata)
        self.deleted.append(self._hiding.gone)
        self._hiding.settle()

    def entries(self) -> Iterator[Entry]:
        """The entries of all layers, base first."""
        for layer in self.layers:
            yield from layer

    def numbered(self, numbers: Iterable[int]) -> Iterator[Entry]:
        """The entries with these numbers, counted through all layers."""
        return (numbered_entry(self.layers, number) for number in numbers)

    def hard_links(self) -> Iterator[Entry]:
        """The hard links of all layers, base first."""
        for layer in self.layers:
            kinds = layer.columns.kinds
            position = kinds.find(HARDLINK)
            while position >= 0:
                yield layer.entry(position)
                position = kinds.find(HARDLINK, position + 1)

    def _put(
        self,
        place: PlacedLayer,
        start: int,
        end: int,
        whited: dict[bytes, int],
        metadata: dict[bytes, Entry],
    ) -> None:
        """Apply the entries of a layer in tar order, from `start` up to `end`, except whiteouts."""
        first = place.first
        columns = place.columns
        last_parent_path: bytes | None = None
        parent = self.root
        below: Below = {}
        paths, path_end = columns.paths, columns.ends[start - 1] if start else 0
        rows = zip(columns.kinds[start:end], values(columns.ends[start:end]), strict=True)
        for number, (kind, next_end) in enumerate(rows, first + start):
            path = paths[path_end:next_end]
            path_end = next_end
            if kind >= WHITEOUT:
                continue
            parent_path, _, name = path.rpartition(b"/")
            if parent_path != last_parent_path:
                parent = self._directory(parent_path)
                place.enter(number - first, parent)
                last_parent_path = parent_path
                if type(parent.held) is int and parent.held >= first:
                    parent.held = place.entry(parent.held - first)
                above = parent.latest
                if above is None or above.ended != VISIBLE or above.kind != DIRECTORY:
                    made = self._make_directory(parent)
                    if made is not parent:
                        parent = made
                        path = joined(parent.path, name)
                        place.entry(number - first).lead(path)
                        last_parent_path = None
                if parent.below is None:
                    parent.below = {}
                below = parent.below
            if whited and path in whited:
                self._odd.order(place.entry(number - first), number - first < whited[path])
            found = below.get(name)
            if found is None:
                if parent.gone is not None:
                    found = parent.gone.pop(name, None)
                if found is None and kind != HARDLINK and name:
                    below[name] = number
                    continue
            self._put_again(place.entry(number - first), parent, name, found, metadata)

    def _put_again(
        self,
        entry: Entry,
        parent: Node,
        name: bytes,
        found: Node | int | None,
        metadata: dict[bytes, Entry],
    ) -> None:
        """Apply an entry at a path that already has a node, or one that needs more than being added."""
        if not name:
            node = self.root
        else:
            assert parent.below is not None
            node = found if isinstance(found, Node) else Node(name, parent, found)
            parent.below[name] = node
        if entry.kind == HARDLINK:
            self._link(entry, node, metadata)
        before = node.latest
        if before is not None:
            self._hiding.replace(node, before, entry)
        node.held = entry

    def _hide(self, place: PlacedLayer) -> tuple[dict[bytes, int], dict[bytes, Entry]]:
        """Apply the whiteouts of a layer to the layers below it. Their order in the tar doesn't matter.

        Returns the position of the whiteout for each path, and the entries that are not part of the filesystem.
        """
        whited: dict[bytes, int] = {}
        metadata: dict[bytes, Entry] = {}
        parents: dict[bytes, None] = {}
        self._lead_whiteouts(place)
        for position, kind in enumerate(place.columns.kinds):
            if kind < WHITEOUT:
                continue
            entry = place.entry(position)
            path = entry.path
            if kind == METADATA:
                metadata[path] = entry
                entry.change = UNCHANGED
            elif kind == WHITEOUT:
                whited[path] = position
                folder, _, name = path.rpartition(b"/")
                parents[folder] = None
                above = self._directories.get(folder)
                node = self.find(path) if above is None else above.child(name)
                self._whiteout(entry, path, node)
            else:
                parents[path] = None
                self._opaque(entry)
        for path in parents:
            self._turn_into_directory(path)
        return whited, metadata

    def _lead_whiteouts(self, place: PlacedLayer) -> None:
        """Resolve the paths of whiteouts below symlinks of their own layer."""
        index = place.columns
        names = link_names(index, self._budget.spend)
        if not names:
            return
        led = [
            position
            for position, kind in enumerate(index.kinds)
            if kind >= WHITEOUT and leads_through(names, index.path(position))
        ]
        if not led:
            return
        alone = FileTree(Notes(), self._limits)
        own = PlacedLayer(index, 0, alone.layers)
        alone.layers.append(own)
        alone._layer = 0
        alone._hiding.start(0)
        applied = 0
        for position in led:
            kind = index.kinds[position]
            if kind == METADATA:
                continue
            alone._put(own, applied, position, {}, {})
            applied = position
            path = index.path(position)
            folder, _, name = path.rpartition(b"/")
            if kind == OPAQUE:
                folder, name = path, b""
            lead = alone._links.lead(folder, 0, own=True)
            if lead.loop:
                self._odd.looped(path)
            if lead.target is None:
                continue
            place.entry(position).lead(joined(lead.path, name) if name else lead.path)
            node = alone.find(lead.target)
            if node is None or not node.visible:
                self._odd.led(lead.target)

    def _directory(self, path: bytes) -> Node:
        """The node of a path that is about to become a parent, created if it doesn't exist."""
        node = self._directories.get(path)
        if node is not None:
            return node
        check_depth(path, self._limits)
        above, _, name = path.rpartition(b"/")
        known = self._directories.get(above)
        node, parts = (self.root, path.split(b"/")) if known is None else (known, [name])
        length = 0 if known is None else len(above)
        for part in parts:
            length += len(part) + 1
            below = node.child(part)
            if below is None:
                below = Node(part, node)
                if node.below is None:
                    node.below = {}
                node.below[part] = below
                self._budget.spend(NODE_BYTES + length)
            node = below
        self._directories[path] = node
        return node

    def _make_directory(self, node: Node) -> Node:
        """Make the node and all nodes above it visible directories, as engines do for a path that needs them.

        Returns the directory's node, which is another one if a symlink of this layer points elsewhere.
        """
        missing = []
        current: Node | None = node
        while current is not None:
            latest = current.latest
            if latest is not None and latest.ended == VISIBLE:
                if latest.kind == DIRECTORY:
                    break
                if latest.kind == SYMLINK and latest.layer == self._layer:
                    led = self._led(node)
                    if led is not None:
                        return led
            missing.append(current)
            current = current.parent
        self._budget.spend(ENTRY_BYTES * len(missing))
        for current in reversed(missing):
            entry = implicit_directory(self._implicit, self._layer)
            before = current.latest
            if before is not None:
                if before.ended == VISIBLE:
                    self._odd.turned(current, before)
                self._hiding.replace(current, before, entry)
            current.held = entry
            current.show()
        return node

    def _led(self, node: Node) -> Node | None:
        """The directory that the node's path leads to through this layer's symlinks; None for a loop."""
        lead = self._links.lead(node.path, self._layer, own=True)
        if lead.target is None:
            return None
        held = self.find(lead.target)
        target = held.latest if held is not None else None
        if (
            target is None
            or target.ended != VISIBLE
            or (target.layer != self._layer and lead.target)
        ):
            self._odd.led(lead.target)
        led = self._directory(lead.path)
        self._make_directory(led)
        return led

    def _link(self, entry: Entry, node: Node, metadata: dict[bytes, Entry]) -> None:
        """Give a hard link the content of its target, as it is visible now."""
        target_path, _ = clean(entry.link)
        target = self.find(target_path)
        latest = target.latest if target is not None else None
        by_lower_link = False
        if latest is None or latest.ended != VISIBLE:
            target, by_lower_link = self._find_through_links(target_path)
            latest = target.latest if target is not None else None
        if latest is None or latest.ended != VISIBLE or latest.kind == DIRECTORY or target is node:
            kept = metadata.get(target_path)
            if kept is not None and kept.size:
                entry.content = kept
                kept.content = kept
                kept.names += 1
                return
            self._odd.broken_link(entry, target_path)
            return
        if latest.layer != self._layer or by_lower_link:
            self._odd.lower_link(entry, target_path, by_lower_link)
        if latest.content is not None:
            entry.content = latest.content
            latest.content.names += 1

    def _find_through_links(self, path: bytes) -> tuple[Node | None, bool]:
        """The node that a path leads to through symlinks above it, and whether one of them is in a lower layer."""
        folder, _, name = path.rpartition(b"/")
        lead = self._links.lead(folder, self._layer, own=False)
        if lead.target is None:
            return None, False
        return self.find(joined(lead.path, name)), lead.lower

    # Whiteouts

    def _whiteout(self, entry: Entry, path: bytes, node: Node | None) -> None:
        entry.change = UNCHANGED
        latest = node.latest if node is not None else None
        if node is None or latest is None or latest.ended != VISIBLE:
            if not self._removed_here(path):
                self._odd.whiteout_of_nothing(entry)
            return
        entry.change = DELETED
        latest.ended = self._layer
        if not is_implicit(latest):
            self._hiding.gone += 1
        if latest.content is not None:
            self._hiding.release(latest, REMOVED, node)
        self._hiding.empty(node)

    def _opaque(self, entry: Entry) -> None:
        entry.change = UNCHANGED
        if not entry.path:
            self._odd.opaque_root()
        node = self.find(entry.path)
        if node is not None and node.visible:
            gone = self._hiding.gone
            self._hiding.empty(node)
            if self._hiding.gone > gone:
                entry.change = DELETED

    def _turn_into_directory(self, path: bytes) -> None:
        """If a whiteout's parent is a link or a file, replace it with a directory, as an overlay does."""
        for node in along(self.root, path):
            latest = node.latest
            if latest is None or latest.ended != VISIBLE:
                return
            if latest.kind != DIRECTORY:
                self._make_directory(node)
                return

    def _removed_here(self, path: bytes) -> bool:
        """Whether this layer already removed the path or a directory above it."""
        return any(
            node.latest is not None and node.latest.ended == self._layer
            for node in along(self.root, path)
        )


_NOTHING: Final = LayerIndex.of(())
