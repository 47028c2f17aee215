"""Compilers, headers, and static libraries in a final image."""

from __future__ import annotations

from collections.abc import Iterator

from layerscope.analysis.advice.advice import Advice
from layerscope.analysis.advice.case import Case
from layerscope.analysis.advice.rule import Rule


def _find(case: Case) -> Iterator[Advice]:
    found = case.dead_weight("compilers", "headers", "static_libraries")
    for index, numbers in found.items():
        claimed = case.claim(numbers)
        if claimed is not None:
            yield case.on_content(
                RULE.id,
                claimed,
                f"{case.start(index)}: install build tools in a stage of their own, "
                "and COPY --from it only what you build",
                edit=index,
            )


RULE = Rule("build-tools", "Build tools in the final image", _find)
