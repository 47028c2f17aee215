"""What a layer hides, and the stored content that loses its last name by that."""

from __future__ import annotations

from layerscope.filesystem.change import compare
from layerscope.filesystem.entry import Entry, PlacedLayer, numbered_entry
from layerscope.filesystem.loss import REMOVED, REPLACED, Loss
from layerscope.filesystem.node import Node, is_implicit
from layerscope.filesystem.oddities import Oddities
from layerscope.layers.entry import DIRECTORY, UNCHANGED, VISIBLE


class Hiding:
    """Hides entries of a tree while its layers are applied.

    `layer` is the layer that is being applied, and `gone` the number of paths that it has removed so far. `losses`,
    `rewrites`, and `never_seen` are those of the tree.
    """

    def __init__(self, layers: list[PlacedLayer], odd: Oddities) -> None:
        self._layers = layers
        self._odd = odd
        self.layer = -1
        self.gone = 0
        self.losses: list[Loss] = []
        self.rewrites: list[tuple[Entry, Entry]] = []
        self.never_seen: list[Entry] = []
        self._lost: list[tuple[Entry, int, Node]] = []

    def start(self, layer: int) -> None:
        """Begin with a layer."""
        self.layer = layer
        self.gone = 0

    def replace(self, node: Node, before: Entry, entry: Entry) -> None:
        """Replace `before` with `entry` at the node: hide what it hides, and record the change."""
        layer = self.layer
        entry.previous = before if before.layer != layer else before.previous
        ended = before.ended
        if ended == VISIBLE:
            before.ended = layer
            if before.layer == layer and not is_implicit(before):
                self.never_seen.append(before)
            if before.kind == DIRECTORY:
                if entry.kind != DIRECTORY:
                    self.empty(node)
                    if before.layer == layer and not is_implicit(before):
                        self._odd.duplicate(entry)
            else:
                if entry.kind == DIRECTORY and before.layer != layer and not is_implicit(entry):
                    self._odd.turned(node, before)
                if before.layer == layer:
                    self._odd.duplicate(entry)
                if before.content is not None:
                    self.release(before, REPLACED, node)
        base = self._below(before)
        if base is None:
            return
        if ended == layer and not is_implicit(base):
            self.gone -= 1
        entry.change = compare(base, entry)
        if entry.change == UNCHANGED and entry.content is not base.content:
            self.rewrites.append((base, entry))

    def empty(self, node: Node) -> None:
        """Hide everything visible below the node."""
        layer = self.layer
        layers = self._layers
        stack = [node]
        while stack:
            current = stack.pop()
            below = current.below
            if not below:
                continue
            current.below = None
            gone = current.gone
            if gone is None:
                gone = current.gone = below
            else:
                gone.update(below)
            for name, child in below.items():
                entry = child.latest if isinstance(child, Node) else numbered_entry(layers, child)
                if entry is None or entry.ended != VISIBLE:
                    continue
                entry.ended = layer
                if entry.layer == layer and not is_implicit(entry):
                    self.never_seen.append(entry)
                base = entry if entry.layer != layer else self._below(entry)
                if base is not None and not is_implicit(base):
                    self.gone += 1
                if entry.content is not None:
                    if not isinstance(child, Node):
                        child = gone[name] = Node(name, current, child)
                    self.release(entry, REMOVED, child)
                if isinstance(child, Node) and child.below:
                    stack.append(child)

    def settle(self) -> None:
        """After the layer is applied, record what replaced the content that it wasted."""
        for content, event, node in self._lost:
            latest = node.latest if event == REPLACED else None
            successor = latest if latest is not None and latest.ended == VISIBLE else None
            self.losses.append(Loss(content, event, self.layer, node, successor))
        self._lost.clear()

    def release(self, entry: Entry, event: int, node: Node) -> None:
        """Take the entry's name away from its content."""
        content = entry.content
        if content is not None:
            content.names -= 1
            if not content.names:
                self._lost.append((content, event, node))

    def _below(self, entry: Entry) -> Entry | None:
        """What lower layers showed at the entry's path before this layer."""
        layer = self.layer
        base = entry if entry.layer != layer else entry.previous
        if base is None or (base.ended != VISIBLE and base.ended < layer):
            return None
        return base
