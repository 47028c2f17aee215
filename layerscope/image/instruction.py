"""An instruction of the build: its text, the layers it made, and its Dockerfile lines."""

from __future__ import annotations

import shlex

from layerscope.image.dialects import HIDDEN
from layerscope.image.shell import Arguments
from layerscope.records import dataclass


@dataclass(frozen=True, slots=True)
class Location:
    """Lines of a Dockerfile, 1-based and inclusive."""

    file: str
    start_line: int
    end_line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StageStep:
    """An instruction of another stage. `stage` is its name or number, and None with `location` if it has no line."""

    text: str
    location: Location | None
    stage: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CopiedFrom:
    """What `COPY --from` takes: from a stage by name or number, or from an `image`.

    `instructions` are those of the stage that can have made the files, nearest first, and those of stages that they copy
    from in turn; `left_out` counts those that are too many. `narrowed` says that some of the stage's instructions can't
    have made the files and are left out. `image` is the one that the stage begins with, if the files can come from it.
    `evidence` is provenance or dockerfile.
    """

    stage: str | None
    image: str | None
    instructions: tuple[StageStep, ...] = ()
    narrowed: bool = False
    left_out: int = 0
    evidence: str = "dockerfile"


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruction:
    """One step of the build and the layers it made.

    `index` is its position in the image's list, lowest first. History entries keep their order, and rows for layers
    without an entry go where their layers are. `keyword` is upper case, or "" if the row is not a Dockerfile
    instruction; `text` then says what is known. `text` never shows the value of a build argument, which can be a
    secret; `created_by` is raw and can show it.
    `evidence` is how it was linked to its layers: provenance, dockerfile, history or none.
    `range` is set if a layer covers several instructions: the first and last index.
    Texts come from the image and can contain control characters.
    """

    index: int
    keyword: str
    text: str
    created_by: str = ""
    comment: str = ""
    empty: bool = False
    layers: tuple[int, ...] = ()
    evidence: str = "history"
    range: tuple[int, int] | None = None
    arguments: Arguments = ()
    location: Location | None = None
    copied_from: CopiedFrom | None = None

    @property
    def redacted_created_by(self) -> str:
        """`created_by` with the values of build arguments hidden."""
        parts: list[str] = []
        position = 0
        for name, value in self.arguments:
            pair = f"{name}={value}"
            start = self.created_by.find(pair, position)
            if start < 0 or not value:
                continue
            parts += [self.created_by[position:start], f"{name}={HIDDEN}"]
            position = start + len(pair)
        return "".join([*parts, self.created_by[position:]])

    def text_with_arguments(self) -> str:
        """`text` with build arguments and their values; for a RUN, as shell assignments before the command."""
        if not self.arguments:
            return self.text
        if self.keyword in {"ARG", "ONBUILD"}:
            hidden = " ".join(f"{name}={HIDDEN if value else ''}" for name, value in self.arguments)
            shown = " ".join(f"{name}={value}" for name, value in self.arguments)
            return self.text.removesuffix(hidden) + shown
        shown = " ".join(f"{name}={shlex.quote(value)}" for name, value in self.arguments)
        return " ".join(
            word for word in (self.keyword, shown, self.text[len(self.keyword) :].strip()) if word
        )
