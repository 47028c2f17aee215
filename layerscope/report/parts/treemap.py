"""A squarified treemap, with rectangles as close to squares as possible (Bruls, Huizing, and van Wijk, 2000)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from layerscope.records import dataclass

if TYPE_CHECKING:
    from layerscope.report.document.rows import NodeRow


@dataclass(frozen=True, slots=True)
class Rect:
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Tile:
    """Where a node of the filesystem is drawn.

    A tile that is not `open` hides what is below it. `header` is the height of the strip at the top for its name.
    """

    node: int
    rect: Rect
    depth: int
    open: bool
    header: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Spacing:
    """In pixels: the strip for a directory's name, the frame around its children, and the smallest tile to draw."""

    header: float = 17
    padding: float = 2
    smallest: float = 3
    header_width: float = 46
    header_height: float = 34
    open_size: float = 14


def squarify(sizes: Sequence[int], rect: Rect) -> list[Rect]:
    """A rectangle for each size, together filling `rect`. Sizes must be positive and in descending order."""
    total = sum(sizes)
    if not total or rect.width <= 0 or rect.height <= 0:
        return [Rect(rect.x, rect.y, 0, 0) for _ in sizes]
    scale = rect.width * rect.height / total
    areas = [size * scale for size in sizes]
    out: list[Rect] = []
    x, y, width, height = rect.x, rect.y, rect.width, rect.height
    start = 0
    while start < len(areas):
        side = min(width, height)
        end, filled = start + 1, areas[start]
        worst = _worst(filled, areas[start], areas[start], side)
        while end < len(areas):
            wider = _worst(filled + areas[end], areas[start], areas[end], side)
            if wider > worst:
                break
            filled += areas[end]
            worst = wider
            end += 1
        last = end == len(areas)
        if width >= height:
            strip = width if last else min(width, filled / height)
            out += _stack(areas[start:end], filled, Rect(x, y, strip, height), upright=True)
            x, width = x + strip, width - strip
        else:
            strip = height if last else min(height, filled / width)
            out += _stack(areas[start:end], filled, Rect(x, y, width, strip), upright=False)
            y, height = y + strip, height - strip
        start = end
        if width <= 0 or height <= 0:
            out += [Rect(x, y, 0, 0) for _ in areas[start:]]
            break
    return out


def _worst(filled: float, largest: float, smallest: float, side: float) -> float:
    """The worst aspect ratio in a strip of area `filled` along `side`."""
    square, edge = filled * filled, side * side
    if not square or not edge or not smallest:
        return float("inf")
    return max(edge * largest / square, square / (edge * smallest))


def _stack(areas: Sequence[float], filled: float, strip: Rect, *, upright: bool) -> list[Rect]:
    out = []
    offset = 0.0
    length = strip.height if upright else strip.width
    for area in areas:
        part = length * area / filled if filled else 0.0
        if upright:
            out.append(Rect(strip.x, strip.y + offset, strip.width, part))
        else:
            out.append(Rect(strip.x + offset, strip.y, part, strip.height))
        offset += part
    return out


def children_of(nodes: Sequence[NodeRow]) -> list[list[int]]:
    """For each node of `filesystem.nodes`, its children, largest first."""
    below: list[list[int]] = [[] for _ in nodes]
    for index, node in enumerate(nodes):
        if node["parent"] is not None:
            below[node["parent"]].append(index)
    for indices in below:
        indices.sort(key=lambda index: (-nodes[index]["bytes"], index))
    return below


def layout(
    nodes: Sequence[NodeRow], rect: Rect, *, root: int = 0, spacing: Spacing | None = None
) -> list[Tile]:
    """Tiles for `root` and for everything large enough to see below it, parents before children."""
    space = spacing or Spacing()
    below = children_of(nodes)
    tiles: list[Tile] = []
    pending = [(root, rect, 0)]
    while pending:
        node, box, depth = pending.pop()
        children = [child for child in below[node] if nodes[child]["bytes"]]
        header = 0.0
        opened = bool(children) and (not depth or min(box.width, box.height) >= space.open_size)
        inner = box
        if opened and depth:
            named = box.width >= space.header_width and box.height >= space.header_height
            header = space.header if named else 0.0
            inner = Rect(
                box.x + space.padding,
                box.y + (header or space.padding),
                max(0.0, box.width - 2 * space.padding),
                max(0.0, box.height - (header or space.padding) - space.padding),
            )
        tiles.append(Tile(node, box, depth, opened, header))
        if not opened:
            continue
        boxes = squarify([nodes[child]["bytes"] for child in children], inner)
        pending += [
            (child, place, depth + 1)
            for child, place in reversed(list(zip(children, boxes, strict=True)))
            if place.width >= space.smallest and place.height >= space.smallest
        ]
    return tiles
