"""The files pane for two images: what differs, or everything, filtered by a worker."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import ClassVar

from textual import on, work
from textual.actions import SkipAction
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import Static
from textual.worker import get_current_worker

from layerscope.analysis.filter.query import Query
from layerscope.errors import Cancelled
from layerscope.records import dataclass
from layerscope.tui.compare.deltas import delta_text
from layerscope.tui.compare.legend import file_legend
from layerscope.tui.compare.merged_outline import QUERY_KINDS
from layerscope.tui.compare.pair_session import CompareSession, MergedFiles
from layerscope.tui.compare.tree import CompareTreeView
from layerscope.tui.model.finder import Finder
from layerscope.tui.model.outline import ROOT
from layerscope.tui.model.rows import TreeRows, spread
from layerscope.tui.panes.list_pane import ListPane
from layerscope.tui.panes.tree_view import FileTreeView
from layerscope.units import count, format_delta

FEW_ROWS = 40
"""Up to this many differences open in full."""
_SORTS = {"size": "change", "name": "name", "files": "number of differences"}


class CompareFilesPane(ListPane):
    """The merged tree with its filter. Shows only what differs by default."""

    kinds: ClassVar[Mapping[str, Collection[int]]] = QUERY_KINDS
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("u,ctrl+u", "only_changed", "Equal on/off", id="compare.only-changed"),
    ]

    @dataclass
    class _Found(Message):
        query: Query
        flags: tuple[bytearray, bytearray, bytearray]

    def __init__(self, session: CompareSession, *, id: str) -> None:  # noqa: A002
        self.tree_view = CompareTreeView(id="compare-tree")
        super().__init__(self.tree_view, id=id)
        self.session = session
        self.only_changed = True
        self._query: Query | None = None

    def compose(self) -> ComposeResult:
        yield from super().compose()
        merged = self.session.merged
        if merged is not None:
            yield Static(file_legend(merged.totals), classes="legend")

    def on_mount(self) -> None:
        merged = self.session.merged
        if merged is None:
            self.show_status(
                f"the saved report of {self.session.missing_files} has no file list; "
                "`layerscope report --json --files` saves one"
            )
            return
        outline, totals = merged.outline, merged.totals
        self.tree_view.show(
            TreeRows(outline, totals, totals.changed), totals, lambda n: outline.entries(n)[1]
        )
        self._open_few()
        self._show_summary()

    def _open_few(self) -> None:
        rows = self.tree_view.rows
        if rows is not None and rows.shown.count(1) <= FEW_ROWS:
            rows.open_all(ROOT)
            self.tree_view.rows_changed()

    @property
    def path(self) -> bytes:
        """The path under the cursor, without a leading slash."""
        rows, number = self.tree_view.rows, self.tree_view.number
        return b"" if rows is None or number is None else rows.outline.path(number)

    def go_to(self, path: bytes) -> bool:
        """Put the cursor on a path, and show equal files if that is needed."""
        merged = self.session.merged
        number = None if merged is None else merged.outline.find(path)
        if number is None:
            return False
        if self.tree_view.go_to(number):
            return True
        if self.filtered:
            self.action_clear()
        if self.only_changed:
            self.action_only_changed()
        return self.tree_view.go_to(number)

    def action_only_changed(self) -> None:
        """Show equal files too, or only what differs."""
        merged, rows = self.session.merged, self.tree_view.rows
        if merged is None or rows is None:
            return
        self.only_changed = not self.only_changed
        number = self.tree_view.number or ROOT
        all_of_it = bytearray(b"\1" * len(rows.outline))
        rows.show(merged.totals, merged.totals.changed if self.only_changed else all_of_it)
        self.tree_view.rows_changed()
        while number and not self.tree_view.go_to(number):
            number = rows.outline.parent[number]
        if not number:
            self.tree_view.cursor = 0
        if self._query is not None:
            self._search(self._query, merged, rows.shown)
        else:
            self._show_summary()

    # Filter

    def action_clear(self) -> None:
        """Without a filter, the key works as on the other tabs."""
        if not self.bar.display and not self.query_text:
            raise SkipAction
        super().action_clear()

    def find(self, query: Query | None) -> None:
        self._query = query
        merged, rows = self.session.merged, self.tree_view.rows
        if merged is None or rows is None:
            return
        if query is not None:
            self._search(query, merged, rows.shown)
            return
        self.workers.cancel_group(self, "find")
        self.tree_view.clear_hits()
        self._show_summary()

    @work(thread=True, exclusive=True, group="find", exit_on_error=False)
    def _search(self, query: Query, merged: MergedFiles, shown: bytearray) -> None:
        outline, totals = merged.outline, merged.totals
        worker = get_current_worker()
        try:
            hits = Finder(outline, totals, lambda: worker.is_cancelled).find(
                query, bytearray(shown)
            )
        except Cancelled:
            return
        flags = spread(outline, hits, shown)
        if not worker.is_cancelled:
            self.post_message(self._Found(query, flags))

    @on(_Found)
    def _found(self, event: _Found) -> None:
        tree = self.tree_view
        if event.query is not self._query or tree.rows is None:
            return
        hits = tree.show_hits(event.flags, event.query.needle or None)
        if hits:
            self.show_status(
                f"{count(hits, 'hit')} · n/N step through them, escape shows all again"
            )
        else:
            more = "; u also searches equal files" if self.only_changed else ""
            self.show_status(f"nothing found{more}")

    def _show_summary(self) -> None:
        """What the tree holds, including what it can't place."""
        rows, session = self.tree_view.rows, self.session
        if rows is None or session.merged is None:
            return
        totals = session.merged.totals
        parts = [count(totals.files[ROOT], "difference"), delta_text(totals.delta(ROOT))]
        if self.only_changed:
            parts.append("only what differs")
        parts.append(f"by {_SORTS[rows.sort]}")
        found = session.document["files"]
        assert found is not None
        for words, pair in (
            ("outside the path", found["outside"]),
            ("in no visible file", found["unplaced"]),
        ):
            if pair["delta"]:
                parts.append(f"{format_delta(pair['delta'])} {words}")
        self.show_status(" · ".join(parts) if totals.files[ROOT] else "no file differs")

    @on(FileTreeView.Sorted)
    def _sorted(self) -> None:
        if self._query is None:
            self._show_summary()
