"""What screens ask and report while writing files: whether to overwrite, what failed, what was copied."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from layerscope.tui.screens.dialogs import ConfirmDialog, ErrorDialog

if TYPE_CHECKING:
    from textual.screen import Screen

    from layerscope.errors import LayerscopeError


def ask_overwrite(screen: Screen[None], question: str, begin: Callable[[], object]) -> None:
    """Call `begin` if the answer is yes."""

    def answered(yes: bool | None) -> None:
        if yes:
            begin()

    screen.app.push_screen(ConfirmDialog(question, title="Overwrite?", yes="Overwrite"), answered)


def show_error(screen: Screen[None], error: LayerscopeError) -> None:
    screen.app.push_screen(ErrorDialog(error.message, error.hint))


def may_write(screen: Screen[None]) -> bool:
    """Whether files may be written here. A web browser's user must not write files on this machine."""
    if screen.app.is_web:
        screen.notify("Only a terminal can save files. Press Y to copy the command for it.")
    return not screen.app.is_web


def copy(screen: Screen[None], text: str, shown: str) -> None:
    """Put `text` on the clipboard, and show it in a safe form."""
    screen.app.copy_to_clipboard(text)
    screen.notify(shown, title="Copied", markup=False)
