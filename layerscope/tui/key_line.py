"""The last line of a screen: the keys that do something here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.widgets import Footer

if TYPE_CHECKING:
    from textual.screen import Screen


class KeyLine(Footer):
    """Textual's footer, which is made anew only when other keys are to be on it, and not before it is `ready`."""

    def __init__(self, *, ready: bool = True) -> None:
        super().__init__(show_command_palette=False, compact=True)
        self.ready = ready
        self._keys: list[tuple[str, str, str, bool, str]] = []

    def bindings_changed(self, screen: Screen[object]) -> None:
        app = screen.app
        if not self.ready or not app.app_focus or not self.is_attached or screen is not self.screen:
            return
        keys = [
            (app.get_key_display(binding), binding.description, binding.action, enabled, tooltip)
            for _, binding, enabled, tooltip in screen.active_bindings.values()
            if binding.show
        ]
        if keys != self._keys:
            self._keys = keys
            super().bindings_changed(screen)
