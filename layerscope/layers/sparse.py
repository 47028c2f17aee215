"""Maps of sparse files: old GNU headers and PAX 0.0, 0.1, and 1.0."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from layerscope.errors import LimitExceeded, TarError
from layerscope.layers.header import BLOCK_SIZE, FieldError, decimal, number
from layerscope.limits import Limits

Extents = tuple[tuple[int, int], ...]
ReadBlock = Callable[[int], bytes]
"""Returns the 512 bytes of the tar at an offset, fewer at its end."""


def old_gnu_map(
    header: bytes, position: int, read_block: ReadBlock, limits: Limits
) -> tuple[Extents, int, int]:
    """The regions, logical size, and data offset of a GNU `S` header. `position` is the offset after the header."""
    regions: list[tuple[int, int]] = []
    try:
        logical = number(header[483:495])
        _old_gnu_regions(header[386:482], regions)
        extended = header[482]
        while extended:
            if len(regions) > limits.sparse_extents:
                raise LimitExceeded(
                    f"a sparse file of more than {limits.sparse_extents} regions",
                    limit="sparse_extents",
                )
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
    """The regions, logical size, data offset, and real name from PAX records; None if the records have no map."""
    last = dict(records)
    start = position
    numbers: list[int]
    match last.get(b"major", b""), last.get(b"minor", b""):
        case b"1", b"0":
            numbers, position = _leading_map(position, read_block, limits)
        case (b"0", b"0" | b"1") | (b"", b""):
            told = _told_map(records, last)
            if not told and not last.get(b"major"):
                return None
            numbers = [_decimal(text, start) for text in told]
            if 2 * _decimal(last.get(b"numblocks", b""), start) != len(numbers):
                raise TarError(f"a sparse map of {len(numbers)} fields", offset=start)
        case _:
            return None
    if len(numbers) > 2 * limits.sparse_extents:
        raise LimitExceeded(
            f"a sparse file of more than {limits.sparse_extents} regions",
            limit="sparse_extents",
        )
    size = last.get(b"size") or last.get(b"realsize")
    logical = _decimal(size, start) if size else None
    regions = tuple(zip(numbers[::2], numbers[1::2], strict=True))
    return regions, logical, position, last.get(b"name")


def _told_map(records: Sequence[tuple[bytes, bytes]], last: dict[bytes, bytes]) -> list[bytes]:
    """The fields of a map that the records hold, as one list (PAX 0.1) or as a record each (PAX 0.0)."""
    each = [value for key, value in records if key in {b"offset", b"numbytes"}]
    told = b",".join(each) if each else last.get(b"map", b"")
    return told.split(b",") if told else []


def _leading_map(position: int, read_block: ReadBlock, limits: Limits) -> tuple[list[int], int]:
    """The map of PAX 1.0: decimal lines in whole blocks before the data. The first is the number of regions."""
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
                        f"a sparse file of {numbers[0]} regions, over {limits.sparse_extents}",
                        limit="sparse_extents",
                    )
                wanted = 1 + 2 * numbers[0]
    return numbers[1:], position


def _decimal(text: bytes, offset: int) -> int:
    value = decimal(text)
    if value is None or value < 0:
        raise TarError(f"a sparse map with {text[:40]!r} instead of a number", offset=offset)
    return value


def check_map(regions: Extents, logical: int, stored: int, offset: int) -> None:
    """Raise `TarError` if regions overlap, are out of order, leave the file, or don't add up to `stored` bytes."""
    reach = 0
    total = 0
    if logical < 0:
        raise TarError(f"a sparse file of {logical} bytes", offset=offset)
    for begin, length in regions:
        if begin < reach or begin < 0 or length < 0 or begin + length > logical:
            raise TarError(
                f"a sparse map with {length} bytes at {begin} of a file of {logical}", offset=offset
            )
        reach = begin + length
        total += length
    if total != stored:
        raise TarError(f"a sparse map of {total} bytes over {stored} stored ones", offset=offset)
