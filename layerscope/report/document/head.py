"""The report of an image whose layers were not read (`--head`): what is unknown is null, in every list and number.

As in `rows.py`, the types are kept evaluable, because a saved report is checked against them.
"""

from typing import Any, Final, Literal, NotRequired, TypedDict

from layerscope.report.document.rows import (
    BaselineRow,
    BaseRow,
    ConfigRow,
    Document,
    ImageRow,
    LocationRow,
    MaybeSizesRow,
    NoteRow,
    Row,
    VerdictRow,
)

_UNKNOWN: Final = (
    "advice",
    "efficiency",
    "largest",
    "waste",
    "waste_groups",
    "waste_pairs",
)


class HeadLayerRow(TypedDict):
    changes: dict[str, None]
    compression: str
    diff_id: str | None
    digest: str | None
    index: int
    indexed: Literal[False]
    instruction: int
    media_type: str
    sizes: MaybeSizesRow
    verified: Literal[False]
    base: NotRequired[bool]


class HeadInstructionRow(TypedDict):
    comment: str
    created_by: str
    empty: bool
    evidence: str
    index: int
    keyword: str
    layers: list[int]
    location: LocationRow | None
    range: list[int] | None
    sizes: MaybeSizesRow
    text: str


class HeadDocument(TypedDict):
    """The same keys as in the report of an image that was read."""

    advice: None
    config: ConfigRow
    efficiency: None
    files: dict[str, None]
    head: Literal[True]
    image: ImageRow
    instructions: list[HeadInstructionRow]
    kind: Literal["analysis"]
    largest: None
    layers: list[HeadLayerRow]
    layerscope: str
    notes: list[NoteRow]
    schema_version: int
    sizes: MaybeSizesRow
    waste: None
    waste_groups: None
    waste_pairs: None
    wasted_by_kind: dict[str, None]
    base: NotRequired[BaseRow]
    baseline: NotRequired[BaselineRow]
    verdict: NotRequired[VerdictRow]


def is_head(document: Document) -> bool:
    """Whether the report is of an image whose layers were not read."""
    return document.get("head") is True


def without_layers(document: Document) -> Document:
    """The report with null for all that only the layers tell; instructions without a layer keep their zeros."""
    return {
        **document,
        **dict.fromkeys(_UNKNOWN),
        "files": dict.fromkeys(document["files"]),
        "head": True,
        "instructions": [
            {**row, "sizes": _unknown(row["sizes"])} if row["layers"] else row
            for row in document["instructions"]
        ],
        "layers": [
            {**row, "changes": dict.fromkeys(row["changes"]), "sizes": _unknown(row["sizes"])}
            for row in document["layers"]
        ],
        "sizes": _unknown(document["sizes"]),
        "wasted_by_kind": dict.fromkeys(document["wasted_by_kind"]),
    }


def _unknown(sizes: Row) -> dict[str, Any]:
    return {**dict.fromkeys(sizes), "compressed": sizes["compressed"]}
