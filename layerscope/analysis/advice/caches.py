"""What the rules about caches of package managers share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from os.path import commonpath
from typing import Final

from layerscope.analysis.advice.advice import Advice
from layerscope.analysis.advice.case import Case
from layerscope.analysis.advice.edits import AppendCommand, Edit
from layerscope.analysis.advice.rule import Rule

Change = tuple[str, tuple[Edit, ...]]
"""What to change, in words and as edits."""


@dataclass(frozen=True, slots=True)
class Leftovers:
    """The files of a cache that an instruction left behind. `paths` have no leading slash."""

    case: Case
    index: int
    paths: tuple[bytes, ...]

    @property
    def text(self) -> str:
        """The instruction on one line."""
        return self.case.text(self.index)


Remedy = Callable[[Leftovers], Change]


def cache_rule(rule_id: str, name: str, tools: tuple[str, ...], remedy: Remedy) -> Rule:
    """A rule about the caches and lists that a RUN leaves in the final image. `tools` are names of tools of dead weight."""

    def find(case: Case) -> Iterator[Advice]:
        found = case.dead_weight("package_cache", "package_lists", tools=tools)
        for index, numbers in found.items():
            if case.keyword(index) != "RUN":
                continue
            claimed = case.claim(numbers)
            if claimed is not None:
                text, edits = remedy(Leftovers(case, index, claimed.paths))
                yield case.on_content(
                    rule_id, claimed, f"{case.start(index)}: {text}", edit=index, edits=edits
                )

    return Rule(rule_id, f"{name}'s cache in the image", find)


def clean_up(name: str, command: str) -> Remedy:
    """A command at the end of the same RUN."""

    def remedy(left: Leftovers) -> Change:
        return appended(left.index, name, command)

    return remedy


def appended(index: int, name: str, command: str) -> Change:
    text = f"add `&& {command}` to this RUN, because it leaves the cache of {name} in the image"
    return text, (AppendCommand(index, command),)


def mount(name: str, deepest: int = 3) -> Remedy:
    """A mount for the cache, which later steps may need."""

    def remedy(left: Leftovers) -> Change:
        where = folder_of(left.paths, deepest)
        text = (
            f"use RUN --mount=type=cache,target={where} or build in a stage of its own, "
            f"because this step leaves the cache of {name} in the image"
        )
        return text, ()

    return remedy


_PLAIN: Final = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._@+-")


def folder_of(paths: tuple[bytes, ...], deepest: int) -> str:
    """The directory that holds all paths, at most `deepest` names long."""
    above = commonpath([(b"/" + path).rpartition(b"/")[0] or b"/" for path in paths])
    parts = above.split(b"/")[: deepest + 1]
    return b"/".join(parts).decode("utf-8", "backslashreplace") or "/"


def is_plain(path: str) -> bool:
    """Whether a path can be written into a shell command as it is."""
    return all(byte in _PLAIN for byte in path.encode())
