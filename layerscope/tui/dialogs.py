"""Small modal screens: what loads, what failed, what is asked."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Input, ProgressBar, Static

from layerscope.progress import Progress
from layerscope.report.escape import escape
from layerscope.units import format_size

_STAGES = {
    "export": "the engine exports the image",
    "pull": "the engine fetches the image",
    "read": "reading the layers",
    "spool": "receiving the image",
}


def plain(text: str, style: str = "") -> Content:
    """Text from anywhere as content that is no markup; line ends stay."""
    return Content.styled("\n".join(escape(line) for line in text.split("\n")), style)


class LoadScreen(ModalScreen[None]):
    """How far the reading is; escape stops it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,ctrl+c", "stop", "Stop", id="load.stop")
    ]

    def __init__(self, reference: str) -> None:
        super().__init__()
        self._reference = reference

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as box:
            box.border_title = "Opening"
            yield Static(plain(self._reference, "bold"))
            yield Static("looking for the image", id="stage")
            yield ProgressBar(id="progress", show_eta=False)
            yield Static("escape stops", classes="hint")

    def show(self, progress: Progress) -> None:
        words = [_STAGES.get(progress.stage, progress.stage)]
        if progress.layer is not None and progress.layers:
            words.append(f"layer {progress.layer} of {progress.layers}")
        if progress.total:
            words.append(f"{format_size(progress.done)} of {format_size(progress.total)}")
        elif progress.done:
            words.append(format_size(progress.done))
        self.query_one("#stage", Static).update(plain(" · ".join(words)), layout=False)
        self.query_one("#progress", ProgressBar).update(
            total=progress.total, progress=progress.done
        )

    def working_out(self) -> None:
        self.query_one("#stage", Static).update("summing up", layout=False)

    def action_stop(self) -> None:
        self.app.exit(130)


class ErrorDialog(ModalScreen[None]):
    """What went wrong, and what to do about it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,q", "dismiss", "Close", id="dialog.close")
    ]

    def __init__(self, message: str, hint: str | None, *, title: str = "That did not work") -> None:
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


class ConfirmDialog(ModalScreen[bool]):
    """A question whose answer is yes or no; escape is no."""

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


class TextDialog(ModalScreen[str | None]):
    """Asks for one line, such as a folder; None when it was left."""

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
