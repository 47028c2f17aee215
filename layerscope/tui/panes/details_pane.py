"""The pane below the instructions: everything about the selected one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from layerscope.tui.details import instruction_text
from layerscope.tui.paint import instruction_name

if TYPE_CHECKING:
    from layerscope.analysis.model import InstructionSummary
    from layerscope.tui.model.session import Session


class DetailsPane(Vertical):
    """Shows one instruction, with its number and text in the title."""

    def __init__(self, session: Session, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id, classes="box")
        self.session = session
        self.border_title = "Details"

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="details", can_focus=True):
            yield Static(id="details-text")

    def show(self, summary: InstructionSummary) -> None:
        instruction = summary.instruction
        self.border_title = Content(f"{instruction.index} · {instruction_name(instruction, 40)}")
        self.query_one("#details-text", Static).update(instruction_text(self.session, summary))
        self.query_one("#details", VerticalScroll).scroll_home(animate=False)
