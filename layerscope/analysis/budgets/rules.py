"""The named rules of a budget: what each measures, and when it is broken."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from fnmatch import fnmatchcase
from fractions import Fraction
from typing import Final

from layerscope.analysis.budgets.growth import Change, Former, drift, growth
from layerscope.analysis.budgets.growth import Measure as Size
from layerscope.analysis.budgets.names import RULE_NAMES, Quantity
from layerscope.analysis.budgets.quantities import Number, parse_limit
from layerscope.analysis.model import Facts
from layerscope.records import dataclass
from layerscope.units import count, format_size


@dataclass(frozen=True, slots=True)
class Measured:
    """What a rule measured: the exact value, or None and the reason why it is unknown.

    `skipped` says why the rule has nothing to measure from. A rule with an `excuse` passes with any value. `detail` adds
    context to the numbers.
    """

    value: Fraction | None
    unknown: str = ""
    excuse: str = ""
    detail: str = ""
    skipped: str = ""


def _nothing_allowed(_rule: str) -> Callable[[bytes], bool]:
    return lambda _path: False


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """An analysis and everything else that rules look at.

    `allowed` has, by rule, the bytes of waste that exceptions allow, and `allows` gives, by rule, a test of paths.
    `baseline` and `anchor` are None for budgets that don't use them.
    """

    analysis: Facts
    baseline: Former | None = None
    anchor: Former | None = None
    min_change: int = 0
    allowed: Mapping[str, int] = field(default_factory=dict)
    allows: Callable[[str], Callable[[bytes], bool]] = _nothing_allowed


Measure = Callable[[Case, Number], Measured]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One named rule. A value equal to its limit passes. `upper` limits pass smaller values, others larger ones."""

    name: str
    quantity: Quantity
    upper: bool
    help: str
    measure: Measure

    def holds(self, actual: Fraction, limit: Number) -> bool:
        return actual <= Fraction(limit) if self.upper else actual >= Fraction(limit)

    def parse(self, value: object) -> Number:
        """Parse a limit from a configuration file or an option. Raises `ConfigError` without naming the rule."""
        return parse_limit(self.quantity, value)


def missing_layers(analysis: Facts, first: int = 0) -> str:
    """Why sizes from layer `first` on are unknown, or "" if they are known."""
    if analysis.head and analysis.layers[first:]:
        return "unknown without the layers; leave --head out, or drop the rule"
    missing = [layer.index for layer in analysis.layers[first:] if not layer.indexed]
    if not missing:
        return ""
    what = ", ".join(str(index) for index in missing[:5]) + (", …" if missing[5:] else "")
    return (
        f"unknown: the source doesn't have the files of layer {what}; "
        "read the image from a source that has them, or drop the rule"
    )


def _of_content(measure: Callable[[Case], Fraction]) -> Measure:
    """A measure that needs every layer's tar. Unknown if the source lacks one of them."""

    def measured(case: Case, _: Number) -> Measured:
        missing = missing_layers(case.analysis)
        return Measured(None, missing) if missing else Measured(measure(case))

    return measured


NOT_COMPRESSED: Final = (
    "unknown: the source has only uncompressed layers; "
    "check the image as registry:, oci-archive:, or oci-dir:, or drop the rule"
)


def _compressed(case: Case, _: Number) -> Measured:
    if case.analysis.sizes.compressed is None:
        return Measured(None, NOT_COMPRESSED)
    return Measured(Fraction(case.analysis.sizes.compressed))


NO_BASE: Final = (
    "unknown: layerscope can't tell where the base image ends; name it with --base IMAGE, give the Dockerfile with "
    "--dockerfile, or build with --provenance=mode=max"
)


def _own_wasted(case: Case, _: Number) -> Measured:
    origin = case.analysis.origin
    missing = missing_layers(case.analysis)
    if missing or case.analysis.base is None or origin is None:
        return Measured(None, missing or NO_BASE)
    size = origin.base_wasted_by_own
    detail = f"{format_size(size)} of it in files of the base image" if size else ""
    allowed = case.allowed.get("max_own_wasted", 0)
    return Measured(Fraction(origin.own.wasted - allowed), detail=detail)


def _own_size(case: Case, _: Number) -> Measured:
    analysis = case.analysis
    base = analysis.base
    if base is None:
        return Measured(None, NO_BASE)
    missing = missing_layers(analysis, base.layers)
    if missing:
        return Measured(None, missing)
    own = sum(layer.sizes.content for layer in analysis.layers[base.layers :])
    name = (base.name or "the base image").partition("@")[0]
    return Measured(Fraction(own), detail=f"without {count(base.layers, 'layer')} of {name}")


def _tar(case: Case, _: Number) -> Measured:
    missing = missing_layers(case.analysis)
    size = case.analysis.sizes.tar
    if missing or size is None:
        return Measured(
            None, missing or "unknown: a table of contents doesn't say; leave --lazy out"
        )
    return Measured(Fraction(size))


