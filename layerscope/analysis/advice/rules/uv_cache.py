"""Wheels and archives that uv keeps."""

from __future__ import annotations

from layerscope.analysis.advice.caches import Change, Leftovers, cache_rule
from layerscope.analysis.advice.edits import AddFlag


def _remedy(left: Leftovers) -> Change:
    return (
        "use uv with --no-cache, because uv leaves its cache in the image",
        (
            AddFlag(
                left.index,
                r"\S{0,200}?uv",
                r"(?:pip\s+(?:install|sync)|sync|tool\s+install)",
                "--no-cache",
            ),
        ),
    )


RULE = cache_rule("uv-cache", "uv", ("uv",), _remedy)
