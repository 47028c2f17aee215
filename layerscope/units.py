"""Sizes and counts as people write and read them. No other module knows about units.

`kB`, `MB`, and `GB` are powers of 1000; `KiB`, `MiB`, and `GiB` are powers of 1024, as registries and engines print them.
"""

from __future__ import annotations

import re

from layerscope.errors import ConfigError
from layerscope.patterns import pattern

_UNITS = {
    "": 1,
    "b": 1,
    **{f"{p}b": 1000**n for n, p in enumerate("kmgtp", start=1)},
    **{p: 1000**n for n, p in enumerate("kmgtp", start=1)},
    **{f"{p}ib": 1024**n for n, p in enumerate("kmgtp", start=1)},
}
_SIZE = pattern(r"\s*([0-9]{1,18}(?:\.[0-9]{1,9})?)\s*([A-Za-z]{0,3})\s*", re.ASCII)


def parse_size(text: str | int) -> int:
    """The bytes in a size such as `150MB` (10^6), `1.2GiB` (2^30), or `4096`.

    A fraction of a byte is rounded down. Raises `ConfigError` for anything else.
    """
    if isinstance(text, int) and not isinstance(text, bool):
        if text < 0:
            raise ConfigError(f"size {text} is negative", hint="write a size such as 150MB")
        return text
    match = _SIZE.fullmatch(text) if isinstance(text, str) else None
    unit = _UNITS.get(match[2].lower()) if match else None
    if match is None or unit is None:
        raise ConfigError(
            f"{text!r} is not a size", hint="write a number and a unit, such as 150MB or 1.2GiB"
        )
    whole, _, fraction = match[1].partition(".")
    return int(int(whole + fraction) * unit // 10 ** len(fraction))


def format_size(size: int | None) -> str:
    """A size for people, in powers of 1000 (`43.5 MB`), or `–` for an unknown size."""
    if size is None:
        return "–"
    import humanize

    return humanize.naturalsize(size, format="%.1f").replace("Bytes", "B").replace("Byte", "B")


def format_delta(size: int) -> str:
    """A signed difference between sizes (`+1.2 MB`, `−302.6 MB`, `0 B`)."""
    if size == 0:
        return "0 B"
    return f"{'+' if size > 0 else '−'}{format_size(abs(size))}"


def format_percent(part: int | float, whole: int | float) -> str:
    """`part` as a percentage of `whole`, with one decimal, or `–` when `whole` is 0."""
    return f"{100 * part / whole:.1f} %" if whole else "–"


def count(number: int, noun: str) -> str:
    """`1 file`, `9,812 files`, `2 directories`."""
    if number == 1:
        return f"1 {noun}"
    if noun.endswith("y") and noun[-2:-1] not in "aeiou":
        return f"{number:,} {noun[:-1]}ies"
    return f"{number:,} {noun}s"
