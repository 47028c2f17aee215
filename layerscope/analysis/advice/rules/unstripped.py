"""Debug symbols in programs and libraries, or beside them."""

from __future__ import annotations

from collections.abc import Iterator

from layerscope.analysis.advice.advice import Advice
from layerscope.analysis.advice.case import Case
from layerscope.analysis.advice.rule import Rule
from layerscope.analysis.mentions import paths_word


def _find(case: Case) -> Iterator[Advice]:
    weighed = case.analysis.weighed
    if weighed is None:
        return
    for index, numbers in case.dead_weight("debug_symbols").items():
        parts = {number: weighed.parts.get(number, case.size_of(number)) for number in numbers}
        claimed = case.claim(numbers, parts)
        if claimed is None:
            continue
        what = paths_word(claimed.paths)
        remedy = (
            f"delete the debug symbols in the same RUN, {what}"
            if all(parts[number] == case.size_of(number) for number in numbers)
            else f"strip {what} before this step ends, because of debug symbols"
        )
        if case.keyword(index) != "RUN":
            step = case.keyword(index) or (
                "this step stores it" if len(claimed.paths) == 1 else "this step stores them"
            )
            remedy = f"strip {what} before {step}, because of debug symbols"
        yield case.on_content(RULE.id, claimed, f"{case.start(index)}: {remedy}", edit=index)


RULE = Rule("unstripped", "Debug symbols in the image", _find)
