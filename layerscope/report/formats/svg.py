"""The treemap of the final filesystem as a self-contained picture: colored by instruction, in light and dark."""

from __future__ import annotations

import html
from collections.abc import Iterator
from typing import TYPE_CHECKING, TextIO

from layerscope.report.document.head import is_head
from layerscope.report.escape import cell_width, fit_end, fit_start
from layerscope.report.parts.palette import DARK, LIGHT, OTHER, Palette, rules
from layerscope.report.parts.treemap import Rect, Spacing, Tile, layout
from layerscope.report.words import instruction_text, one_line
from layerscope.units import count, format_percent, format_size

if TYPE_CHECKING:
    from layerscope.report.document.rows import AnalysisDocument, NodeRow, ReportDocument


WIDTH = 1200
MAP_HEIGHT = 660
TOP = 44
LEGEND_COLUMNS = 3
LEGEND_LINE = 22
LONGEST_PATH = 400
_CHARACTER = 6.3
"""The approximate width of a character in a label, in pixels."""

_STYLE = """
svg { --page:#ffffff; --text:#1c2128; --quiet:#59636e; --open:#eef0f3; --edge:#ffffff; %s }
@media (prefers-color-scheme: dark) {
  svg { --page:#0f1318; --text:#eef1f5; --quiet:#9aa4b0; --open:#1b212a; --edge:#0f1318; %s }
}
text { font: 11px system-ui, -apple-system, "Segoe UI", sans-serif; fill: var(--text); }
.title { font-size: 16px; font-weight: 600; }
.quiet { fill: var(--quiet); }
rect { stroke: var(--edge); stroke-width: 1; }
.page { fill: var(--page); stroke: none; }
.open { fill: var(--open); }
.rest { opacity: .55; }
%s
"""


