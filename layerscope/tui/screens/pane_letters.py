"""Puts a letter on every pane, and goes to the pane whose letter you press."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Protocol, runtime_checkable

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Static


@runtime_checkable
class HasPanes(Protocol):
    """A screen with panes to go to."""

    def panes(self) -> list[Widget]: ...
    def go_to_pane(self, pane: Widget) -> None: ...


LETTERS = "asdghjkl"


class PaneLetters(ModalScreen[Widget | None]):
    """Returns the pane whose letter you press."""

    DEFAULT_CSS = """
    PaneLetters { background: $background 40%; align: left top; }
    PaneLetters Static {
        width: auto; height: 1; background: $accent; color: $background; text-style: bold; padding: 0 1; layer: labels;
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,apostrophe", "leave", "Leave", id="jump.leave")
    ]

    def __init__(self, targets: Sequence[Widget]) -> None:
        super().__init__()
        self._targets = dict(zip(LETTERS, targets, strict=False))

    def compose(self) -> ComposeResult:
        for letter, target in self._targets.items():
            label = Static(letter)
            label.styles.position = "absolute"
            label.styles.offset = (target.region.x, target.region.y)
            yield label

    def on_key(self, event: events.Key) -> None:
        target = self._targets.get(event.key)
        if target is not None:
            event.stop()
            self.dismiss(target)

    def action_leave(self) -> None:
        self.dismiss(None)
