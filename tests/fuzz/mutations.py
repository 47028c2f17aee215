"""Tars broken on purpose in fields, records, maps, order, and length, with correct checksums."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

from tests.builder import (
    Device,
    Directory,
    Fifo,
    File,
    Global,
    Hardlink,
    Member,
    Opaque,
    Other,
    Sparse,
    Symlink,
    Whiteout,
)
from tests.builder.tar import BLOCK, FIELDS, Format, base256, tar

NUMBERS = (
    b"",
    b"0",
    b"1",
    b"7",
    b"10",
    b"777",
    b"1000",
    b"2000",
    b"9",
    b"-1",
    b"+12",
    b" 12",
    b"12 ",
    b"1 2",
    b"0x1f",
    b"1.5",
    b"-1.5",
    b"-0.25",
    b"1.",
    b".5",
    b"512",
    b"1024",
    b"0000000000000000000000000000012",
    b"77777777777",
    b"9223372036854775807",
    b"9223372036854775808",
    b"-9223372036854775808",
    b"99999999999999999999",
    b"\0" * 3,
    b"12\x0034",
    b"\xff\xff",
)
BINARY = (0, 1, -1, 700, 8**11, 1 << 40, (1 << 63) - 1, -(1 << 62))
TYPES = b"\x000123456789SLKxgVMDNAX7\xff "
KEYS = (
    b"path",
    b"linkpath",
    b"size",
    b"uid",
    b"gid",
    b"mtime",
    b"atime",
    b"ctime",
    b"uname",
    b"SCHILY.xattr.user.a",
    b"GNU.sparse.major",
    b"GNU.sparse.minor",
    b"GNU.sparse.name",
    b"GNU.sparse.size",
    b"GNU.sparse.realsize",
    b"GNU.sparse.numblocks",
    b"GNU.sparse.map",
    b"GNU.sparse.offset",
    b"GNU.sparse.numbytes",
)
VALUES = (
    *NUMBERS,
    b"a/b",
    b"./x/",
    b"../up",
    b"a\0b",
    b"0,5,10,5",
    b"10,5,0,5",
    b"0,5,10",
    b"0,-5",
)


def members(seed: random.Random) -> list[Member]:
    """The members of a small archive with something of every kind."""
    sparse = ((0, b"a" * 700), (4096, b"b" * 100))
    shelf: list[Member] = [
        ("d/", Directory(mtime=1_600_000_000, uid=1000)),
        ("d/f", File(b"x" * seed.choice((0, 1, 511, 512, 513, 2000)), mode=0o4755, gid=50)),
        ("d/" + "long" * 40, File(b"abc")),
        ("é/" + "n" * 200, File(b"d" * 600, mtime=-5.5)),
        ("d/time", File(b"t", mtime=1_700_000_000.25)),
        ("s", Symlink("d/f")),
        ("s2", Symlink("t" * 150)),
        ("h", Hardlink("d/f", header_size=seed.choice((0, 0, 700)))),
        ("tty", Device(major=4, minor=64)),
        ("sda", Device(major=8, minor=1, block=True)),
        ("pipe", Fifo()),
        ("cap", File(b"cap", xattrs={"security.capability": b"\1\0\0\2\0 \0\0"})),
        ("d/gone", Whiteout()),
        ("d", Opaque()),
        ("", Global(pax={"comment": "hello", "mtime": "12"})),
        ("odd", Other(typeflag=b"V", data=b"label")),
        ("cont", Other(typeflag=b"7", data=b"z" * 600)),
        ("holes/gnu", Sparse(size=10_000, chunks=sparse, form="gnu")),
        ("holes/many", Sparse(size=99_999, chunks=many_chunks(), form="gnu")),
        ("holes/0.0", Sparse(size=10_000, chunks=sparse, form="0.0")),
        ("holes/0.1", Sparse(size=10_000, chunks=sparse, form="0.1")),
        ("holes/1.0", Sparse(size=10_000, chunks=sparse, form="1.0")),
    ]
    return seed.sample(shelf, seed.randint(1, 6))


def many_chunks() -> tuple[tuple[int, bytes], ...]:
    return tuple((1000 * number, b"q" * 10) for number in range(30))


def archive(seed: random.Random) -> bytearray:
    form: Format = seed.choice(("pax", "pax", "gnu", "gnu", "ustar"))
    try:
        return bytearray(tar(members(seed), form))
    except ValueError:
        return bytearray(tar(members(seed), "pax"))


def headers(data: bytes | bytearray) -> list[int]:
    """Offsets of the blocks that look like headers."""
    return [
        at for at in range(0, len(data) - BLOCK + 1, BLOCK) if data[at + 257 : at + 262] == b"ustar"
    ]


def mend(data: bytearray, at: int) -> None:
    """Correct the checksum of the header at `at`."""
    data[at + 148 : at + 156] = b" " * 8
    total = sum(data[at : at + BLOCK])
    data[at + 148 : at + 156] = b"%06o\0 " % total


def change_field(data: bytearray, seed: random.Random) -> None:
    found = headers(data)
    if not found:
        return
    at = seed.choice(found)
    name = seed.choice([*FIELDS, "size", "size", "typeflag"])
    start, length = FIELDS[name]
    if name == "checksum":
        value = seed.choice((*NUMBERS, bytes(data[at + start : at + start + 8])))
    elif name == "typeflag":
        value = bytes((seed.choice(TYPES),))
    elif name == "magic":
        value = seed.choice((b"ustar\x0000", b"ustar  \0", b"ustar\0  ", b"ustar\x0099", b""))
    elif length in (8, 12) and seed.random() < 0.4:
        value = base256(
            seed.choice([n for n in BINARY if -(1 << 55) < n < 1 << 55 or length > 8]), length
        )
    elif seed.random() < 0.5:
        value = b"%0*o" % (length - 1, seed.choice((0, 1, 5, 511, 512, 513, 1024, 2500)))
    else:
        value = seed.choice(NUMBERS)
    data[at + start : at + start + length] = value[:length].ljust(
        length, seed.choice((b"\0", b" "))
    )
    if name != "checksum":
        mend(data, at)


def change_bytes(data: bytearray, seed: random.Random) -> None:
    for _ in range(seed.randint(1, 3)):
        data[seed.randrange(len(data))] = seed.choice((0, 1, 0x20, 0x2F, 0x30, 0x41, 0x80, 0xFF))
    if seed.random() < 0.8:
        for at in headers(data):
            mend(data, at)


def change_record(data: bytearray, seed: random.Random) -> None:
    """Put different records into a PAX header, or before a member that has none."""
    body = b""
    for _ in range(seed.randint(1, 3)):
        key, value = seed.choice(KEYS), seed.choice(VALUES)
        line = b" " + key + b"=" + value + b"\n"
        length = len(line) + 2
        length += len(b"%d" % length) - 2
        body += b"%d" % (length + seed.choice((0,) * 12 + (-1, 1, 100))) + line
    size = len(body)
    block = bytearray(BLOCK)
    block[0:3] = b"pax"
    block[100:108] = b"0000644\0"
    block[124:136] = b"%011o\0" % size
    block[156] = seed.choice(b"xxxxgLK")
    block[257:265] = b"ustar\x0000"
    mend(block, 0)
    found = headers(data) or [0]
    at = seed.choice(found)
    data[at:at] = bytes(block) + body + bytes(-size % BLOCK)


def change_blocks(data: bytearray, seed: random.Random) -> None:
    """Drop, double, swap, or blank whole blocks."""
    count = max(len(data) // BLOCK, 1)
    one, two = (seed.randrange(count) * BLOCK for _ in range(2))
    action = seed.randrange(5)
    if action == 0:
        del data[one : one + BLOCK]
    elif action == 1:
        data[one:one] = data[two : two + BLOCK]
    elif action == 2:
        first, second = data[one : one + BLOCK], data[two : two + BLOCK]
        data[one : one + BLOCK], data[two : two + BLOCK] = second, first
    elif action == 3:
        data[one : one + BLOCK] = bytes(BLOCK)
    else:
        data[one:one] = bytes(seed.choice((1, 100, 512, 1024)))


def cut(data: bytearray, seed: random.Random) -> None:
    del data[seed.randrange(len(data) + 1) :]


def change_map(data: bytearray, seed: random.Random) -> None:
    """Change digits near a sparse map: in an old GNU header, in its extensions, or in PAX text."""
    places = [at for at in headers(data) if data[at + 156] == 0x53]
    text = data.find(b"\n0\n")
    if places and seed.random() < 0.7:
        at = seed.choice(places)
        spot = at + seed.choice(
            (386, 398, 410, 422, 434, 482, 483, 512 + 24 * seed.randrange(21), 1016)
        )
        value = seed.choice(
            (b"%011o\0" % seed.choice((0, 1, 700, 4096, 10_000)), b"\0" * 12, b"\x01")
        )
        data[spot : spot + len(value)] = value
        mend(data, at)
    elif text >= 0:
        spot = text + seed.randrange(20)
        data[spot : spot + 1] = seed.choice((b"0", b"9", b"\n", b"-", b"a"))


MUTATIONS: tuple[Callable[[bytearray, random.Random], None], ...] = (
    change_field,
    change_field,
    change_field,
    change_record,
    change_record,
    change_bytes,
    change_blocks,
    change_map,
    cut,
)


def mutated(number: int, seed: int = 1) -> bytes:
    """The mutated tar with this number, always the same for the same seed."""
    source = random.Random(f"{seed}/{number}")
    data = archive(source)
    for _ in range(source.choice((0, 1, 1, 1, 1, 2, 3))):
        if data:
            source.choice(MUTATIONS)(data, source)
    return bytes(data)


def many(count: int, seed: int = 1) -> Iterator[bytes]:
    return (mutated(number, seed) for number in range(count))


def spoil(data: bytearray, source: random.Random) -> None:
    """Change, remove, insert, or double bytes at one place."""
    at = source.randrange(len(data)) if data else 0
    length = source.choice((1, 1, 4, 30))
    match source.randrange(5):
        case 0:
            data[at : at + 1] = bytes((source.randrange(256),))
        case 1:
            del data[at : at + length]
        case 2:
            data[at:at] = source.randbytes(length)
        case 3:
            data += data[at : at + 200]
        case _:
            del data[at:]
