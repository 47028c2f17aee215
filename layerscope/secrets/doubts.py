"""Reasons to doubt a finding, by its place (data/doubts.toml)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, Final

from layerscope.records import dataclass
from layerscope.secrets.expressions import compiled, rule_table
from layerscope.secrets.gitleaks import GUESSING

_PACKAGED: Final = (
    b"site-packages/",
    b"dist-packages/",
    b"node_modules/",
    b"/gems/",
    b"pkg/mod/",
    b"usr/lib/",
    b"usr/share/",
    b"usr/local/lib/",
    b"usr/src/",
)


@dataclass(frozen=True, slots=True)
class _Doubt:
    """`packaged` limits it to the places where package managers put files."""

    reason: str
    rules: frozenset[str]
    paths: Any
    packaged: bool

    @classmethod
    def of(cls, table: Mapping[str, Any]) -> _Doubt:
        return cls(
            table["reason"],
            _rules(table.get("rules", ())),
            compiled("|".join(f"(?:{each})" for each in table["paths"])),
            table.get("packaged", False),
        )

    def applies(self, rule: str, path: bytes) -> bool:
        if self.rules and rule not in self.rules:
            return False
        if self.packaged and not any(place in path for place in _PACKAGED):
            return False
        return self.paths.search(path) is not None


def _rules(names: Iterable[str]) -> frozenset[str]:
    given = frozenset(names)
    return given - {"generic"} | GUESSING if "generic" in given else given


@cache
def _doubts() -> tuple[_Doubt, ...]:
    return tuple(map(_Doubt.of, rule_table("doubts.toml")["doubt"]))


def doubt_about_place(rule: str, path: bytes) -> str:
    """Why a finding of this rule in this file may be none; empty for most."""
    return next((each.reason for each in _doubts() if each.applies(rule, path)), "")
