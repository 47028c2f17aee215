"""Python bytecode beside its source."""

from __future__ import annotations

from collections.abc import Iterator

from layerscope.analysis.advice.advice import Advice
from layerscope.analysis.advice.case import Case
from layerscope.analysis.advice.edits import AddFlag, Edit
from layerscope.analysis.advice.rule import Rule
from layerscope.analysis.mentions import paths_word
from layerscope.patterns import pattern

_PIP = pattern(r"(?<!uv )\bpip[0-9.]*\b[^;&|]{0,400}?\binstall\b")


def _find(case: Case) -> Iterator[Advice]:
    for index, numbers in case.dead_weight("bytecode").items():
        if case.keyword(index) != "RUN":
            continue
        claimed = case.claim(numbers)
        if claimed is None:
            continue
        edits: tuple[Edit, ...] = ()
        remedy = "set ENV PYTHONDONTWRITEBYTECODE=1 above this step"
        if _PIP.search(case.text(index)):
            remedy = "use pip install --no-compile"
            edits = (AddFlag(index, r"\S{0,200}?pip[0-9.]*", "install", "--no-compile"),)
        yield case.on_content(
            RULE.id,
            claimed,
            f"{case.start(index)}: {remedy}, because this step stores bytecode as "
            f"{paths_word(claimed.paths)}",
            edit=index,
            edits=edits,
        )


RULE = Rule("bytecode", "Python bytecode in the image", _find)
