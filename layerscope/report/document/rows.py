"""The types of the report document: every key in `schema/analysis-1.json`.

Saved reports are checked against these types at run time (`saved/conform.py`), so keep them evaluable.
"""

from collections.abc import Sequence
from typing import Literal, NotRequired, TypedDict

from layerscope.analysis.model import ChangedField, WasteKind
from layerscope.report.document.copied_types import CopiedFromRow, LocationRow
from layerscope.report.document.duplicate_types import DuplicatesRow
from layerscope.report.document.origin_types import OriginRow
from layerscope.report.document.package_types import PackagesRow
from layerscope.report.document.secret_types import FindingRow, SecretsRow
from layerscope.report.document.weight_types import CauseRow, DeadWeightRow

SizeName = Literal["compressed", "content", "live", "overhead", "tar", "wasted"]
SIZE_NAMES: tuple[SizeName, ...] = (
    "compressed",
    "content",
    "live",
    "overhead",
    "tar",
    "wasted",
)


class SizesRow(TypedDict):
    compressed: int | None
    content: int
    live: int
    overhead: int | None
    tar: int | None
    wasted: int
    compressed_live: NotRequired[int | None]
    compressed_overhead: NotRequired[int | None]
    compressed_wasted: NotRequired[int | None]


class MaybeSizesRow(TypedDict):
    """Sizes of a layer, null if the source doesn't have its tar."""

    compressed: int | None
    content: int | None
    live: int | None
    overhead: int | None
    tar: int | None
    wasted: int | None
    compressed_live: NotRequired[int | None]
    compressed_overhead: NotRequired[int | None]
    compressed_wasted: NotRequired[int | None]


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


class EntryRow(TypedDict):
    """An entry of a layer, with `--files`."""

    change: str
    gid: int
    mode: int
    mtime: float
    path: str
    size: int
    type: str
    uid: int
    content_hash: NotRequired[str]
    device: NotRequired[list[int]]
    linkname: NotRequired[str]
    logical_size: NotRequired[int]
    metadata: NotRequired[Literal[True]]
    xattrs: NotRequired[dict[str, str]]
    compressed: NotRequired[int | None]


class NamedLayerRow(TypedDict):
    """What is known of a layer without reading it."""

    compression: str
    diff_id: str | None
    digest: str | None
    index: int
    instruction: int
    media_type: str
    sizes: MaybeSizesRow
    base: NotRequired[bool]


class LayerRow(NamedLayerRow):
    changes: ChangesRow
    indexed: bool
    verified: bool
    entries: NotRequired[Sequence[EntryRow]]


class RecordedInstructionRow(TypedDict):
    """What is known of an instruction without reading any layer."""

    comment: str
    created_by: str
    empty: bool
    evidence: str
    index: int
    keyword: str
    layers: list[int]
    location: LocationRow | None
    range: list[int] | None
    text: str
    copied_from: NotRequired[CopiedFromRow]


class InstructionRow(RecordedInstructionRow):
    sizes: SizesRow


class WasteRow(TypedDict):
    bytes: int
    kind: WasteKind
    layer: int
    path: str
    wasted_by: int
    written_by: int
    changed: NotRequired[list[ChangedField]]
    compressed: NotRequired[int | None]


class WasteRestRow(TypedDict):
    """The sum of the wasted files that were cut off."""

    bytes: int
    files: int
    kind: None
    layer: None
    path: None
    wasted_by: None
    written_by: None
    compressed: NotRequired[int | None]


class WasteGroupRow(TypedDict):
    bytes: int
    changed: list[ChangedField]
    files: int
    kind: WasteKind
    path: str
    rest: bool
    wasted_by: int
    written_by: int
    compressed: NotRequired[int | None]


class WasteGroupRestRow(TypedDict):
    """The sum of the groups that were cut off."""

    bytes: int
    changed: list[str]
    files: int
    kind: None
    path: None
    rest: bool
    wasted_by: None
    written_by: None
    compressed: NotRequired[int | None]


class WastePairRow(TypedDict):
    bytes: int
    changed: list[ChangedField]
    files: int
    kind: WasteKind
    wasted_by: int
    written_by: int
    compressed: NotRequired[int | None]


class LiveRow(TypedDict):
    bytes: int
    layer: int
    path: str
    written_by: int
    compressed: NotRequired[int | None]


class AdviceRow(TypedDict):
    """One change to the build. Reports of older versions have no `rule`, `instruction`, and `location`."""

    bytes: int | None
    files: int
    kind: WasteKind | None
    message: str
    wasted_by: int | None
    written_by: int | None
    compressed: NotRequired[int | None]
    instruction: NotRequired[int | None]
    location: NotRequired[LocationRow | None]
    rule: NotRequired[str]


class NoteRow(TypedDict):
    code: str
    message: str
    count: NotRequired[int]
    layer: NotRequired[int]
    path: NotRequired[str]


class RuleRow(TypedDict):
    actual: float | None
    limit: float
    message: str
    passed: bool
    rule: str
    instructions: NotRequired[list[int]]
    level: NotRequired[Literal["fail", "warn"]]
    reason: NotRequired[str]
    scope: NotRequired[str]
    skipped: NotRequired[bool]
    unit: NotRequired[Literal["bytes", "count", "percent", "share"]]
    written: NotRequired[str]


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
    skipped: NotRequired[int]
    warnings: NotRequired[int]


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
    compressed: NotRequired[int | None]


class FilesystemRow(TypedDict):
    bytes: int
    files: int
    nodes: list[NodeRow]
    compressed: NotRequired[int | None]


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
    waste: list[WasteRow | WasteRestRow]
    waste_groups: list[WasteGroupRow | WasteGroupRestRow]
    waste_pairs: list[WastePairRow]
    wasted_by_kind: WastedByKindRow
    base: NotRequired[BaseRow]
    baseline: NotRequired[BaselineRow]
    causes: NotRequired[list[CauseRow]]
    dead_weight: NotRequired[DeadWeightRow]
    dive_compatible: NotRequired[DiveRow]
    duplicates: NotRequired[DuplicatesRow]
    filesystem: NotRequired[FilesystemRow]
    findings: NotRequired[list[FindingRow]]
    head: NotRequired[Literal[False]]
    origin: NotRequired[OriginRow]
    packages: NotRequired[PackagesRow]
    secrets: NotRequired[SecretsRow]
    verdict: NotRequired[VerdictRow]


class UnknownChangesRow(TypedDict):
    added: None
    deleted: None
    modified: None


class UnknownFilesRow(TypedDict):
    directories: None
    hardlinks: None
    others: None
    regular: None
    symlinks: None
    whiteouts: None


class UnknownWastedByKindRow(TypedDict):
    deleted: None
    duplicate_entry: None
    identical_rewrite: None
    metadata_only: None
    overwritten: None


class HeadLayerRow(NamedLayerRow):
    changes: UnknownChangesRow
    indexed: Literal[False]
    verified: Literal[False]


class HeadInstructionRow(RecordedInstructionRow):
    sizes: MaybeSizesRow


class HeadDocument(TypedDict):
    """The same keys as in the report of an image that was read."""

    advice: None
    config: ConfigRow
    efficiency: None
    files: UnknownFilesRow
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
    wasted_by_kind: UnknownWastedByKindRow
    base: NotRequired[BaseRow]
    baseline: NotRequired[BaselineRow]
    verdict: NotRequired[VerdictRow]


ReportDocument = AnalysisDocument | HeadDocument
"""The report of one image; `head.is_head` tells the two apart."""
