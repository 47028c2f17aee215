"""A tar-split file is the same tar whether its lines are parsed in pairs or one by one."""

from __future__ import annotations

import gzip
import random
from base64 import b64encode
from collections.abc import Callable

import pytest

from layerscope.errors import FormatError
from layerscope.layers.tar_split import CRC_STRIDE, LONGEST_LINE, TarSplit
from layerscope.limits import DEFAULT_LIMITS
from tests.layers.reading import blob_of

Files = list[tuple[bytes, int, bytes]]
"""Name, size, and checksum of each file with content."""


def entry(position: int, segment: bytes, name: bytes, size: int) -> bytes:
    """The two lines of a member."""
    crc = b'"%s"' % b64encode(checksum(size)) if size else b"null"
    told = b',"size":%d' % size if size else b""
    return b'{"type":2,"payload":"%s","position":%d}\n' % (
        b64encode(segment),
        position,
    ) + b'{"type":1,"name":"%s"%s,"payload":%s,"position":%d}\n' % (name, told, crc, position + 1)


def checksum(size: int) -> bytes:
    return (size * 0x9E3779B97F4A7C15 % (1 << 64)).to_bytes(8, "big")


def lines_of(count: int) -> bytes:
    source = random.Random(count)
    return b"".join(
        entry(2 * at, source.randbytes(512 * (at % 3)), b"file%d" % at, at % 5 * 1000)
        for at in range(count)
    )


def read(lines: bytes) -> tuple[list[bytes | int], Files, int]:
    """The tar without its contents, its files, and its size."""
    tar: list[bytes | int] = []
    files: Files = []
    with blob_of(gzip.compress(lines, 1)) as stored:
        split = TarSplit(stored, DEFAULT_LIMITS)
        end = 0
        for run in split.runs():
            crcs = [run.crcs[at : at + 8] for at in range(0, len(run.crcs), CRC_STRIDE)]
            sizes = [size for size in run.sizes if size]
            files += zip(run.names, sizes, crcs, strict=True)
            for segment, content, size in zip(run.segments, run.contents, run.sizes, strict=True):
                end += len(segment)
                assert content == end
                end += size
                tar += [each for each in (segment, size) if each]
            assert run.end == end
        assert split.tar_size() == end
    return tar, files, end


def singly(lines: bytes) -> bytes:
    """The same lines with a blank that tar-split never writes."""
    return lines.replace(b'{"type"', b'{ "type"')


@pytest.mark.parametrize("count", [0, 1, 2, 700, 3000])
def test_pairs_of_lines_are_read_as_each_line_is(count: int) -> None:
    lines = lines_of(count)
    tar, files, end = read(lines)
    assert read(singly(lines)) == (tar, files, end)
    sizes = [(at, at % 5 * 1000) for at in range(count) if at % 5]
    assert files == [(b"file%d" % at, size, checksum(size)) for at, size in sizes]
    assert end == sum(size for _, size in sizes) + sum(512 * (at % 3) for at in range(count))


ODD: dict[str, Callable[[int], bytes]] = {
    "an escaped name": lambda at: entry(at, b"h", b"a\\u0022b", 7),
    "a name in base64": lambda at: entry(at, b"h", b"", 7).replace(
        b'"name":""', b'"name_raw":"%s"' % b64encode(b"\xff\xfe")
    ),
    "two segments": lambda at: b"".join(
        b'{"type":2,"payload":"AAAA","position":%d}\n' % (at + number) for number in range(2)
    ),
    "two files": lambda at: b"".join(
        entry(at + number - 1, b"", b"f", 9).partition(b"\n")[2] for number in range(2)
    ),
}


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
@pytest.mark.parametrize("before", [0, 1, 499, 1200])
def test_lines_of_another_form_may_be_anywhere(odd: Callable[[int], bytes], before: int) -> None:
    middle = odd(2 * before)
    shift = 2 * before + middle.count(b"\n")
    after = b"".join(entry(shift + 2 * at, b"s" * 600, b"z", 3) for at in range(800))
    lines = lines_of(before) + middle + after
    assert read(lines) == read(singly(lines))


BROKEN: dict[str, Callable[[bytes], bytes]] = {
    "no end of the last line": lambda lines: lines[:-1],
    "half a line": lambda lines: lines[:-30],
    "something before a pair": lambda lines: lines.replace(b'{"type":2', b'x{"type":2', 1),
    "something before a later pair": lambda lines: b'x{"type":2'.join(
        lines.rsplit(b'{"type":2', 1)
    ),
    "something after a pair": lambda lines: lines.replace(b"}\n", b"} x\n", 2),
    "a line that is missing": lambda lines: lines.partition(b"\n")[2],
    "a pair that is missing": lambda lines: lines.split(b"\n", 2)[2],
    "an empty line": lambda lines: b"\n" + lines,
    "an empty line between pairs": lambda lines: lines.replace(b"}\n", b"}\n\n", 2),
    "a position that Python can't read": lambda lines: lines.replace(
        b'"position":1}', b'"position":%s}' % (b"1" * 5000), 1
    ),
    "a segment that is not base64": lambda lines: lines.replace(b'"payload":"', b'"payload":"!', 1),
    "a checksum that is too long": lambda lines: lines.replace(
        b'=","position":3', b'A","position":3'
    ),
    "a checksum with padding in it": lambda lines: lines.replace(
        b64encode(checksum(1000)), b"=" + b64encode(checksum(1000))[1:]
    ),
    "no checksum": lambda lines: lines.replace(b'"%s"' % b64encode(checksum(1000)), b"null"),
    "too many bytes": lambda lines: lines.replace(b'"size":4000,', b'"size":%d,' % (10**18 - 1)),
    "a line without end": lambda lines: lines + b"A" * (LONGEST_LINE + (1 << 20)),
}


@pytest.mark.parametrize("damage", BROKEN.values(), ids=BROKEN)
def test_what_tar_split_does_not_write_is_refused(damage: Callable[[bytes], bytes]) -> None:
    lines = lines_of(60)
    damaged = damage(lines)
    assert damaged != lines
    for each in (damaged, singly(damaged)):
        with pytest.raises(FormatError):
            read(each)
