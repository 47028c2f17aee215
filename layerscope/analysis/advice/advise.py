"""Applies all rules to an image."""

from __future__ import annotations

from typing import Final

from layerscope.analysis.advice.advice import Advice
from layerscope.analysis.advice.case import Case
from layerscope.analysis.advice.rule import Rule
from layerscope.analysis.advice.rules import (
    apk_cache,
    apt_cache,
    base_waste,
    build_tools,
    bytecode,
    cache_mount,
    cargo_cache,
    conda_cache,
    copied_then_deleted,
    copy_chown,
    dnf_cache,
    dockerignore,
    docs,
    duplicate_entry,
    duplicates,
    go_cache,
    gradle_cache,
    identical_rewrite,
    install_order,
    keep_metadata,
    locales,
    maven_cache,
    merge_removal,
    no_install_recommends,
    npm_cache,
    package_tests,
    pip_cache,
    pnpm_store,
    run_chown,
    slim_base,
    small_layers,
    unstripped,
    uv_cache,
    write_once,
    yarn_cache,
)
from layerscope.analysis.grouping import WasteSummary
from layerscope.analysis.model import Analysis

MOST: Final = 100
"""The most pieces of advice. The ones left out save less."""

RULES: Final[tuple[Rule, ...]] = (
    dockerignore.RULE,
    base_waste.RULE,
    copy_chown.RULE,
    run_chown.RULE,
    keep_metadata.RULE,
    cache_mount.RULE,
    copied_then_deleted.RULE,
    merge_removal.RULE,
    write_once.RULE,
    identical_rewrite.RULE,
    duplicate_entry.RULE,
    no_install_recommends.RULE,
    apt_cache.RULE,
    apk_cache.RULE,
    dnf_cache.RULE,
    pip_cache.RULE,
    uv_cache.RULE,
    conda_cache.RULE,
    npm_cache.RULE,
    yarn_cache.RULE,
    pnpm_store.RULE,
    go_cache.RULE,
    cargo_cache.RULE,
    maven_cache.RULE,
    gradle_cache.RULE,
    build_tools.RULE,
    bytecode.RULE,
    package_tests.RULE,
    docs.RULE,
    locales.RULE,
    unstripped.RULE,
    duplicates.RULE,
    slim_base.RULE,
    install_order.RULE,
    small_layers.RULE,
)
"""All rules. If two rules could remove the same bytes, the first one claims them, and the other doesn't count them."""


def advise(analysis: Analysis, waste: WasteSummary | None = None) -> tuple[Advice, ...]:
    """What to change in the build, largest saving first. No two pieces of advice count the same byte.

    `analysis.advising` switches rules off and says which savings are too small to mention. Pass `waste`, the summary of
    the analysis' waste, if you have it already.
    """
    case = Case(analysis, WasteSummary(analysis.waste) if waste is None else waste)
    found = [
        advice
        for rule in RULES
        if rule.id not in analysis.advising.off
        for advice in rule.find(case)
    ]
    found.sort(key=_order)
    return tuple(found[:MOST])


def _order(advice: Advice) -> tuple[int, int, int]:
    size = -1 if advice.bytes is None else advice.bytes
    return -size, advice.written_by or 0, advice.wasted_by or 0
