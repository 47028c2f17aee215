"""Package lists and archives that apt leaves behind."""

from __future__ import annotations

from layerscope.analysis.advice.caches import Change, Leftovers, appended, cache_rule
from layerscope.analysis.advice.case import Case
from layerscope.patterns import pattern

_LISTS = "rm -rf /var/lib/apt/lists/*"
_APT = pattern(r"\bapt(?:-get)?\b(?![^;&|]{0,400}?\bclean\b)")
_UPDATE = pattern(r"\bapt(?:-get)?\b[^;&|]{0,400}?\bupdate\b")


def _remedy(left: Leftovers) -> Change:
    archives = any(path.startswith(b"var/cache/") for path in left.paths)
    command = f"apt-get clean && {_LISTS}" if archives else _LISTS
    user = _later_user(left.case, left.index)
    if user is None:
        return appended(left.index, "apt", command)
    return (
        f"merge {left.case.mentions.subject(user)} into this RUN and add `&& {command}`, "
        "because the lists of apt stay in the image"
    ), ()


def _later_user(case: Case, index: int) -> int | None:
    """The next instruction that runs apt without updating its lists first."""
    for later in range(index + 1, len(case.analysis.instructions)):
        text = case.text(later)
        if case.keyword(later) == "RUN" and _APT.search(text):
            return None if _UPDATE.search(text) else later
    return None


RULE = cache_rule("apt-cache", "apt", ("apt",), _remedy)