def _wasted(case: Case, rule: str) -> int:
    return case.analysis.sizes.wasted - case.allowed.get(rule, 0)


def _wasted_percent(case: Case) -> Fraction:
    content = case.analysis.sizes.content
    return Fraction(100 * _wasted(case, "max_wasted_percent"), content) if content else Fraction(0)


def _efficiency(case: Case) -> Fraction:
    content = case.analysis.sizes.content
    return 1 - Fraction(_wasted(case, "min_efficiency"), content) if content else Fraction(1)


def _duplicates(case: Case, limit: Number) -> Measured:
    missing = missing_layers(case.analysis)
    found = case.analysis.duplicates
    if missing or found is None:
        return Measured(
            None, missing or "unknown: contents were not compared; leave --no-duplicates out"
        )
    if found.unread is not None and found.known_saving <= limit:
        return Measured(
            None,
            f"unknown: {count(found.unread.files, 'file')} of the same size as others were not compared; "
            "raise --limit duplicate_bytes=N, or leave --lazy out",
        )
    least = "at least, " if found.unread is not None else ""
    detail = f"{least}in {count(found.copies, 'file')} of {format_size(found.least)} and more"
    return Measured(Fraction(found.known_saving), detail=detail)


def weight_unknown(facts: Facts, pattern: str = "*") -> str:
    """Why the dead weight of some kinds is unknown, or "" if it is known."""
    missing = missing_layers(facts)
    if missing:
        return missing
    if facts.weight is None:
        if facts.saved:
            return "unknown: the report has no dead weight; save it again with it"
        return "unknown: dead weight was not looked for; leave --no-dead-weight out"
    unread = [kind for kind in facts.weight.unmeasured if fnmatchcase(kind, pattern)]
    if unread:
        return f"unknown: {unread[0]} needs the contents of files; leave --lazy out"
    return ""


def _dead_weight(case: Case, _: Number) -> Measured:
    unknown = weight_unknown(case.analysis)
    weight = case.analysis.weight
    if unknown or weight is None:
        return Measured(None, unknown)
    detail = ""
    if weight.base is not None and weight.base.bytes:
        detail = f"{format_size(weight.base.bytes)} of it in the base image"
    return Measured(Fraction(weight.bytes), detail=detail)


def _largest_layer(case: Case) -> Fraction:
    return Fraction(max((layer.sizes.content for layer in case.analysis.layers), default=0))


def _measured(change: Change) -> Measured:
    return Measured(
        change.value,
        unknown=change.unknown,
        excuse=change.excuse,
        detail=change.detail,
        skipped=change.skipped,
    )


def _unknown_for(case: Case, size: Size) -> str:
    if size == "compressed":
        return "" if case.analysis.sizes.compressed is not None else NOT_COMPRESSED
    return missing_layers(case.analysis)


def _growth(size: Size) -> Measure:
    def measured(case: Case, limit: Number) -> Measured:
        assert case.baseline is not None
        unknown = _unknown_for(case, size)
        if unknown:
            return Measured(None, unknown)
        return _measured(growth(case.analysis, case.baseline, limit, case.min_change, size))

    return measured


def _drift(size: Size) -> Measure:
    def measured(case: Case, limit: Number) -> Measured:
        assert case.anchor is not None
        unknown = _unknown_for(case, size)
        if unknown:
            return Measured(None, unknown)
        return _measured(drift(case.analysis, case.anchor, limit, size))

    return measured


_MEASURES: dict[str, Measure] = {
    "max_size": _of_content(lambda case: Fraction(case.analysis.sizes.content)),
    "max_own_size": _own_size,
    "max_compressed_size": _compressed,
    "max_tar_size": _tar,
    "max_wasted": _of_content(lambda case: Fraction(_wasted(case, "max_wasted"))),
    "max_wasted_percent": _of_content(_wasted_percent),
    "min_efficiency": _of_content(_efficiency),
    "max_own_wasted": _own_wasted,
    "max_duplicates": _duplicates,
    "max_dead_weight": _dead_weight,
    "max_layers": lambda case, _: Measured(Fraction(len(case.analysis.layers))),
    "max_layer_size": _of_content(_largest_layer),
    "max_growth": _growth("content"),
    "max_drift": _drift("content"),
    "max_compressed_growth": _growth("compressed"),
    "max_compressed_drift": _drift("compressed"),
}
RULES: dict[str, Rule] = {
    rule.name: Rule(
        name=rule.name,
        quantity=rule.quantity,
        upper=rule.upper,
        help=rule.help,
        measure=_MEASURES[rule.name],
    )
    for rule in RULE_NAMES
}
"""Every rule with a single limit, by name, in the order of a verdict."""

WASTE_RULES = ("max_wasted", "max_wasted_percent", "min_efficiency")
LOWER_LIMITS = frozenset(
    (*(rule.name for rule in RULES.values() if not rule.upper), "lowestEfficiency")
)
"""Rules whose limit is a minimum. All others have a maximum."""
