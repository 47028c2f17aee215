"""One walk over the final filesystem that finds the files that a running container hardly needs.

Directories are matched against all patterns at once (`patterns.py`), and a file costs one look at its ending, unless a
rule of its directory counts it already. Contents are never read.
"""

from __future__ import annotations

from array import array
from collections.abc import Collection, Sequence
from typing import Final

from layerscope.analysis.claims import UNOWNED
from layerscope.analysis.weight.evidence import is_legal
from layerscope.analysis.weight.files import BACKUP, BY_ENDING, BY_NAME
from layerscope.analysis.weight.patterns import ANYWHERE, AT_ROOT, Step
from layerscope.analysis.weight.rule import File, Mark, Names, Place, Rule, Surroundings
from layerscope.filesystem.entry import Entry
from layerscope.filesystem.node import Node
from layerscope.filesystem.tree import FileTree
from layerscope.layers.entry import DIRECTORY, VISIBLE
from layerscope.layers.layer_index import values

BUILD_TOOL: Final = File("compilers")
DEVELOPMENT: Final = Place("dev_dependencies", "node_modules/*", "npm")
BY_ITSELF: Final = 1_000_000
"""A file of this many bytes or more is listed by itself, and smaller ones by their directory."""
_TILDE: Final = ord("~")
_NEVER: Final = 1_000
_COMPILERS: Final = BUILD_TOOL.rank

Found = tuple[Rule, bytes]
"""The rule that counts a file, and the path that the file is listed under."""


class _Scope:
    """What the directories above say: the patterns that go on, the marks, and the place that counts everything.

    Files that no place counts are listed under the directory `depth` below the path of length `end`; None for none.
    """

    __slots__ = ("depth", "end", "found", "marks", "place", "rank", "steps")

    def __init__(
        self,
        steps: tuple[Step, ...],
        marks: int,
        found: tuple[Place, bytes] | None,
        end: int,
        depth: int | None,
    ) -> None:
        self.steps = steps
        self.marks = marks
        self.found = found
        self.place = None if found is None else found[0]
        self.rank = _NEVER if found is None else found[0].rank
        self.end = end
        self.depth = depth


