"""The dead weight of a saved report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from layerscope.analysis.model import LayerSummary, Sizes, sum_of
from layerscope.analysis.weight.facts import (
    DeadWeight,
    KindWeight,
    Weight,
    WeightPart,
    WeightPath,
)
from layerscope.analysis.weight.kinds import EVIDENCE_WORDS, WEIGHT_KINDS, Evidence, WeightKind
from layerscope.errors import LayerscopeError
from layerscope.report.document.weight_types import DeadWeightRow, KindWeightRow, WeightRow
from layerscope.report.paths import unescape_path
from layerscope.report.saved.fields import Fields

_KINDS: Final[dict[str, WeightKind]] = {kind: kind for kind in WEIGHT_KINDS}
_EVIDENCE: Final[dict[str, Evidence]] = {name: name for name in EVIDENCE_WORDS}


def read_weight(
    document: Fields, sizes: Sizes, layers: Sequence[LayerSummary]
) -> DeadWeight | None:
    """The dead weight that the report has; None for a report without. Checks that it adds up."""
    if not document.has("dead_weight"):
        return None
    table = document.object("dead_weight")
    whole = _weight(table)
    kinds = tuple(_kind(row, layers) for row in table.objects("kinds"))
    if len({each.kind for each in kinds}) != len(kinds):
        table.fail("lists a kind twice")
    _check_sum(table, whole, kinds, "kinds")
    if whole.bytes > sizes.live:
        table.fail(f"has {whole.bytes} bytes, but the live content is {sizes.live}")
    return DeadWeight(
        bytes=whole.bytes,
        files=whole.files,
        compressed=whole.compressed,
        kinds=kinds,
        base=_base(table),
        unmeasured=tuple(_kind_name(name, table) for name in table.texts("unmeasured")),
    )


def cut_weight(weight: DeadWeightRow, top: int) -> DeadWeightRow:
    """The same with the `top` largest paths of each kind, and the sum of the others."""
    return {**weight, "kinds": [_cut(kind, top) for kind in weight["kinds"]]}


def _cut(kind: KindWeightRow, top: int) -> KindWeightRow:
    shown, others = kind["paths"][:top], kind["paths"][top:]
    if not others:
        return kind
    rows: list[WeightRow] = [*others]
    if "rest" in kind:
        rows.append(kind["rest"])
    rest: WeightRow = {
        "bytes": sum(row["bytes"] for row in rows),
        "compressed": sum_of(row["compressed"] for row in rows),
        "files": sum(row["files"] for row in rows),
    }
    return {**kind, "paths": shown, "rest": rest}


def _kind(row: Fields, layers: Sequence[LayerSummary]) -> KindWeight:
    whole = _weight(row)
    parts = tuple(_part(each, layers) for each in row.objects("parts"))
    paths = tuple(_path(each, layers) for each in row.objects("paths"))
    rest = _weight(row.object("rest")) if row.has("rest") else None
    _check_sum(row, whole, parts, "parts")
    _check_sum(row, whole, paths if rest is None else (*paths, rest), "paths")
    return KindWeight(
        bytes=whole.bytes,
        files=whole.files,
        compressed=whole.compressed,
        kind=_kind_name(row.text("kind"), row),
        base=_base(row),
        parts=parts,
        paths=paths,
        rest=rest,
    )


def _check_sum(row: Fields, whole: Weight, rows: Sequence[Weight], what: str) -> None:
    for name in ("bytes", "files", "compressed"):
        told, found = getattr(whole, name), sum_of(getattr(each, name) for each in rows)
        if told != found:
            row.fail(f"says {name} is {told}, but its {what} add up to {found}")


def _weight(row: Fields) -> Weight:
    return Weight(
        bytes=row.number("bytes"),
        files=row.number("files"),
        compressed=row.maybe_number("compressed"),
    )


def _base(row: Fields) -> Weight | None:
    base = row.maybe_object("base")
    return None if base is None else _weight(base)


def _part(row: Fields, layers: Sequence[LayerSummary]) -> WeightPart:
    layer, instruction = row.number("layer"), row.number("instruction")
    if layer >= len(layers) or layers[layer].instruction != instruction:
        row.fail("names a layer that doesn't exist or belongs to another instruction")
    weight = _weight(row)
    return WeightPart(
        bytes=weight.bytes,
        files=weight.files,
        compressed=weight.compressed,
        tool=row.maybe_text("tool"),
        layer=layer,
        instruction=instruction,
    )


def _path(row: Fields, layers: Sequence[LayerSummary]) -> WeightPath:
    part = _part(row, layers)
    try:
        path = unescape_path(row.text("path")).removeprefix(b"/")
    except LayerscopeError as error:
        row.fail(error.message)
    return WeightPath(
        bytes=part.bytes,
        files=part.files,
        compressed=part.compressed,
        tool=part.tool,
        layer=part.layer,
        instruction=part.instruction,
        path=path,
        evidence=_evidence(row),
    )


def _evidence(row: Fields) -> Evidence | None:
    if not row.has("evidence"):
        return None
    name = row.text("evidence")
    found = _EVIDENCE.get(name)
    if found is None:
        row.fail(f"has an unknown evidence, {name[:40]!r}")
    return found


def _kind_name(name: str, row: Fields) -> WeightKind:
    kind = _KINDS.get(name)
    if kind is None:
        row.fail(f"has an unknown kind of dead weight, {name[:40]!r}")
    return kind
