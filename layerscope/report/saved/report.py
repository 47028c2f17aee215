"""A saved JSON report as one side of a comparison: the same as the image that it was made of."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Sequence
from typing import Any

from layerscope.analysis.comparison.side import Side
from layerscope.analysis.masked import NO_MASKS, Masks
from layerscope.analysis.model import (
    WASTE_KINDS,
    Changes,
    FileCounts,
    InstructionSummary,
    LayerSummary,
    Sizes,
)
from layerscope.errors import FormatError, LayerscopeError, UsageError
from layerscope.image.config import ImageConfig
from layerscope.image.digest import Digest
from layerscope.image.document import strict_loads
from layerscope.image.instruction import Instruction, Location
from layerscope.image.platform import Platform
from layerscope.notes import Note
from layerscope.report.document.rows import SCHEMA_VERSION
from layerscope.report.paths import unescape_path
from layerscope.report.saved.entries import read_files
from layerscope.report.saved.fields import HINT, Fields

REPORT_BYTES = 4 * 1024**3
"""The largest report that is read."""
SCHEME = "report:"

_MAGIC_AT, _MAGIC = 257, b"ustar"


def report_path(reference: str) -> str | None:
    """The path of the saved report that a reference names, as `report:PATH` or by what the file begins with, else None."""
    if reference.startswith(SCHEME):
        return reference.removeprefix(SCHEME)
    try:
        if not stat.S_ISREG(os.stat(reference).st_mode):
            return None
        with open(reference, "rb") as file:
            head = file.read(512)
    except (OSError, ValueError):
        return None
    tar = head[_MAGIC_AT : _MAGIC_AT + len(_MAGIC)] == _MAGIC
    return reference if head.lstrip()[:1] == b"{" and not tar else None


def read_report(path: str, *, show_args: bool = False) -> Side:
    """The side that a report in a file makes. Raises `UsageError` for what is no report of this schema version, whole."""
    name = os.fsencode(path).decode("utf-8", "backslashreplace")
    return parse_report(_read(path, name), name, show_args=show_args)


def _read(path: str, name: str) -> bytes:
    try:
        with open(path, "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise UsageError(f"{name} is no regular file", hint="name a saved report")
            if status.st_size > REPORT_BYTES:
                raise UsageError(
                    f"{name} has {status.st_size} bytes, more than the {REPORT_BYTES} of a report"
                )
            return file.read()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise UsageError(f"{name} cannot be read: {reason}", hint="name a saved report") from None


def parse_report(data: bytes, name: str, *, show_args: bool = False) -> Side:
    """The side that the bytes of a report make; `name` is what errors call it. Raises `UsageError`."""
    document = Fields(_parse(data, name), name)
    _check_version(document, name)
    try:
        return _side(document, name, show_args=show_args)
    except FormatError as error:
        raise UsageError(f"{name}: {error.message}", hint=HINT) from None


def _parse(data: bytes, name: str) -> Any:
    try:
        value = strict_loads(data)
    except json.JSONDecodeError as error:
        whole = data.rstrip()
        cut = not whole.endswith(b"}") or error.pos >= len(whole)
        problem = "is cut short" if cut else "is no JSON"
        raise UsageError(f"{name} {problem} at character {error.pos}", hint=HINT) from None
    except (ValueError, RecursionError) as error:
        problem = (
            "is nested too deep" if isinstance(error, RecursionError) else f"is no JSON: {error}"
        )
        raise UsageError(f"{name} {problem}", hint=HINT) from None
    if not isinstance(value, dict) or "kind" not in value:
        raise UsageError(f"{name} is no report of layerscope", hint=HINT)
    return value


def _check_version(document: Fields, name: str) -> None:
    kind = document.text("kind")
    if kind != "analysis":
        raise UsageError(
            f"{name} is a report of the kind {kind[:40]!r}, not of an image", hint=HINT
        )
    version = document.number("schema_version")
    if version != SCHEMA_VERSION:
        raise UsageError(
            f"{name} has schema version {version}, and this layerscope reads {SCHEMA_VERSION}",
            hint=HINT,
        )


def _side(document: Fields, name: str, *, show_args: bool) -> Side:
    image, config = document.object("image"), document.object("config")
    sizes = _sizes(document.object("sizes"))
    rows = list(document.objects("layers"))
    layers = tuple(_layer(row, number) for number, row in enumerate(rows))
    instructions = tuple(
        _instruction(row, number, len(layers))
        for number, row in enumerate(document.objects("instructions"))
    )
    _check_sums(document, sizes, layers, instructions)
    platform = _platform(image.text("platform"))
    created_at = image.maybe_text("created")
    settings = _config(config, platform, created_at)
    listed = bool(rows) and all(row.has("entries") for row in rows)
    return Side(
        reference=image.text("reference"),
        source=image.text("source"),
        tags=image.texts("tags"),
        platform=platform,
        created=created_at,
        manifest_digest=_digest(image, "manifest_digest"),
        config_digest=_digest(image, "config_digest") or "",
        saved=True,
        config=settings,
        sizes=sizes,
        counts=_counts(document.object("files")),
        wasted_by_kind={
            kind: document.object("wasted_by_kind").number(kind) for kind in WASTE_KINDS
        },
        layers=layers,
        instructions=instructions,
        notes=tuple(_note(row) for row in document.objects("notes")),
        files=read_files(rows, name, sizes.live) if listed or not rows else None,
        masks=NO_MASKS
        if show_args
        else Masks.of(settings, [each.instruction for each in instructions]),
    )


def _check_sums(
    document: Fields,
    sizes: Sizes,
    layers: Sequence[LayerSummary],
    instructions: Sequence[InstructionSummary],
) -> None:
    for key in ("tar", "content", "live"):
        total = getattr(sizes, key)
        for rows, what in ((layers, "layers"), (instructions, "instructions")):
            found = sum(getattr(row.sizes, key) for row in rows)
            if found != total:
                document.fail(f"says {key} {total}, and its {what} have {found}")
    owned = sorted(
        (layer, each.instruction.index)
        for each in instructions
        for layer in each.instruction.layers
    )
    if owned != [(layer.index, layer.instruction) for layer in layers]:
        document.fail("gives its layers to other instructions than these name")


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
        tar=row.number("tar"),
        content=row.number("content"),
        live=row.number("live"),
    )
    if sizes.wasted != row.number("wasted") or sizes.wasted < 0:
        row.fail("does not close: live and wasted are not the content")
    return sizes


def _layer(row: Fields, number: int) -> LayerSummary:
    if row.number("index") != number:
        row.fail(f"has the index {row.number('index')}, and stands at {number}")
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
        sizes=_sizes(sizes)
        if indexed
        else Sizes(compressed=sizes.maybe_number("compressed"), tar=0, content=0, live=0),
        changes=Changes(
            added=changes.number("added"),
            modified=changes.number("modified"),
            deleted=changes.number("deleted"),
        ),
    )


def _instruction(row: Fields, number: int, layer_count: int) -> InstructionSummary:
    if row.number("index") != number:
        row.fail(f"has the index {row.number('index')}, and stands at {number}")
    layers = row.numbers("layers")
    if any(layer >= layer_count for layer in layers):
        row.fail(f"names a layer beyond the {layer_count} there are")
    covered = None
    if row.maybe_list("range") is not None:
        ends = row.numbers("range")
        if len(ends) != 2:
            row.fail("has a range that is no pair")
        covered = ends[0], ends[1]
    place = row.maybe_object("location")
    location = None
    if place is not None:
        location = Location(
            place.text("file"), place.number("start_line"), place.number("end_line")
        )
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
            location=location,
        ),
        sizes=_sizes(row.object("sizes")),
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
