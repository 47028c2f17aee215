"""The report document, which every renderer shows. Its schema is `schema/analysis-1.json`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import layerscope
from layerscope.analysis.advice import advise
from layerscope.analysis.content_hashes import live_contents, read_contents
from layerscope.analysis.grouping import WasteSummary
from layerscope.analysis.largest import largest_files
from layerscope.analysis.masked import NO_MASKS, Masks, masked, masks_of
from layerscope.analysis.model import WASTE_KINDS, Analysis, Sizes, WastedFile
from layerscope.report.document.configuration import configuration
from layerscope.report.document.entry_rows import EntryRows
from layerscope.report.document.head import without_layers
from layerscope.report.document.rows import SCHEMA_VERSION, TOP, Document, Row
from layerscope.report.paths import clean_text, escape_path

if TYPE_CHECKING:
    from layerscope.analysis.budgets.dive import DiveNumbers
    from layerscope.analysis.budgets.growth import Former
    from layerscope.analysis.budgets.verdict import RuleResult, Verdict
    from layerscope.analysis.model import Facts, InstructionSummary, LayerSummary
    from layerscope.image.image import Base
    from layerscope.image.instruction import Instruction
    from layerscope.notes import Note


def build(
    analysis: Analysis,
    *,
    top: int | None = TOP,
    files: bool = False,
    verdict: Verdict | None = None,
    show_args: bool = False,
    hashes: bool = False,
    baseline: Former | None = None,
    min_change: int = 0,
    dive: DiveNumbers | None = None,
) -> Document:
    """The report of one image. The same image always gives the same document.

    It lists the `top` largest rows of waste (all of them for None) and sums up the rest in one more row. `files` adds
    the entries of each layer. `hashes` adds the hash of each live content, so that the report can replace the image in
    a comparison; content not read yet is read now, so the image must be open. Secrets and the values of build arguments
    are masked in all texts unless `show_args`. `baseline` adds its sizes and the instructions that grew since by
    `min_change` bytes or more, and `dive` adds dive's numbers.
    """
    masks = NO_MASKS if show_args else masks_of(analysis)
    if not show_args:
        analysis = masked(analysis, masks)
    image = analysis.image
    summary = WasteSummary(analysis.waste)
    document: Document = {
        "advice": [
            {
                "bytes": advice.bytes,
                "files": advice.files,
                "kind": advice.kind,
                "message": clean_text(advice.message),
                "wasted_by": advice.wasted_by,
                "written_by": advice.written_by,
            }
            for advice in advise(analysis, summary)
        ],
        "config": configuration(image.config),
        "efficiency": analysis.sizes.efficiency,
        "files": {
            "directories": analysis.files.directories,
            "hardlinks": analysis.files.hardlinks,
            "others": analysis.files.others,
            "regular": analysis.files.regular,
            "symlinks": analysis.files.symlinks,
            "whiteouts": analysis.files.whiteouts,
        },
        "image": {
            "config_digest": str(image.config_digest),
            "created": None if image.config.created is None else clean_text(image.config.created),
            "manifest_digest": _text_or_none(image.manifest_digest),
            "platform": clean_text(str(image.platform)),
            "reference": clean_text(image.reference),
            "source": image.source,
            "tags": [clean_text(tag) for tag in image.tags],
        },
        "instructions": [_instruction(each, show_args) for each in analysis.instructions],
        "kind": "analysis",
        "largest": [
            {
                "bytes": file.bytes,
                "layer": file.layer,
                "path": escape_path(file.path),
                "written_by": file.written_by,
            }
            for file in largest_files(analysis)[:top]
        ],
        "layers": [_layer(each, image.base) for each in analysis.layers],
        "layerscope": layerscope.__version__,
        "notes": [_note(each) for each in analysis.notes],
        "schema_version": SCHEMA_VERSION,
        "sizes": _sizes(analysis.sizes),
        "waste": _waste(analysis.waste, top),
        "waste_groups": _groups(summary, top),
        "waste_pairs": [
            {
                "bytes": pair.bytes,
                "changed": list(pair.changed),
                "files": pair.files,
                "kind": pair.kind,
                "wasted_by": pair.wasted_by,
                "written_by": pair.written_by,
            }
            for pair in summary.pairs()
        ],
        "wasted_by_kind": {kind: analysis.wasted_by_kind.get(kind, 0) for kind in WASTE_KINDS},
    }
    if image.base is not None:
        document["base"] = {
            "evidence": image.base.evidence,
            "layers": image.base.layers,
            "name": None if image.base.name is None else clean_text(image.base.name),
        }
    if analysis.facts.head:
        document = without_layers(document)
    if files and not analysis.facts.head:
        if hashes:
            read_contents(live_contents(analysis.tree), analysis.indexes)
        for row, layer in zip(document["layers"], analysis.tree.layers, strict=True):
            row["entries"] = EntryRows(layer, hashes=hashes)
    add_parts(
        document,
        analysis.facts,
        masks,
        verdict=verdict,
        baseline=baseline,
        min_change=min_change,
        dive=dive,
    )
    return document


def add_parts(
    document: Document,
    facts: Facts,
    masks: Masks,
    *,
    verdict: Verdict | None,
    baseline: Former | None,
    min_change: int,
    dive: DiveNumbers | None,
) -> None:
    """Add what the image was checked against: the verdict, the baseline's sizes, and dive's numbers."""
    if verdict is not None:
        document["verdict"] = _verdict(verdict, masks)
    if baseline is not None and baseline.side is not None:
        document["baseline"] = _baseline(facts, baseline.name, baseline.side, min_change)
    if dive is not None:
        document["dive_compatible"] = {
            "efficiencyScore": dive.efficiency_score,
            "inefficientBytes": dive.inefficient_bytes,
            "sizeBytes": dive.size_bytes,
            "userWastedPercent": dive.user_wasted_percent,
        }
        difference = dive.difference(facts)
        if difference is not None:
            document["notes"].append({"code": "dive-differs", "message": difference})


def _baseline(facts: Facts, name: str, side: Facts, min_change: int) -> Row:
    from layerscope.analysis.budgets.growth import grown_instructions

    return {
        "grown": [
            {"before": each.before, "bytes": each.bytes, "instruction": each.instruction}
            for each in grown_instructions(facts, side, min_change)
        ],
        "reference": clean_text(name),
        "sizes": _sizes(side.sizes)
        if all(layer.indexed for layer in side.layers)
        else _unknown_sizes(side.sizes),
    }


def _text_or_none(value: object) -> str | None:
    return None if value is None else str(value)


def _sizes(sizes: Sizes) -> Row:
    return {
        "compressed": sizes.compressed,
        "content": sizes.content,
        "live": sizes.live,
        "overhead": sizes.overhead,
        "tar": sizes.tar,
        "wasted": sizes.wasted,
    }


def _unknown_sizes(sizes: Sizes) -> Row:
    return {
        **dict.fromkeys(("content", "live", "overhead", "tar", "wasted")),
        "compressed": sizes.compressed,
    }


def _layer(layer: LayerSummary, base: Base | None) -> Row:
    row: Row = {
        "changes": {
            "added": layer.changes.added,
            "deleted": layer.changes.deleted,
            "modified": layer.changes.modified,
        },
        "compression": layer.compression,
        "diff_id": _text_or_none(layer.diff_id),
        "digest": _text_or_none(layer.digest),
        "index": layer.index,
        "indexed": layer.indexed,
        "instruction": layer.instruction,
        "media_type": clean_text(layer.media_type),
        "sizes": _sizes(layer.sizes) if layer.indexed else _unknown_sizes(layer.sizes),
        "verified": layer.verified,
    }
    if base is not None:
        row["base"] = layer.index < base.layers
    return row


def _instruction(summary: InstructionSummary, show_args: bool) -> Row:
    instruction = summary.instruction
    text, created_by = _texts(instruction, show_args)
    row: Row = {
        "comment": clean_text(instruction.comment),
        "created_by": clean_text(created_by),
        "empty": instruction.empty,
        "evidence": instruction.evidence,
        "index": instruction.index,
        "keyword": clean_text(instruction.keyword),
        "layers": list(instruction.layers),
        "location": None,
        "range": None if instruction.range is None else list(instruction.range),
        "sizes": _sizes(summary.sizes),
        "text": clean_text(text),
    }
    if instruction.location is not None:
        row["location"] = {
            "end_line": instruction.location.end_line,
            "file": clean_text(instruction.location.file),
            "start_line": instruction.location.start_line,
        }
    return row


def _texts(instruction: Instruction, show_args: bool) -> tuple[str, str]:
    if show_args:
        return instruction.text_with_arguments(), instruction.created_by
    return instruction.text, instruction.redacted_created_by


def _waste(waste: tuple[WastedFile, ...], top: int | None) -> list[Row]:
    shown = waste if top is None else waste[:top]
    rows = [_wasted_file(file) for file in shown]
    if len(waste) > len(shown):
        rest = waste[len(shown) :]
        rows.append(
            {
                "bytes": sum(file.bytes for file in rest),
                "files": len(rest),
                "kind": None,
                "layer": None,
                "path": None,
                "wasted_by": None,
                "written_by": None,
            }
        )
    return rows


def _wasted_file(file: WastedFile) -> Row:
    row: Row = {
        "bytes": file.bytes,
        "kind": file.kind,
        "layer": file.layer,
        "path": escape_path(file.path),
        "wasted_by": file.wasted_by,
        "written_by": file.written_by,
    }
    if file.changed:
        row["changed"] = list(file.changed)
    return row


def _groups(summary: WasteSummary, top: int | None) -> list[Row]:
    groups = summary.groups()
    shown = groups if top is None else groups[:top]
    rows: list[Row] = [
        {
            "bytes": group.bytes,
            "changed": list(group.changed),
            "files": group.files,
            "kind": group.kind,
            "path": escape_path(group.path),
            "rest": group.rest,
            "wasted_by": group.wasted_by,
            "written_by": group.written_by,
        }
        for group in shown
    ]
    if len(groups) > len(shown):
        rest = groups[len(shown) :]
        rows.append(
            {
                "bytes": sum(group.bytes for group in rest),
                "changed": [],
                "files": sum(group.files for group in rest),
                "kind": None,
                "path": None,
                "rest": True,
                "wasted_by": None,
                "written_by": None,
            }
        )
    return rows


def _note(note: Note) -> Row:
    row: Row = {"code": note.code, "message": clean_text(note.message)}
    if note.layer is not None:
        row["layer"] = note.layer
    if note.path is not None:
        row["path"] = escape_path(note.path)
    if note.count > 1:
        row["count"] = note.count
    return row


def _verdict(verdict: Verdict, masks: Masks) -> Row:
    row: Row = {
        "passed": verdict.passed,
        "rules": [_rule(result, masks) for result in verdict.rules],
        "skipped": verdict.skipped,
        "warnings": verdict.warnings,
    }
    if verdict.allowed:
        row["allowed"] = [
            {
                "bytes": each.bytes,
                "files": each.files,
                "glob": clean_text(each.allow.glob),
                "name": clean_text(each.allow.label),
                "reason": clean_text(each.allow.reason),
                "until": _text_or_none(each.allow.until),
            }
            for each in verdict.allowed
        ]
    return row


def _rule(result: RuleResult, masks: Masks) -> Row:
    row: Row = {
        "actual": result.actual,
        "level": result.level,
        "limit": result.limit,
        "message": clean_text(masks.text(result.message)),
        "passed": result.passed,
        "rule": result.rule,
        "skipped": result.skipped,
        "unit": result.unit,
    }
    if result.instructions:
        row["instructions"] = list(result.instructions)
    if result.written:
        row["written"] = clean_text(result.written)
    if result.reason:
        row["reason"] = clean_text(result.reason)
    if result.scope is not None:
        row["scope"] = clean_text(result.scope)
    return row


def rest_of(rows: Iterable[Row]) -> Row | None:
    """The row that sums up what was cut off, or None."""
    return next((row for row in rows if row["path"] is None), None)
