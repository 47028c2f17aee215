"""What is known about the dead weight of an image, from the image or from a saved report."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import field

from layerscope.analysis.model import sum_of
from layerscope.analysis.weight.kinds import RANKS, Evidence, WeightKind
from layerscope.records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Weight:
    """Live content: its bytes, the number of files, and what they take in the compressed blobs (None if unknown).

    Debug symbols within a program are part of a file: the file counts, but only these bytes do.
    """

    bytes: int
    files: int
    compressed: int | None = None


NO_WEIGHT = Weight(bytes=0, files=0, compressed=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightPart(Weight):
    """Dead weight of one kind that one layer stores, and that `tool` left behind, if it is known which."""

    tool: str | None
    layer: int
    instruction: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightPath(WeightPart):
    """A file or a directory with dead weight of one kind. The directory may hold other files too.

    `evidence` says how it is known that an archive was unpacked.
    """

    path: bytes
    evidence: Evidence | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KindWeight(Weight):
    """All dead weight of one kind. `parts` and `paths` each add up to it, largest first.

    `base` is what the layers of the base image store of it; None if the base image is unknown. A saved report may list
    only the largest paths; `rest` is the sum of the others.
    """

    kind: WeightKind
    base: Weight | None
    parts: tuple[WeightPart, ...]
    paths: tuple[WeightPath, ...] = field(repr=False)
    rest: Weight | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadWeight(Weight):
    """All dead weight, largest kind first. The kinds add up to it, and it is at most the live content.

    `base` is the base image's share. `unmeasured` are kinds that could not be looked for, since contents weren't read.
    """

    kinds: tuple[KindWeight, ...]
    base: Weight | None
    unmeasured: tuple[WeightKind, ...] = ()

    def of(self, kind: WeightKind) -> KindWeight | None:
        """The dead weight of one kind; None if there isn't any."""
        return next((each for each in self.kinds if each.kind == kind), None)

    def parts(self, kind: WeightKind, tool: str | None = None) -> tuple[WeightPart, ...]:
        """What each layer stores of a kind, and if a tool is named, only what that one leaves behind."""
        found = self.of(kind)
        parts = () if found is None else found.parts
        return parts if tool is None else tuple(part for part in parts if part.tool == tool)


def total(weights: Iterable[Weight]) -> Weight:
    """The sum of several weights."""
    rows = list(weights)
    return Weight(
        bytes=sum(row.bytes for row in rows),
        files=sum(row.files for row in rows),
        compressed=sum_of(row.compressed for row in rows),
    )


def kind_order(weight: KindWeight) -> tuple[int, int]:
    return -weight.bytes, RANKS[weight.kind]


def path_order(weight: WeightPath) -> tuple[int, bytes, int, str, str]:
    return -weight.bytes, weight.path, weight.layer, weight.tool or "", weight.evidence or ""


def part_order(weight: WeightPart) -> tuple[int, int, str]:
    return -weight.bytes, weight.layer, weight.tool or ""
