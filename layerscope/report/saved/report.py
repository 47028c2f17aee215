"""A saved JSON report: the facts about the image it was made from, and its document."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from layerscope.analysis.comparison.side import Side
from layerscope.analysis.model import (
    CHANGED_FIELDS,
    NO_COUNTS,
    WASTE_KINDS,
    ChangedField,
    Changes,
    Facts,
    FileCounts,
    InstructionSummary,
    LayerSummary,
    Sizes,
    WastedFile,
    sum_of,
)
from layerscope.errors import FormatError, LayerscopeError, LimitExceeded, UsageError
from layerscope.image.config import ImageConfig
from layerscope.image.digest import Digest
from layerscope.image.image import Base
from layerscope.image.instruction import Instruction
from layerscope.image.platform import Platform
from layerscope.limits import DEFAULT_LIMITS, Limits
from layerscope.notes import Note
from layerscope.records import dataclass
from layerscope.report.document.defaults import SCHEMA_VERSION
from layerscope.report.document.head import is_head
from layerscope.report.document.rows import ReportDocument
from layerscope.report.paths import unescape_path
from layerscope.report.saved.conform import check_document
from layerscope.report.saved.copied import read_copied, read_location
from layerscope.report.saved.duplicates import read_duplicates
from layerscope.report.saved.entries import read_files
from layerscope.report.saved.fields import HINT, Fields
from layerscope.report.saved.origin import read_origin
from layerscope.report.saved.packages import read_packages
from layerscope.report.saved.reading import read_document
from layerscope.report.saved.secrets import read_secrets
from layerscope.report.saved.side import side_of
from layerscope.report.saved.stored import Stored, StoredBytes, StoredFile
from layerscope.report.saved.weight import read_weight
from layerscope.units import count

if TYPE_CHECKING:
    from layerscope.analysis.budgets.dive import DiveNumbers


@dataclass(frozen=True, slots=True)
class SavedReport:
    """The contents of a saved report: its facts, and the document as it was saved."""

    facts: Facts
    document: ReportDocument

    @property
    def dive(self) -> DiveNumbers | None:
        """dive's numbers, if the report was saved with them."""
        from layerscope.analysis.budgets.dive import DiveNumbers

        if is_head(self.document) or "dive_compatible" not in self.document:
            return None
        row = self.document["dive_compatible"]
        return DiveNumbers(
            size_bytes=row["sizeBytes"],
            inefficient_bytes=row["inefficientBytes"],
            efficiency_score=row["efficiencyScore"],
            user_wasted_percent=row["userWastedPercent"],
        )


def read_report(path: str, *, show_args: bool = False, limits: Limits = DEFAULT_LIMITS) -> Side:
    """One side of a comparison, from a report in a file. Raises `UsageError` unless it is complete and of this version."""
    saved = read_saved(path, limits)
    return side_of(saved.facts, saved.document, show_args=show_args)


def read_saved(path: str, limits: Limits = DEFAULT_LIMITS) -> SavedReport:
    """The report in a file. Raises `UsageError` unless it is complete and of this schema version, and `LimitExceeded`."""
    name = os.fsencode(path).decode("utf-8", "backslashreplace")
    return _saved(StoredFile(path, name), name, limits)


def parse_report(
    data: bytes, name: str, *, show_args: bool = False, limits: Limits = DEFAULT_LIMITS
) -> Side:
    """One side of a comparison, from the bytes of a report. Errors call it `name`. Raises `UsageError`."""
    saved = parse_saved(data, name, limits)
    return side_of(saved.facts, saved.document, show_args=show_args)


def parse_saved(data: bytes, name: str, limits: Limits = DEFAULT_LIMITS) -> SavedReport:
    """The report in some bytes. Errors call it `name`. Raises `UsageError` and `LimitExceeded`."""
    return _saved(StoredBytes(data), name, limits)


def _saved(stored: Stored, name: str, limits: Limits) -> SavedReport:
    values = read_document(stored, name, limits)
    document = Fields(values, name)
    _check_version(document, name)
    try:
        facts = _facts(document, name, limits)
        return SavedReport(facts, check_document(values, name))
    except LimitExceeded as error:
        raise LimitExceeded(f"{name}: {error.message}", hint=error.hint) from None
    except FormatError as error:
        raise UsageError(f"{name}: {error.message}", hint=HINT) from None


def _check_version(document: Fields, name: str) -> None:
    kind = document.text("kind")
    if kind != "analysis":
        raise UsageError(f"{name} is a report of kind {kind[:40]!r}, not of an image", hint=HINT)
    version = document.number("schema_version")
    if version != SCHEMA_VERSION:
        raise UsageError(
            f"{name} has schema version {version}, but this layerscope reads {SCHEMA_VERSION}",
            hint=HINT,
        )


