"""Files that a later instruction replaces with other contents."""

from __future__ import annotations

from collections.abc import Iterator

from layerscope.analysis.advice.advice import Advice
from layerscope.analysis.advice.case import Case
from layerscope.analysis.advice.rule import Rule
from layerscope.analysis.grouping import WastePair
from layerscope.analysis.mentions import files_word


def _find(case: Case) -> Iterator[Advice]:
    for pair in case.pairs("overwritten", own=True):
        text = f"{case.start(pair.written_by)}: {_remedy(case, pair)}"
        yield case.on_waste(RULE.id, pair, text, edit=pair.written_by)


def _remedy(case: Case, pair: WastePair) -> str:
    what = files_word(case.files_of(pair))
    if pair.written_by == pair.wasted_by:
        return f"write {what} only once"
    later = case.mentions.subject(pair.wasted_by)
    if {case.keyword(pair.written_by), case.keyword(pair.wasted_by)} == {"RUN"}:
        return f"merge {later} into this RUN, because it replaces {what}"
    return f"leave out {what}, which {later} replaces"


RULE = Rule("write-once", "Files that a later step replaces", _find)
