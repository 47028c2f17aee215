"""From advice to a patch."""

from __future__ import annotations

from collections.abc import Iterable

from layerscope.analysis.advice.advice import Advice
from layerscope.analysis.advice.context import words_of
from layerscope.analysis.advice.edits import IgnorePaths
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
    """A unified diff, the advice it follows, and the other advice with the reason why it isn't followed."""

    text: str
    applied: tuple[Advice, ...]
    others: tuple[tuple[Advice, str], ...]


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
    others: list[tuple[Advice, str]] = []
    for each in advice:
        state = editor.state()
        try:
            lines = _apply(analysis, editor, each, ignore.text or "")
        except NotMechanicalError as reason:
            editor.restore(state)
            others.append((each, str(reason)))
        else:
            ignored += lines
            applied.append(each)
    diffs = [unified(dockerfile.text, editor.text, dockerfile.name)]
    if ignored:
        diffs.append(unified(ignore.text, _with_lines(ignore.text or "", ignored), ignore.name))
    return Patch("".join(diffs), tuple(applied), tuple(others))


def _apply(analysis: Analysis, editor: Editor, advice: Advice, ignore: str) -> list[str]:
    if not advice.edits:
        raise NotMechanicalError(advice.reason or "it needs a decision")
    ignored: list[str] = []
    for edit in advice.edits:
        step = _aligned(analysis, editor, edit.instruction)
        if isinstance(edit, IgnorePaths):
            other = editor.other_use(step, edit.lines)
            if other is not None:
                raise NotMechanicalError(f"line {other.start_line} may need these files too")
            kept = [line for line in edit.lines if f"!{line}" in ignore.split()]
            if kept:
                raise NotMechanicalError(f".dockerignore asks for {kept[0]}")
            ignored += edit.lines
        else:
            editor.apply(step, edit)
    return ignored


def _aligned(analysis: Analysis, editor: Editor, index: int) -> Step:
    instruction = analysis.image.instructions[index]
    place = instruction.location
    if place is None:
        raise NotMechanicalError("it is not known which line it is about")
    step = editor.step_at(place.start_line, place.end_line)
    if (
        step is None
        or step.keyword != instruction.keyword
        or written_text(instruction, step) != instruction.text
        or (instruction.evidence != "provenance" and not _ran(step, instruction.created_by))
    ):
        raise NotMechanicalError(f"the image was not built from line {place.start_line} as it is")
    return step


def _ran(step: Step, created_by: str) -> bool:
    """Whether the history has the command of a RUN, or the words of a COPY or an ADD.

    It doesn't keep here-documents, and a classic builder's has only a hash of what was copied.
    """
    if "<<" in step.text:
        return True
    if step.keyword == "RUN":
        command = command_of(step.text)
        return is_exec_form(command) or " ".join(command.split()) in " ".join(created_by.split())
    told, mark, _ = created_by.partition("# buildkit")
    if step.keyword not in ("COPY", "ADD") or not mark or "$" in step.text:
        return True
    words = words_of(" ".join(step.text.split()))
    return words is None or words == [
        word for word in told.split()[1:] if not word.startswith("--")
    ]


def _with_lines(text: str, lines: list[str]) -> str:
    """The file with more lines at its end, without those that it has already."""
    known = {line.strip() for line in text.splitlines()}
    more = [line for line in dict.fromkeys(lines) if line not in known]
    if text and not text.endswith("\n") and more:
        text += "\n"
    return text + "".join(f"{line}\n" for line in more)
