"""The types of dead weight and causes in the report document. The JSON Schema has the same."""

from typing import Literal, NotRequired, TypedDict

from layerscope.analysis.weight.kinds import Evidence, WeightKind


class WeightRow(TypedDict):
    """A number of live files, or of parts of files, and their bytes."""

    bytes: int
    compressed: int | None
    files: int


class WeightPartRow(WeightRow):
    """What one layer stores of a kind, and which tool left it behind."""

    instruction: int
    layer: int
    tool: str | None


class WeightPathRow(WeightPartRow):
    """A directory or a file with dead weight of one kind. Archives have how it is known that they were unpacked."""

    path: str
    evidence: NotRequired[Evidence]


class KindWeightRow(WeightRow):
    base: WeightRow | None
    kind: WeightKind
    parts: list[WeightPartRow]
    paths: list[WeightPathRow]
    rest: NotRequired[WeightRow]


class DeadWeightRow(WeightRow):
    base: WeightRow | None
    kinds: list[KindWeightRow]
    unmeasured: list[WeightKind]


class NamedCauseRow(TypedDict):
    """Which cause it is: a kind of dead weight or of waste, a package, a type of packages, or a directory."""

    kind: Literal["dead_weight", "directory", "package", "packages", "waste"]
    name: str


class CauseRow(NamedCauseRow):
    """A part of the content that has one cause. No two causes share a byte."""

    base: bool
    bytes: int
    compressed: int | None
    files: int
    instruction: int | None
