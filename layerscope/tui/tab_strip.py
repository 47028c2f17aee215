"""One line of tabs that picks what the right half shows, by key or click."""

from __future__ import annotations

from rich.segment import Segment
from textual import events
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from layerscope.records import dataclass
from layerscope.tui.styles import style_of


class TabStrip(Widget):
    """The names of the tabs with their keys; the active one has another color."""

    DEFAULT_CSS = "TabStrip { height: 1; width: 1fr; }"

    active: reactive[str] = reactive("")

    @dataclass
    class Picked(Message):
        """A tab was clicked."""

        name: str

    def __init__(self, tabs: tuple[tuple[str, str, str], ...], *, id: str | None = None) -> None:  # noqa: A002
        """Each of `tabs` has an ID, a key, and a title."""
        super().__init__(id=id)
        self._tabs = tabs

    def show(self, tabs: tuple[tuple[str, str, str], ...]) -> None:
        """Other tabs."""
        self._tabs = tabs
        self.refresh()

    def _labels(self) -> list[tuple[str, str]]:
        """Each tab's ID and text. Where not every title fits, those at the end shrink to their keys, the active one last."""
        labels = [(name, f" {key} {title} ") for name, key, title in self._tabs]
        for named in range(len(self._tabs), -1, -1):
            if sum(len(label) for _, label in labels) <= self.size.width:
                break
            labels = [
                (name, f"{key} {title} " if at < named or name == self.active else f"{key} ")
                for at, (name, key, title) in enumerate(self._tabs)
            ]
        return labels

    def render_line(self, y: int) -> Strip:
        base = self.rich_style
        segments = []
        for name, label in self._labels():
            style = style_of(self.app, "tab" if name == self.active else "dim")
            segments.append(Segment(label, base + style))
        return Strip(segments).adjust_cell_length(self.size.width, base)

    def render(self) -> Content:
        return Content("".join(label for _, label in self._labels()))

    def on_click(self, event: events.Click) -> None:
        reach = 0
        offset = event.get_content_offset(self)
        if offset is None:
            return
        for name, label in self._labels():
            reach += len(label)
            if offset.x < reach:
                self.post_message(self.Picked(name))
                return
