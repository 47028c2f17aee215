"""The layers and instructions of two images side by side, and what that means for a pull and for the build cache."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Literal

from layerscope.analysis.comparison.alignment import (
    Pair,
    Step,
    align,
    longest_rise,
    normal_text,
    spread,
)
from layerscope.analysis.comparison.side import layer_key
from layerscope.analysis.model import Facts, InstructionSummary, LayerSummary, Sizes, sum_of
from layerscope.image.instruction import Instruction
from layerscope.records import dataclass

Status = Literal["same", "changed", "only_a", "only_b"]
Reason = Literal["content", "instruction", "added", "removed"]

NOTHING = Sizes(compressed=0, tar=0, content=0, live=0, compressed_live=0, compressed_wasted=0)
"""The sizes for a side that has no such layer or instruction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerRow:
    """A layer of A, a layer of B, or two that correspond: `same` by diff_id, or `changed`."""

    status: Status
    a: LayerSummary | None
    b: LayerSummary | None

    @property
    def content_delta(self) -> int:
        return _sizes(self.b).content - _sizes(self.a).content


@dataclass(frozen=True, slots=True, kw_only=True)
class InstructionRow:
    """An instruction of A, one of B, or two that correspond: `same` if both text and layers are the same."""

    status: Status
    a: InstructionSummary | None
    b: InstructionSummary | None

    @property
    def content_delta(self) -> int:
        return _sizes(self.b).content - _sizes(self.a).content


def _sizes(summary: LayerSummary | InstructionSummary | None) -> Sizes:
    return NOTHING if summary is None else summary.sizes


@dataclass(frozen=True, slots=True, kw_only=True)
class Bytes:
    """The size of some layers, each blob once; None if the size of one is unknown."""

    layers: tuple[int, ...]
    compressed: int | None
    tar: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """What a host that has A transfers when it pulls B.

    `needed` are the layers of B that A doesn't have anywhere. `chained` are those beyond the common prefix: what an
    engine pulls if it reuses a layer only on top of the same layers, like Docker's classic storage drivers.
    """

    needed: Bytes
    chained: Bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheBreak:
    """The first instruction at which a build of B couldn't use the layers of A. None for a side that ends before it.

    `layers` are the layers of B from there on.
    """

    a: InstructionSummary | None
    b: InstructionSummary | None
    reason: Reason
    layers: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerComparison:
    """Layers and instructions aligned.

    `shared` is the length of the longest common prefix by diff_id. `out_of_order` lists layers (index in A, index in B)
    that both images have, but not side by side in the rows.
    """

    rows: tuple[LayerRow, ...]
    instructions: tuple[InstructionRow, ...]
    shared: int
    out_of_order: tuple[tuple[int, int], ...]
    transfer: Transfer
    cache_break: CacheBreak | None


def compare_layers(a: Facts, b: Facts) -> LayerComparison:
    """Align the layers of two images, then their instructions to match."""
    keys_a, keys_b = _keys(a), _keys(b)
    shared = _shared_prefix(keys_a, keys_b)
    pairs: list[Pair] = [(i, i) for i in range(shared)]
    pairs += [
        (None if i is None else i + shared, None if j is None else j + shared)
        for i, j in align(_layer_steps(a)[shared:], _layer_steps(b)[shared:])
    ]
    rows = tuple(_layer_row(a, b, i, j) for i, j in pairs)
    return LayerComparison(
        rows=rows,
        instructions=tuple(_instruction_rows(a, b, pairs)),
        shared=shared,
        out_of_order=_out_of_order(rows),
        transfer=Transfer(needed=_bytes(_absent(b, keys_a)), chained=_bytes(b.layers[shared:])),
        cache_break=_cache_break(a, b, shared),
    )


def _keys(side: Facts) -> list[str | None]:
    return [layer_key(layer) for layer in side.layers]


def _shared_prefix(a: Sequence[str | None], b: Sequence[str | None]) -> int:
    length = 0
    for one, other in zip(a, b, strict=False):
        if one is None or one != other:
            break
        length += 1
    return length


def _layer_steps(side: Facts) -> list[Step]:
    """Each layer with the text of its instruction. If an instruction made several layers, they are numbered."""
    steps = []
    for layer in side.layers:
        instruction = side.instructions[layer.instruction].instruction
        text = normal_text(instruction.text)
        if len(instruction.layers) > 1 and layer.index in instruction.layers:
            text = f"{text} {instruction.layers.index(layer.index)}"
        steps.append(Step(layer_key(layer), text, instruction.keyword))
    return steps


def _layer_row(a: Facts, b: Facts, i: int | None, j: int | None) -> LayerRow:
    if i is None or j is None:
        one = None if i is None else a.layers[i]
        other = None if j is None else b.layers[j]
        return LayerRow(status="only_b" if one is None else "only_a", a=one, b=other)
    key = layer_key(a.layers[i])
    same = key is not None and key == layer_key(b.layers[j])
    return LayerRow(status="same" if same else "changed", a=a.layers[i], b=b.layers[j])


