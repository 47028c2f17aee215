"""Rows of the report about the image itself: what it is, its layers, its instructions, and notes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from layerscope.report.document.copied_rows import copied_row, location_row
from layerscope.report.paths import clean_text, escape_path

if TYPE_CHECKING:
    from layerscope.analysis.model import FileCounts, InstructionSummary, LayerSummary, Sizes
    from layerscope.image.image import Base, Image
    from layerscope.image.instruction import Instruction
    from layerscope.notes import Note
    from layerscope.report.document.rows import (
        BaseRow,
        FilesRow,
        ImageRow,
        InstructionRow,
        LayerRow,
        MaybeSizesRow,
        NoteRow,
        SizesRow,
    )


def image_row(image: Image) -> ImageRow:
    return {
        "config_digest": str(image.config_digest),
        "created": None if image.config.created is None else clean_text(image.config.created),
        "manifest_digest": text_or_none(image.manifest_digest),
        "platform": clean_text(str(image.platform)),
        "reference": clean_text(image.reference),
        "source": image.source,
        "tags": [clean_text(tag) for tag in image.tags],
    }


def base_row(base: Base) -> BaseRow:
    return {
        "evidence": base.evidence,
        "layers": base.layers,
        "name": None if base.name is None else clean_text(base.name),
    }


def files_row(counts: FileCounts) -> FilesRow:
    return {
        "directories": counts.directories,
        "hardlinks": counts.hardlinks,
        "others": counts.others,
        "regular": counts.regular,
        "symlinks": counts.symlinks,
        "whiteouts": counts.whiteouts,
    }


def text_or_none(value: object) -> str | None:
    return None if value is None else str(value)


def sizes_row(sizes: Sizes) -> SizesRow:
    return {
        "compressed": sizes.compressed,
        "compressed_live": sizes.compressed_live,
        "compressed_overhead": sizes.compressed_overhead,
        "compressed_wasted": sizes.compressed_wasted,
        "content": sizes.content,
        "live": sizes.live,
        "overhead": sizes.overhead,
        "tar": sizes.tar,
        "wasted": sizes.wasted,
    }


def maybe_sizes_row(sizes: Sizes, *, known: bool) -> MaybeSizesRow:
    """Sizes of something that may not have been read, in which case only `compressed` can be known."""
    return {
        "compressed": sizes.compressed,
        "compressed_live": sizes.compressed_live,
        "compressed_overhead": sizes.compressed_overhead,
        "compressed_wasted": sizes.compressed_wasted,
        "content": sizes.content if known else None,
        "live": sizes.live if known else None,
        "overhead": sizes.overhead if known else None,
        "tar": sizes.tar if known else None,
        "wasted": sizes.wasted if known else None,
    }


def layer_row(layer: LayerSummary, base: Base | None) -> LayerRow:
    row: LayerRow = {
        "changes": {
            "added": layer.changes.added,
            "deleted": layer.changes.deleted,
            "modified": layer.changes.modified,
        },
        "compression": layer.compression,
        "diff_id": text_or_none(layer.diff_id),
        "digest": text_or_none(layer.digest),
        "index": layer.index,
        "indexed": layer.indexed,
        "instruction": layer.instruction,
        "media_type": clean_text(layer.media_type),
        "sizes": maybe_sizes_row(layer.sizes, known=layer.indexed),
        "verified": layer.verified,
    }
    if base is not None:
        row["base"] = layer.index < base.layers
    return row


def instruction_row(summary: InstructionSummary, show_args: bool) -> InstructionRow:
    instruction = summary.instruction
    text, created_by = _texts(instruction, show_args)
    row: InstructionRow = {
        "comment": clean_text(instruction.comment),
        "created_by": clean_text(created_by),
        "empty": instruction.empty,
        "evidence": instruction.evidence,
        "index": instruction.index,
        "keyword": clean_text(instruction.keyword),
        "layers": list(instruction.layers),
        "location": None,
        "range": None if instruction.range is None else list(instruction.range),
        "sizes": sizes_row(summary.sizes),
        "text": clean_text(text),
    }
    if instruction.location is not None:
        row["location"] = location_row(instruction.location)
    if instruction.copied_from is not None:
        row["copied_from"] = copied_row(instruction.copied_from)
    return row


def _texts(instruction: Instruction, show_args: bool) -> tuple[str, str]:
    if show_args:
        return instruction.text_with_arguments(), instruction.created_by
    return instruction.text, instruction.redacted_created_by


def note_row(note: Note) -> NoteRow:
    row: NoteRow = {"code": note.code, "message": clean_text(note.message)}
    if note.layer is not None:
        row["layer"] = note.layer
    if note.path is not None:
        row["path"] = escape_path(note.path)
    if note.count > 1:
        row["count"] = note.count
    return row
