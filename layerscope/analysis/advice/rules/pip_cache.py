"""Wheels and responses that pip keeps."""

from __future__ import annotations

from layerscope.analysis.advice.caches import Change, Leftovers, cache_rule
from layerscope.analysis.advice.edits import AddFlag


def _remedy(left: Leftovers) -> Change:
    return (
        "use pip install --no-cache-dir, because pip leaves its cache in the image",
        (AddFlag(left.index, r"\S{0,200}?pip[0-9.]*", "install", "--no-cache-dir"),),
    )


RULE = cache_rule("pip-cache", "pip", ("pip",), _remedy)
