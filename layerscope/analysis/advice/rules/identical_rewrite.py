"""Files that are stored again without any change."""

from __future__ import annotations

from collections.abc import Iterator

from layerscope.analysis.advice.advice import Advice
from layerscope.analysis.advice.case import Case
from layerscope.analysis.advice.rule import Rule
from layerscope.analysis.mentions import files_word


def _find(case: Case) -> Iterator[Advice]:
    for pair in case.pairs("identical_rewrite"):
        text = (
            f"{case.start(pair.wasted_by)}: leave out {files_word(case.files_of(pair))}, "
            f"which {case.mentions.subject(pair.written_by)} already stores"
        )
        yield case.on_waste(RULE.id, pair, text, edit=pair.wasted_by)


RULE = Rule("identical-rewrite", "Files that are stored again without a change", _find)
