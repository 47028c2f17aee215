"""Files that a RUN makes and a later instruction deletes."""

from __future__ import annotations

from collections.abc import Iterator

from layerscope.analysis.advice.advice import Advice
from layerscope.analysis.advice.between import cleaned_folders, cleanup_command, obstacle
from layerscope.analysis.advice.case import Case
from layerscope.analysis.advice.edits import AppendCommand, Change, DropInstruction
from layerscope.analysis.advice.rule import Rule
from layerscope.analysis.grouping import WastePair
from layerscope.analysis.mentions import files_word


def _find(case: Case) -> Iterator[Advice]:
    for pair in case.pairs("deleted", own=True):
        files = case.files_of(pair)
        what = files_word(files)
        start = case.start(pair.written_by)
        them = "it" if len(files) == 1 else "them"
        late = case.mentions.place(pair.wasted_by)
        if pair.written_by == pair.wasted_by:
            text = f"{start}: delete {what} in the step that writes {them}"
        elif case.keyword(pair.written_by) == "RUN":
            text = f"{start}: delete {what} in the same RUN, not in {late}"
        elif not case.keyword(pair.written_by):
            text = f"{start}: leave out {what}, because deleting {them} in {late} frees nothing"
        else:
            continue
        edits, reason = _edits(case, pair)
        yield case.on_waste(RULE.id, pair, text, edit=pair.written_by, edits=edits, reason=reason)


def _edits(case: Case, pair: WastePair) -> Change:
    """Move the command that deletes to the end of the RUN, if nothing in between could notice."""
    first, last = pair.written_by, pair.wasted_by
    if first == last or case.keyword(first) != "RUN":
        return (), ""
    command = cleanup_command(case.text(last))
    if command is None:
        return (), f"{case.mentions.place(last)} does more than delete absolute paths and caches"
    reason = obstacle(case, first, last, cleaned_folders(command))
    if reason:
        return (), reason
    return (AppendCommand(first, command), DropInstruction(last)), ""


RULE = Rule("merge-removal", "Files that a later step deletes", _find)
