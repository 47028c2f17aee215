"""Changes to a Dockerfile that can be made mechanically. Instructions are indices into the image's."""

from __future__ import annotations

from layerscope.records import dataclass


@dataclass(frozen=True, slots=True)
class AppendCommand:
    """Add a command at the end of a RUN, after `&&`."""

    instruction: int
    command: str


@dataclass(frozen=True, slots=True)
class AddFlag:
    """Give a flag to every `program ... subcommand` in a RUN: `apt-get install` becomes `apt-get install FLAG`.

    `programs` are regular expressions for names of programs.
    """

    instruction: int
    programs: str
    subcommand: str
    flag: str


@dataclass(frozen=True, slots=True)
class AddOption:
    """Give an option to the instruction itself: `COPY` becomes `COPY --chown=app`."""

    instruction: int
    option: str


@dataclass(frozen=True, slots=True)
class DropInstruction:
    """Remove an instruction."""

    instruction: int


@dataclass(frozen=True, slots=True)
class ReplaceInstruction:
    """Put another text in place of an instruction."""

    instruction: int
    text: str


@dataclass(frozen=True, slots=True)
class IgnorePaths:
    """Add lines to the .dockerignore of the instruction's build context."""

    instruction: int
    lines: tuple[str, ...]


Edit = AppendCommand | AddFlag | AddOption | DropInstruction | ReplaceInstruction | IgnorePaths
Change = tuple[tuple[Edit, ...], str]
"""The edits that make a change, or none and why a person has to make it."""
