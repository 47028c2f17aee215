"""The types of the report document: every key in `schema/analysis-1.json`.

Saved reports are checked against these types at run time (`saved/conform.py`), so keep them evaluable.
"""

from typing import Any, Literal, NotRequired, TypedDict

SCHEMA_VERSION = 1
TOP = 1000
"""The default number of rows of `waste`, `waste_groups`, and `largest`."""

Document = dict[str, Any]
"""Any document as renderers read it: an analysis (`AnalysisDocument`), a comparison, or a table of images."""
Row = dict[str, Any]

WasteName = Literal[
    "deleted", "overwritten", "metadata_only", "identical_rewrite", "duplicate_entry"
]
ChangedName = Literal["gid", "mode", "mtime", "uid", "xattrs"]


class SizesRow(TypedDict):
    compressed: int | None
    content: int
    live: int
    overhead: int
    tar: int
    wasted: int


class MaybeSizesRow(TypedDict):
    """Sizes of a layer, null if the source doesn't have its tar."""

    compressed: int | None
    content: int | None
    live: int | None
    overhead: int | None
    tar: int | None
    wasted: int | None


class ImageRow(TypedDict):
    config_digest: str
    created: str | None
    manifest_digest: str | None
    platform: str
    reference: str
    source: str
    tags: list[str]


class ConfigRow(TypedDict):
    cmd: list[str]
    entrypoint: list[str]
    env: list[str]
    exposed_ports: list[str]
    labels: dict[str, str]
    stop_signal: str
    user: str
    volumes: list[str]
    working_dir: str


class BaseRow(TypedDict):
    evidence: str
    layers: int
    name: str | None


class FilesRow(TypedDict):
    directories: int
    hardlinks: int
    others: int
    regular: int
    symlinks: int
    whiteouts: int


class WastedByKindRow(TypedDict):
    deleted: int
    duplicate_entry: int
    identical_rewrite: int
    metadata_only: int
    overwritten: int


class ChangesRow(TypedDict):
    added: int
    deleted: int
    modified: int


class LayerRow(TypedDict):
    changes: ChangesRow
    compression: str
    diff_id: str | None
    digest: str | None
    index: int
    indexed: bool
    instruction: int
    media_type: str
    sizes: MaybeSizesRow
    verified: bool
    base: NotRequired[bool]
    entries: NotRequired[Any]


class LocationRow(TypedDict):
    end_line: int
    file: str
    start_line: int


class InstructionRow(TypedDict):
    comment: str
    created_by: str
    empty: bool
    evidence: str
    index: int
    keyword: str
    layers: list[int]
    location: LocationRow | None
    range: list[int] | None
    sizes: SizesRow
    text: str


class WasteRow(TypedDict):
    """A wasted file, or with a null path the sum of those cut off."""

    bytes: int
    kind: WasteName | None
    layer: int | None
    path: str | None
    wasted_by: int | None
    written_by: int | None
    changed: NotRequired[list[ChangedName]]
    files: NotRequired[int]


class WasteGroupRow(TypedDict):
    bytes: int
    changed: list[ChangedName]
    files: int
    kind: WasteName | None
    path: str | None
    rest: bool
    wasted_by: int | None
    written_by: int | None


class WastePairRow(TypedDict):
    bytes: int
    changed: list[ChangedName]
    files: int
    kind: WasteName
    wasted_by: int
    written_by: int


class LiveRow(TypedDict):
    bytes: int
    layer: int
    path: str
    written_by: int


class AdviceRow(TypedDict):
    bytes: int
    files: int
    kind: WasteName
    message: str
    wasted_by: int
    written_by: int


class NoteRow(TypedDict):
    code: str
    message: str
    layer: NotRequired[int]
    path: NotRequired[str]


class RuleRow(TypedDict):
    actual: float | None
    limit: float
    message: str
    passed: bool
    rule: str
    level: NotRequired[Literal["fail", "warn"]]
    reason: NotRequired[str]
    scope: NotRequired[str]
    unit: NotRequired[Literal["bytes", "count", "percent", "share"]]


class AllowedRow(TypedDict):
    bytes: int
    files: int
    glob: str
    name: str
    reason: str
    until: str | None


class VerdictRow(TypedDict):
    passed: bool
    rules: list[RuleRow]
    allowed: NotRequired[list[AllowedRow]]


class GrownRow(TypedDict):
    before: int
    bytes: int
    instruction: int


class BaselineRow(TypedDict):
    grown: list[GrownRow]
    reference: str
    sizes: MaybeSizesRow


class DiveRow(TypedDict):
    efficiencyScore: float
    inefficientBytes: int
    sizeBytes: int
    userWastedPercent: float | None


class ShareRow(TypedDict):
    bytes: int
    instruction: int


class NodeRow(TypedDict):
    bytes: int
    files: int
    instructions: list[ShareRow]
    kind: Literal["directory", "file", "rest"]
    name: str | None
    parent: int | None


class FilesystemRow(TypedDict):
    bytes: int
    files: int
    nodes: list[NodeRow]


class AnalysisDocument(TypedDict):
    """The report of one image."""

    advice: list[AdviceRow]
    config: ConfigRow
    efficiency: float
    files: FilesRow
    image: ImageRow
    instructions: list[InstructionRow]
    kind: Literal["analysis"]
    largest: list[LiveRow]
    layers: list[LayerRow]
    layerscope: str
    notes: list[NoteRow]
    schema_version: int
    sizes: SizesRow
    waste: list[WasteRow]
    waste_groups: list[WasteGroupRow]
    waste_pairs: list[WastePairRow]
    wasted_by_kind: WastedByKindRow
    base: NotRequired[BaseRow]
    baseline: NotRequired[BaselineRow]
    dive_compatible: NotRequired[DiveRow]
    filesystem: NotRequired[FilesystemRow]
    head: NotRequired[Literal[False]]
    verdict: NotRequired[VerdictRow]
