"""A list that paints only the lines on screen, no matter how many it has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from layerscope.records import dataclass
from layerscope.tui.paint import Span
from layerscope.tui.styles import style_of


class LineList(ScrollView, can_focus=True):
    """Base class for lists: a fixed heading, rows, a cursor.

    A subclass provides `row_count`, paints a row as spans, and can paint a heading. Spans are text, never markup, and
    come from `paint`.
    """

    HEADED: ClassVar[bool] = True
    """Whether there is a heading above the rows."""
    COMPONENT_CLASSES: ClassVar[set[str]] = {"line--cursor"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False, id="list.up"),
        Binding("down,j", "move(1)", "Down", show=False, id="list.down"),
        Binding("pageup", "page(-1)", "Page up", show=False, id="list.page-up"),
        Binding("pagedown", "page(1)", "Page down", show=False, id="list.page-down"),
        Binding("home,g", "first", "First", show=False, id="list.first"),
        Binding("end,G", "last", "Last", show=False, id="list.last"),
        Binding("enter", "choose", "Open", show=False, id="list.choose"),
    ]

    cursor: reactive[int] = reactive(0, repaint=False)

    @dataclass
    class Highlighted(Message):
        """The cursor moved to another row."""

        lines: LineList
        row: int

        @property
        def control(self) -> LineList:
            return self.lines

    class Chosen(Highlighted):
        """A row was chosen by key or double click."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._styles: dict[str, Style] = {}

    # For subclasses

    @property
    def row_count(self) -> int:
        return 0

    def spans(self, row: int, width: int) -> Sequence[Span]:
        """A row's line, at most `width` columns wide."""
        raise NotImplementedError

    def heading(self, width: int) -> Sequence[Span]:
        """The line above all rows, if any."""
        return ()

    def heading_clicked(self, column: int) -> None:
        """Handle a click on the heading."""

    # Painting

    @property
    def _top(self) -> int:
        return 1 if self.HEADED else 0

    def style_named(self, name: str) -> Style:
        """The style of a span. The cursor only sets a background."""
        style = self._styles.get(name)
        if style is None:
            if name == "cursor":
                full = self.get_component_rich_style("line--cursor")
                style = Style(bgcolor=full.bgcolor, bold=full.bold, reverse=full.reverse)
            else:
                style = style_of(self.app, name)
            self._styles[name] = style
        return style

    def notify_style_update(self) -> None:
        self._styles.clear()
        super().notify_style_update()

    def render_line(self, y: int) -> Strip:
        width = self.scrollable_content_region.width
        base = self.rich_style
        if y < self._top:
            return self._strip(self.heading(width), width, base, self.style_named("heading"))
        row = round(self.scroll_y) + y - self._top
        if row >= self.row_count:
            return Strip.blank(width, base)
        on_cursor = row == self.cursor
        over = self.style_named("cursor") if on_cursor else Style()
        return self._strip(self.spans(row, width), width, base, over)

    def _strip(self, spans: Sequence[Span], width: int, base: Style, over: Style) -> Strip:
        line = base + over
        segments = [Segment(text, line + self.style_named(style)) for text, style in spans if text]
        strip = Strip(segments)
        return strip.adjust_cell_length(width, line) if strip.cell_length != width else strip

    def rows_changed(self) -> None:
        """Call this when the rows change: it keeps the cursor within them and repaints."""
        self._measure()
        self.cursor = self._bounded(self.cursor)
        self.refresh()

    def _measure(self) -> None:
        """Report the number of lines. Lines fill the width, so only vertical scrolling is possible."""
        self.virtual_size = Size(0, self.row_count + self._top)

    def on_resize(self) -> None:
        self._measure()
        self.show_row(self.cursor)

    # The cursor

    def _bounded(self, row: int) -> int:
        return max(0, min(row, self.row_count - 1))

    def validate_cursor(self, row: int) -> int:
        return self._bounded(row)

    def watch_cursor(self, old: int, new: int) -> None:
        for row in (old, new):
            line = row + self._top - round(self.scroll_y)
            if 0 <= line < self.size.height:
                self.refresh(Region(0, line, self.size.width, 1))
        self.show_row(new)
        if self.row_count:
            self.post_message(self.Highlighted(self, new))

    def show_row(self, row: int) -> None:
        """Scroll just far enough to show a row."""
        height = max(1, self.scrollable_content_region.height - self._top)
        top = round(self.scroll_y)
        if row < top:
            self.scroll_to(y=row, animate=False, force=True)
        elif row >= top + height:
            self.scroll_to(y=row - height + 1, animate=False, force=True)

    def center_row(self, row: int) -> None:
        """Put the cursor on a row, and the row in the middle."""
        self.cursor = row
        height = max(1, self.scrollable_content_region.height - self._top)
        self.scroll_to(y=max(0, row - height // 2), animate=False, force=True)

    def action_move(self, step: int) -> None:
        self.cursor += step

    def action_page(self, direction: int) -> None:
        self.cursor += direction * max(1, self.scrollable_content_region.height - self._top - 1)

    def action_first(self) -> None:
        self.cursor = 0

    def action_last(self) -> None:
        self.cursor = self.row_count - 1

    def action_choose(self) -> None:
        if self.row_count:
            self.post_message(self.Chosen(self, self.cursor))

    def on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        if offset is None:
            return
        if offset.y < self._top:
            self.heading_clicked(offset.x)
            return
        row = round(self.scroll_y) + offset.y - self._top
        if row >= self.row_count:
            return
        self.cursor = row
        self.row_clicked(row, offset.x, event.chain)

    def row_clicked(self, row: int, column: int, chain: int) -> None:
        """Handle a click on a row, after the cursor moves there."""
        if chain >= 2:
            self.action_choose()
