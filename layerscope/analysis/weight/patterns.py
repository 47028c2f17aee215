"""The patterns of directories as a tree, so that a walk follows all of them at once."""

from __future__ import annotations

import re
from fnmatch import translate

from layerscope.analysis.weight.places import MARKS, PLACES
from layerscope.analysis.weight.rule import Mark, Place


class Step:
    """The patterns that go on below a directory: by the next name, and by wildcards. `ends` are those that end here."""

    __slots__ = ("ends", "named", "wild")

    def __init__(self) -> None:
        self.named: dict[bytes, Step] = {}
        self.wild: list[tuple[re.Pattern[bytes], Step]] = []
        self.ends: list[Place | Mark] = []

    def after(self, name: bytes) -> list[Step]:
        """Where the patterns are after a name."""
        step = self.named.get(name)
        found = [] if step is None else [step]
        for pattern, wild in self.wild:
            if pattern.fullmatch(name):
                found.append(wild)
        return found

    @property
    def goes_on(self) -> bool:
        """Whether a pattern has more names."""
        return bool(self.named or self.wild)

    def _below(self, name: str) -> Step:
        if "*" not in name:
            return self.named.setdefault(name.encode(), Step())
        pattern = re.compile(translate(name).encode(), re.DOTALL)
        for known, step in self.wild:
            if known.pattern == pattern.pattern:
                return step
        self.wild.append((pattern, Step()))
        return self.wild[-1][1]

    def add(self, rule: Place | Mark) -> None:
        """Add the pattern of a rule."""
        step = self
        for name in rule.pattern.strip("/").split("/"):
            step = step._below(name)
        step.ends.append(rule)


def _steps() -> tuple[Step, Step]:
    root, anywhere = Step(), Step()
    rules: tuple[Place | Mark, ...] = (*PLACES, *MARKS)
    for rule in rules:
        (root if rule.pattern.startswith("/") else anywhere).add(rule)
    return root, anywhere


AT_ROOT, ANYWHERE = _steps()
"""The patterns that begin at the root of the filesystem, and those that begin in every directory."""
