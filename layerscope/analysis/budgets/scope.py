"""Limits on a part of an image: instructions or paths that match a pattern."""

from __future__ import annotations

import fnmatch
import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Literal

from layerscope.analysis.budgets.allow import Allowance
from layerscope.analysis.budgets.causes import NAMED, by_size, name_instructions
from layerscope.analysis.budgets.rules import NOT_COMPRESSED, missing_layers
from layerscope.analysis.comparison.glob import compile_glob
from layerscope.analysis.model import Facts, Files
from layerscope.filesystem.entry import Entry
from layerscope.layers.entry import FILE, METADATA, OTHER
from layerscope.records import dataclass
from layerscope.units import count, format_size

Level = Literal["fail", "warn"]
Allows = Callable[[bytes], bool]
"""A test of absolute paths: whether an exception exempts one."""


@dataclass(frozen=True, slots=True)
class Found:
    """The size of a part of an image in the unit of the limit (None if unknown), and a phrase about it.

    `instructions` are the ones to look at if it is too large, largest first.
    """

    value: int | None
    message: str
    instructions: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class InstructionLimit:
    """A limit on the content of each instruction whose text matches a shell pattern, or on what a pull transfers of it."""

    match: str
    limit: int
    compressed: bool = False
    level: Level = "fail"
    reason: str = ""
    written: str = ""

    unit: Literal["bytes"] = "bytes"

    @property
    def rule(self) -> str:
        return "max_instruction_compressed_size" if self.compressed else "max_instruction_size"

    @property
    def scope(self) -> str:
        return self.match

    def measure(self, analysis: Facts, _: Allowance) -> Found:
        """The largest matching instruction. The phrase names all that are over the limit."""
        sizes = self._sizes(analysis)
        if isinstance(sizes, str):
            return Found(None, sizes)
        if not sizes:
            return Found(0, "no instruction matches")
        index, size = by_size(sizes)[0]
        over = [pair for pair in by_size(sizes) if pair[1] > self.limit]
        if len(over) < 2:
            return Found(size, f"instruction {index}", (index,))
        words = f"{count(len(over), 'instruction')}: {name_instructions(analysis, over)}"
        return Found(size, words, tuple(index for index, _ in over))

    def total(self, analysis: Facts, _: Allows) -> Found:
        """All matching instructions together. The phrase names the largest."""
        sizes = self._sizes(analysis)
        if isinstance(sizes, str):
            return Found(None, sizes)
        rows = by_size(sizes)
        words = f"most, {format_size(rows[0][1])}, by instruction {rows[0][0]}" if rows else ""
        return Found(sizes.total(), words, tuple(index for index, size in rows if size))

    def _sizes(self, analysis: Facts) -> Counter[int] | str:
        """The size of each matching instruction, or why one is unknown."""
        matches = re.compile(fnmatch.translate(self.match)).match
        found = [
            each
            for each in analysis.instructions
            if matches(" ".join(each.instruction.text.split())) is not None
        ]
        if self.compressed and any(each.sizes.compressed is None for each in found):
            return NOT_COMPRESSED
        if not self.compressed and any(
            not analysis.layers[layer].indexed
            for each in found
            for layer in each.instruction.layers
        ):
            return missing_layers(analysis)
        return Counter(
            {
                each.instruction.index: (each.sizes.compressed or 0)
                if self.compressed
                else each.sizes.content
                for each in found
            }
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PathLimit:
    """A limit on what all layers store, or a pull transfers, at paths that match a pattern. 0 forbids such paths."""

    glob: str
    limit: int
    compressed: bool = False
    level: Level = "fail"
    reason: str = ""
    written: str = ""

    @property
    def scope(self) -> str:
        return self.glob

    @property
    def forbids(self) -> bool:
        return self.limit == 0 and not self.compressed

    @property
    def rule(self) -> str:
        if self.compressed:
            return "max_path_compressed_size"
        return "forbidden_path" if self.forbids else "max_path_size"

    @property
    def unit(self) -> Literal["bytes", "count"]:
        return "count" if self.forbids else "bytes"

    def measure(self, analysis: Facts, allowance: Allowance) -> Found:
        """The bytes stored at the paths, or the number of paths if they are forbidden."""
        entries = self._matching(analysis, allowance.of(self.rule))
        if isinstance(entries, str):
            return Found(None, entries)
        return self._count(analysis, entries) if self.forbids else self._sum(analysis, entries)

    def total(self, analysis: Facts, allows: Allows) -> Found:
        """The bytes stored at the paths, except those that `allows` exempts."""
        entries = self._matching(analysis, allows)
        return Found(None, entries) if isinstance(entries, str) else self._sum(analysis, entries)

    def _matching(self, analysis: Facts, allows: Allows) -> list[Entry] | str:
        """What the layers store at the paths, or why it is unknown."""
        missing = missing_layers(analysis)
        if missing:
            return missing
        if analysis.files is None:
            return "unknown: the report lists no files; save it with --files"
        matches = compile_glob(self.glob)
        return [
            entry
            for entry in _entries(analysis.files)
            if matches(b"/" + entry.path) and not allows(b"/" + entry.path)
        ]

    def _count(self, analysis: Facts, entries: list[Entry]) -> Found:
        paths = {entry.path for entry in entries}
        if not entries:
            return Found(0, "")
        owners = tuple(dict.fromkeys(analysis.layers[each.layer].instruction for each in entries))
        words = f"{_shown(entries[0].path)} by instruction {owners[0]}"
        if len(owners) > 1:
            others = ", ".join(str(index) for index in owners[1:NAMED])
            more = f" and {len(owners) - NAMED:,} more" if len(owners) > NAMED else ""
            words += f", more by {others}{more}"
        return Found(len(paths), words, owners)

    def _sum(self, analysis: Facts, entries: list[Entry]) -> Found:
        stored = [entry for entry in entries if is_content(entry)]
        if not stored:
            return Found(0, "")
        sizes: Counter[int] = Counter()
        for entry in stored:
            size = entry.compressed if self.compressed else entry.size
            if size is None:
                return Found(None, NOT_COMPRESSED)
            sizes[analysis.layers[entry.layer].instruction] += size
        rows = by_size(sizes)
        index, size = rows[0]
        message = f"most, {format_size(size)}, by instruction {index}"
        return Found(sizes.total(), message, tuple(index for index, _ in rows))


def room_words(left: int) -> str:
    """How far a number of bytes is from its limit."""
    if left < 0:
        return f"{format_size(-left)} over"
    return f"{format_size(left)} left" if left else "nothing left"


def _entries(files: Files) -> Iterator[Entry]:
    """The members of all layers that are part of the filesystem or of its stored content."""
    for entry in files.tree.entries():
        if entry.kind <= OTHER or is_content(entry):
            yield entry


def is_content(entry: Entry) -> bool:
    """Whether the entry's bytes count as content of its layer."""
    return entry.kind == FILE or (entry.kind == METADATA and entry.content is not None)


def _shown(path: bytes) -> str:
    return "/" + path[:200].decode("utf-8", "backslashreplace")
