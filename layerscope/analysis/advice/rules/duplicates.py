"""Live files with the same content."""

from __future__ import annotations

from collections.abc import Iterator

from layerscope.analysis.advice.advice import Advice
from layerscope.analysis.advice.case import Case
from layerscope.analysis.advice.rule import Rule
from layerscope.analysis.mentions import paths_word


def _find(case: Case) -> Iterator[Advice]:
    for index, numbers in case.by_instruction(_extra_copies(case)).items():
        claimed = case.claim(numbers)
        if claimed is not None:
            yield case.on_content(
                RULE.id,
                claimed,
                f"{case.start(index)}: store {paths_word(claimed.paths)} only once, "
                "and link to it, because other paths have the same content",
                edit=index,
            )


def _extra_copies(case: Case) -> Iterator[int]:
    """Every copy but the first of those that no rule removes."""
    duplicates = case.analysis.facts.duplicates
    for group in () if duplicates is None else duplicates.groups:
        copies = {number for path in group.paths for number in _content_at(case, path)}
        left = sorted(number for number in copies if not case.is_claimed(number))
        yield from left[1:]


def _content_at(case: Case, path: bytes) -> Iterator[int]:
    node = case.analysis.tree.find(path.lstrip(b"/"))
    latest = None if node is None or not node.visible else node.latest
    if latest is not None and latest.content is not None:
        yield case.number_of(latest.content)


RULE = Rule("duplicates", "The same content under several paths", _find)
