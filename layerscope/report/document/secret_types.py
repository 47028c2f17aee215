"""The types of the secrets in the report document. The JSON Schema has the same."""

from typing import Literal, NotRequired, TypedDict


class FindingLocationRow(TypedDict):
    end_line: int
    file: str
    start_line: int


class FindingRow(TypedDict):
    """One secret: where it is, and never what it is."""

    confidence: Literal["high", "low"]
    deleted: bool
    message: str
    rule: str
    where: Literal["file", "env", "history", "label"]
    instruction: NotRequired[int]
    layer: NotRequired[int]
    line: NotRequired[int]
    location: NotRequired[FindingLocationRow]
    name: NotRequired[str]
    path: NotRequired[str]
    reason: NotRequired[str]


class SecretGapRow(TypedDict):
    """Something that was not searched."""

    layer: int
    reason: str
    path: NotRequired[str]


class SecretsRow(TypedDict):
    bytes: int
    doubtful: int
    everything: bool
    files: int
    found: int
    gaps: list[SecretGapRow]
    not_searched: int
    rules: str


class ComparedFindingsRow(TypedDict):
    """In a comparison: secrets that only B has, secrets that only A has, and how many both have."""

    added: list[FindingRow]
    removed: list[FindingRow]
    same: int
