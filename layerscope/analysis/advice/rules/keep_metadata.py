"""Files that are stored again because a step changes their times, attributes, or a base image's owners and modes."""

from __future__ import annotations

from collections.abc import Iterator

from layerscope.analysis.advice.advice import Advice
from layerscope.analysis.advice.case import Case
from layerscope.analysis.advice.chown import changed_words
from layerscope.analysis.advice.rule import Rule
from layerscope.analysis.mentions import files_word


def _find(case: Case) -> Iterator[Advice]:
    for pair in case.pairs("metadata_only"):
        text = (
            f"{case.start(pair.wasted_by)}: don't change {changed_words(pair.changed)} "
            f"of {files_word(case.files_of(pair))}, written by {case.mentions.named(pair.written_by)}"
        )
        yield case.on_waste(RULE.id, pair, text, edit=pair.wasted_by)


RULE = Rule("keep-metadata", "Files that a step stores again by touching them", _find)
