"""Test suites that packages bring along."""

from __future__ import annotations

from collections.abc import Iterator

from layerscope.analysis.advice.advice import Advice
from layerscope.analysis.advice.case import Case
from layerscope.analysis.advice.rule import Rule
from layerscope.analysis.mentions import paths_word


def _find(case: Case) -> Iterator[Advice]:
    for index, numbers in case.dead_weight("tests").items():
        if case.keyword(index) != "RUN":
            continue
        claimed = case.claim(numbers)
        if claimed is not None:
            yield case.on_content(
                RULE.id,
                claimed,
                f"{case.start(index)}: delete the test suites of packages in the same RUN, "
                f"{paths_word(claimed.paths)}",
                edit=index,
            )


RULE = Rule("package-tests", "Test suites of packages", _find)
