"""Files of a RUN whose owner or mode a later instruction changes, which stores them again."""

from __future__ import annotations

from collections.abc import Iterator

from layerscope.analysis.advice.advice import Advice
from layerscope.analysis.advice.between import nothing_happens_between
from layerscope.analysis.advice.case import Case
from layerscope.analysis.advice.chown import changed_words, flags_of, ownership_command
from layerscope.analysis.advice.edits import AppendCommand, DropInstruction, Edit
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
        yield case.on_waste(
            RULE.id, pair, text, edit=pair.written_by, edits=_edits(case, pair) if alone else ()
        )


def _edits(case: Case, pair: WastePair) -> tuple[Edit, ...]:
    """Move the command to the end of the RUN, if it changes no other step's files and nothing happens in between."""
    first, last = pair.written_by, pair.wasted_by
    others = [
        each for each in case.all_pairs if each.wasted_by == last and each.written_by != first
    ]
    if others or not nothing_happens_between(case, first, last):
        return ()
    return AppendCommand(first, case.text(last)[len("RUN ") :]), DropInstruction(last)


RULE = Rule("run-chown", "Files of a RUN whose owner or mode a later step changes", _find)
