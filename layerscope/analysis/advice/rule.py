"""What a rule of advice is."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from layerscope.analysis.advice.advice import Advice
from layerscope.analysis.advice.case import Case
from layerscope.records import dataclass


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule: a stable id in kebab case, a title of a few words, and the function that applies it to an image."""

    id: str
    title: str
    find: Callable[[Case], Iterable[Advice]]
