"""Which instructions are at fault when a rule is broken, and the words for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from layerscope.analysis.budgets.growth import Measure, grown_instructions
from layerscope.analysis.budgets.names import BASELINE_RULES, GROWTH_RULES
from layerscope.analysis.budgets.quantities import Number
from layerscope.analysis.budgets.rules import WASTE_RULES, Case
from layerscope.analysis.model import Facts
from layerscope.records import dataclass
from layerscope.units import format_size

NAMED = 50
"""The most instructions that one message names. A hostile image may have half a million."""
_SIZE_RULES = ("max_size", "max_tar_size", "max_own_size", "max_compressed_size")


@dataclass(frozen=True, slots=True)
class Cause:
    """What to look at when a rule is broken: the instructions, largest first, and a phrase that names them."""

    instructions: tuple[int, ...] = ()
    words: str = ""


def cause_of(rule: str, limit: Number, case: Case) -> Cause:
    """The instructions to look at when `rule` is broken."""
    if rule in WASTE_RULES:
        return _waste(rule, case)
    if rule in _SIZE_RULES:
        return _largest(rule, case)
    if rule == "max_layer_size":
        return _layers(limit, case.analysis)
    if rule in GROWTH_RULES:
        return _grown(rule, case)
    return Cause()


def name_instructions(analysis: Facts, sizes: Iterable[tuple[int, int]]) -> str:
    """`3 (12.0 MB, RUN pip install …), 5 (10.5 MB, COPY . /)` for pairs of an instruction and its bytes."""
    rows = list(sizes)
    named = [f"{index} ({format_size(size)}{_text(analysis, index)})" for index, size in rows]
    return ", ".join(named[:NAMED]) + (
        f" and {len(rows) - NAMED:,} more" if len(rows) > NAMED else ""
    )


def by_size(sizes: Counter[int]) -> list[tuple[int, int]]:
    """Pairs of an instruction and its bytes, largest first."""
    return sorted(sizes.items(), key=lambda pair: (-pair[1], pair[0]))


def _waste(rule: str, case: Case) -> Cause:
    """The instructions behind the waste that no exception allows."""
    sizes: Counter[int] = Counter()
    allows = case.allows(rule)
    for file in case.analysis.waste:
        if file.bytes and not allows(b"/" + file.path):
            sizes[file.wasted_by] += file.bytes
    return _share(case.analysis, by_size(sizes))


def _share(analysis: Facts, rows: Sequence[tuple[int, int]]) -> Cause:
    if not rows:
        return Cause()
    index, size = rows[0]
    words = f"{format_size(size)} of it by instruction {index}{_text(analysis, index)}"
    return Cause(tuple(index for index, _ in rows), words)


def _largest(rule: str, case: Case) -> Cause:
    analysis = case.analysis
    base = analysis.base
    first = base.layers if base is not None and rule == "max_own_size" else 0
    own = [
        each for each in analysis.instructions if any(n >= first for n in each.instruction.layers)
    ]
    largest = max(own, key=lambda each: each.sizes.content, default=None)
    if largest is None:
        return Cause()
    index = largest.instruction.index
    size = format_size(largest.sizes.content)
    return Cause((index,), f"most, {size}, by instruction {index}{_text(analysis, index)}")


def _layers(limit: Number, analysis: Facts) -> Cause:
    over = [layer for layer in analysis.layers if layer.sizes.content > limit]
    over.sort(key=lambda layer: (-layer.sizes.content, layer.index))
    named = []
    for layer in over[:NAMED]:
        text = _text(analysis, layer.instruction)
        size = f" ({format_size(layer.sizes.content)})" if len(over) > 1 else ""
        named.append(f"layer {layer.index}, instruction {layer.instruction}{text}{size}")
    if len(over) > NAMED:
        named.append(f"{len(over) - NAMED:,} more layers")
    return Cause(tuple(dict.fromkeys(layer.instruction for layer in over)), "; ".join(named))


def _grown(rule: str, case: Case) -> Cause:
    former = case.baseline if rule in BASELINE_RULES else case.anchor
    if former is None or former.side is None:
        return Cause()
    measure: Measure = "compressed" if "compressed" in rule else "content"
    grown = grown_instructions(case.analysis, former.side, measure=measure)
    return _share(case.analysis, [(each.instruction, each.bytes - each.before) for each in grown])


def _text(analysis: Facts, index: int) -> str:
    if not 0 <= index < len(analysis.instructions):
        return ""
    text = " ".join(analysis.instructions[index].instruction.text.split())
    return f", {text[:60]}{'…' if len(text) > 60 else ''}" if text else ""
