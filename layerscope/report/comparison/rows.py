"""The types of the documents that compare images: every key in `schema/comparison-1.json` and `schema/images-1.json`."""

from typing import Literal, NotRequired, TypedDict

from layerscope.analysis.causes import CauseKind
from layerscope.analysis.comparison.configuration import Field
from layerscope.analysis.comparison.files import ChangeKind
from layerscope.analysis.comparison.layers import Reason, Status
from layerscope.analysis.comparison.packages import PackageStatus
from layerscope.analysis.weight.kinds import WeightKind
from layerscope.report.document.rows import MaybeSizesRow
from layerscope.report.document.secret_types import ComparedFindingsRow

SideName = Literal["a", "b"]
SIDES: tuple[SideName, SideName] = ("a", "b")


class SideRow(TypedDict):
    """One of the images that are compared."""

    config_digest: str
    created: str | None
    file_list: bool
    instructions: int
    layers: int
    manifest_digest: str | None
    name: str
    platform: str
    reference: str
    saved: bool
    source: str
    tags: list[str]
    head: NotRequired[Literal[True]]


class PairRow(TypedDict):
    a: int
    b: int
    delta: int


class MaybePairRow(TypedDict):
    """Null for a side that has no such thing, and for what is unknown."""

    a: int | None
    b: int | None
    delta: int | None


class CostedPairRow(PairRow):
    """Bytes of content, and what it takes in the compressed blobs. Content that a side doesn't have takes 0 bytes."""

    compressed: MaybePairRow


class PercentRow(MaybePairRow):
    percent: float | None


class EfficiencyRow(TypedDict):
    a: float | None
    b: float | None
    delta: float | None


class ComparedSizesRow(TypedDict):
    compressed: MaybePairRow
    content: MaybePairRow
    live: MaybePairRow
    overhead: MaybePairRow
    tar: MaybePairRow
    wasted: MaybePairRow


class ImageSizesRow(TypedDict):
    compressed: PercentRow
    content: PercentRow
    live: PercentRow
    overhead: PercentRow
    tar: PercentRow
    wasted: PercentRow


class EntriesRow(TypedDict):
    directories: MaybePairRow
    hardlinks: MaybePairRow
    others: MaybePairRow
    regular: MaybePairRow
    symlinks: MaybePairRow
    whiteouts: MaybePairRow


class ComparedWasteRow(TypedDict):
    deleted: MaybePairRow
    duplicate_entry: MaybePairRow
    identical_rewrite: MaybePairRow
    metadata_only: MaybePairRow
    overwritten: MaybePairRow


class ComparedLayerRow(TypedDict):
    a: int | None
    b: int | None
    diff_id_a: str | None
    diff_id_b: str | None
    instruction_a: int | None
    instruction_b: int | None
    sizes: ComparedSizesRow
    status: Status


class ComparedInstructionRow(TypedDict):
    a: int | None
    b: int | None
    keyword: str
    layers_a: list[int]
    layers_b: list[int]
    sizes: ComparedSizesRow
    status: Status
    text_a: str | None
    text_b: str | None


class OutOfOrderRow(TypedDict):
    a: int
    b: int
    diff_id: str | None


class PulledRow(TypedDict):
    compressed: int | None
    layers: list[int]
    tar: int | None


class TransferRow(TypedDict):
    chained: PulledRow
    needed: PulledRow


class CacheBreakRow(TypedDict):
    a: int | None
    b: int | None
    layers: list[int]
    reason: Reason
    text_a: str | None
    text_b: str | None


class KindTotalRow(CostedPairRow):
    count: int


class KindTotalsRow(TypedDict):
    added: KindTotalRow
    content: KindTotalRow
    hardlink: KindTotalRow
    metadata: KindTotalRow
    moved: KindTotalRow
    removed: KindTotalRow
    type: KindTotalRow
    unknown: KindTotalRow


class ComparedFilesRow(TypedDict):
    depth: int | None
    kinds: KindTotalsRow
    only_times: int
    outside: CostedPairRow
    path: str | None
    placed: CostedPairRow
    unplaced: CostedPairRow
    visible: PairRow


