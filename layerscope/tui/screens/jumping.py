"""From a file to the layers that it is of, and back to where one was."""

from __future__ import annotations

from typing import Final

from textual import on

from layerscope.tui.model.session import Place
from layerscope.tui.model.view import REMOVED, Mode, Scope
from layerscope.tui.panes.list_pane import ListPane
from layerscope.tui.screens.going_out import GoingOut

MOST_PLACES: Final = 100


class Jumping(GoingOut):
    """What the screen of an image derives from; it tells how a pane is shown, and how an instruction is chosen."""

    mode: Mode

    def __init__(self) -> None:
        super().__init__()
        self._places: list[Place] = []

    def show_pane(self, name: str) -> None:
        """Show one of the panes that there are, and go there."""
        raise NotImplementedError

    def select_instruction(self, index: int) -> None:
        """Put the cursor on an instruction without a change of what the files show."""
        raise NotImplementedError

    @property
    def can_go_back(self) -> bool:
        return bool(self._places)

    def _place(self) -> Place:
        return Place(self.tab, self.files.scope, self.files.path)

    def jump(self, layer: int, path: bytes) -> None:
        """Show what a layer changed, with the cursor on a path; backspace comes back."""
        if self.session is None:
            return
        self._places = [*self._places[-MOST_PLACES:], self._place()]
        self._go(Scope("layer", layer, layer), path)
        self.show_pane("files")

    def _go(self, scope: Scope, path: bytes) -> None:
        assert self.session is not None
        self.mode = scope.mode
        self.files.action_clear()
        self.select_instruction(self.session.instruction_of_layer(scope.last))
        self.files.view(scope, path)

    def action_back(self) -> None:
        """To where the last jump began."""
        if not self._places:
            self.app.bell()
            return
        place = self._places.pop()
        self._go(place.scope, place.path)
        self.show_pane(place.pane)

    @on(ListPane.Jump)
    def _jump_asked(self, event: ListPane.Jump) -> None:
        self.jump(event.layer, event.path)

    def action_other_end(self) -> None:
        """From a file to the layer that hides it, from a removed one to the layer that stored it."""
        entry = self.files.entry
        number = self.files.tree_view.number
        totals = self.files.tree_view.totals
        if self.tab != "files" or entry is None or number is None or totals is None:
            return
        removed = totals.marks[number] == REMOVED
        layer = entry.layer if removed else entry.ended
        if layer < 0:
            self.notify("It is still there at the end: no later layer hides it.")
        else:
            self.jump(layer, self.files.path)
