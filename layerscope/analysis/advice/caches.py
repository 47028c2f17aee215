"""What the rules about caches of package managers share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from layerscope.analysis.advice.advice import Advice
from layerscope.analysis.advice.case import Case
from layerscope.analysis.advice.edits import AppendCommand, Edit
from layerscope.analysis.advice.rule import Rule
from layerscope.patterns import pattern
from layerscope.records import dataclass

Change = tuple[str, tuple[Edit, ...]]
"""What to change, in words and as edits."""


@dataclass(frozen=True, slots=True)
class Leftovers:
    """The files of a cache that an instruction left behind. `paths` have no leading slash, and `folders` hold them all."""

    case: Case
    index: int
    paths: tuple[bytes, ...]
    folders: tuple[str, ...]

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
                folders = case.listed_under(numbers)
                text, edits = remedy(Leftovers(case, index, claimed.paths, folders))
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


def mount(name: str) -> Remedy:
    """A mount for the cache, which later steps may need."""

    def remedy(left: Leftovers) -> Change:
        mounts = " ".join(f"--mount=type=cache,target={each}" for each in left.folders[:_MOST])
        text = (
            f"use RUN {mounts}{left.case.needs_buildkit(left.index)} or build in a stage of its own, "
            f"because this step leaves the cache of {name} in the image"
        )
        return text, ()

    return remedy


def remove(name: str) -> Remedy:
    """The removal of the folders at the end of the same RUN."""

    def remedy(left: Leftovers) -> Change:
        text, edits = appended(left.index, name, f"rm -rf {' '.join(left.folders[:_MOST])}")
        sure = len(left.folders) <= _MOST and all(map(_DEEP.fullmatch, left.folders))
        return text, edits if sure else ()

    return remedy


_MOST: Final = 4
_DEEP: Final = pattern(r"(?:/[A-Za-z0-9._@+-]+){2,}")
"""A path that can be written into a shell command as it is, and is not a directory right below the root."""
