"""Maps of sparse files: old GNU headers and PAX 0.0, 0.1 and 1.0."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from layerscope.errors import LimitExceeded, TarError
from layerscope.layers.header import BLOCK_SIZE, FieldError, number
from layerscope.limits import Limits

Extents = tuple[tuple[int, int], ...]
ReadBlock = Callable[[int], bytes]
"""The 512 bytes of the tar at an offset; fewer where it ends."""


def old_gnu_map(
    header: bytes, position: int, read_block: ReadBlock, limits: Limits
) -> tuple[Extents, int, int]:
    """The regions, the logical size, and where the data begins, of a GNU `S` header whose data follows `position`."""
    regions: list[tuple[int, int]] = []
    try:
        logical = number(header[483:495])
        _old_gnu_regions(header[386:482], regions)
        extended = header[482]
        while extended:
            if len(regions) > limits.sparse_extents:
                raise LimitExceeded(f"a sparse file of more than {limits.sparse_extents} regions")
            block = read_block(position)
            if len(block) < BLOCK_SIZE:
                raise TarError("the tar ends inside a sparse map", offset=position)
            _old_gnu_regions(block[:504], regions)
            extended = block[504]
            position += BLOCK_SIZE
    except FieldError as error:
        raise TarError(f"a sparse map where {error}", offset=position) from None
    return tuple(regions), logical, position


def _old_gnu_regions(area: bytes, regions: list[tuple[int, int]]) -> None:
    for at in range(0, len(area), 24):
        if not area[at]:
            return
        regions.append((number(area[at : at + 12]), number(area[at + 12 : at + 24])))


def pax_map(
    records: Sequence[tuple[bytes, bytes]],
    position: int,
    read_block: ReadBlock,
    limits: Limits,
) -> tuple[Extents, int | None, int, bytes | None] | None:
    """The regions, logical size, start of the data and real name that PAX records tell; None when they tell no map."""
    last = dict(records)
    major, minor = last.get(b"major"), last.get(b"minor")
    start = position
    numbers: list[int]
    if (major, minor) == (b"1", b"0"):
        numbers, position = _leading_map(position, read_block, limits)
    elif b"map" in last:
        numbers = [_decimal(text, start) for text in last[b"map"].split(b",") if last[b"map"]]
    elif any(key == b"offset" for key, _ in records):
        numbers = [_decimal(value, start) for key, value in records if key in (b"offset", b"numbytes")]
    else:
        return None
    if len(numbers) % 2:
        raise TarError("a sparse map of an odd number of fields", offset=start)
    if len(numbers) > 2 * limits.sparse_extents:
        raise LimitExceeded(f"a sparse file of more than {limits.sparse_extents} regions")
    size = last.get(b"realsize", last.get(b"size"))
    logical = _decimal(size, start) if size else None
    regions = tuple(zip(numbers[::2], numbers[1::2], strict=True))
    return regions, logical, position, last.get(b"name")


def _leading_map(position: int, read_block: ReadBlock, limits: Limits) -> tuple[list[int], int]:
    """PAX 1.0: newline-ended decimals in whole blocks before the data, the first of which counts the regions."""
    start = position
    pending = b""
    numbers: list[int] = []
    wanted = 1
    while len(numbers) < wanted:
        block = read_block(position)
        if len(block) < BLOCK_SIZE:
            raise TarError("the tar ends inside a sparse map", offset=position)
        position += BLOCK_SIZE
        *lines, pending = (pending + block).split(b"\n")
        if len(pending) > BLOCK_SIZE and len(lines) + len(numbers) < wanted:
            raise TarError("a sparse map without line ends", offset=start)
        for line in lines:
            if len(numbers) == wanted:
                break
            numbers.append(_decimal(line, start))
            if len(numbers) == 1:
                if numbers[0] > limits.sparse_extents:
                    raise LimitExceeded(
                        f"a sparse file of {numbers[0]} regions, over {limits.sparse_extents}"
                    )
                wanted = 1 + 2 * numbers[0]
    return numbers[1:], position


def _decimal(text: bytes, offset: int) -> int:
    if not text.isdigit() or len(text) > 19 or int(text) >= 1 << 63:
        raise TarError(f"a sparse map with {text[:40]!r} for a number", offset=offset)
    return int(text)


def check_map(regions: Extents, logical: int, stored: int, offset: int) -> None:
    """Refuse regions that overlap, run backwards, leave the file, or hold other than the `stored` bytes."""
    reach = 0
    total = 0
    for begin, length in regions:
        if begin < reach or begin < 0 or length < 0 or begin + length > logical:
            raise TarError(
                f"a sparse map with {length} bytes at {begin} of a file of {logical}", offset=offset
            )
        reach = begin + length
        total += length
    if total != stored:
        raise TarError(f"a sparse map of {total} bytes over {stored} stored ones", offset=offset)
