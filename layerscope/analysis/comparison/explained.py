"""Why two images are big and what to do, side by side: the causes that grew or shrank, and the advice that is new or gone."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

from layerscope.analysis.causes import CauseKind
from layerscope.records import dataclass


class CauseKey(NamedTuple):
    """A cause, as `Cause` names it."""

    base: bool
    kind: CauseKind
    name: str | bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenAdvice:
    """A piece of advice, and the index and the text of the instruction to edit; None and "" if it is about none."""

    rule: str
    message: str
    bytes: int | None
    compressed: int | None
    instruction: int | None
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """The bytes of each cause of one image, and its advice."""

    causes: Mapping[CauseKey, int]
    advice: tuple[GivenAdvice, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AdviceComparison:
    """The advice that only B has (`added`), that only A has (`removed`), and how much both have."""

    added: tuple[GivenAdvice, ...]
    removed: tuple[GivenAdvice, ...]
    same: int


CausePair = tuple[CauseKey, int, int]
"""A cause with its bytes in both images."""


def compare_causes(
    a: Explained | None, b: Explained | None, *, apart: bool = True
) -> tuple[CausePair, ...] | None:
    """All causes of both images, the largest difference first; None if those of an image are unknown.

    `apart` keeps those of the base image apart, which only makes sense if it is known on both sides.
    Each image has its own directories and large packages as causes. One that the other image doesn't have counts for
    what it is part of there: for the directory above, or for all packages of its type.
    """
    if a is None or b is None:
        return None
    sums: dict[CauseKey, list[int]] = {}
    one, two = ((each.causes if apart else _together(each.causes)) for each in (a, b))
    for side, own, other in ((0, one, two), (1, two, one)):
        for key, size in own.items():
            sums.setdefault(_common(key, other), [0, 0])[side] += size
    pairs = [(key, before, after) for key, (before, after) in sums.items()]
    pairs.sort(key=lambda each: (-abs(each[2] - each[1]), each[0].base, each[0].kind, str(each[0])))
    return tuple(pairs)


def _together(causes: Mapping[CauseKey, int]) -> dict[CauseKey, int]:
    """The same causes, whether the base image is to blame or not."""
    found: dict[CauseKey, int] = {}
    for key, size in causes.items():
        key = key._replace(base=False)
        found[key] = found.get(key, 0) + size
    return found


def _common(key: CauseKey, other: Mapping[CauseKey, int]) -> CauseKey:
    """The cause under which both images can be compared."""
    if key in other:
        return key
    if isinstance(key.name, bytes):
        at = key.name.rfind(b"/")
        while at > 0:
            above = CauseKey(key.base, key.kind, key.name[:at])
            if above in other:
                return above
            at = key.name.rfind(b"/", 0, at)
    elif key.kind == "package":
        return CauseKey(key.base, "packages", key.name.partition(" ")[0])
    return key


def compare_advice(
    a: Explained | None, b: Explained | None, aligned: Collection[tuple[int, int]] = ()
) -> AdviceComparison | None:
    """None if the advice of an image is unknown.

    Advice is the same if its rule is, and the instructions correspond, as the pairs in `aligned` say, or have the same text.
    """
    if a is None or b is None:
        return None
    left = list(a.advice)
    added: list[GivenAdvice] = []
    for each in b.advice:
        found = next((other for other in left if _is_same(other, each, aligned)), None)
        if found is None:
            added.append(each)
        else:
            left.remove(found)
    return AdviceComparison(
        added=tuple(added), removed=tuple(left), same=len(b.advice) - len(added)
    )


def _is_same(a: GivenAdvice, b: GivenAdvice, aligned: Collection[tuple[int, int]]) -> bool:
    if a.rule != b.rule:
        return False
    if a.instruction is None or b.instruction is None:
        return a.instruction is b.instruction
    return a.text == b.text or (a.instruction, b.instruction) in aligned
