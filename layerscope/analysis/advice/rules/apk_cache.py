"""The index and packages that apk leaves behind."""

from __future__ import annotations

from layerscope.analysis.advice.caches import Change, Leftovers, appended, cache_rule
from layerscope.analysis.advice.edits import AddFlag


def _remedy(left: Leftovers) -> Change:
    text = left.text
    if "apk update" in text or "apk add" not in text:
        return appended(left.index, "apk", "rm -rf /var/cache/apk/*")
    return (
        "use apk add --no-cache, because apk leaves its cache in the image",
        (AddFlag(left.index, "apk", "add", "--no-cache"),),
    )


RULE = cache_rule("apk-cache", "apk", ("apk",), _remedy)
