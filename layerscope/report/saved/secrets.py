"""The secrets of a saved report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast, get_args

from layerscope.analysis.model import InstructionSummary, LayerSummary
from layerscope.analysis.secrets.facts import (
    MOST_FINDINGS,
    MOST_GAPS,
    GapReason,
    SecretFinding,
    SecretGap,
    Secrets,
    Where,
)
from layerscope.errors import LayerscopeError
from layerscope.report.paths import unescape_path
from layerscope.report.saved.fields import Fields


def read_secrets(
    document: Fields,
    layers: Sequence[LayerSummary],
    instructions: Sequence[InstructionSummary],
) -> Secrets | None:
    """The findings of the report, and what was searched. None for a report without them."""
    if not document.has("secrets") or not document.has("findings"):
        return None
    table = document.object("secrets")
    findings = tuple(_finding(row, layers, instructions) for row in document.objects("findings"))
    gaps = tuple(_gap(row, layers) for row in table.objects("gaps"))
    found, doubtful, missed = map(table.number, ("found", "doubtful", "not_searched"))
    if len(findings) != min(found + doubtful, MOST_FINDINGS):
        table.fail(f"counts {found + doubtful} findings, but {len(findings)} are listed")
    if len(gaps) != min(missed, MOST_GAPS):
        table.fail(f"says that {missed} were not searched, but {len(gaps)} are listed")
    return Secrets(
        rules=table.text("rules"),
        everything=table.boolean("everything"),
        findings=findings,
        gaps=gaps,
        files=table.number("files"),
        bytes=table.number("bytes"),
        found=found,
        doubtful=doubtful,
        not_searched=missed,
    )


def _finding(
    row: Fields, layers: Sequence[LayerSummary], instructions: Sequence[InstructionSummary]
) -> SecretFinding:
    where = row.text("where")
    if where not in get_args(Where):
        row.fail(f"is in an unknown place, {where[:40]!r}")
    doubt = row.text("reason") if row.has("reason") else ""
    if row.text("confidence") != ("low" if doubt else "high"):
        row.fail("has a confidence that doesn't fit its reason")
    instruction = _index(row, "instruction", len(instructions))
    return SecretFinding(
        rule=row.text("rule"),
        message=row.text("message"),
        where=cast("Where", where),
        deleted=row.boolean("deleted"),
        path=_path(row),
        layer=_index(row, "layer", len(layers)),
        instruction=instruction,
        line=row.number("line") if row.has("line") else None,
        name=row.text("name") if row.has("name") else None,
        doubt=doubt,
    )


def _index(row: Fields, key: str, bound: int) -> int | None:
    if not row.has(key):
        return None
    number = row.number(key)
    if number >= bound:
        row.fail(f"names {key} {number}, but there are {bound}")
    return number


def _path(row: Fields) -> bytes | None:
    if not row.has("path"):
        return None
    try:
        return unescape_path(row.text("path")).removeprefix(b"/")
    except LayerscopeError as error:
        row.fail(error.message)


def _gap(row: Fields, layers: Sequence[LayerSummary]) -> SecretGap:
    reason = row.text("reason")
    if reason not in get_args(GapReason):
        row.fail(f"has an unknown reason, {reason[:40]!r}")
    layer = _index(row, "layer", len(layers))
    if layer is None:
        row.fail("names no layer")
    return SecretGap(reason=cast("GapReason", reason), layer=layer, path=_path(row))
