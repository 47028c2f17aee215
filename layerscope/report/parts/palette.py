"""Colors by instruction, the same in every drawing. The instructions with the most live bytes get their own color."""

from __future__ import annotations

from typing import TYPE_CHECKING

from layerscope.report.document.head import is_head

if TYPE_CHECKING:
    from layerscope.report.document.rows import NodeRow, ReportDocument


LIGHT = (
    "#8db6f7", "#f7b267", "#8fd19e", "#c3a6f5", "#f59b9b", "#74cdc9",
    "#eed35f", "#f2a3d3", "#bccb66", "#d3ab86", "#93d0f0", "#c4cad3",
)  # fmt: skip
DARK = (
    "#2d5ca6", "#98570f", "#2c7845", "#6a4bb5", "#a64347", "#1c7472",
    "#79660f", "#9a4279", "#5b6b1b", "#7c5738", "#276b8c", "#4b525d",
)  # fmt: skip
"""Fill colors for light and dark mode. The last is for all other instructions."""
OTHER = len(LIGHT) - 1


class Palette:
    """Gives each instruction an index into `LIGHT` and `DARK`."""

    def __init__(self, document: ReportDocument) -> None:
        rows = []
        if not is_head(document):
            rows = [row for row in document["instructions"] if row["sizes"]["content"]]
        ranked = sorted(
            rows, key=lambda row: (-row["sizes"]["live"], -row["sizes"]["content"], row["index"])
        )
        own = sorted(row["index"] for row in ranked[:OTHER])
        self._colors = {instruction: color for color, instruction in enumerate(own)}
        self.instructions = tuple(own)
        """The instructions with their own color, in build order."""
        self.others = len(rows) > len(own)
        """Whether any instruction with content shares the last color."""

    def color(self, instruction: int) -> int:
        return self._colors.get(instruction, OTHER)

    def of_node(self, node: NodeRow) -> int:
        """The color of the instruction that wrote most of a node's bytes."""
        shares = node["instructions"]
        return self.color(shares[0]["instruction"]) if shares else OTHER


def rules(prefix: str, colors: tuple[str, ...]) -> str:
    """The colors as CSS variables."""
    return "".join(f"--{prefix}{index}:{color};" for index, color in enumerate(colors))
