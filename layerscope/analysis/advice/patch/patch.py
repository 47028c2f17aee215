"""From advice to a patch."""

from __future__ import annotations

from collections.abc import Iterable

from layerscope.analysis.advice.advice import Advice
from layerscope.analysis.advice.edits import Edit, IgnorePaths
from layerscope.analysis.advice.patch.diff import unified
from layerscope.analysis.advice.patch.editor import Editor, NotMechanicalError
from layerscope.analysis.advice.patch.shell import command_of, is_exec_form
from layerscope.analysis.model import Analysis
from layerscope.image.alignment import written_text
from layerscope.image.dockerfile import Step
from layerscope.records import dataclass


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file by the name that the patch gives it, and its text; None for one that doesn't exist."""

    name: str
    text: str | None


@dataclass(frozen=True, slots=True)
class Patch:
    """A unified diff, the advice it follows, and the advice that needs a decision."""

    text: str
    applied: tuple[Advice, ...]
    others: tuple[Advice, ...]


def make_patch(
    analysis: Analysis, advice: Iterable[Advice], dockerfile: SourceFile, ignore: SourceFile
) -> Patch:
    """The patch for all advice that can be followed mechanically.

    A change is made whole or not at all. An instruction is only edited if the Dockerfile has it on the lines that the
    image says, word for word.
    """
    assert dockerfile.text is not None
    editor = Editor(dockerfile.text)
    ignored: list[str] = []
    applied: list[Advice] = []
    others: list[Advice] = []
    for each in advice:
        state = editor.state()
        try:
            lines = _apply(analysis, editor, each.edits)
        except NotMechanicalError:
            editor.restore(state)
            others.append(each)
        else:
            ignored += lines
            applied.append(each)
    diffs = [unified(dockerfile.text, editor.text, dockerfile.name)]
    if ignored:
        diffs.append(unified(ignore.text, _with_lines(ignore.text or "", ignored), ignore.name))
    return Patch("".join(diffs), tuple(applied), tuple(others))


def _apply(analysis: Analysis, editor: Editor, edits: tuple[Edit, ...]) -> list[str]:
    if not edits:
        raise NotMechanicalError
    ignored: list[str] = []
    for edit in edits:
        step = _aligned(analysis, editor, edit.instruction)
        if isinstance(edit, IgnorePaths):
            if editor.uses_of_context != 1:
                raise NotMechanicalError
            ignored += edit.lines
        else:
            editor.apply(step, edit)
    return ignored


def _aligned(analysis: Analysis, editor: Editor, index: int) -> Step:
    instruction = analysis.image.instructions[index]
    place = instruction.location
    step = None if place is None else editor.step_at(place.start_line, place.end_line)
    if (
        step is None
        or step.keyword != instruction.keyword
        or written_text(instruction, step) != instruction.text
    ):
        raise NotMechanicalError
    if instruction.evidence != "provenance" and not _ran(step, instruction.created_by):
        raise NotMechanicalError
    return step


def _ran(step: Step, created_by: str) -> bool:
    """Whether the history has the command of a RUN. It doesn't keep the words of a COPY, an ADD, or a here-document."""
    if step.keyword != "RUN" or "<<" in step.text:
        return True
    command = command_of(step.text)
    return is_exec_form(command) or " ".join(command.split()) in " ".join(created_by.split())


def _with_lines(text: str, lines: list[str]) -> str:
    """The file with more lines at its end, without those that it has already."""
    known = {line.strip() for line in text.splitlines()}
    more = [line for line in dict.fromkeys(lines) if line not in known]
    if text and not text.endswith("\n") and more:
        text += "\n"
    return text + "".join(f"{line}\n" for line in more)
