"""Compilers, headers, and static libraries in a final image."""

from __future__ import annotations

from collections.abc import Iterator

from layerscope.analysis.advice.advice import Advice
from layerscope.analysis.advice.case import Case
from layerscope.analysis.advice.rule import Rule
from layerscope.analysis.mentions import paths_word


def _find(case: Case) -> Iterator[Advice]:
    found = case.dead_weight("compilers", "headers", "static_libraries")
    for index, numbers in found.items():
        claimed = case.claim(numbers)
        if claimed is not None:
            remedy = (
                "install build tools in a stage of their own, and COPY --from it only what you build"
                if case.keyword(index)
                else f"leave out build tools, {paths_word(claimed.paths)}"
            )
            yield case.on_content(RULE.id, claimed, f"{case.start(index)}: {remedy}", edit=index)


RULE = Rule("build-tools", "Build tools in the final image", _find)
