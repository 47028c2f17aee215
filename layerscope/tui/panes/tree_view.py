"""The tree of files: paints the rows of `TreeRows` and handles their keys and clicks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message

from layerscope.filesystem.entry import Entry
from layerscope.layers.entry import DIRECTORY, HARDLINK, SYMLINK
from layerscope.records import dataclass
from layerscope.report.escape import cell_width, fit_start
from layerscope.report.file_text import mode_text, name_text, owner_text, size_text
from layerscope.tui.line_list import LineList
from layerscope.tui.model.outline import ROOT
from layerscope.tui.model.rows import SORTS, Sort, TreeRows
from layerscope.tui.model.view import MARKS, Totals
from layerscope.tui.paint import Span, bar, cell

STYLES = ("", "", "added", "modified", "removed", "fleeting", "rewritten")
COLUMNS = {
    "size": ("size", 10),
    "share": ("share", 9),
    "wasted": ("wasted", 10),
    "download": ("download", 10),
    "files": ("files", 8),
    "mode": ("mode", 11),
    "owner": ("owner", 10),
}
"""The title and width of each column before the name, in order."""
DEFAULT_COLUMNS = ("size", "share", "wasted", "mode", "owner")
_DROPPED_FIRST = ("owner", "mode", "files", "download", "wasted", "share")
_LEAST_NAME = 32


class FileTreeView(LineList):
    """A tree over an outline with the totals of one view."""

    HELP = """\
Every file of the view. A directory shows the sum of everything in it.