class Survey:
    """The walk, and what it found. Files are numbers, counted through all layers.

    `development` are the paths of installed packages that only development needs. `tools` are the numbers of packages
    that build, and `owners` says which package owns each file, if that is known.
    """

    def __init__(
        self,
        tree: FileTree,
        surroundings: Surroundings,
        development: Collection[bytes] = (),
        owners: Sequence[int] = (),
        tools: Collection[int] = (),
    ) -> None:
        self.found: dict[int, Found] = {}
        self._tree = tree
        self._surroundings = surroundings
        self._development = development
        self._owners = owners
        self._tools = tools
        self._sizes = array("q")
        for layer in tree.layers:
            self._sizes.extend(values(layer.columns.sizes))
        self._shared: dict[int, tuple[Entry, list[Found | None]]] = {}
        self._waiting: list[tuple[Node, bytes, _Scope]] = []

    def walk(self) -> dict[int, Found]:
        """Find the dead weight of the whole tree."""
        self._waiting.append((self._tree.root, b"", _Scope((AT_ROOT,), 0, None, 0, None)))
        while self._waiting:
            self._look_through(*self._waiting.pop())
        for number, (content, all_found) in self._shared.items():
            known = [each for each in all_found if each is not None]
            if len(known) >= content.names:
                self.found[number] = min(known, key=lambda each: (each[0].rank, each[1]))
        return self.found

    def _look_through(self, node: Node, path: bytes, scope: _Scope) -> None:
        below = node.below
        if not below:
            return
        sizes, rank, place, found = self._sizes, scope.rank, scope.place, scope.found
        tools, owners = self._tools, self._owners
        spares = None if place is None else place.spares
        names: Names | None = None
        for name, child in below.items():
            shared: Entry | None = None
            if type(child) is int:
                number = child
            else:
                assert isinstance(child, Node)
                number, shared = self._number(child, path, scope)
            size = sizes[number] if number >= 0 else 0
            if not size:
                continue
            told: Found | None = found
            least = rank
            if spares is not None and spares(name):
                told, least = None, _NEVER
            if least:
                rules = BY_NAME.get(name) or BY_ENDING.get(name[name.rfind(b".") :])
                if rules is None and name[-1] == _TILDE:
                    rules = (BACKUP,)
                if rules is not None:
                    if names is None:
                        names = Names(below, self._surroundings)
                    rule = self._fitting(rules, least, name, node.name, scope.marks, names)
                    if rule is not None:
                        told = (rule, _listed(path, name, size, scope))
                if (
                    tools and owners[number] in tools
                    if told is None
                    else told[0].rank == _COMPILERS
                ):
                    told = self._by_owner(told, number, path, name, scope)
            if shared is not None:
                self._shared.setdefault(number, (shared, []))[1].append(told)
            elif told is not None:
                self.found[number] = told

    def _number(self, child: Node, path: bytes, scope: _Scope) -> tuple[int, Entry | None]:
        """The number of a name's content, and the content if several names share it; -1 for a name without content."""
        held = child.held
        if type(held) is int:
            return held, None
        assert held is None or isinstance(held, Entry)
        if held is None or held.ended != VISIBLE:
            return -1, None
        if held.kind == DIRECTORY:
            if child.below:
                below = path + b"/" + child.name if path else child.name
                self._waiting.append((child, below, self._enter(scope, child, below)))
            return -1, None
        content = held.content
        if content is None:
            return -1, None
        number = content.place.first + content.position
        return number, content if content.names > 1 else None

    def _enter(self, scope: _Scope, node: Node, path: bytes) -> _Scope:
        """The scope of a directory within another one."""
        steps = ANYWHERE.after(node.name)
        for step in scope.steps:
            steps += step.after(node.name)
        development = bool(self._development) and path in self._development
        if not steps and not development and not scope.steps:
            return scope
        marks, found, end, depth = scope.marks, scope.found, scope.end, scope.depth
        rules = [rule for step in steps for rule in step.ends]
        for rule in rules:
            if isinstance(rule, Mark) and (
                rule.holds is None or rule.holds(node, self._surroundings)
            ):
                marks |= rule.mark
                if rule.depth is not None:
                    end, depth = len(path), rule.depth
        places = [DEVELOPMENT] if development else []
        places += [rule for rule in rules if isinstance(rule, Place)]
        for place in places:
            if found is not None and found[0].rank <= place.rank:
                continue
            if place.marks and not place.marks & scope.marks:
                continue
            if place.holds is None or place.holds(node, self._surroundings):
                found = (place, path.rpartition(b"/")[0] if place.above else path)
        return _Scope(tuple(step for step in steps if step.goes_on), marks, found, end, depth)

    @staticmethod
    def _fitting(
        rules: tuple[File, ...], least: int, name: bytes, folder: bytes, marks: int, names: Names
    ) -> File | None:
        """The first kind that a file's name makes it, if that takes precedence over the rank `least`."""
        best: File | None = None
        for rule in rules:
            if (
                rule.rank < least
                and (not rule.marks or rule.marks & marks)
                and (rule.fits is None or rule.fits(name, folder, names))
            ):
                best, least = rule, rule.rank
        return best

    def _by_owner(
        self, told: Found | None, number: int, path: bytes, name: bytes, scope: _Scope
    ) -> Found | None:
        """What a file is if its package decides: a part of a compiler, or something that only has the name of one."""
        owner = self._owners[number] if self._owners else UNOWNED
        if owner == UNOWNED:
            return told
        if owner not in self._tools or is_legal(name):
            return None
        return told or (BUILD_TOOL, _listed(path, name, self._sizes[number], scope))


def _listed(path: bytes, name: bytes, size: int, scope: _Scope) -> bytes:
    """The path that a file is listed under: its package, or itself if it is large, or its directory."""
    if scope.depth is not None:
        if not scope.depth or len(path) <= scope.end:
            return path[: scope.end]
        end = path.find(b"/", scope.end + 1)
        if end > 0 and path[scope.end + 1] == ord("@"):
            end = path.find(b"/", end + 1)
        return path if end < 0 else path[:end]
    if size >= BY_ITSELF:
        return path + b"/" + name if path else name
    return path