class SvgRenderer:
    """Writes a picture `WIDTH` pixels wide. Without the document's key `filesystem`, it only says so."""

    def render(self, document: ReportDocument, out: TextIO) -> None:
        palette = Palette(document)
        drawable = not is_head(document) and "filesystem" in document
        legend = list(_legend(document, palette)) if drawable else []
        lines = -(-len(legend) // LEGEND_COLUMNS)
        height = TOP + MAP_HEIGHT + 16 + lines * LEGEND_LINE
        name = one_line(document["image"]["reference"], 100)
        style = _STYLE % (
            rules("c", LIGHT),
            rules("c", DARK),
            "\n".join(f".c{index} {{ fill: var(--c{index}); }}" for index in range(OTHER + 1)),
        )
        out.write(
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
            f'viewBox="0 0 {WIDTH} {height}" role="img">\n'
            f"<title>{_text(name)}: the final filesystem by instruction</title>\n"
            f"<style>{style}</style>\n"
            f'<rect class="page" width="{WIDTH}" height="{height}"/>\n'
            f'<text class="title" x="8" y="27">{_text(name)}</text>\n'
            f'<text class="quiet" x="{WIDTH - 8}" y="27" text-anchor="end">'
            f"{_text(_summary(document))}</text>\n"
        )
        if not is_head(document) and "filesystem" in document:
            tiles = draw(document, Rect(0, TOP, WIDTH, MAP_HEIGHT), palette)
            out.writelines(line + "\n" for line in tiles)
        for number, (color, text) in enumerate(legend):
            column, row = number % LEGEND_COLUMNS, number // LEGEND_COLUMNS
            x = 8 + column * (WIDTH - 16) / LEGEND_COLUMNS
            y = TOP + MAP_HEIGHT + 10 + row * LEGEND_LINE
            out.write(
                f'<rect class="c{color}" x="{_n(x)}" y="{y}" width="13" height="13"/>'
                f'<text x="{_n(x + 20)}" y="{y + 11}">{_text(fit_start(text, 56))}</text>\n'
            )
        out.write("</svg>\n")


def _summary(document: ReportDocument) -> str:
    if is_head(document) or "filesystem" not in document:
        return "this report does not contain the final filesystem"
    files = count(document["filesystem"]["files"], "file")
    size = format_size(document["filesystem"]["bytes"])
    return f"{size} live in {files}, {format_size(document['sizes']['wasted'])} wasted"


def _legend(document: ReportDocument, palette: Palette) -> Iterator[tuple[int, str]]:
    for index in palette.instructions:
        row = document["instructions"][index]
        if row["sizes"]["live"]:
            size = format_size(row["sizes"]["live"])
            yield palette.color(index), f"{index}  {size}  {instruction_text(row)}"
    if palette.others:
        yield OTHER, "all other instructions"


def draw(
    document: AnalysisDocument, rect: Rect, palette: Palette, *, spacing: Spacing | None = None
) -> Iterator[str]:
    """The tiles as SVG elements, colored by the classes `c0`, `c1`, and so on, with details as tooltips."""
    nodes = document["filesystem"]["nodes"]
    paths = _paths(nodes)
    whole = document["filesystem"]["bytes"]
    for tile in layout(nodes, rect, spacing=spacing):
        node = nodes[tile.node]
        facts = f"{paths[tile.node]}\n{_facts(document, node, whole)}"
        box = tile.rect
        kind = "open" if tile.open else f"c{palette.of_node(node)}"
        if node["kind"] == "rest":
            kind += " rest"
        yield (
            f'<rect class="{kind}" x="{_n(box.x)}" y="{_n(box.y)}" width="{_n(box.width)}" '
            f'height="{_n(box.height)}"><title>{_text(facts)}</title></rect>'
        )
        yield from _labels(tile, node)


def _facts(document: ReportDocument, node: NodeRow, whole: int) -> str:
    facts = f"{format_size(node['bytes'])}, {format_percent(node['bytes'], whole)}"
    if node["kind"] != "file":
        facts += f" in {count(node['files'], 'file')}"
    lines = [facts]
    for share in node["instructions"][:3]:
        row = document["instructions"][share["instruction"]]
        size = "" if len(node["instructions"]) == 1 else f"{format_size(share['bytes'])} "
        lines.append(f"{size}by {share['instruction']}, {instruction_text(row, 80)}")
    if node["instructions"][3:]:
        lines.append(f"and by {len(node['instructions']) - 3} more")
    return "\n".join(lines)


def node_name(node: NodeRow) -> str:
    """The label of a tile."""
    if node["kind"] == "rest" or node["name"] is None:
        return f"{count(node['files'], 'other file')}" if node["files"] else "others"
    return one_line(node["name"])


def _paths(nodes: list[NodeRow]) -> list[str]:
    """The path of each node, cut at the start if it is too long for a tooltip."""
    paths: list[str] = []
    for node in nodes:
        name = node_name(node)
        if node["parent"] is None:
            paths.append(name)
        else:
            above = paths[node["parent"]]
            path = f"{above.removesuffix('/')}/{name}"
            paths.append(path if len(path) <= LONGEST_PATH else fit_end(path, LONGEST_PATH))
    return paths


def _labels(tile: Tile, node: NodeRow) -> Iterator[str]:
    box = tile.rect
    name = node_name(node)
    size = format_size(node["bytes"])
    room = int((box.width - 8) / _CHARACTER)
    if tile.open:
        if tile.header:
            both = f"{name}  {size}"
            text = both if cell_width(both) <= room else fit_start(name, room)
            yield _label(box.x + 4, box.y + 12, text)
    elif box.height >= 14 and room >= 4:
        yield _label(box.x + 4, box.y + 12, fit_start(name, room))
        if box.height >= 28 and cell_width(size) <= room:
            yield _label(box.x + 4, box.y + 25, size)


def _label(x: float, y: float, text: str) -> str:
    return f'<text x="{_n(x)}" y="{_n(y)}">{_text(text)}</text>'


def _n(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")


def _text(text: str) -> str:
    return html.escape(text)
