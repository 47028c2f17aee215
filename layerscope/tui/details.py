"""Texts about one instruction or the whole image, as `Content` that is safe from markup in the image."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content

from layerscope.report.escape import escape
from layerscope.report.file_text import path_text
from layerscope.tui.paint import one_line
from layerscope.units import count, format_percent, format_size

if TYPE_CHECKING:
    from layerscope.analysis.model import Analysis, InstructionSummary, LayerSummary, Sizes
    from layerscope.image.config import ImageConfig
    from layerscope.image.image import Image
    from layerscope.image.instruction import Instruction
    from layerscope.tui.model.session import Session

LONGEST = 20_000
"""The most characters to show of one text from the image."""


class Sheet:
    """Collects lines with a name and a value, under headings."""

    def __init__(self) -> None:
        self._parts: list[tuple[str, str]] = []

    @property
    def content(self) -> Content:
        return Content.assemble(*self._parts)

    def _add(self, text: str, style: str = "") -> None:
        self._parts.append((text, style))

    def _begin(self) -> None:
        if self._parts:
            self._add("\n")

    def head(self, title: str) -> None:
        if self._parts:
            self._add("\n\n")
        self._add(title, "bold $accent")

    def row(self, name: str, value: str, *, width: int = 10) -> None:
        self._begin()
        self._add(f"{name:<{width}} ", "$foreground 55%")
        self._add(escape(value[:LONGEST]))

    def line(self, value: str, *, style: str = "") -> None:
        self._begin()
        self._add(escape(value[:LONGEST]), style)

    def warn(self, value: str) -> None:
        self.line(value, style="$text-warning")

    def gap(self) -> None:
        self._add("\n")


def command_lines(text: str) -> list[str]:
    """A RUN's commands one per line, as you would write them."""
    lines = []
    for line in text[:LONGEST].splitlines() or [""]:
        first, *rest = line.replace("\t", "    ").split(" && ")
        lines.append(first.rstrip())
        lines += ["  && " + part.strip() for part in rest]
    return [escape(line) for line in lines]


def instruction_text(session: Session, summary: InstructionSummary) -> Content:
    """Everything about an instruction: what it says, made, and wasted, and what to do about it."""
    sheet = Sheet()
    instruction = summary.instruction
    for line in command_lines(instruction.text or instruction.created_by):
        sheet.line(line)
    for advice in session.advice:
        if instruction.index in (advice.written_by, advice.wasted_by, advice.instruction):
            sheet.gap()
            sheet.warn(f"▸ {one_line(advice.message)} [{advice.rule}]")
    _blame(session, instruction.index, sheet)
    _copied(instruction, sheet)
    sheet.gap()
    if instruction.location is not None:
        where = instruction.location
        sheet.row("from", f"{where.file}:{where.start_line}")
    if instruction.index in session.base_instructions:
        base = session.analysis.image.base
        name = "" if base is None or base.name is None else f" {base.name}"
        sheet.row("base", f"part of the base image{name}")
    sheet.row("known by", instruction.evidence)
    if instruction.range is not None:
        sheet.row("squashed", f"instructions {instruction.range[0]} to {instruction.range[1]}")
    if not instruction.layers:
        sheet.row("layer", "none: it only changes the configuration")
    for index in instruction.layers:
        _layer(session.analysis.layers[index], sheet)
    raw = instruction.created_by
    if raw and raw != instruction.text:
        sheet.gap()
        sheet.row("created by", raw)
    if instruction.comment:
        sheet.row("comment", instruction.comment)
    return sheet.content


def _copied(instruction: Instruction, sheet: Sheet) -> None:
    """Where a COPY takes its files from, and what can have made them there."""
    copied = instruction.copied_from
    if copied is None:
        return
    sheet.gap()
    if copied.stage is None:
        sheet.row("copies", f"from image {copied.image}")
        return
    sheet.row("copies", f"from stage {copied.stage}, where these can have made the files:")
    for step in copied.instructions:
        line = "" if step.location is None else str(step.location.start_line)
        stage = f"  (stage {step.stage})" if step.stage not in (None, copied.stage) else ""
        sheet.row(f"  {line}", one_line(step.text.partition("\n")[0]) + stage)
    if copied.left_out:
        sheet.row("", f"and {copied.left_out:,} more")
    if copied.image is not None:
        sheet.row("  image", copied.image)


def _blame(session: Session, index: int, sheet: Sheet) -> None:
    rows = [pair for pair in session.pairs if index in (pair.written_by, pair.wasted_by)]
    if not any(pair.bytes for pair in rows):
        return
    sheet.gap()
    for pair in rows[:6]:
        if not pair.bytes:
            continue
        kind = pair.kind.replace("_", " ")
        files = f"{pair.files:,} file" + ("s" if pair.files != 1 else "")
        if pair.written_by == pair.wasted_by:
            who = "within it"
        elif pair.written_by == index:
            who = f"by {pair.wasted_by}"
        else:
            who = f"of what {pair.written_by} wrote"
        sheet.row(format_size(pair.bytes), f"{kind} {who}, {files}")


