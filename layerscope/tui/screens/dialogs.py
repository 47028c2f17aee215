"""Small modal screens: progress, failures, questions."""

from __future__ import annotations

from typing import ClassVar, TypeVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Static

from layerscope.report.escape import escape

Result = TypeVar("Result")


def plain(text: str, style: str = "") -> Content:
    """Untrusted text as content without markup; line ends stay."""
    return Content.styled("\n".join(escape(line) for line in text.split("\n")), style)


class Dialog(ModalScreen[Result]):
    """A box in the middle, made of the widget with class `dialog`."""

    DEFAULT_CSS = """
    Dialog { align: center middle; background: $background 60%; }
    Dialog .dialog {
        width: 72; max-width: 90%; height: auto; max-height: 90%; padding: 1 2;
        background: $surface; border: round $primary; border-title-color: $accent;
        &.-error { border: round $error; border-title-color: $text-error; }
        Static { height: auto; }
        .hint { color: $foreground 55%; margin-top: 1; }
        Horizontal { height: auto; margin-top: 1; align-horizontal: right; }
        Button { margin-left: 2; }
        Input { margin-top: 1; }
    }
    """


class ErrorDialog(Dialog[None]):
    """What went wrong, and what to do about it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,q", "dismiss", "Close", id="dialog.close")
    ]

    def __init__(self, message: str, hint: str | None, *, title: str = "That didn't work") -> None:
        super().__init__()
        self.message = message
        self.hint = hint
        self._title = title

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog -error") as box:
            box.border_title = Content(self._title)
            yield Static(plain(self.message))
            if self.hint:
                yield Static(plain(self.hint), classes="hint")
            with Horizontal():
                yield Button("Close", variant="primary", id="close")

    def on_button_pressed(self) -> None:
        self.dismiss()

    async def action_dismiss(self, result: None = None) -> None:
        self.dismiss(result)


class ConfirmDialog(Dialog[bool]):
    """A yes-or-no question; escape means no."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,n", "answer(False)", "No", id="dialog.no"),
        Binding("y", "answer(True)", "Yes", id="dialog.yes"),
    ]

    def __init__(self, question: str, *, title: str, yes: str) -> None:
        super().__init__()
        self._question = question
        self._title = title
        self._yes = yes

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as box:
            box.border_title = Content(self._title)
            yield Static(plain(self._question))
            with Horizontal():
                yield Button("No", id="no")
                yield Button(Content(self._yes), variant="warning", id="yes")

    def on_button_pressed(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "yes")

    def action_answer(self, answer: bool) -> None:
        self.dismiss(answer)


class TextDialog(Dialog[str | None]):
    """Asks for one line, such as a folder; None if canceled."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "Leave", id="dialog.leave")]

    def __init__(self, question: str, value: str, *, title: str, hint: str = "") -> None:
        super().__init__()
        self._question = question
        self._value = value
        self._title = title
        self._hint = hint

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as box:
            box.border_title = Content(self._title)
            yield Static(plain(self._question))
            yield Input(self._value, id="answer")
            if self._hint:
                yield Static(plain(self._hint), classes="hint")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        self.dismiss(event.value.strip() or None)

    def action_leave(self) -> None:
        self.dismiss(None)