Marks: `+` added, `~` modified, `-` removed, `x` added and removed again, `=` stored again unchanged.
A size with a minus sign belongs to removed files.
"""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,l", "open", "Open", show=False, id="tree.open"),
        Binding("left,h", "close", "Close", show=False, id="tree.close"),
        Binding("space", "fold", "Fold", show=False, id="tree.fold"),
        Binding("asterisk", "open_all", "Open all below", show=False, id="tree.open-all"),
        Binding(
            "ctrl+space,ctrl+@,minus", "close_all", "Close all", show=False, id="tree.close-all"
        ),
        Binding("s,ctrl+o", "sort", "Sort", id="tree.sort"),
        Binding("C", "columns", "Columns", show=False, id="tree.columns"),
        Binding("ctrl+b", "attributes", "Attributes", show=False, id="tree.attributes"),
        Binding("n", "hit(1)", "Next hit", show=False, id="tree.next-hit"),
        Binding("N", "hit(-1)", "Previous hit", show=False, id="tree.previous-hit"),
    ]

    @dataclass
    class Sorted(Message):
        """The sort order changed."""

        sort: Sort

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.rows: TreeRows | None = None
        self.totals: Totals | None = None
        self.needle: bytes | None = None
        self.columns: tuple[str, ...] = DEFAULT_COLUMNS
        self._entry_of: Callable[[int], Entry | None] = lambda _: None

    def show(self, rows: TreeRows, totals: Totals, entry_of: Callable[[int], Entry | None]) -> None:
        """Show rows; `entry_of` gives the entry that the view shows for a number of the outline."""
        self.rows = rows
        self.totals = totals
        self._entry_of = entry_of
        self.rows_changed()

    @property
    def row_count(self) -> int:
        return 0 if self.rows is None else len(self.rows)

    @property
    def number(self) -> int | None:
        """The number under the cursor."""
        if self.rows is None or self.cursor >= len(self.rows):
            return None
        return self.rows.numbers[self.cursor]

    # Painting

    def _columns(self, width: int) -> list[str]:
        """The wanted columns, without the ones that leave no room for the names."""
        kept = [name for name in COLUMNS if name in self.columns]
        if "wasted" in kept and self.totals is not None and not self.totals.wasted[ROOT]:
            kept.remove("wasted")
        if "download" in kept and (self.totals is None or self.totals.download is None):
            kept.remove("download")
        room = width - 2 - sum(COLUMNS[name][1] for name in kept)
        for name in _DROPPED_FIRST:
            if room >= _LEAST_NAME:
                break
            if name in kept:
                kept.remove(name)
                room += COLUMNS[name][1]
        return kept

    def heading(self, width: int) -> Sequence[Span]:
        spans: list[Span] = [("  ", "")]
        sort = "size" if self.rows is None else self.rows.sort
        for name in self._columns(width):
            title, columns = COLUMNS[name]
            right = name in ("size", "wasted", "download", "files")
            arrow = "↓" if name == sort else ""
            spans.append((cell(title + arrow, columns - 1, right=right) + " ", ""))
        spans.append(("name" + ("↓" if sort == "name" else ""), ""))
        return spans

    def heading_clicked(self, column: int) -> None:
        reach = 2
        for name in self._columns(self.scrollable_content_region.width):
            reach += COLUMNS[name][1]
            if column < reach:
                if name in ("size", "files"):
                    self.sort_by("files" if name == "files" else "size")
                return
        self.sort_by("name")

    def spans(self, row: int, width: int) -> Sequence[Span]:
        assert self.rows is not None
        assert self.totals is not None
        number = self.rows.numbers[row]
        totals = self.totals
        mark = totals.marks[number]
        entry = self._entry_of(number)
        spans: list[Span] = [(MARKS[mark] + " ", STYLES[mark])]
        columns = self._columns(width)
        spans += [self._cell(name, number, entry) for name in columns]
        left = width - 2 - sum(COLUMNS[name][1] for name in columns)
        spans += self._name_spans(row, number, entry, mark, left)
        return spans

    def _cell(self, name: str, number: int, entry: Entry | None) -> Span:
        assert self.totals is not None
        totals = self.totals
        columns = COLUMNS[name][1]
        if name == "size":
            size, gone = totals.size[number], totals.gone[number]
            if not size and gone:
                return cell("−" + size_text(gone), columns - 1, right=True) + " ", "removed"
            return cell(size_text(size), columns - 1, right=True) + " ", "" if size else "dim"
        if name == "share":
            whole = max(totals.weight(ROOT), 1)
            style = "removed" if not totals.size[number] else "bar"
            return bar(totals.weight(number), whole, columns - 1) + " ", style
        if name == "wasted":
            text = size_text(totals.wasted[number]) if totals.wasted[number] else ""
            return cell(text, columns - 1, right=True) + " ", "waste"
        if name == "download":
            cost = 0 if totals.download is None else totals.download[number]
            return cell(size_text(cost) if cost else "", columns - 1, right=True) + " ", ""
        if name == "files":
            files = totals.files[number]
            return cell(f"{files:,}" if files else "–", columns - 1, right=True) + " ", "dim"
        if entry is None:
            return " " * columns, ""
        text = mode_text(entry) if name == "mode" else owner_text(entry)
        return cell(text, columns - 1) + " ", "dim"

    def _name_spans(
        self, row: int, number: int, entry: Entry | None, mark: int, width: int
    ) -> list[Span]:
        assert self.rows is not None
        depth = self.rows.depths[row]
        room = max(2, width // 2)
        indent = "  " * depth
        if len(indent) > room:
            indent = f"⋯{depth} "
        folder = entry is None or entry.kind == DIRECTORY
        sign = "  "
        if self.rows.can_open(number):
            sign = "▾ " if self.rows.is_open(number) else "▸ "
        style = STYLES[mark] or ("folder" if folder else "")
        if entry is not None and entry.kind == SYMLINK and not STYLES[mark]:
            style = "link"
        name = "/" if number == ROOT else name_text(self.rows.outline.names[number])
        left = max(1, width - cell_width(indent) - 2)
        shown = fit_start(name, left)
        spans: list[Span] = [(indent, "dim"), (sign, "dim"), *self._marked(shown, style)]
        left -= cell_width(shown)
        if entry is not None and entry.kind in (SYMLINK, HARDLINK) and left > 6:
            arrow = " → " if entry.kind == SYMLINK else " ═ "
            target = name_text(entry.link) if entry.kind == SYMLINK else "/" + name_text(entry.link)
            spans.append((fit_start(arrow + target, left), "dim"))
        return spans

    def _marked(self, name: str, style: str) -> list[Span]:
        """The name, with the filter's match highlighted."""
        if not self.needle:
            return [(name, style)]
        needle = self.needle.rpartition(b"/")[2].decode("utf-8", "replace")
        fold = needle.lower() == needle
        at = (name.lower() if fold else name).find(needle) if needle else -1
        if at < 0 or len(name.lower()) != len(name):
            return [(name, style)]
        end = at + len(needle)
        return [(name[:at], style), (name[at:end], "match"), (name[end:], style)]

    # Keys

    def _changed(self, cursor: int | None = None) -> None:
        self.rows_changed()
        if cursor is not None:
            self.cursor = cursor

    def action_open(self) -> None:
        if self.rows is None or self.number is None:
            return
        if self.rows.is_open(self.number):
            if self.rows.can_open(self.number):
                self.cursor += 1
            return
        if self.rows.open(self.cursor) == 1:
            self._open_chain()
        self._changed()

    def _open_chain(self) -> None:
        """Keep opening while a directory holds nothing but one directory."""
        assert self.rows is not None
        row = self.cursor + 1
        for _ in range(16):
            if self.rows.open(row) != 1:
                return
            row += 1

    def action_close(self) -> None:
        if self.rows is None or self.number is None:
            return
        if self.rows.is_open(self.number) and self.rows.can_open(self.number):
            self.rows.close(self.cursor)
            self._changed()
        else:
            self.cursor = self.rows.parent_row(self.cursor)

    def action_fold(self) -> None:
        if self.rows is None or self.number is None:
            return
        if self.rows.is_open(self.number):
            self.rows.close(self.cursor)
            self._changed()
        else:
            self.action_open()

    def action_open_all(self) -> None:
        if self.rows is None or self.number is None:
            return
        number = self.number
        whole = self.rows.open_all(self.cursor)
        self._changed(self.rows.row_of(number))
        if not whole:
            self.notify("Too many rows: deeper directories stay closed.")

    def action_close_all(self) -> None:
        if self.rows is not None:
            self.rows.close_all()
            self._changed(0)

    def action_sort(self) -> None:
        if self.rows is not None:
            at = SORTS.index(self.rows.sort)
            self.sort_by(SORTS[(at + 1) % len(SORTS)])

    def sort_by(self, sort: Sort) -> None:
        """Sort every directory; the cursor stays on its file."""
        if self.rows is None:
            return
        number = self.number
        self.rows.sort_by(sort)
        row = None if number is None else self.rows.row_of(number)
        self.rows_changed()
        if row is not None:
            self.center_row(row)
        self.post_message(self.Sorted(sort))

    def action_columns(self) -> None:
        """Cycle through the sets of columns: all with downloads and numbers of files, the usual ones, only sizes."""
        sets = (DEFAULT_COLUMNS, tuple(COLUMNS), ("size", "share", "wasted"), ("size",))
        at = sets.index(self.columns) if self.columns in sets else 0
        self.columns = sets[(at + 1) % len(sets)]
        self.refresh()

    def action_attributes(self) -> None:
        """Show or hide mode and owner."""
        attributes = ("mode", "owner")
        if "mode" in self.columns:
            self.columns = tuple(name for name in self.columns if name not in attributes)
        else:
            self.columns = (*self.columns, *attributes)
        self.refresh()

    def action_hit(self, direction: int) -> None:
        if self.rows is None or self.rows.hits is None:
            return
        walk = self.rows.next_hit if direction > 0 else self.rows.previous_hit
        number = self.number
        row = walk(self.cursor)
        if row is None:
            again = self.rows.row_of(number) if number is not None else None
            self._changed(again)
            self.app.bell()
            return
        found = self.rows.numbers[row]
        self._changed(self.rows.row_of(found))

    def show_hits(
        self,
        flags: tuple[bytearray, bytearray, bytearray],
        needle: bytes | None,
        *,
        stay: bool = False,
    ) -> int:
        """Show what a filter found, as `spread` returns it, and how many hits there are.

        The cursor goes to the first hit, unless it is already on one. With `stay`, it stays where it is if that is shown.
        """
        assert self.rows is not None
        number = self.number
        self.rows.set_filter(*flags)
        self.needle = needle
        self.rows_changed()
        hit = number and self.rows.hits and self.rows.hits[number]
        if not (number and (hit or stay) and self.go_to(number)):
            row = self.rows.next_hit(0)
            self.rows_changed()
            self.center_row(row or 0)
        return self.rows.hit_count

    def clear_hits(self) -> None:
        """Show everything again and keep the cursor where it is."""
        assert self.rows is not None
        number = self.number
        self.rows.clear_filter()
        self.needle = None
        self.rows_changed()
        if number is not None:
            self.go_to(number)

    def go_to(self, number: int) -> bool:
        """Put the cursor on a number and open the directories above it; False if this view doesn't have it."""
        if self.rows is None:
            return False
        row = self.rows.reveal(number)
        if row is None:
            return False
        self.rows_changed()
        self.center_row(row)
        return True

    def row_clicked(self, row: int, column: int, chain: int) -> None:
        if self.rows is None:
            return
        number = self.rows.numbers[row]
        width = self.scrollable_content_region.width
        start = 2 + sum(COLUMNS[name][1] for name in self._columns(width))
        sign = start + 2 * self.rows.depths[row]
        folder = self.rows.can_open(number)
        if folder and (chain >= 2 or sign <= column < sign + 2):
            self.action_fold()
        elif chain >= 2:
            self.action_choose()
