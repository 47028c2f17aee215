"""The last line of a screen: the keys that work here. You can click each one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.segment import Segment
from textual import events
from textual.strip import Strip
from textual.widget import Widget

from layerscope.records import dataclass
from layerscope.report.escape import cell_width
from layerscope.tui.styles import style_of

if TYPE_CHECKING:
    from textual.screen import Screen

_KEPT: Final = ("app.help", "app.quit", "stop")
"""Actions to keep if there isn't room for all of them."""


@dataclass(frozen=True, slots=True)
class _Key:
    key: str
    shown: str
    description: str
    action: str
    enabled: bool

    @property
    def width(self) -> int:
        return cell_width(self.shown) + cell_width(self.description) + 3


class KeyLine(Widget):
    """One line, repainted when the focus moves. Textual's footer creates a widget per key each time."""

    def __init__(self) -> None:
        super().__init__()
        self._keys: list[_Key] = []

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._bindings_changed)

    def _bindings_changed(self, screen: Screen[object]) -> None:
        if not self.app.app_focus or screen is not self.screen:
            return
        keys: dict[str, _Key] = {}
        for _, binding, enabled, _ in screen.active_bindings.values():
            if binding.show and binding.action not in keys:
                shown = self.app.get_key_display(binding)
                key = _Key(binding.key, shown, binding.description, binding.action, enabled)
                keys[binding.action] = key
        if self._keys != list(keys.values()):
            self._keys = list(keys.values())
            self.refresh()

    def _fitting(self) -> list[_Key]:
        keys = list(self._keys)
        for key in reversed(self._keys):
            if sum(each.width for each in keys) <= self.size.width:
                break
            if key.action not in _KEPT:
                keys.remove(key)
        return keys

    def render_line(self, y: int) -> Strip:
        base = self.rich_style
        bold, dim = (base + style_of(self.app, name) for name in ("strong", "dim"))
        segments = []
        for key in self._fitting():
            segments.append(Segment(f" {key.shown} ", bold if key.enabled else dim))
            segments.append(Segment(f"{key.description} ", base if key.enabled else dim))
        return Strip(segments).adjust_cell_length(self.size.width, base)

    def on_click(self, event: events.Click) -> None:
        reach = 0
        for key in self._fitting():
            reach += key.width
            if event.x < reach:
                if key.enabled:
                    self.app.simulate_key(key.key)
                else:
                    self.app.bell()
                return
