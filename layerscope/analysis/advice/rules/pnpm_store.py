"""The store that pnpm copies or links packages from."""

from __future__ import annotations

from layerscope.analysis.advice.caches import (
    Change,
    Leftovers,
    appended,
    cache_rule,
    folder_of,
    is_plain,
)


def _remedy(left: Leftovers) -> Change:
    where = folder_of(left.paths, 6)
    text, edits = appended(left.index, "pnpm", f"rm -rf {where}")
    return text, edits if is_plain(where) and where.count("/") > 1 else ()


RULE = cache_rule("pnpm-store", "pnpm", ("pnpm",), _remedy)