def _facts(document: Fields, name: str, limits: Limits) -> Facts:
    image, config = document.object("image"), document.object("config")
    head = document.has("head") and document.boolean("head")
    sizes = (_unread if head else _sizes)(document.object("sizes"))
    rows = list(document.objects("layers"))
    layers = tuple(_layer(row, number) for number, row in enumerate(rows))
    _check_history(document, limits)
    instructions = tuple(
        _instruction(row, number, len(layers), head=head)
        for number, row in enumerate(document.objects("instructions"))
    )
    _check_sums(document, sizes, layers, instructions)
    platform = _platform(image.text("platform"))
    created_at = image.maybe_text("created")
    settings = _config(config, platform, created_at)
    listed = bool(rows) and all(row.has("entries") for row in rows)
    return Facts(
        reference=image.text("reference"),
        source=image.text("source"),
        tags=image.texts("tags"),
        platform=platform,
        created=created_at,
        manifest_digest=_digest(image, "manifest_digest"),
        config_digest=_digest(image, "config_digest") or "",
        saved=True,
        config=settings,
        base=_base(document, len(layers)),
        sizes=sizes,
        counts=NO_COUNTS if head else _counts(document.object("files")),
        wasted_by_kind={}
        if head
        else {kind: document.object("wasted_by_kind").number(kind) for kind in WASTE_KINDS},
        layers=layers,
        instructions=instructions,
        waste=() if head else _waste(document, sizes, layers, instructions),
        notes=tuple(_note(row) for row in document.objects("notes")),
        files=read_files(rows, name, sizes.live, limits)
        if not head and (listed or not rows)
        else None,
        head=head,
        packages=None if head else read_packages(document, sizes, layers),
        origin=None if head else read_origin(document, sizes, len(layers)),
        duplicates=None if head else read_duplicates(document, sizes, layers),
        secrets=None if head else read_secrets(document, layers, instructions),
        weight=None if head else read_weight(document, sizes, layers),
    )


def _check_history(document: Fields, limits: Limits) -> None:
    """Raise `LimitExceeded` for more instructions than the history and the layers of an image can have."""
    number = len(document.list("instructions"))
    if number > limits.history + limits.layers:
        raise LimitExceeded(
            f"{number} instructions, more than the {limits.history} allowed", limit="history"
        )


def _base(document: Fields, layers: int) -> Base | None:
    row = document.object("base") if document.has("base") else None
    if row is None:
        return None
    if row.number("layers") > layers:
        row.fail(f"has {count(row.number('layers'), 'layer')}, but the image has {layers}")
    return Base(
        layers=row.number("layers"), name=row.maybe_text("name"), evidence=row.text("evidence")
    )


def _waste(
    document: Fields,
    sizes: Sizes,
    layers: Sequence[LayerSummary],
    instructions: Sequence[InstructionSummary],
) -> tuple[WastedFile, ...]:
    """The files that the report lists, without those it cut off. Checks that the waste adds up."""
    files = []
    total = 0
    for row in document.objects("waste"):
        total += row.number("bytes")
        if row.maybe_text("path") is not None:
            files.append(_wasted_file(row, layers, instructions))
    if total != sizes.wasted:
        document.fail(f"says wasted is {sizes.wasted}, but its waste adds up to {total}")
    return tuple(files)


def _wasted_file(
    row: Fields, layers: Sequence[LayerSummary], instructions: Sequence[InstructionSummary]
) -> WastedFile:
    kind = next((each for each in WASTE_KINDS if each == row.text("kind")), None)
    if kind is None:
        row.fail("has an unknown kind of waste")
    layer = row.number("layer")
    written_by, wasted_by = row.number("written_by"), row.number("wasted_by")
    if layer >= len(layers) or max(written_by, wasted_by) >= len(instructions):
        row.fail("names a layer or an instruction that doesn't exist")
    hiding = instructions[wasted_by].instruction.layers
    try:
        path = unescape_path(row.text("path"))
    except LayerscopeError as error:
        row.fail(error.message)
    return WastedFile(
        path=path.removeprefix(b"/"),
        kind=kind,
        bytes=row.number("bytes"),
        layer=layer,
        wasted_in=hiding[-1] if hiding else layer,
        written_by=written_by,
        wasted_by=wasted_by,
        changed=_changed(row),
        compressed=row.maybe_number("compressed") if row.has("compressed") else None,
    )


def _changed(row: Fields) -> tuple[ChangedField, ...]:
    known = {name: name for name in CHANGED_FIELDS}
    names = row.texts("changed") if row.has("changed") else ()
    return tuple(known[name] for name in names if name in known)


def _check_sums(
    document: Fields,
    sizes: Sizes,
    layers: Sequence[LayerSummary],
    instructions: Sequence[InstructionSummary],
) -> None:
    for key in ("tar", "content", "live"):
        total = getattr(sizes, key)
        for rows, what in ((layers, "layers"), (instructions, "instructions")):
            found = sum_of(getattr(row.sizes, key) for row in rows)
            if found != total:
                document.fail(f"says {key} is {total}, but its {what} add up to {found}")
    for key in ("compressed", "compressed_live", "compressed_wasted"):
        total = None if sizes.compressed_live is None else getattr(sizes, key)
        found = sum_of(getattr(row.sizes, key) for row in instructions)
        if total is not None and found != total:
            document.fail(f"says {key} is {total}, but its instructions add up to {found}")
    owned = sorted(
        (layer, each.instruction.index)
        for each in instructions
        for layer in each.instruction.layers
    )
    if owned != [(layer.index, layer.instruction) for layer in layers]:
        document.fail("has layers and instructions that disagree on which belong together")


