"""Lists with two images side by side: the instructions with their layers, and the settings that differ."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType

from layerscope.report.comparison.naming import fit_apart
from layerscope.report.comparison.rows import (
    SIDES,
    ComparedInstructionRow,
    SettingRow,
    SideName,
)
from layerscope.report.comparison.words import one_line, setting_words
from layerscope.report.escape import fit_start
from layerscope.report.file_text import size_text
from layerscope.tui.compare.deltas import delta_bar, delta_style, delta_text
from layerscope.tui.line_list import LineList
from layerscope.tui.paint import Span, cell

_JOINTS = {"same": " = ", "changed": " ~ ", "only_a": " - ", "only_b": " + "}
_STYLES = {"same": "dim", "changed": "modified", "only_a": "removed", "only_b": "added"}
_MARK_STYLES = {"+": "added", "−": "removed", "~": "modified", "?": "rewritten"}
_LONGEST = 2000


class InstructionPairs(LineList):
    """One row per match: A on the left, B on the right, the change at the end."""

    HELP = """\
The instructions of both images, in order. Matching ones share a row: A on the left, B on the right.

Between them: `=` same instruction with the same layers, `~` changed, `-` only in A, `+` only in B. The last column shows
how much more or less content B has there. `u` hides equal instructions, `z` those without a layer.
"""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("u,ctrl+u", "only_changed", "Equal on/off", id="compare.only-changed"),
        Binding("z", "fold", "Empty on/off", id="instructions.fold"),
    ]

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.all: Sequence[ComparedInstructionRow] = ()
        self.listed: list[ComparedInstructionRow] = []
        self.names = ("A", "B")
        self.only_changed = False
        self.folded = False
        self._most = 0

    def show(self, rows: Sequence[ComparedInstructionRow], names: tuple[str, str]) -> None:
        self.all = rows
        self.names = names
        self._most = max([abs(row["sizes"]["content"]["delta"] or 0) for row in rows], default=0)
        self._list()

    def _list(self) -> None:
        current = self.current
        self.listed = [
            row
            for row in self.all
            if not (self.only_changed and row["status"] == "same")
            and not (self.folded and not row["layers_a"] and not row["layers_b"])
        ]
        self.rows_changed()
        if current is not None and current in self.listed:
            self.cursor = self.listed.index(current)

    @property
    def row_count(self) -> int:
        return len(self.listed)

    @property
    def current(self) -> ComparedInstructionRow | None:
        return self.listed[self.cursor] if self.cursor < len(self.listed) else None

    def action_only_changed(self) -> None:
        self.only_changed = not self.only_changed
        self._list()

    def action_fold(self) -> None:
        self.folded = not self.folded
        self._list()

    @staticmethod
    def _widths(width: int) -> tuple[int, int]:
        """The columns of one half, and of the bar."""
        columns = 25 if width >= 160 else 13 if width >= 110 else 0
        return max(12, (width - 3 - 12 - columns - (1 if columns else 0)) // 2), columns

    def heading(self, width: int) -> Sequence[Span]:
        half, columns = self._widths(width)
        names = fit_apart([one_line(name) for name in self.names], max(4, half - 17))
        a, b = (
            cell(f"  #     size  {letter}  {name}", half)
            for letter, name in zip("AB", names, strict=True)
        )
        text = f"{a}   {b}{cell('change', 11, right=True)} "
        return [(text + " " * columns, "")]

    def spans(self, row: int, width: int) -> Sequence[Span]:
        each = self.listed[row]
        status = each["status"]
        half, columns = self._widths(width)
        delta = each["sizes"]["content"]["delta"]
        spans = [
            *self._side(each, "a", half),
            (_JOINTS[status], _STYLES[status]),
            *self._side(each, "b", half),
            (cell(delta_text(delta), 11, right=True) + " ", delta_style(delta)),
        ]
        if columns:
            spans += delta_bar(delta or 0, self._most, columns)
        return spans

    def _side(self, row: ComparedInstructionRow, side: SideName, width: int) -> list[Span]:
        index = row[side]
        if index is None:
            return [(" " * width, "")]
        size = row["sizes"]["content"][side]
        text = row["text_a"] if side == "a" else row["text_b"]
        text = one_line((text or "")[:_LONGEST]) or "–"
        empty = not (row["layers_a"] if side == "a" else row["layers_b"])
        style = "dim" if empty else _STYLES[row["status"]]
        return [
            (f"{index:>3}", "number"),
            (cell("" if empty else size_text(size), 9, right=True), "dim" if empty else ""),
            (cell("  " + fit_start(text, width - 14), width - 12), "" if style == "dim" else style)
            if not empty
            else (cell("  " + fit_start(text, width - 14), width - 12), "dim"),
        ]


class SettingList(LineList):
    """The settings that differ: their name and the values of A and B."""

    HELP = """\
How containers of the two images run differently. `+` only B has it, `−` only A, `~` different value, `?` hidden in a
saved report. Values that look secret are never shown.
"""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.listed: Sequence[SettingRow] = ()

    def show(self, rows: Sequence[SettingRow]) -> None:
        self.listed = rows
        self.rows_changed()

    @property
    def row_count(self) -> int:
        return max(1, len(self.listed))

    @property
    def current(self) -> SettingRow | None:
        return self.listed[self.cursor] if self.cursor < len(self.listed) else None

    @staticmethod
    def _widths(width: int) -> tuple[int, int]:
        name = min(40, max(16, width // 4))
        return name, max(8, (width - 4 - name) // 2)

    def heading(self, width: int) -> Sequence[Span]:
        name, value = self._widths(width)
        return [("  " + cell("setting", name) + "  " + cell("A", value) + cell("B", value), "")]

    def spans(self, row: int, width: int) -> Sequence[Span]:
        if not self.listed:
            return [("  the configuration is the same", "dim")]
        each = self.listed[row]
        name, value = self._widths(width)
        mark, title, _ = setting_words(each)
        style = _MARK_STYLES[mark]
        spans: list[Span] = [(f"{mark} ", style), (cell(title, name) + "  ", "")]
        for side, color in zip(SIDES, ("removed", "added"), strict=True):
            text = each[side]
            bare = "yes" if each["field"] in ("exposed_ports", "volumes") else "(empty)"
            shown = "" if text is None else one_line(text[:_LONGEST]) or bare
            spans.append(
                (cell(fit_start(shown, value - 2), value), color if each["known"] else "dim")
            )
        return spans