class ChangedRow(TypedDict, total=False):
    """Metadata that differs, in A and in B."""

    gid: list[int]
    mode: list[int]
    mtime: list[float]
    uid: list[int]
    xattrs: list[list[str]]


ChangeRow = TypedDict(
    "ChangeRow",
    {
        "a": int,
        "b": int,
        "compressed": MaybePairRow,
        "delta": int,
        "kind": ChangeKind,
        "path": str,
        "type_a": str | None,
        "type_b": str | None,
        "changed": NotRequired[ChangedRow],
        "from": NotRequired[str],
        "linkname": NotRequired[list[str]],
    },
)


class ChangeRestRow(CostedPairRow):
    """The sum of the differences that were cut off."""

    count: int
    kind: None
    path: None


class DirectoryRow(CostedPairRow):
    changes: int
    files_a: int
    files_b: int
    path: str


class SettingRow(TypedDict):
    a: str | None
    b: str | None
    field: Field
    known: bool
    name: str


class PackageChangeRow(CostedPairRow):
    """A package that differs, in all versions."""

    name: str
    status: PackageStatus
    type: str
    versions_a: list[str]
    versions_b: list[str]


class OtherPackageChangesRow(CostedPairRow):
    """The sum of the packages that were cut off."""

    count: int


class PackageCountsRow(TypedDict):
    added: int
    changed: int
    downgraded: int
    removed: int
    resized: int
    same: int
    upgraded: int


class ComparedPackagesRow(TypedDict):
    changes: list[PackageChangeRow]
    counts: PackageCountsRow
    owned: CostedPairRow
    unowned: CostedPairRow
    rest: NotRequired[OtherPackageChangesRow]


class RemarkRow(TypedDict):
    code: str
    message: str


class ComparedPartRow(TypedDict):
    content: MaybePairRow
    wasted: MaybePairRow


class ComparedOriginRow(TypedDict):
    """Null where the base image is unknown."""

    base: ComparedPartRow
    own: ComparedPartRow


class KindPairRow(MaybePairRow):
    """One kind of dead weight. Null where it could not be looked for."""

    kind: WeightKind


class ComparedWeightRow(TypedDict):
    """The dead weight of both images, null where it is unknown."""

    kinds: list[KindPairRow]
    total: MaybePairRow


class CausePairRow(TypedDict):
    """A cause of the size of either image."""

    a: int
    b: int
    base: bool
    delta: int
    kind: CauseKind
    name: str


class GivenAdviceRow(TypedDict):
    bytes: int | None
    compressed: int | None
    message: str
    rule: str


class ComparedAdviceRow(TypedDict):
    """The advice that only one image gets, and how much both get."""

    added: list[GivenAdviceRow]
    removed: list[GivenAdviceRow]
    same: int


class ComparisonDocument(TypedDict):
    """What changes from A to B."""

    a: SideRow
    advice: ComparedAdviceRow | None
    b: SideRow
    causes: list[CausePairRow] | None
    cache_break: CacheBreakRow | None
    changes: list[ChangeRow | ChangeRestRow]
    config: list[SettingRow]
    dead_weight: ComparedWeightRow
    different: bool
    directories: list[DirectoryRow]
    duplicates: MaybePairRow
    efficiency: EfficiencyRow
    entries: EntriesRow
    files: ComparedFilesRow | None
    instructions: list[ComparedInstructionRow]
    kind: Literal["comparison"]
    layers: list[ComparedLayerRow]
    layerscope: str
    notes: list[RemarkRow]
    origin: ComparedOriginRow
    out_of_order: list[OutOfOrderRow]
    packages: ComparedPackagesRow | None
    schema_version: int
    sentence: str
    shared_layers: int
    sizes: ImageSizesRow
    transfer: TransferRow
    wasted_by_kind: ComparedWasteRow
    findings: NotRequired[ComparedFindingsRow]


class WeightRow(TypedDict):
    compressed: int | None
    content: int | None
    layers: int
    tar: int | None


class HostImageRow(TypedDict):
    image: SideRow
    shared: WeightRow
    sizes: MaybeSizesRow
    unique: WeightRow


class ImagesDocument(TypedDict):
    """Several images on one host."""

    images: list[HostImageRow]
    kind: Literal["images"]
    layerscope: str
    schema_version: int
    total: WeightRow