def _platform(text: str) -> Platform:
    os_name, _, rest = text.partition("/")
    architecture, _, variant = rest.partition("/")
    return Platform(os_name, architecture, variant)


def _digest(row: Fields, key: str) -> str | None:
    text = row.maybe_text(key)
    return None if text is None else str(Digest.parse(text, key))


def _parsed_digest(row: Fields, key: str) -> Digest | None:
    text = row.maybe_text(key)
    return None if text is None else Digest.parse(text, key)


def _sizes(row: Fields) -> Sizes:
    sizes = Sizes(
        compressed=row.maybe_number("compressed"),
        tar=row.maybe_number("tar"),
        content=row.number("content"),
        live=row.number("live"),
        compressed_live=row.maybe_number("compressed_live") if row.has("compressed_live") else None,
        compressed_wasted=row.maybe_number("compressed_wasted")
        if row.has("compressed_wasted")
        else None,
    )
    if (sizes.compressed_live is None) != (sizes.compressed_wasted is None) or (
        sizes.compressed_overhead or 0
    ) < 0:
        row.fail("does not add up: compressed is less than its parts")
    if sizes.wasted != row.number("wasted") or sizes.wasted < 0:
        row.fail("does not add up: live and wasted are not the content")
    return sizes


def _unread(row: Fields) -> Sizes:
    """The sizes of what was not read: nothing but `compressed` is known."""
    return Sizes(compressed=row.maybe_number("compressed"), tar=0, content=0, live=0)


def _layer(row: Fields, number: int) -> LayerSummary:
    if row.number("index") != number:
        row.fail(f"has the index {row.number('index')} but is at position {number}")
    changes = row.object("changes")
    indexed = row.boolean("indexed")
    sizes = row.object("sizes")
    return LayerSummary(
        index=number,
        diff_id=_parsed_digest(row, "diff_id"),
        digest=_parsed_digest(row, "digest"),
        media_type=row.text("media_type"),
        compression=row.text("compression"),
        verified=row.boolean("verified"),
        instruction=row.number("instruction"),
        indexed=indexed,
        sizes=(_sizes if indexed else _unread)(sizes),
        changes=Changes(
            added=changes.maybe_number("added") or 0,
            modified=changes.maybe_number("modified") or 0,
            deleted=changes.maybe_number("deleted") or 0,
        ),
    )


def _instruction(
    row: Fields, number: int, layer_count: int, *, head: bool = False
) -> InstructionSummary:
    if row.number("index") != number:
        row.fail(f"has the index {row.number('index')} but is at position {number}")
    layers = row.numbers("layers")
    if any(layer >= layer_count for layer in layers):
        row.fail(f"names a layer, but there are only {layer_count}")
    covered = None
    if row.maybe_list("range") is not None:
        ends = row.numbers("range")
        if len(ends) != 2:
            row.fail("has a range that is not a pair")
        covered = ends[0], ends[1]
    return InstructionSummary(
        instruction=Instruction(
            index=number,
            keyword=row.text("keyword"),
            text=row.text("text"),
            created_by=row.text("created_by"),
            comment=row.text("comment"),
            empty=row.boolean("empty"),
            layers=layers,
            evidence=row.text("evidence"),
            range=covered,
            location=read_location(row),
            copied_from=read_copied(row),
        ),
        sizes=(_unread if head else _sizes)(row.object("sizes")),
    )


def _counts(row: Fields) -> FileCounts:
    return FileCounts(
        regular=row.number("regular"),
        directories=row.number("directories"),
        symlinks=row.number("symlinks"),
        hardlinks=row.number("hardlinks"),
        others=row.number("others"),
        whiteouts=row.number("whiteouts"),
    )


def _config(row: Fields, platform: Platform, created: str | None) -> ImageConfig:
    return ImageConfig(
        platform=platform,
        created=created,
        diff_ids=(),
        history=(),
        env=row.texts("env"),
        entrypoint=row.texts("entrypoint"),
        cmd=row.texts("cmd"),
        user=row.text("user"),
        working_dir=row.text("working_dir"),
        exposed_ports=row.texts("exposed_ports"),
        volumes=row.texts("volumes"),
        labels=row.text_map("labels"),
        stop_signal=row.text("stop_signal"),
    )


def _note(row: Fields) -> Note:
    try:
        path = unescape_path(row.text("path")) if row.has("path") else None
    except LayerscopeError as error:
        row.fail(error.message)
    return Note(
        row.text("code"),
        row.text("message"),
        row.number("layer") if row.has("layer") else None,
        path,
        row.number("count") if row.has("count") else 1,
    )
