"""Files of a RUN whose owner or mode a later instruction changes, which stores them again."""

from __future__ import annotations

from collections.abc import Iterator

from layerscope.analysis.advice.advice import Advice
from layerscope.analysis.advice.between import fixed_part, obstacle
from layerscope.analysis.advice.case import Case
from layerscope.analysis.advice.chown import changed_words, flags_of, ownership_command
from layerscope.analysis.advice.edits import AppendCommand, Change, DropInstruction
from layerscope.analysis.advice.rule import Rule
from layerscope.analysis.grouping import WastePair


def _find(case: Case) -> Iterator[Advice]:
    for pair in case.pairs("metadata_only"):
        if (
            case.keyword(pair.written_by) != "RUN"
            or not flags_of(pair.changed)
            or case.is_inherited(pair)
        ):
            continue
        changed, late = changed_words(pair.changed), case.mentions.named(pair.wasted_by)
        alone = ownership_command(case.text(pair.wasted_by)) is not None
        ending = f"drop {late}" if alone else f"don't change {changed} in {late}"
        text = f"{case.start(pair.written_by)}: set {changed} in the same RUN and {ending}"
        edits, reason = _edits(case, pair)
        yield case.on_waste(RULE.id, pair, text, edit=pair.written_by, edits=edits, reason=reason)


def _edits(case: Case, pair: WastePair) -> Change:
    """Move the command to the end of the RUN, if it changes no other step's files and nothing in between could notice."""
    first, last = pair.written_by, pair.wasted_by
    late = case.mentions.place(last)
    match = ownership_command(case.text(last))
    if match is None:
        return (), f"{late} does more than that"
    paths = match[3].split()
    if not all(path.startswith("/") for path in paths):
        return (), f"{late} names a path that depends on WORKDIR"
    if any(each.wasted_by == last and each.written_by != first for each in case.all_pairs):
        return (), f"{late} changes files of other steps too"
    reason = obstacle(case, first, last, map(fixed_part, paths))
    if reason:
        return (), reason
    return (AppendCommand(first, case.text(last)[len("RUN ") :]), DropInstruction(last)), ""


RULE = Rule("run-chown", "Files of a RUN whose owner or mode a later step changes", _find)
