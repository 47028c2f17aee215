"""The rules a budget can hold: what each measures, how its limit is written, and when it is broken."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Literal

from layerscope.analysis.model import Analysis
from layerscope.errors import ConfigError
from layerscope.units import parse_size

Quantity = Literal["size", "percent", "share", "count"]
Number = int | Decimal
"""A limit as it was written: bytes and counts are whole, percentages and shares exact decimals."""

MOST_LAYERS = 1_000_000


@dataclass(frozen=True, slots=True)
class Measured:
    """What a rule found: the exact value, or None with the reason why it cannot be known."""

    value: Fraction | None
    unknown: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule by name. `upper` limits are passed by anything up to and including the limit, others from it on."""

    name: str
    quantity: Quantity
    upper: bool
    help: str
    measure: Callable[[Analysis], Measured]

    def holds(self, actual: Fraction, limit: Number) -> bool:
        return actual <= Fraction(limit) if self.upper else actual >= Fraction(limit)

    def parse(self, value: object) -> Number:
        """The limit from a configuration file or an option. Raises `ConfigError` without naming the rule."""
        if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
            raise ConfigError(
                f"{_kind_of(value)} is no {_WORDS[self.quantity]}", hint=_HINTS[self.quantity]
            )
        return _PARSERS[self.quantity](value)


_WORDS = {
    "size": "size",
    "percent": "percentage",
    "share": "efficiency",
    "count": "number of layers",
}
_HINTS = {
    "size": "write a size such as 150MB or 1.2GiB",
    "percent": 'write a number of percent from 0 to 100, such as 10 or "10%"',
    "share": 'write a share from 0 to 1, such as 0.95, or "95%"',
    "count": "write a whole number such as 20",
}


def _kind_of(value: object) -> str:
    names = {bool: "a boolean", list: "an array", dict: "a table"}
    return names.get(type(value), f"a {type(value).__name__}")


def _size(value: int | float | Decimal | str) -> Number:
    if isinstance(value, int | str):
        return parse_size(value)
    raise ConfigError(f"{value} is no size", hint=_HINTS["size"])


def _decimal(value: int | float | Decimal | str, quantity: Quantity) -> tuple[Decimal, bool]:
    """The exact number and whether a percent sign stood behind it."""
    text = str(value).strip()
    signed = isinstance(value, str) and text.endswith("%")
    try:
        number = Decimal(text[:-1].strip() if signed else text)
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or len(text) > 40:
        raise ConfigError(f"{text[:40]!r} is no {_WORDS[quantity]}", hint=_HINTS[quantity])
    return number, signed


def _percent(value: int | float | Decimal | str) -> Number:
    number, _ = _decimal(value, "percent")
    if not 0 <= number <= 100:
        raise ConfigError(f"{value} is no percentage", hint=_HINTS["percent"])
    return number


def _share(value: int | float | Decimal | str) -> Number:
    number, signed = _decimal(value, "share")
    if signed:
        number /= 100
    if not 0 <= number <= 1:
        raise ConfigError(f"{value} is no efficiency", hint=_HINTS["share"])
    return number


def _count(value: int | float | Decimal | str) -> Number:
    text = value.strip() if isinstance(value, str) else value
    if isinstance(text, str) and text.isascii() and text.isdigit() and len(text) < 10:
        text = int(text)
    if not isinstance(text, int) or not 0 <= text <= MOST_LAYERS:
        raise ConfigError(f"{value!r} is no number of layers", hint=_HINTS["count"])
    return text


_PARSERS: dict[Quantity, Callable[[int | float | Decimal | str], Number]] = {
    "size": _size,
    "percent": _percent,
    "share": _share,
    "count": _count,
}


def _of_content(measure: Callable[[Analysis], Fraction]) -> Callable[[Analysis], Measured]:
    """A measure that needs every layer's tar: unknown when the source does not hold one of them."""

    def measured(analysis: Analysis) -> Measured:
        missing = [layer.index for layer in analysis.layers if not layer.indexed]
        if missing:
            what = ", ".join(str(index) for index in missing[:5]) + (", …" if missing[5:] else "")
            return Measured(
                None,
                f"unknown: the source does not hold the files of layer {what}; "
                "read the image from where they are, or drop the rule",
            )
        return Measured(measure(analysis))

    return measured


def _compressed(analysis: Analysis) -> Measured:
    if analysis.sizes.compressed is None:
        return Measured(
            None,
            "unknown: the source holds only uncompressed layers; "
            "check the image as registry:, oci-archive: or oci-dir:, or drop the rule",
        )
    return Measured(Fraction(analysis.sizes.compressed))


def _wasted_percent(analysis: Analysis) -> Fraction:
    sizes = analysis.sizes
    return Fraction(100 * sizes.wasted, sizes.content) if sizes.content else Fraction(0)


def _efficiency(analysis: Analysis) -> Fraction:
    sizes = analysis.sizes
    return Fraction(sizes.live, sizes.content) if sizes.content else Fraction(1)


def _largest_layer(analysis: Analysis) -> Fraction:
    return Fraction(max((layer.sizes.content for layer in analysis.layers), default=0))


RULES: dict[str, Rule] = {
    rule.name: rule
    for rule in (
        Rule(
            name="max_size",
            quantity="size",
            upper=True,
            help="Content of all layers.",
            measure=_of_content(lambda a: Fraction(a.sizes.content)),
        ),
        Rule(
            name="max_compressed_size",
            quantity="size",
            upper=True,
            help="Compressed layers: what one pull transfers.",
            measure=_compressed,
        ),
        Rule(
            name="max_tar_size",
            quantity="size",
            upper=True,
            help="Uncompressed layer tars, headers included.",
            measure=_of_content(lambda a: Fraction(a.sizes.tar)),
        ),
        Rule(
            name="max_wasted",
            quantity="size",
            upper=True,
            help="Wasted content.",
            measure=_of_content(lambda a: Fraction(a.sizes.wasted)),
        ),
        Rule(
            name="max_wasted_percent",
            quantity="percent",
            upper=True,
            help="Wasted content, in percent of the content.",
            measure=_of_content(_wasted_percent),
        ),
        Rule(
            name="min_efficiency",
            quantity="share",
            upper=False,
            help="Live content as a share of the content (0.95 or 95%).",
            measure=_of_content(_efficiency),
        ),
        Rule(
            name="max_layers",
            quantity="count",
            upper=True,
            help="Number of layers.",
            measure=lambda a: Measured(Fraction(len(a.layers))),
        ),
        Rule(
            name="max_layer_size",
            quantity="size",
            upper=True,
            help="Content of the largest layer.",
            measure=_of_content(_largest_layer),
        ),
    )
}
"""Every rule by name, in the order in which a verdict lists them."""
