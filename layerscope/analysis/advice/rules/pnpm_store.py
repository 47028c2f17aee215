"""The store that pnpm copies or links packages from."""

from __future__ import annotations

from layerscope.analysis.advice.caches import cache_rule, remove

RULE = cache_rule("pnpm-store", "pnpm", ("pnpm",), remove("pnpm"))
