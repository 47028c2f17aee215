"""Exceptions from a budget: paths that rules about waste and paths ignore, with a reason and often a date."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date

from layerscope.analysis.comparison.glob import compile_glob
from layerscope.analysis.model import Facts
from layerscope.records import dataclass

ALLOWED_IN = (
    "max_wasted",
    "max_wasted_percent",
    "max_own_wasted",
    "min_efficiency",
    "max_path_size",
    "max_path_compressed_size",
    "max_path_growth",
    "max_path_compressed_growth",
    "forbidden_path",
)
"""The rules that can have exceptions: those that look at single files."""
_WASTE = ("max_wasted", "max_wasted_percent", "max_own_wasted", "min_efficiency")


@dataclass(frozen=True, slots=True, kw_only=True)
class Allow:
    """One exception. It is valid up to and including the day `until`, or forever without one."""

    glob: str
    reason: str
    name: str = ""
    until: date | None = None
    rules: tuple[str, ...] = ALLOWED_IN

    @property
    def label(self) -> str:
        return self.name or self.glob

    def expired(self, today: date | None) -> bool:
        """Whether its last day has passed. False if `today` is None."""
        return today is not None and self.until is not None and today > self.until


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """What one exception allows: wasted bytes and the number of wasted files."""

    allow: Allow
    bytes: int
    files: int


class Allowance:
    """The valid exceptions, as tests of absolute paths by rule."""

    def __init__(self, allows: Iterable[Allow]) -> None:
        self._allows = [(allow, compile_glob(allow.glob)) for allow in allows]

    def of(self, rule: str) -> Callable[[bytes], bool]:
        """A test of absolute paths: whether the rule ignores a path."""
        tests = [matches for allow, matches in self._allows if rule in allow.rules]

        def allows(path: bytes) -> bool:
            return any(matches(path) for matches in tests)

        return allows

    def waste(self, analysis: Facts) -> tuple[Mapping[str, int], tuple[Allowed, ...]]:
        """The allowed bytes of waste by rule, each counted once, and what each exception allows."""
        totals = dict.fromkeys(_WASTE, 0)
        counts = [[0, 0] for _ in self._allows]
        first = 0 if analysis.base is None else analysis.base.layers
        if self._allows:
            for file in analysis.waste:
                path = b"/" + file.path
                rules: set[str] = set()
                for number, (allow, matches) in enumerate(self._allows):
                    if matches(path):
                        rules.update(allow.rules)
                        counts[number][0] += file.bytes
                        counts[number][1] += 1
                for rule in rules & totals.keys():
                    if rule != "max_own_wasted" or file.wasted_in >= first:
                        totals[rule] += file.bytes
        allowed = tuple(
            Allowed(allow=allow, bytes=size, files=files)
            for (allow, _), (size, files) in zip(self._allows, counts, strict=True)
        )
        return totals, allowed
