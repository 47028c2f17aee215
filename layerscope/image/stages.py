"""The stages of a Dockerfile, and what each of their instructions does to files."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from layerscope.image.copied import Key, Making, of_image, trace
from layerscope.image.dockerfile import Step
from layerscope.image.instruction import CopiedFrom, Location, StageStep
from layerscope.records import dataclass

_FROM: Final = re.compile(r"(?i)from\s+(?:--\S+\s+)*(\S+)(?:\s+as\s+(\S+))?")
_GENERATIONS: Final = 100
"""The most stages that one stage is FROM, one after the other."""
_WRITERS: Final = frozenset(("RUN", "COPY", "ADD"))


class Place(NamedTuple):
    """An instruction by the number of its stage and its position in it."""

    stage: int
    step: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Copying:
    """The parts of a COPY or ADD. `folder` says that the target is written as a directory."""

    source: str | None
    taken: tuple[str, ...]
    target: str

    @property
    def is_one_heredoc(self) -> bool:
        return (
            len(self.taken) == 1
            and self.taken[0].startswith("<<")
            and not self.target.endswith("/")
        )


@dataclass(slots=True)
class _Stage:
    name: str
    base: str
    parent: int | None
    steps: list[Step]
    folders: list[str | None]
    """The working directory at each step; None if it is unknown."""


class Stages:
    """The stages of one Dockerfile. `file` is its name."""

    def __init__(self, steps: Sequence[Step], file: str) -> None:
        self._file = file
        self._stages: list[_Stage] = []
        self._names: dict[str, int] = {}
        self._lines: dict[int, Place] = {}
        for step in steps:
            if step.keyword == "FROM":
                self._begin(step)
            elif self._stages:
                self._put(step)

    def _begin(self, step: Step) -> None:
        match = _FROM.fullmatch(step.text)
        base, name = (match[1], match[2] or "") if match else ("", "")
        parent = self._names.get(base.lower())
        folder: str | None = "/" if base == "scratch" else None
        if parent is not None and self._stages[parent].folders:
            folder = self._stages[parent].folders[-1]
        if name:
            self._names[name.lower()] = len(self._stages)
        self._stages.append(_Stage(name, base, parent, [step], [folder]))

    def _put(self, step: Step) -> None:
        stage = self._stages[-1]
        folder = stage.folders[-1]
        if step.keyword == "WORKDIR":
            folder = _joined(folder, step.arguments.strip("\"'"))
        self._lines[step.start_line] = Place(len(self._stages) - 1, len(stage.steps))
        stage.steps.append(step)
        stage.folders.append(folder)

    def place(self, location: Location) -> Place | None:
        """The instruction that begins on the first line of a location."""
        return self._lines.get(location.start_line) if location.file == self._file else None

    def step(self, place: Place) -> Step:
        return self._stages[place.stage].steps[place.step]

    def name(self, stage: int) -> str:
        """The name of a stage as `--from` takes it."""
        return self._stages[stage].name or str(stage)

    def family(self, stage: int) -> frozenset[int]:
        """A stage and those that it is FROM."""
        found = {stage}
        parent = self._stages[stage].parent
        while parent is not None and len(found) < _GENERATIONS:
            found.add(parent)
            parent = self._stages[parent].parent
        return frozenset(found)

    def find(self, name: str, before: int) -> int | None:
        """The stage that `--from=name` means in stage `before`; None if it is an image."""
        number = self._names.get(name.lower())
        if number is None and name.isascii() and name.isdigit() and len(name) < 6:
            number = int(name)
        return number if number is not None and number < before else None

    def copying(self, place: Place) -> Copying | None:
        """The parts of the COPY or ADD at a place; None for other instructions."""
        return _copying(self.step(place))

    def copied(self, place: Place) -> CopiedFrom | None:
        """What the COPY at a place takes from another stage or image, from the Dockerfile alone."""
        copying = self.copying(place)
        if copying is None or copying.source is None:
            return None
        stage = self.find(copying.source, place.stage)
        if stage is None:
            return of_image(copying.source, "dockerfile")
        return trace(
            self.making,
            self._last(stage),
            copying.taken,
            stage=self.name(stage),
            evidence="dockerfile",
        )

    def making(self, key: Key) -> Making | None:
        """What the instruction at a place does. The place of a FROM is where its stage begins."""
        if not isinstance(key, Place):
            return None
        stage = self._stages[key.stage]
        if key.step == 0:
            if stage.parent is not None:
                return Making(below=self._last(stage.parent))
            return None if stage.base in ("", "scratch") else Making(image=stage.base)
        step, below = stage.steps[key.step], Place(key.stage, key.step - 1)
        if step.keyword not in _WRITERS:
            return Making(below=below)
        told = StageStep(
            text=step.text,
            location=Location(self._file, step.start_line, step.end_line),
            stage=self.name(key.stage),
        )
        copying = _copying(step)
        if step.keyword == "RUN" or copying is None:
            return Making(step=told, writes=None, below=below)
        target = None if "$" in copying.target else _joined(stage.folders[key.step], copying.target)
        source = None if copying.source is None else self.find(copying.source, key.stage)
        return Making(
            step=told,
            writes=None if target is None else (target,),
            whole=copying.is_one_heredoc,
            below=below,
            source=None if source is None else self._last(source),
            taken=copying.taken,
        )

    def _last(self, stage: int) -> Place:
        return Place(stage, len(self._stages[stage].steps) - 1)


def _joined(folder: str | None, path: str) -> str | None:
    """A path from a working directory; None if that isn't known."""
    if "$" in path:
        return None
    if path.startswith("/"):
        return path
    return None if folder is None else f"{folder.rstrip('/')}/{path}"


def _copying(step: Step) -> Copying | None:
    if step.keyword not in ("COPY", "ADD"):
        return None
    rest = step.arguments.partition("\n")[0]
    source = None
    while rest.startswith("--"):
        flag, _, rest = rest.partition(" ")
        rest = rest.lstrip()
        if flag.startswith("--from="):
            source = flag.removeprefix("--from=").strip("\"'") or None
    words = rest.split()
    if rest.startswith("["):
        try:
            found = json.loads(rest)
        except (ValueError, RecursionError):
            found = None
        if isinstance(found, list) and all(isinstance(word, str) for word in found):
            words = found
    if len(words) < 2:
        return None
    return Copying(source=source, taken=tuple(words[:-1]), target=words[-1])
