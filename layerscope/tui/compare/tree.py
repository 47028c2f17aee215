"""The merged tree of two images: columns A, B, and change, with bars on both sides of a zero line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from layerscope.filesystem.entry import Entry
from layerscope.layers.entry import DIRECTORY
from layerscope.report.comparison.cost_words import cost_delta
from layerscope.report.escape import cell_width, fit_end, fit_start
from layerscope.report.file_text import path_text, size_text
from layerscope.tui.compare.deltas import delta_bar, delta_style, delta_text
from layerscope.tui.compare.merged_outline import (
    BELOW,
    MARKS,
    MOVED_AWAY,
    MOVED_HERE,
    CompareTotals,
    MergedOutline,
)
from layerscope.tui.model.view import ADDED, MODIFIED, REMOVED, REWRITTEN, SAME
from layerscope.tui.paint import Span, cell
from layerscope.tui.panes.tree_view import STYLES, FileTreeView

COLUMNS: Final = {"a": 10, "b": 10, "change": 11, "bar": 14, "changes": 9}
_DOWNLOADS: Final = {"cost_a": 11, "cost_b": 11, "cost": 11}
_TITLES: Final = {
    "a": "A",
    "b": "B",
    "change": "change",
    "bar": "",
    "changes": "differ",
    "cost_a": "download A",
    "cost_b": "B",
    "cost": "change",
}
_DROPPED_FIRST: Final = ("changes", "bar", "cost_a", "cost_b", "a", "b", "cost")
_LEAST_NAME: Final = 30
_VIEW_MARK: Final = (
    *(0, SAME, ADDED, MODIFIED, REMOVED, MODIFIED, MODIFIED, REMOVED, ADDED, MODIFIED, REWRITTEN),
    SAME,
)
"""The style of each mark."""


class CompareTreeView(FileTreeView):
    """A tree of the merged outline."""

    HELP = """\
Every file of both images. A directory shows the sum of everything in it, and how many names differ there.

Marks: `+` only in B, `-` only in A, `~` different content, `m` only different metadata, `t` different type, `→` moved from
here, `←` moved to here, `h` the bytes count at another hard link, `?` a saved report doesn't have the content.

The bar goes left if B has less and right if it has more. `u` also shows equal files. `s` sorts by change, name, or number
of differences. `C` shows the compressed bytes too, where an image's source knows them. `enter` looks inside a file.

A filter's `kind:` is added, removed, changed, content, metadata, type, moved, hardlink, unknown, or unchanged. Its sizes
apply to the larger side.
"""

    downloads = False
    """Whether the columns of compressed bytes are shown."""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Leave out mode and owner, which the file's own screen shows."""
        if action == "columns":
            return self.totals is None or self.compared.knows_costs
        return action != "attributes"

    def action_columns(self) -> None:
        """Show or hide the compressed bytes of both sides."""
        self.downloads = not self.downloads
        self.refresh()

    @property
    def compared(self) -> CompareTotals:
        assert isinstance(self.totals, CompareTotals)
        return self.totals

    @property
    def merged(self) -> MergedOutline:
        assert self.rows is not None
        assert isinstance(self.rows.outline, MergedOutline)
        return self.rows.outline

    def _widths(self, width: int) -> dict[str, int]:
        """The columns that still leave room for the names."""
        kept = {**COLUMNS, **_DOWNLOADS} if self.downloads else dict(COLUMNS)
        if width >= 160:
            kept["bar"] = 26
        for name in _DROPPED_FIRST:
            if width - 2 - sum(kept.values()) >= _LEAST_NAME:
                break
            del kept[name]
        return kept

    def heading(self, width: int) -> Sequence[Span]:
        sort = "size" if self.rows is None else self.rows.sort
        spans: list[Span] = [("  ", "")]
        for name, columns in self._widths(width).items():
            arrow = {"change": "size", "changes": "files"}.get(name) == sort
            title = _TITLES[name] + ("↓" if arrow else "")
            spans.append((cell(title, columns - 1, right=True) + " ", ""))
        spans.append(("name" + ("↓" if sort == "name" else ""), ""))
        return spans

    def heading_clicked(self, column: int) -> None:
        reach = 2
        for name, columns in self._widths(self.scrollable_content_region.width).items():
            reach += columns
            if column < reach:
                self.sort_by("files" if name == "changes" else "size")
                return
        self.sort_by("name")

    def spans(self, row: int, width: int) -> Sequence[Span]:
        assert self.rows is not None
        totals = self.compared
        number = self.rows.numbers[row]
        mark = totals.marks[number]
        view_mark = _VIEW_MARK[mark]
        a, b = self.merged.entries(number)
        delta = totals.delta(number)
        widths = self._widths(width)
        spans: list[Span] = [(MARKS[mark] + " ", STYLES[view_mark])]
        for name, columns in widths.items():
            if name in ("a", "b"):
                entry, size = (a, totals.a[number]) if name == "a" else (b, totals.b[number])
                text = size_text(size) if entry is not None or size or not number else ""
                spans.append((cell(text, columns - 1, right=True) + " ", "" if size else "dim"))
            elif name == "change":
                text = cell(delta_text(delta), columns - 1, right=True) + " "
                spans.append((text, delta_style(delta)))
            elif name in _DOWNLOADS:
                cost_a, cost_b = totals.costs(number)
                if name == "cost":
                    cost = None if cost_a is None or cost_b is None else cost_b - cost_a
                    text, style = cost_delta(cost), delta_style(cost)
                else:
                    side = cost_a if name == "cost_a" else cost_b
                    text, style = "–" if side is None else size_text(side) if side else "", "dim"
                spans.append((cell(text, columns - 1, right=True) + " ", style))
            elif name == "bar":
                spans += [*delta_bar(delta, totals.most, columns - 1), (" ", "")]
            else:
                count = totals.files[number] if self.rows.outline.count[number] else 0
                spans.append((cell(f"{count:,}" if count else "", columns - 1, right=True), "dim"))
                spans.append((" ", ""))
        left = width - 2 - sum(widths.values())
        shown = b if b is not None else a
        named = self._name_spans(row, number, shown, view_mark, left)
        return [*spans, *named, *self._elsewhere(number, mark, left, named)]

    def _elsewhere(self, number: int, mark: int, width: int, named: Sequence[Span]) -> list[Span]:
        """Where a moved file went to or came from."""
        change = self.merged.change(number)
        left = width - sum(cell_width(text) for text, _ in named)
        if change is None or mark not in (MOVED_AWAY, MOVED_HERE) or left < 12:
            return []
        word, path = ("  to ", change.path_b) if mark == MOVED_AWAY else ("  from ", change.path_a)
        if path is None:
            return []
        return [(fit_start(word + fit_end(path_text(path), left - len(word)), left), "dim")]

    def is_directory(self, number: int) -> bool:
        """Whether it is a directory on every side that has it."""
        return self.compared.marks[number] == BELOW or all(
            entry is None or _is_folder(entry) for entry in self.merged.entries(number)
        )

    def row_clicked(self, row: int, column: int, chain: int) -> None:
        if self.rows is None:
            return
        start = 2 + sum(self._widths(self.scrollable_content_region.width).values())
        sign = start + 2 * self.rows.depths[row]
        folder = self.rows.can_open(self.rows.numbers[row])
        if folder and (chain >= 2 or sign <= column < sign + 2):
            self.action_fold()
        elif chain >= 2:
            self.action_choose()


def _is_folder(entry: Entry) -> bool:
    return entry.kind == DIRECTORY
