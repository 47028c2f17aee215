"""The Dockerfile that built the image, with what each instruction stores and wastes in the margin."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType

from layerscope.records import dataclass
from layerscope.report.escape import escape, fit_start
from layerscope.report.file_text import size_text
from layerscope.tui.line_list import LineList
from layerscope.tui.paint import Span, cell, one_line, split_bar
from layerscope.tui.panes.list_pane import ListPane

if TYPE_CHECKING:
    from layerscope.analysis.model import InstructionSummary
    from layerscope.tui.model.session import Session

_LONGEST = 1000
"""The most characters to show of a line."""


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of a Dockerfile. `made` are the instructions that start on it; `owner` is the largest it belongs to."""

    number: int
    text: str
    made: tuple[InstructionSummary, ...] = ()
    owner: InstructionSummary | None = None


class DockerfileList(LineList):
    """Every line of the Dockerfiles that match the image's instructions."""

    HELP = """\
The Dockerfile from the image's provenance or from `--dockerfile`. Each instruction shows the bytes that it stores and how
many of them are wasted. Lines that added nothing to this image (other stages, comments) are dim.

Enter goes to what the instruction changed.
"""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose", "Go to changes", id="dockerfile.go"),
        Binding("n", "largest(1)", "Next by size", show=False, id="dockerfile.next"),
        Binding("N", "largest(-1)", "Previous by size", show=False, id="dockerfile.previous"),
    ]

    def __init__(self, session: Session, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self.session = session
        self.rows: list[_Line] = list(_lines(session))
        self._most = max((_content(line) for line in self.rows), default=0) or 1
        self._by_size = sorted(
            (row for row, line in enumerate(self.rows) if _content(line)),
            key=lambda row: -_content(self.rows[row]),
        )

    def on_mount(self) -> None:
        self.rows_changed()

    @property
    def row_count(self) -> int:
        return len(self.rows)

    @property
    def instruction(self) -> int | None:
        """The number of the instruction at the cursor's line."""
        owner = self.rows[self.cursor].owner if self.rows else None
        return None if owner is None else owner.instruction.index

    def select(self, instruction: int) -> None:
        """Put the cursor on the line where an instruction starts, if known."""
        for row, line in enumerate(self.rows):
            if any(each.instruction.index == instruction for each in line.made):
                self.center_row(row)
                return

    def _bar(self, width: int) -> int:
        return 10 if width >= 90 else 6 if width >= 60 else 0

    def heading(self, width: int) -> Sequence[Span]:
        columns = self._bar(width)
        titles = "line" + cell("content", 10, right=True) + cell("wasted", 10, right=True) + "  "
        return [(titles + " " * (columns + 1 if columns else 0) + "Dockerfile", "")]

    def spans(self, row: int, width: int) -> Sequence[Span]:
        line = self.rows[row]
        if not line.number:
            return [(fit_start(line.text, width), "strong")]
        content, wasted = _content(line), _wasted(line)
        spans: list[Span] = [
            (f"{line.number:>4}", "dim"),
            (cell(size_text(content) if line.made else "", 10, right=True), ""),
            (cell(size_text(wasted) if wasted else "", 10, right=True), "waste"),
            ("  ", ""),
        ]
        columns = self._bar(width)
        if columns:
            spans += [*split_bar(content - wasted, wasted, self._most, columns), (" ", "")]
        left = width - 26 - (columns + 1 if columns else 0)
        style = "" if line.owner is not None else "dim"
        return [*spans, (fit_start(line.text, max(1, left)), style)]

    def action_choose(self) -> None:
        owner = self.rows[self.cursor].owner if self.rows else None
        if owner is None:
            self.notify("This line isn't an instruction of the image.")
        elif not owner.instruction.layers:
            self.notify("This instruction has no layer: it only changes the configuration.")
        else:
            self.post_message(ListPane.ShowInLayer(max(owner.instruction.layers), b""))

    def action_largest(self, step: int) -> None:
        """Go from one instruction to the next smaller or larger one, starting with the largest."""
        if not self._by_size:
            return
        at = -1 if step > 0 else 0
        if self.cursor in self._by_size:
            at = self._by_size.index(self.cursor)
        self.center_row(self._by_size[(at + step) % len(self._by_size)])


def _stored(summary: InstructionSummary) -> int:
    return summary.sizes.content


def _content(line: _Line) -> int:
    return sum(map(_stored, line.made))


def _wasted(line: _Line) -> int:
    return sum(each.sizes.wasted for each in line.made)


def _lines(session: Session) -> Iterator[_Line]:
    files = session.analysis.image.dockerfiles
    for name, text in files:
        if len(files) > 1:
            yield _Line(0, one_line(name))
        made: dict[int, list[InstructionSummary]] = {}
        owner: dict[int, InstructionSummary] = {}
        lines = text.splitlines()
        for each in session.analysis.instructions:
            where = each.instruction.location
            if where is not None and where.file == name:
                made.setdefault(where.start_line, []).append(each)
                for number in range(where.start_line, min(where.end_line, len(lines)) + 1):
                    owner[number] = max(owner.get(number, each), each, key=_stored)
        for number, line in enumerate(lines, 1):
            shown = escape(line[:_LONGEST].expandtabs(4).rstrip())
            yield _Line(number, shown, tuple(made.get(number, ())), owner.get(number))
