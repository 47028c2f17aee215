"""Files of the base image that the Dockerfile deletes or replaces. They stay in the image."""

from __future__ import annotations

from collections.abc import Iterator

from layerscope.analysis.advice.advice import Advice
from layerscope.analysis.advice.case import Case
from layerscope.analysis.advice.rule import Rule
from layerscope.analysis.mentions import files_word


def _find(case: Case) -> Iterator[Advice]:
    for pair in case.pairs("deleted", "overwritten"):
        if pair.written_by == pair.wasted_by or not case.is_inherited(pair):
            continue
        what = files_word(case.files_of(pair))
        remedy = (
            f"use a base image without {what}, because deleting here frees nothing"
            if pair.kind == "deleted"
            else f"use a newer base image, because this step replaces {what}"
        )
        start = case.start(pair.wasted_by)
        yield case.on_waste(RULE.id, pair, f"{start}: {remedy}", edit=pair.wasted_by)


RULE = Rule("base-waste", "Files of the base image that a step deletes or replaces", _find)
