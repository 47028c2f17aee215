"""The rules of the tables: which files are dead weight, by the directory they are in or by their names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Final

from layerscope.analysis.weight.kinds import RANKS, Evidence, WeightKind
from layerscope.filesystem.node import Node
from layerscope.records import dataclass

PYTHON: Final = 1
"""Python's own library, or a directory that packages are installed in, such as `site-packages`."""
NODE: Final = 2
"""A `node_modules` directory."""
GEMS: Final = 4
"""A directory with one directory per Ruby gem."""
VENDOR: Final = 8
"""A directory that Composer installs PHP packages in."""
INCLUDE: Final = 16
"""A directory of headers."""
LIBRARY: Final = 32
"""A directory of libraries."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the rules ask about the image as a whole.

    `languages` are those that its environment sets, as directories are named after them (`de`, `de_DE.utf8`).
    `installed` are the names of the archives that the packages were installed from, up to their platforms.
    `plug_and_play` says that Yarn runs the program out of its cache.
    """

    languages: frozenset[bytes] = frozenset()
    installed: frozenset[bytes] = frozenset()
    plug_and_play: bool = False


@dataclass(slots=True)
class Names:
    """The names in a directory, and what a rule looked up among them before."""

    all: Mapping[bytes, Node | int]
    surroundings: Surroundings
    _native: frozenset[bytes] | None = field(default=None, init=False)

    def has(self, name: bytes) -> bool:
        """Whether the final filesystem has this name in the directory."""
        child = self.all.get(name)
        return child is not None and (not isinstance(child, Node) or child.visible)

    @property
    def native(self) -> frozenset[bytes]:
        """The names of the native modules, up to their first dot."""
        if self._native is None:
            self._native = frozenset(
                name[: name.find(b".")] for name in self.all if name.endswith((b".so", b".node"))
            )
        return self._native


Holds = Callable[[Node, Surroundings], bool]
"""Whether a directory is what its name suggests, and is not needed."""
Spares = Callable[[bytes], bool]
"""Whether a file of a directory doesn't count, by its name."""
Fits = Callable[[bytes, bytes, Names], bool]
"""Whether a file counts, by its name, the name of its directory, and what is beside it."""


class Rule:
    """What both forms of rules have: the kind of dead weight, and the tool that leaves it behind, if it is one.

    `evidence` says how the rule knows, where there are several ways.
    """

    __slots__ = ("evidence", "kind", "marks", "rank", "tool")

    def __init__(
        self, kind: WeightKind, tool: str | None, marks: int, evidence: Evidence | None = None
    ) -> None:
        self.kind: WeightKind = kind
        self.rank = RANKS[kind]
        self.tool = tool
        self.evidence = evidence
        self.marks = marks
        """The marks of which the directory must have one; 0 for any directory."""


class Place(Rule):
    """Everything below the directories that `pattern` describes is dead weight of one kind.

    A pattern that starts with `/` begins at the root of the filesystem, and any other matches at every depth. `*` in a
    name stands for any characters. `holds` looks at a directory before the rule counts it, and `spares` names files that
    stay out. `above` lists the files under the directory above, which has many such places.
    """

    __slots__ = ("above", "holds", "pattern", "spares")

    def __init__(
        self,
        kind: WeightKind,
        pattern: str,
        tool: str | None = None,
        *,
        marks: int = 0,
        holds: Holds | None = None,
        spares: Spares | None = None,
        above: bool = False,
    ) -> None:
        super().__init__(kind, tool, marks)
        self.pattern = pattern
        self.above = above
        self.holds = holds
        self.spares = spares


class File(Rule):
    """Files with one of these `names` or `endings` (from the last dot) are dead weight of one kind if `fits` agrees."""

    __slots__ = ("endings", "fits", "names")

    def __init__(
        self,
        kind: WeightKind,
        *,
        endings: tuple[bytes, ...] = (),
        names: tuple[bytes, ...] = (),
        tool: str | None = None,
        marks: int = 0,
        fits: Fits | None = None,
        evidence: Evidence | None = None,
    ) -> None:
        super().__init__(kind, tool, marks, evidence)
        self.endings = endings
        self.names = names
        self.fits = fits


@dataclass(frozen=True, slots=True)
class Mark:
    """Directories below which other rules apply. `mark` is one of the constants of this module.

    `depth` says under which path files are listed that no place counts: 0 for the directory itself, 1 for each directory
    in it, as for a package.
    """

    mark: int
    pattern: str
    depth: int | None = None
    holds: Holds | None = None
