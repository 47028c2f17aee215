"""Metadata and packages that dnf, microdnf, or yum leave behind."""

from __future__ import annotations

from layerscope.analysis.advice.caches import Change, Leftovers, appended, cache_rule
from layerscope.patterns import pattern

_PROGRAM = pattern(r"\b(microdnf|tdnf|dnf5|dnf|yum)\b")


def _remedy(left: Leftovers) -> Change:
    match = _PROGRAM.search(left.text)
    program = "dnf" if match is None else match[1]
    return appended(left.index, program, f"{program} clean all")


RULE = cache_rule("dnf-cache", "dnf", ("dnf", "yum"), _remedy)
