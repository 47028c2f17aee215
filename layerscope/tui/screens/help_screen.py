"""Help for the focused pane: what it shows, and every key that works there."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Markdown, Static

from layerscope.tui.screens.dialogs import Dialog


class HelpScreen(Dialog[None]):
    """Closes with escape, enter, `?`, or q."""

    DEFAULT_CSS = """
    HelpScreen .dialog { width: 84; }
    HelpScreen VerticalScroll { height: auto; max-height: 100%; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,q,question_mark,f1", "close", "Close", id="help.close"),
        Binding("down,j", "scroll(1)", show=False),
        Binding("up,k", "scroll(-1)", show=False),
    ]

    def __init__(self, screen: Screen[object], focused: Widget | None) -> None:
        super().__init__()
        self._helped = screen
        self._pane = focused

    def compose(self) -> ComposeResult:
        texts = [
            text
            for each in (self._pane, self._helped)
            if isinstance(text := getattr(each, "HELP", None), str)
        ]
        with Vertical(classes="dialog") as box:
            box.border_title = "Help"
            with VerticalScroll():
                yield Markdown("\n\n".join(texts))
                yield Static(self._keys())

    def _keys(self) -> Content:
        rows: list[tuple[str, str, str]] = []
        seen: set[str] = set()
        for _, binding, enabled, _ in self._helped.active_bindings.values():
            if not enabled or not binding.id or binding.action in seen or not binding.description:
                continue
            seen.add(binding.action)
            keys = [
                self.app.get_key_display(each.binding)
                for each in self._helped.active_bindings.values()
                if each.binding.action == binding.action
            ]
            rows.append((" ".join(keys), binding.description, binding.id))
        parts: list[tuple[str, str]] = []
        for shown, description, name in rows:
            parts += [
                (f"{shown:>16}  ", "bold $accent"),
                (f"{description:<22} ", ""),
                (f"{name}\n", "$foreground 55%"),
            ]
        return Content.assemble(*parts)

    def action_scroll(self, step: int) -> None:
        self.query_one(VerticalScroll).scroll_relative(y=step, animate=False)

    def action_close(self) -> None:
        self.dismiss()
