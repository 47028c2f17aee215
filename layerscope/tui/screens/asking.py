"""What screens that write files have in common: a question before something is overwritten, a dialog for what failed."""

from __future__ import annotations

from collections.abc import Callable

from textual import on
from textual.message import Message
from textual.screen import Screen

from layerscope.errors import LayerscopeError


class Asking(Screen[None]):
    """What screens derive from that save reports or take files out."""

    class Refused(Message):
        """Something that was asked for could not be done."""

        def __init__(self, error: LayerscopeError) -> None:
            super().__init__()
            self.error = error

    def ask_overwrite(self, question: str, begin: Callable[[], object]) -> None:
        """Begin when the person says yes."""
        from layerscope.tui.screens.dialogs import ConfirmDialog

        def answered(yes: bool | None) -> None:
            if yes:
                begin()

        self.app.push_screen(ConfirmDialog(question, title="Overwrite?", yes="Overwrite"), answered)

    @on(Refused)
    def _refused(self, event: Refused) -> None:
        self.tell_error(event.error.message, event.error.hint)

    def tell_error(self, message: str, hint: str | None) -> None:
        from layerscope.tui.screens.dialogs import ErrorDialog

        self.app.push_screen(ErrorDialog(message, hint))

    def is_elsewhere(self) -> bool:
        """Whether the person sits at a web browser, who is not to write files where this runs."""
        if self.app.is_web:
            self.notify("Files are saved from a terminal only: Y copies the command for it.")
        return self.app.is_web

    def copy(self, text: str, shown: str) -> None:
        """Put a text on the clipboard, and tell it as it may be shown."""
        self.app.copy_to_clipboard(text)
        self.notify(shown, title="Copied", markup=False)
