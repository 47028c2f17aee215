"""A list with a filter line and a line about its contents."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Input, Static

from layerscope.records import dataclass
from layerscope.report.escape import escape
from layerscope.tui.line_list import LineList
from layerscope.tui.model.view import KINDS

if TYPE_CHECKING:
    from layerscope.analysis.filter.query import Query
    from layerscope.tui.model.selection import Selection

PATIENCE = 0.06
"""Seconds to wait after the last key before filtering."""
_FILTERS: Final[tuple[str, ...]] = (
    "text",
    "*.glob",
    ">10MB",
    "kind:removed",
    "type:symlink",
    "layer:3",
    "re:regex",
)


def _hint(width: int) -> str:
    """Examples of filters, as many as fit."""
    shown = _FILTERS
    while shown and len("  ".join(shown)) > width:
        shown = shown[:-1]
    return "  ".join(shown)


class FilterBar(Input):
    """The line where you type a filter."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "submit", "To the list", id="filter.submit"),
        Binding("down", "to_list", "To the list", show=False, id="filter.to-list"),
        Binding("escape", "leave", "Clear", id="filter.leave"),
    ]

    def __init__(self) -> None:
        super().__init__(placeholder=_hint(80), select_on_focus=False, compact=True)

    def on_resize(self) -> None:
        self.placeholder = _hint(self.content_size.width)

    @property
    def pane(self) -> ListPane:
        return self.query_ancestor(ListPane)

    def action_leave(self) -> None:
        self.pane.action_clear()

    async def action_submit(self) -> None:
        """Apply the filter at once, before the list gets the next key."""
        self.pane.take_filter()

    def action_to_list(self) -> None:
        self.pane.take_filter()


class ListPane(Vertical):
    """Base class for the panes on the right: `lines` is the list, `find` applies a filter."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash,ctrl+f", "filter", "Filter", id="pane.filter"),
        Binding("escape", "clear", "Clear filter", show=False, id="pane.clear"),
    ]

    @dataclass
    class ShowInLayer(Message):
        """Show a path in the changes of a layer."""

        layer: int
        path: bytes

    kinds: ClassVar[Mapping[str, Collection[int]]] = KINDS
    """The marks that each `kind:` of the filter selects; by default the ones for a single image."""

    def __init__(self, lines: LineList, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self.lines = lines
        self.bar = FilterBar()
        self.bar.display = False
        self.query_text = ""
        self._timer: Timer | None = None

    def compose(self) -> ComposeResult:
        yield self.lines
        yield Static(classes="status")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While you type a filter, a slash is part of it."""
        return not (action == "filter" and self.bar.has_focus)

    def show_status(self, text: str, *, wrong: bool = False) -> None:
        """Show a line about the list. The text can contain names from the image."""
        style = "$text-error" if wrong else ""
        self.query_one(".status", Static).update(Content.styled(escape(text), style))

    def selected(self) -> Selection | None:
        """The file or directory under the cursor, if the rows of this list are files."""
        return None

    def find(self, query: Query | None) -> None:
        """Show what matches a filter; None shows everything."""
        raise NotImplementedError

    async def action_filter(self) -> None:
        await self._open_bar()
        self.screen.set_focus(self.bar)

    async def _open_bar(self) -> None:
        if not self.bar.is_attached:
            await self.mount(self.bar)
        self.bar.display = True

    def action_clear(self) -> None:
        self._stop_timer()
        self.bar.remove_class("-wrong")
        self.bar.display = False
        if self.bar.value or self.query_text:
            self.query_text = ""
            with self.prevent(Input.Changed):
                self.bar.value = ""
            self.find(None)
        self.screen.set_focus(self.lines)

    @property
    def filtered(self) -> bool:
        return bool(self.query_text)

    async def set_filter(self, text: str) -> None:
        """Filter as if you had typed the text."""
        await self._open_bar()
        self.bar.value = text

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self._stop_timer()
        self._timer = self.set_timer(PATIENCE, self.apply_filter)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.stop()
            self._timer = None

    def apply_filter(self) -> None:
        """Apply the text of the filter line at once."""
        from layerscope.analysis.filter.query import BadQuery, parse

        self._stop_timer()
        text = self.bar.value.strip()
        self.query_text = text
        try:
            query = parse(text, self.kinds) if text else None
        except BadQuery as error:
            self.bar.add_class("-wrong")
            self.show_status(error.message, wrong=True)
            return
        self.bar.remove_class("-wrong")
        self.find(query)

    def take_filter(self) -> None:
        """Go to the list, with the current filter."""
        if self._timer is not None:
            self.apply_filter()
        if not self.bar.value:
            self.bar.display = False
        self.screen.set_focus(self.lines)