def _instruction_rows(a: Facts, b: Facts, layers: Iterable[Pair]) -> list[InstructionRow]:
    """Instructions correspond if their layers do. Those in between are aligned by text."""
    owners = {
        (a.layers[i].instruction, b.layers[j].instruction)
        for i, j in layers
        if i is not None and j is not None
    }
    anchors = longest_rise(_once(sorted(owners)))
    matched: list[tuple[int, int]] = []
    steps_a, steps_b = _instruction_steps(a), _instruction_steps(b)
    next_a = next_b = 0
    for i, j in [*anchors, (len(steps_a), len(steps_b))]:
        gap = align(steps_a[next_a:i], steps_b[next_b:j])
        matched += [(next_a + x, next_b + y) for x, y in gap if x is not None and y is not None]
        if i < len(steps_a):
            matched.append((i, j))
        next_a, next_b = i + 1, j + 1
    pairs = spread(matched, len(steps_a), len(steps_b))
    return [_instruction_row(a, b, i, j) for i, j in pairs]


def _once(pairs: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """The pairs with each position only in its first one."""
    seen_a: set[int] = set()
    seen_b: set[int] = set()
    kept = []
    for i, j in pairs:
        if i not in seen_a and j not in seen_b:
            kept.append((i, j))
            seen_a.add(i)
            seen_b.add(j)
    return kept


def _instruction_steps(side: Facts) -> list[Step]:
    return [
        Step(None, normal_text(each.instruction.text), each.instruction.keyword)
        for each in side.instructions
    ]


def _instruction_row(a: Facts, b: Facts, i: int | None, j: int | None) -> InstructionRow:
    if i is None or j is None:
        one = None if i is None else a.instructions[i]
        other = None if j is None else b.instructions[j]
        return InstructionRow(status="only_b" if one is None else "only_a", a=one, b=other)
    one, other = a.instructions[i], b.instructions[j]
    same = _same_text(one.instruction, other.instruction) and _same_layers(a, b, one, other)
    return InstructionRow(status="same" if same else "changed", a=one, b=other)


def _same_text(one: Instruction, other: Instruction) -> bool:
    """Whether two instructions are written the same.

    A Dockerfile's text has flags that the history lacks. If only one side has it, the history decides.
    """
    if one.text == other.text:
        return True
    return one.evidence != other.evidence and one.created_by == other.created_by


def _same_layers(a: Facts, b: Facts, one: InstructionSummary, other: InstructionSummary) -> bool:
    keys_a = [layer_key(a.layers[index]) for index in one.instruction.layers]
    keys_b = [layer_key(b.layers[index]) for index in other.instruction.layers]
    return keys_a == keys_b and None not in keys_a


def _out_of_order(rows: Iterable[LayerRow]) -> tuple[tuple[int, int], ...]:
    apart_a: defaultdict[str, list[int]] = defaultdict(list)
    apart_b: defaultdict[str, list[int]] = defaultdict(list)
    for row in rows:
        if row.status == "same":
            continue
        for layer, apart in ((row.a, apart_a), (row.b, apart_b)):
            key = None if layer is None else layer_key(layer)
            if layer is not None and key is not None:
                apart[key].append(layer.index)
    return tuple(
        sorted(
            pair
            for key, found in apart_a.items()
            if key in apart_b
            for pair in zip(found, apart_b[key], strict=False)
        )
    )


def _absent(side: Facts, held: Iterable[str | None]) -> list[LayerSummary]:
    known = set(held) - {None}
    return [layer for layer in side.layers if layer_key(layer) not in known]


def _bytes(layers: Iterable[LayerSummary]) -> Bytes:
    """The total size of the layers, each blob once."""
    once: dict[object, LayerSummary] = {}
    for layer in layers:
        once.setdefault(layer_key(layer) or layer.index, layer)
    compressed = [layer.sizes.compressed for layer in once.values()]
    known = [size for size in compressed if size is not None]
    indexed = all(layer.indexed for layer in once.values())
    return Bytes(
        layers=tuple(layer.index for layer in once.values()),
        compressed=sum(known) if len(known) == len(compressed) else None,
        tar=sum_of(layer.sizes.tar for layer in once.values()) if indexed else None,
    )


def _cache_break(a: Facts, b: Facts, shared: int) -> CacheBreak | None:
    """Where the builds diverge: the first instruction after the last shared layer that differs in text or content."""
    if shared == len(b.layers):
        return None
    i = a.layers[shared - 1].instruction + 1 if shared else 0
    j = b.layers[shared - 1].instruction + 1 if shared else 0
    while i < len(a.instructions) and j < len(b.instructions):
        one, other = a.instructions[i], b.instructions[j]
        texts = _same_text(one.instruction, other.instruction)
        if not (texts and _same_layers(a, b, one, other)):
            same_step = texts or (
                normal_text(one.instruction.text) == normal_text(other.instruction.text)
            )
            reason: Reason = "content" if same_step else "instruction"
            return _break(a, b, i, j, reason, shared)
        i, j = i + 1, j + 1
    reason = "added" if j < len(b.instructions) else "removed"
    return _break(a, b, i, j, reason, shared)


def _break(a: Facts, b: Facts, i: int, j: int, reason: Reason, shared: int) -> CacheBreak:
    return CacheBreak(
        a=a.instructions[i] if i < len(a.instructions) else None,
        b=b.instructions[j] if j < len(b.instructions) else None,
        reason=reason,
        layers=tuple(range(shared, len(b.layers))),
    )
