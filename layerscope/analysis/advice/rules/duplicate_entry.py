"""Files that a layer stores twice under one path."""

from __future__ import annotations

from collections.abc import Iterator

from layerscope.analysis.advice.advice import Advice
from layerscope.analysis.advice.case import Case
from layerscope.analysis.advice.rule import Rule
from layerscope.analysis.mentions import files_word


def _find(case: Case) -> Iterator[Advice]:
    for pair in case.pairs("duplicate_entry"):
        what = files_word(case.files_of(pair))
        start = case.start(pair.written_by)
        text = f"{start}: rebuild this layer with another builder, because it stores {what} twice"
        yield case.on_waste(RULE.id, pair, text, edit=pair.written_by)


RULE = Rule("duplicate-entry", "Files that one layer stores twice", _find)
