"""The files pane: one view of the tree at a time, computed and filtered by workers."""

from __future__ import annotations

import gc
from collections.abc import Callable
from itertools import compress
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.worker import get_current_worker

from layerscope.errors import Cancelled
from layerscope.filesystem.entry import Entry
from layerscope.records import dataclass
from layerscope.tui.model.flags import NO_DIRECTORY, both, select
from layerscope.tui.model.outline import ROOT
from layerscope.tui.model.rows import TreeRows, lead_to, spread
from layerscope.tui.model.selection import Selection
from layerscope.tui.model.session import CHANGES, Change, Session
from layerscope.tui.model.view import REMOVED, Scope, Totals
from layerscope.tui.panes.list_pane import ListPane
from layerscope.tui.panes.tree_view import FileTreeView
from layerscope.units import format_size

if TYPE_CHECKING:
    from layerscope.analysis.filter.query import Query
    from layerscope.tui.model.elsewhere import Hits

PATIENCE = 0.3
"""Seconds to wait before preparing for filters, to show the tree first."""
FEW_ROWS = 60
"""A view of changes this small opens in full."""


class FilesPane(ListPane):
    """Shows a scope of the session, and posts a message when it changes."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "ctrl+u", "hide('unchanged')", "Unchanged on/off", show=False, id="files.unchanged"
        ),
        Binding("ctrl+r", "hide('removed')", "Removed on/off", show=False, id="files.removed"),
        Binding("plus", "hide('added')", "Added on/off", show=False, id="files.added"),
        Binding("a", "elsewhere", "Show all hits", id="files.elsewhere"),
        Binding("tilde", "hide('modified')", "Modified on/off", show=False, id="files.modified"),
    ]

    class Shown(Message):
        """The pane now shows a view, or what a filter found in it."""

    @dataclass
    class Elsewhere(Message):
        """Show the view where the filter finds something."""

        scope: Scope

    @dataclass
    class _Measured(Message):
        scope: Scope
        totals: Totals
        shown: bytearray
        target: bytes

    @dataclass
    class _Found(Message):
        """What a filter found so far; everything if `whole`."""

        scope: Scope
        query: Query
        flags: tuple[bytearray, bytearray, bytearray]
        size: int
        whole: bool
        elsewhere: Hits | None = None

    def __init__(self, session: Session, *, id: str) -> None:  # noqa: A002
        self.tree_view = FileTreeView(id="tree")
        super().__init__(self.tree_view, id=id)
        self.session = session
        self.scope = session.whole
        self.wanted = self.scope
        self.hidden: set[Change] = set()
        self._query: Query | None = None
        self.answered: Query | None = None
        """The filter whose hits are shown, at least the first ones."""
        self.searching = False
        """Whether more hits may come."""
        self.elsewhere: Hits | None = None
        """Where the filter finds something, if not here."""

    @property
    def path(self) -> bytes:
        """The path under the cursor, without a leading slash."""
        number = self.tree_view.number
        if number is None:
            return b""
        return self.session.outline.path(number)

    @property
    def entry(self) -> Entry | None:
        """The file or directory of the row under the cursor."""
        number = self.tree_view.number
        if number is None:
            return None
        return self.session.entry(number, self.scope)

    def on_mount(self) -> None:
        self.view(self.session.whole)
        self.set_timer(PATIENCE, self._prepare)

    @work(thread=True, group="prepare", exit_on_error=False)
    def _prepare(self) -> None:
        """Run once. After that, the garbage collector ignores what it created."""
        self.session.outline.prepare()
        gc.freeze()

    def selected(self) -> Selection | None:
        number, totals, entry = self.tree_view.number, self.tree_view.totals, self.entry
        if number is None or totals is None:
            return None
        removed = totals.marks[number] == REMOVED and entry is not None
        layer = entry.layer if removed and entry is not None else self.scope.last
        return self.session.selection(self.session.outline.node(number), layer)

    def other_end(self) -> int | None:
        """The layer that hides the file under the cursor, or that stored a removed one; -1 if nothing hides it."""
        number, totals, entry = self.tree_view.number, self.tree_view.totals, self.entry
        if number is None or totals is None or entry is None:
            return None
        return entry.layer if totals.marks[number] == REMOVED else entry.ended

    # Views

    def view(self, scope: Scope, path: bytes | None = None) -> None:
        """Show a scope, with the cursor on a path (by default the current one, or the nearest directory above it)."""
        self.wanted = scope
        target = self.path if path is None else path
        totals = self.session.known_totals(scope)
        if totals is not None:
            self._take(scope, totals, self._shown(scope, totals), target)
        else:
            self._measure(scope, target)

    @work(thread=True, exclusive=True, group="view", exit_on_error=False)
    def _measure(self, scope: Scope, target: bytes) -> None:
        worker = get_current_worker()
        try:
            totals = self.session.totals(scope, lambda: worker.is_cancelled)
        except Cancelled:
            return
        shown = self._shown(scope, totals)
        if not worker.is_cancelled:
            self.post_message(self._Measured(scope, totals, shown, target))

    @on(_Measured)
    def _measured(self, event: _Measured) -> None:
        if event.scope == self.wanted:
            self._take(event.scope, event.totals, event.shown, event.target)

    def _shown(self, scope: Scope, totals: Totals) -> bytearray:
        """What the view lists: everything in a filesystem, or only what layers change."""
        wanted: set[int] = set()
        for change, marks in CHANGES.items():
            if change not in self.hidden and (change != "unchanged" or scope.mode == "tree"):
                wanted |= marks
        flags = select(totals.marks, wanted)
        if scope.mode == "tree" and not self.hidden:
            return flags
        return lead_to(self.session.outline, flags)

    def _take(self, scope: Scope, totals: Totals, shown: bytearray, target: bytes) -> None:
        self.elsewhere = None
        tree = self.tree_view
        self.scope = scope
        if tree.rows is None:
            tree.rows = TreeRows(self.session.outline, totals, shown)
        else:
            tree.rows.show(totals, shown)
        if scope.mode != "tree" and shown.count(1) <= FEW_ROWS:
            tree.rows.open_all(ROOT)
        tree.needle = None
        tree.show(tree.rows, totals, self._entry_of(scope))
        self._stand_on(target)
        self.post_message(self.Shown())
        if self._query is not None:
            self._search(self._query, scope, totals, shown)
        else:
            self._show_summary()

    def _entry_of(self, scope: Scope) -> Callable[[int], Entry | None]:
        session = self.session
        return lambda number: session.entry(number, scope)

    def _stand_on(self, path: bytes) -> None:
        """Put the cursor on a path, or on the nearest visible directory above it."""
        number = self.session.outline.find(path) or ROOT
        while number and not self.tree_view.go_to(number):
            number = self.session.outline.parent[number]
        if not number:
            self.tree_view.cursor = 0

    def go_to(self, path: bytes) -> bool:
        """Put the cursor on a path of this view."""
        number = self.session.outline.find(path)
        return number is not None and self.tree_view.go_to(number)

    def action_hide(self, change: Change) -> None:
        """Hide the files that were added, modified, removed, or unchanged, or show them again."""
        self.hidden ^= {change}
        self.view(self.scope)

    # Filter

    def find(self, query: Query | None) -> None:
        self._query = query
        rows, totals = self.tree_view.rows, self.tree_view.totals
        if rows is None or totals is None:
            return
        self.elsewhere = None
        if query is None:
            self.workers.cancel_group(self, "find")
            self.tree_view.clear_hits()
            self._show_summary()
            self.post_message(self.Shown())
        else:
            self._search(query, self.scope, totals, rows.shown)

    @work(thread=True, exclusive=True, group="find", exit_on_error=False)
    def _search(self, query: Query, scope: Scope, totals: Totals, shown: bytearray) -> None:
        from layerscope.tui.model.elsewhere import find_elsewhere
        from layerscope.tui.model.finder import Finder

        outline = self.session.outline
        worker = get_current_worker()
        files = select(totals.kinds, NO_DIRECTORY)

        def publish(hits: bytearray, *, whole: bool = False) -> None:
            size = sum(compress(totals.size, both(hits, files)))
            flags = spread(outline, bytearray(hits), shown)
            if not worker.is_cancelled:
                self.post_message(self._Found(scope, query, flags, size, whole))

        try:
            finder = Finder(outline, totals, lambda: worker.is_cancelled, publish)
            hits = finder.find(query, bytearray(shown))
            publish(hits, whole=True)
            if any(hits):
                return
            found = find_elsewhere(self.session, query, scope, lambda: worker.is_cancelled)
        except Cancelled:
            return
        if found is not None and not worker.is_cancelled:
            flags = spread(outline, hits, shown)
            self.post_message(self._Found(scope, query, flags, 0, True, found))

    @on(_Found)
    def _found(self, event: _Found) -> None:
        tree = self.tree_view
        if event.query is not self._query or event.scope != self.scope or tree.rows is None:
            return
        stay = self.answered is event.query
        self.answered = event.query
        self.searching = not event.whole
        self.elsewhere = event.elsewhere
        self.refresh_bindings()
        hits = tree.show_hits(event.flags, event.query.needle or None, stay=stay)
        self._tell_hits(hits, event.size)
        self.post_message(self.Shown())

    def _tell_hits(self, hits: int, size: int) -> None:
        files = f"{hits:,} hit" + ("s" if hits != 1 else "")
        if self.searching:
            self.show_status(f"{files} so far · {format_size(size)} · still looking")
        elif hits:
            self.show_status(
                f"{files} · {format_size(size)} · n/N step through them, escape shows all again"
            )
        elif self.elsewhere is not None:
            self.show_status(f"nothing in this view · {self.elsewhere.words} · a shows them")
        else:
            self.show_status("nothing found")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "elsewhere":
            return self.elsewhere is not None
        return super().check_action(action, parameters)

    def action_elsewhere(self) -> None:
        """Go where the filter finds something."""
        if self.elsewhere is not None:
            self.hidden.clear()
            self.post_message(self.Elsewhere(self.elsewhere.scope))

    def _show_summary(self) -> None:
        totals = self.tree_view.totals
        if totals is None or self.tree_view.rows is None:
            return
        files = totals.files[ROOT]
        words = "files and links" if self.scope.mode == "tree" else "changed"
        parts = [f"{files:,} {words}", format_size(totals.size[ROOT])]
        if totals.gone[ROOT]:
            parts.append(f"−{format_size(totals.gone[ROOT])} removed")
        if totals.wasted[ROOT]:
            parts.append(f"{format_size(totals.wasted[ROOT])} wasted in the end")
        if self.hidden:
            parts.append("without " + ", ".join(sorted(self.hidden)))
        parts.append(f"by {self.tree_view.rows.sort}")
        self.show_status(" · ".join(parts))

    @on(FileTreeView.Sorted)
    def _sorted(self) -> None:
        if self._query is None:
            self._show_summary()
