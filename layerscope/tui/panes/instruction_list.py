"""The instructions of an image, in order, with what each one stores and wastes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType

from layerscope.report.file_text import size_text
from layerscope.tui.line_list import LineList
from layerscope.tui.paint import Span, cell, instruction_name, split_bar

if TYPE_CHECKING:
    from layerscope.analysis.model import InstructionSummary

BASE = " base"
"""Ends the row of an instruction of the base image."""


class InstructionList(LineList):
    """One row per instruction. Those without a layer are dim and can be hidden."""

    HELP = """\
The instructions that made the image, in order. Moving here changes what the files show.

The bar shows what an instruction stores: solid is live, dotted is wasted. `◆` marks the start of a range.
`base` at the end of a row marks an instruction of the base image.
"""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("z", "fold", "Fold empty", show=False, id="instructions.fold"),
    ]

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.all: Sequence[InstructionSummary] = ()
        self.listed: list[InstructionSummary] = []
        self.folded = False
        self.range_start: int | None = None
        self.in_view: frozenset[int] = frozenset()
        self.base: range = range(0)
        self._most = 1
        self._digits = 2

    def show(self, summaries: Sequence[InstructionSummary], base: range) -> None:
        """List the instructions; `base` has the numbers of the base image's."""
        self.all = summaries
        self.base = base
        self._most = max([each.sizes.content for each in summaries], default=1) or 1
        self._digits = max(2, len(str(len(summaries))))
        self._list()

    def _list(self) -> None:
        self.listed = [each for each in self.all if each.instruction.layers or not self.folded]
        self.rows_changed()

    @property
    def row_count(self) -> int:
        return len(self.listed)

    @property
    def current(self) -> InstructionSummary | None:
        return self.listed[self.cursor] if self.cursor < len(self.listed) else None

    def select(self, index: int) -> None:
        """Put the cursor on an instruction by number, or on the nearest listed one before it."""
        rows = [row for row, each in enumerate(self.listed) if each.instruction.index <= index]
        self.cursor = rows[-1] if rows else 0

    def action_fold(self) -> None:
        """Hide the instructions without a layer, or show them again."""
        current = self.current
        self.folded = not self.folded
        self._list()
        if current is not None:
            self.select(current.instruction.index)

    def set_view(self, instructions: frozenset[int], range_start: int | None) -> None:
        """Mark the instructions that the files pane shows, and where a range starts."""
        self.in_view = instructions
        self.range_start = range_start
        self.refresh()

    def _bar(self, width: int) -> int:
        return 10 if width >= 68 else 6 if width >= 60 else 0

    def heading(self, width: int) -> Sequence[Span]:
        number = cell("#", self._digits + 1, right=True)
        titles = number + cell("size", 9, right=True) + cell("wasted", 9, right=True) + " "
        columns = self._bar(width)
        return [(titles + " " * (columns + 1 if columns else 0) + "instruction", "")]

    def spans(self, row: int, width: int) -> Sequence[Span]:
        summary = self.listed[row]
        instruction, sizes = summary.instruction, summary.sizes
        dim = "dim" if not instruction.layers else ""
        sign = "◆" if instruction.index == self.range_start else " "
        if instruction.index in self.in_view:
            sign = "▶" if sign == " " else sign
        spans: list[Span] = [
            (sign, "strong"),
            (f"{instruction.index:>{self._digits}}", dim or "number"),
            (cell(size_text(sizes.content), 9, right=True), dim),
            (cell(size_text(sizes.wasted) if sizes.wasted else "", 9, right=True), "waste"),
            (" ", ""),
        ]
        columns = self._bar(width)
        if columns:
            spans += [*split_bar(sizes.live, sizes.wasted, self._most, columns), (" ", "")]
        left = width - 20 - self._digits - (columns + 1 if columns else 0)
        if instruction.index not in self.base:
            spans.append((instruction_name(instruction, max(1, left)), dim))
        else:
            room = max(1, left - len(BASE))
            spans += [(cell(instruction_name(instruction, room), room), dim), (BASE, "dim")]
        return spans
