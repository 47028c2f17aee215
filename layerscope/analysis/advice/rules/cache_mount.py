"""A package manager's cache that a later instruction deletes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from layerscope.analysis.advice.advice import Advice
from layerscope.analysis.advice.case import Case
from layerscope.analysis.advice.edits import AddOption
from layerscope.analysis.advice.rule import Rule
from layerscope.analysis.model import WastedFile
from layerscope.patterns import pattern

_MOUNTS = {
    b"/var/lib/apt/lists": "/var/lib/apt",
    b"/var/cache/apt": "/var/cache/apt",
    b"/var/cache/apk": "/var/cache/apk",
    b"/var/cache/dnf": "/var/cache/dnf",
    b"/var/cache/yum": "/var/cache/yum",
    b"/root/.cache/pip": "/root/.cache/pip",
    b"/root/.cache/uv": "/root/.cache/uv",
    b"/root/.cache/go-build": "/root/.cache/go-build",
    b"/go/pkg/mod": "/go/pkg/mod",
    b"/root/.npm": "/root/.npm",
    b"/root/.m2": "/root/.m2",
    b"/root/.gradle": "/root/.gradle",
    b"/usr/local/share/.cache/yarn": "/usr/local/share/.cache/yarn",
    b"/usr/local/cargo/registry": "/usr/local/cargo/registry",
}
"""Patterns for directories of package managers that a build can mount as a cache, and the mount's target."""

_CACHED = pattern(rb"/?(" + b"|".join(re.escape(folder[1:]) for folder in _MOUNTS) + rb")/")


def _find(case: Case) -> Iterator[Advice]:
    for pair in case.pairs("deleted", own=True):
        if pair.written_by == pair.wasted_by or case.keyword(pair.written_by) != "RUN":
            continue
        target = _target(case.files_of(pair), pair.bytes)
        if not target:
            continue
        text = (
            f"{case.start(pair.written_by)}: use RUN --mount=type=cache,target={target}"
            f"{case.needs_buildkit(pair.written_by)} instead of deleting the cache in {case.mentions.place(pair.wasted_by)}"
        )
        edits = (AddOption(pair.written_by, f"--mount=type=cache,target={target}"),)
        yield case.on_waste(RULE.id, pair, text, edit=pair.written_by, edits=edits)


def _target(files: Sequence[WastedFile], size: int) -> str:
    """The target of the cache mount that would keep most bytes of the pair out of the image, or ""."""
    sums: dict[str, int] = {}
    for file in files:
        match = _CACHED.match(file.path)
        if match is not None:
            target = _MOUNTS[b"/" + match[1]]
            sums[target] = sums.get(target, 0) + file.bytes
    target = max(sums, key=lambda each: (sums[each], each), default="")
    return target if target and 2 * sums[target] > size else ""


RULE = Rule("cache-mount", "A package manager's cache that a later step deletes", _find)