def _layer(layer: LayerSummary, sheet: Sheet) -> None:
    sizes = layer.sizes
    sheet.gap()
    sheet.row("layer", f"{layer.index}  {layer.media_type}")
    if not layer.indexed:
        sheet.warn("its bytes are not in the source, or are not a tar")
        sheet.row("compressed", format_size(sizes.compressed))
        return
    sheet.row("content", f"{format_size(sizes.content)}  ({sizes.content:,} bytes)")
    sheet.row("live", format_size(sizes.live))
    sheet.row(
        "wasted", f"{format_size(sizes.wasted)}  {format_percent(sizes.wasted, sizes.content)}"
    )
    sheet.row("tar", _tar(sizes))
    stored = "not known" if sizes.compressed is None else format_size(sizes.compressed)
    sheet.row("compressed", f"{stored} ({layer.compression})")
    changes = layer.changes
    sheet.row(
        "changes",
        f"+{changes.added:,} added  ~{changes.modified:,} modified  -{changes.deleted:,} removed",
    )
    sheet.row("diff_id", str(layer.diff_id or "–"))
    sheet.row("digest", str(layer.digest or "–"))
    sheet.row(
        "digests", "compared with the bytes" if layer.verified else "not compared with the bytes"
    )


def image_text(session: Session) -> Content:
    """Everything about the whole image: sizes, configuration, notes."""
    analysis = session.analysis
    sheet = Sheet()
    _origin(sheet, analysis.image)
    _totals(sheet, analysis)
    _parts(sheet, analysis)
    _configuration(sheet, analysis.image.config)
    sheet.head(f"Notes ({len(analysis.notes)})")
    for note in analysis.notes[:1000]:
        where = "" if note.layer is None else f" layer {note.layer}"
        path = "" if note.path is None else f" {path_text(note.path)}"
        sheet.line(f"{note.code}{where}{path}: {note.message}")
    if not analysis.notes:
        sheet.line("none: nothing unusual found")
    return sheet.content


def _origin(sheet: Sheet, image: Image) -> None:
    sheet.head("Image")
    sheet.row("reference", image.reference)
    sheet.row("source", image.source)
    sheet.row("platform", str(image.platform))
    for tag in image.tags[:50]:
        sheet.row("tag", tag)
    sheet.row("created", image.config.created or "–")
    sheet.row("config", str(image.config_digest))
    sheet.row("manifest", str(image.manifest_digest or "–"))


def _parts(sheet: Sheet, analysis: Analysis) -> None:
    """What is the base image's, and what is own."""
    origin = analysis.facts.origin
    if origin is None:
        return
    sheet.head("Base image and own instructions")
    for name, part in (("base", origin.base), ("own", origin.own)):
        words = [f"{format_size(part.content)}, {format_size(part.wasted)} wasted"]
        if part.packages is not None and part.packages.count:
            words.append(f"{count(part.packages.count, 'package')}")
        if part.dead_weight:
            words.append(f"{format_size(part.dead_weight)} dead weight")
        sheet.row(name, ", ".join(words))
    if origin.base_wasted_by_own:
        size = format_size(origin.base_wasted_by_own)
        sheet.row("", f"{size} of the own waste is in files of the base image")


def _totals(sheet: Sheet, analysis: Analysis) -> None:
    sizes, files = analysis.sizes, analysis.files
    sheet.head("Sizes")
    sheet.row("content", f"{format_size(sizes.content)}  ({sizes.content:,} bytes)")
    sheet.row("live", f"{format_size(sizes.live)}  efficiency {100 * sizes.efficiency:.1f} %")
    sheet.row(
        "wasted", f"{format_size(sizes.wasted)}  {format_percent(sizes.wasted, sizes.content)}"
    )
    sheet.row("tar", _tar(sizes))
    download = "not known" if sizes.compressed is None else format_size(sizes.compressed)
    sheet.row("compressed", download)
    sheet.row(
        "entries",
        ", ".join(
            count(number, noun)
            for number, noun in (
                (files.regular, "file"),
                (files.directories, "directory"),
                (files.symlinks, "symlink"),
                (files.hardlinks, "hard link"),
                (files.whiteouts, "whiteout"),
                (files.others, "other"),
            )
        ),
    )


def _configuration(sheet: Sheet, config: ImageConfig) -> None:
    sheet.head("Configuration")
    for name, words in (("entrypoint", config.entrypoint), ("cmd", config.cmd)):
        sheet.row(name, " ".join(words) or "–")
    sheet.row("user", config.user or "–")
    sheet.row("workdir", config.working_dir or "–")
    for name, values in (
        ("port", config.exposed_ports),
        ("volume", config.volumes),
        ("env", config.env),
    ):
        for value in values[:500]:
            sheet.row(name, value)
    for key, value in config.labels[:500]:
        sheet.row("label", f"{key}={value}")


def _tar(sizes: Sizes) -> str:
    if sizes.tar is None:
        return "not known: a table of contents does not say"
    return f"{format_size(sizes.tar)}, {format_size(sizes.overhead)} of it headers"
