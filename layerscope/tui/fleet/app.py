"""The application of `layerscope fleet browse`: it ends with the image to open, or without one."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Input, Static

from layerscope.report.escape import escape
from layerscope.tui.base_app import BaseApp
from layerscope.tui.fleet.image_list import ImageList
from layerscope.tui.key_line import KeyLine
from layerscope.tui.line_list import LineList
from layerscope.tui.title import titled

if TYPE_CHECKING:
    from layerscope.fleet.listing import ImageListing
    from layerscope.tui.settings import Settings


class FleetFilter(Input):
    """The line where you type a part of a name."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,down", "screen.to_list", "To the list", id="fleet.to-list"),
        Binding("escape", "screen.clear", "Clear", id="fleet.clear"),
    ]

    def __init__(self) -> None:
        super().__init__(placeholder="part of a name", select_on_focus=False, compact=True)


class FleetScreen(Screen[None]):
    """The table, and a line to filter it."""

    HELP = "All images of the fleet. `enter` reads the image under the cursor again and opens it; `q` there comes back here.\n"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "Open", id="fleet.open"),
        Binding("s", "sort", "Sort", id="fleet.sort"),
        Binding("slash,ctrl+f", "filter", "Filter", id="fleet.filter"),
        Binding("escape", "clear", "Clear filter", show=False, id="fleet.show-all"),
        Binding("question_mark,f1", "app.help", "Help", id="fleet.help"),
        Binding("q", "app.quit", "Quit", id="fleet.quit"),
    ]

    def __init__(self, title: str, listing: ImageListing, cursor: int) -> None:
        super().__init__()
        self._title_text = title
        self.images = ImageList(listing)
        self._cursor = cursor
        self.bar = FleetFilter()
        self.bar.value = listing.text
        self.bar.display = bool(listing.text)

    def compose(self) -> ComposeResult:
        yield Static(id="title")
        yield self.images
        yield Static(classes="status")
        yield self.bar
        yield KeyLine()

    def on_mount(self) -> None:
        self.images.rows_changed()
        self.images.center_row(self._cursor)
        self.set_focus(self.images)
        self._show_title()

    def on_resize(self) -> None:
        self._show_title()

    def _show_title(self) -> None:
        count = self.images.listing.count
        facts = f"{count:,} image{'' if count == 1 else 's'}"
        self.query_one("#title", Static).update(
            titled([escape(self._title_text)], facts, max(20, self.app.size.width - 2))
        )

    @on(LineList.Highlighted)
    def _highlighted(self, event: LineList.Highlighted) -> None:
        line = self.images.listing.line(event.row)
        self.query_one(".status", Static).update(Content(escape(line.reference)))

    @on(LineList.Chosen)
    def _chosen(self, event: LineList.Chosen) -> None:
        event.stop()
        self.action_open()

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self.images.narrow(event.value.strip())
        self._show_title()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While you type, letters are part of the filter."""
        return not (action in ("filter", "sort", "open") and self.bar.has_focus)

    def action_open(self) -> None:
        """End with the image under the cursor."""
        if self.images.row_count:
            app = self.app
            assert isinstance(app, FleetApp)
            app.open(self.images.listing.line(self.images.cursor).reference, self.images.cursor)

    def action_sort(self) -> None:
        self.images.next_order()

    def action_filter(self) -> None:
        self.bar.display = True
        self.set_focus(self.bar)

    def action_to_list(self) -> None:
        self.set_focus(self.images)

    def action_clear(self) -> None:
        self.bar.value = ""
        self.bar.display = False
        self.set_focus(self.images)


class FleetApp(BaseApp):
    """Shows the images of a fleet. `chosen` is the reference of the one to open, and `cursor` its row."""

    def __init__(
        self,
        title: str,
        listing: ImageListing,
        *,
        cursor: int = 0,
        settings: Settings | None = None,
    ) -> None:
        super().__init__(settings=settings)
        self.chosen: str | None = None
        self.cursor = cursor
        self._screen = FleetScreen(title, listing, cursor)

    def on_mount(self) -> None:
        self.push_screen(self._screen)

    def open(self, reference: str, cursor: int) -> None:
        """End, so that an image can be opened."""
        self.chosen, self.cursor = reference, cursor
        self.exit(0)
