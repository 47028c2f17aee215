"""What `COPY --from` brings: the instructions of the other stage that can have made the files.

Only the image's own stage has layers, so nobody can say which of the other stage's instructions stored which file. What is
known is the order of its instructions and the paths that they name. A `RUN` can write anywhere. A `COPY` or `ADD` whose
destination has nothing to do with the copied path is left out, and what is below a file that was written as a whole is, too.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Hashable, Iterable
from typing import Final

from layerscope.image.instruction import CopiedFrom, StageStep
from layerscope.records import dataclass

MOST_STEPS: Final = 100
"""The most instructions to name for one copy."""
_DEEPEST: Final = 8
"""The most stages to follow from copy to copy."""
_LONGEST: Final = 2000
"""The most steps to look at for one copy. A longer chain is cut off, and `left_out` says so."""
_MERGED: Final = {"/bin": "/usr/bin", "/sbin": "/usr/sbin", "/lib": "/usr/lib", "/var/run": "/run"}
"""Symlinks of nearly every image, by which one file has two paths."""
_GLOBS: Final = "*?["

Key = Hashable
"""The place of a making: a step of the build, or an instruction of a stage."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Making:
    """What one step of a build does to the files of its stage.

    `writes` are the absolute paths where it puts files; None if it can write anywhere. `whole` says that it writes a
    single file at that path. `below` is the step before it. `source` is the step of another stage that it copies `taken`
    from. `image` is the name of an image where the stage begins.
    """

    step: StageStep | None = None
    writes: tuple[str, ...] | None = ()
    whole: bool = False
    below: Key | None = None
    source: Key | None = None
    taken: tuple[str, ...] = ()
    image: str | None = None


Lookup = Callable[[Key], Making | None]


def trace(
    lookup: Lookup, begin: Key, paths: Iterable[str], *, stage: str | None, evidence: str
) -> CopiedFrom:
    """The steps from `begin` down that can have made files at `paths`, nearest first."""
    tracer = _Tracer(lookup)
    image = tracer.follow(begin, [normal(path) for path in paths])
    return CopiedFrom(
        stage=stage,
        image=image,
        instructions=tuple(tracer.steps),
        narrowed=tracer.narrowed,
        left_out=tracer.left_out,
        evidence=evidence,
    )


class _Tracer:
    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup
        self._seen: set[Key] = set()
        self.steps: list[StageStep] = []
        self.left_out = 0
        self.narrowed = False

    def follow(self, key: Key | None, paths: list[str], depth: int = 0) -> str | None:
        """Collect the steps of one stage. Returns the image that the stage begins with, if files can come from it."""
        while key is not None and key not in self._seen:
            if len(self._seen) == _LONGEST:
                self.left_out += 1
                return None
            self._seen.add(key)
            making = self._lookup(key)
            if making is None:
                return None
            if making.image is not None:
                return making.image
            if _can_make(making, paths):
                self._add(making.step)
                if making.source is not None and depth < _DEEPEST:
                    self.follow(making.source, [normal(path) for path in making.taken], depth + 1)
                if (
                    making.whole
                    and making.writes is not None
                    and paths == [normal(making.writes[0])]
                ):
                    self.narrowed = True
                    return None
            elif making.writes:
                self.narrowed = True
            key = making.below
        return None

    def _add(self, step: StageStep | None) -> None:
        if step is None or step in self.steps[-1:]:
            return
        if len(self.steps) < MOST_STEPS:
            self.steps.append(step)
        else:
            self.left_out += 1


def _can_make(making: Making, paths: Iterable[str]) -> bool:
    if making.writes is None:
        return True
    return any(_touch(normal(written), path) for written in making.writes for path in paths)


def _touch(one: str, other: str) -> bool:
    """Whether one path is the other or above it."""
    one, other = one.rstrip("/") + "/", other.rstrip("/") + "/"
    return one.startswith(other) or other.startswith(one)


def normal(path: str) -> str:
    """The absolute path, with merged directories, up to the first wildcard."""
    path = posixpath.normpath("/" + path.strip("/"))
    parts = path.split("/")
    for number, part in enumerate(parts):
        if any(sign in part for sign in _GLOBS):
            path = "/".join(parts[:number]) or "/"
            break
    for link, target in _MERGED.items():
        if path == link or path.startswith(link + "/"):
            return target + path[len(link) :]
    return path


def of_image(name: str, evidence: str) -> CopiedFrom:
    """A copy from an image instead of a stage."""
    return CopiedFrom(stage=None, image=name, evidence=evidence)
