"""Files that a COPY or ADD brings in and a later instruction deletes."""

from __future__ import annotations

from collections.abc import Iterator

from layerscope.analysis.advice.advice import Advice
from layerscope.analysis.advice.between import cleaned_folders, cleanup_command, obstacle
from layerscope.analysis.advice.case import Case
from layerscope.analysis.advice.context import Context
from layerscope.analysis.advice.edits import Change, DropInstruction, IgnorePaths
from layerscope.analysis.advice.rule import Rule
from layerscope.analysis.grouping import WastePair
from layerscope.analysis.mentions import files_word
from layerscope.patterns import pattern

_REMOVAL = pattern(r"RUN rm(?: [^\s;&|<>$`()]+)+")
"""A RUN that does nothing but rm."""
_STAGE = pattern(r"--from=([^\s,]{1,60})")


def _find(case: Case) -> Iterator[Advice]:
    for pair in case.pairs("deleted", own=True):
        if pair.written_by == pair.wasted_by or case.keyword(pair.written_by) not in (
            "COPY",
            "ADD",
        ):
            continue
        text = f"{case.start(pair.written_by)}: {_remedy(case, pair)}"
        edits, reason = _edits(case, pair)
        yield case.on_waste(RULE.id, pair, text, edit=pair.written_by, edits=edits, reason=reason)


def _edits(case: Case, pair: WastePair) -> Change:
    """Ignore what is deleted, if nothing between the two instructions could use it."""
    first, last = pair.written_by, pair.wasted_by
    command = cleanup_command(case.text(last))
    if command is None or " && " in command:
        return (), f"{case.mentions.place(last)} does more than delete absolute paths"
    reason = obstacle(case, first, last, cleaned_folders(command))
    if reason:
        return (), reason
    context = Context(case, first)
    paths = [context.path(word.encode()) for word in command.split() if word.startswith("/")]
    if not paths or not all(paths):
        return (), "it is not certain what these files are called in the build context"
    lines = tuple(path.decode() for path in paths if path)
    return (IgnorePaths(first, lines), DropInstruction(last)), ""


def _remedy(case: Case, pair: WastePair) -> str:
    files = case.files_of(pair)
    what, them = files_word(files), "it" if len(files) == 1 else "them"
    late = case.mentions.place(pair.wasted_by)
    keyword = case.keyword(pair.written_by)
    stage = _STAGE.search(case.text(pair.written_by))
    if stage is not None and keyword == "COPY":
        return f"delete {what} in {stage[1]} before COPY takes {them}, not in {late}"
    if keyword == "ADD":
        return f"keep {what} out of ADD's source instead of deleting {them} in {late}"
    if _REMOVAL.fullmatch(case.text(pair.wasted_by)):
        return f"keep {what} out of COPY with .dockerignore instead of deleting {them} in {late}"
    return (
        f"mount {what} with RUN --mount=type=bind{case.needs_buildkit(pair.written_by)} where you need it "
        f"instead of copying {them} and deleting {them} in {late}"
    )


RULE = Rule("copied-then-deleted", "Copied files that a later step deletes", _find)
