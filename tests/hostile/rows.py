"""Hostile and odd layers, each with the expected result: refused with a reason, or read with a note."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.builder import (
    COMPRESSIONS,
    OPAQUE,
    WHITEOUT,
    Device,
    Directory,
    Fifo,
    File,
    Global,
    Hardlink,
    Member,
    Other,
    Raw,
    Sparse,
    Symlink,
)
from tests.builder.image import normalized
from tests.builder.tar import (
    END,
    base256,
    extended,
    extended_raw,
    long_name,
    member,
    number_field,
    padded,
    record,
    tar,
)

BASE: list[Member] = [
    ("f", File(b"f" * 100)),
    ("d/", Directory()),
    ("d/a", File(b"a" * 100)),
    ("d/b", File(b"b" * 100)),
    ("usr/", Directory()),
    ("usr/lib/", Directory()),
    ("usr/lib/x", File(b"x" * 100)),
    ("lib", Symlink("usr/lib")),
]
LARGEST = (1 << 63) - 1


@dataclass(frozen=True)
class Row:
    """One case. Its layers are created when needed, on top of BASE unless `alone`."""

    name: str
    layer: Callable[[], bytes]
    refused: str | tuple[str, ...] | None = None
    """What the error says, if it is refused."""
    notes: tuple[str, ...] = ()
    live: int | None = None
    """The number of live bytes if the layers are read."""
    alone: bool = False
    images: int = 1
    """It may take what so many images may."""

    def layers(self) -> list[bytes]:
        return [self.layer()] if self.alone else [tar(BASE), self.layer()]


def of(*members: tuple[str | bytes, object]) -> Callable[[], bytes]:
    return lambda: tar(normalized(members), "gnu")  # type: ignore[arg-type]


def raw(data: bytes) -> Callable[[], bytes]:
    return lambda: data


def with_field(field: str, value: bytes) -> Callable[[], bytes]:
    return raw(member("a", File(b"x")) + member("b", File(b"", overrides={field: value})) + END)


def pax(body: bytes) -> Callable[[], bytes]:
    return raw(extended_raw(body) + member("a", File(b"x")) + END)


def flipped(at: int) -> bytes:
    data = bytearray(tar([("a", File(b"x")), ("b", File(b"y")), ("c", File(b"z"))]))
    data[at] ^= 1
    return bytes(data)


def packed(name: str, cut: int = 0) -> Callable[[], bytes]:
    def make() -> bytes:
        data = COMPRESSIONS[name](tar(BASE))
        return data[: len(data) - cut]

    return make


def sparse(fields: str) -> Callable[[], bytes]:
    records = {"size": "100", "numblocks": str(len(fields.split(",")) // 2), "map": fields}
    body = b"".join(record(f"GNU.sparse.{key}", value) for key, value in records.items())
    return raw(extended_raw(body) + member("s", File(b"x" * 10)) + END)


ENGINES: Sequence[Row] = (
    Row("whiteout-then-file", of(("f", WHITEOUT), ("f", b"new")), live=303),
    Row(
        "file-then-whiteout",
        of(("f", b"new"), ("f", WHITEOUT)),
        notes=("whiteout-after-entry",),
        live=303,
    ),
    Row("opaque-first", of(("d", OPAQUE), ("d/", b""), ("d/n", b"n")), live=201),
    Row("opaque-middle", of(("d/", b""), ("d", OPAQUE), ("d/n", b"n")), live=201),
    Row("opaque-last", of(("d/", b""), ("d/n", b"n"), ("d", OPAQUE)), live=201),
    Row("opaque-alone", of(("d", OPAQUE), ("d/n", b"n")), live=201),
    Row("opaque-root", of(("", OPAQUE), ("n", b"n")), notes=("opaque-root",), live=1),
    Row(
        "whiteout-directory-file",
        of(("d", WHITEOUT), ("d/", b""), ("d/n", b"n")),
        notes=("whiteout-and-directory",),
        live=201,
    ),
    Row(
        "directory-file-whiteout",
        of(("d/", b""), ("d/n", b"n"), ("d", WHITEOUT)),
        notes=("whiteout-after-entry",),
        live=201,
    ),
    *(
        Row(f"no-name-{name}", of((name, b"")), notes=("invalid-whiteout",), live=400)
        for name in (".wh.", "d/.wh.", "d/.wh..", "d/.wh...")
    ),
    Row("whiteout-with-data", of((".wh.f", b"data")), notes=("odd-whiteout",), live=300),
    Row("whiteout-directory", of((".wh.f", Directory())), notes=("odd-whiteout",), live=300),
    Row("whiteout-symlink", of((".wh.f", Symlink("x"))), notes=("odd-whiteout",), live=300),
    Row(
        "aufs",
        of((".wh..wh.plnk/1.2", b"x"), (".wh..wh.aufs", b"")),
        notes=("aufs-metadata",),
        live=400,
    ),
    Row("twice", of(("n", b"one"), ("n", b"three")), notes=("duplicate-entry",), live=405),
    Row("twice-directory", of(("n/", b""), ("n", b"x")), notes=("duplicate-entry",), live=401),
    Row("twice-file", of(("n", b"x"), ("n/", b"")), notes=("duplicate-entry",), live=400),
    Row(
        "through-a-symlink",
        of(("lib/y", b"y"), ("lib/.wh.x", b"")),
        notes=("directory-over-symlink", "whiteout-of-nothing"),
        live=401,
    ),
    Row("link-to-lower", of(("h", Hardlink("f"))), notes=("link-to-lower-layer",), live=400),
    Row("link-to-missing", of(("h", Hardlink("nothing"))), notes=("broken-link",), live=400),
    Row("link-to-self", of(("h", Hardlink("h"))), notes=("broken-link",), live=400),
    Row("link-forward", of(("h", Hardlink("n")), ("n", b"n")), notes=("broken-link",), live=401),
    Row("link-to-directory", of(("h", Hardlink("d"))), notes=("broken-link",), live=400),
    Row(
        "link-to-whited-out",
        of(("h", Hardlink("f")), ("f", WHITEOUT)),
        notes=("broken-link",),
        live=300,
    ),
    Row(
        "link-loop",
        of(("h", Hardlink("i")), ("i", Hardlink("h"))),
        notes=("broken-link",),
        live=400,
    ),
    Row("parent", of(("../n", b"n"), ("d/../../m", b"m")), notes=("parent-name",), live=402),
    Row("absolute", of(("/n", b"n"), ("//m", b"m")), notes=("absolute-name",), live=402),
    Row("dot", of(("./n", b"n"), ("./", Directory())), live=401),
    Row("root", of(("/", Directory()), ("//", Directory())), live=400),
    Row("no-name", of(("", b"n")), notes=("empty-name",), live=400),
    Row("file-below-a-file", of(("f/child", b"c")), notes=("directory-over-file",), live=301),
    Row(
        "strange-names",
        of((b"a\nb", b"1"), (b"\x1b[2J", b"2"), (b"\xe9", b"3"), (b"a\\b", b"4")),
        live=404,
    ),
    Row(
        "symlink-loop", of(("a", Symlink("b")), ("b", Symlink("a")), ("s", Symlink("s"))), live=400
    ),
    Row(
        "symlink-out",
        of(("out", Symlink("../../../../etc")), ("out/passwd", b"x")),
        notes=("through-own-symlink",),
        live=401,
    ),
    Row("overlay-whiteout", of(("f", Device())), notes=("overlay-whiteout",), live=300),
    Row("windows-name", of((b"C:\\Windows\\..\\x", b"x")), live=401),
    Row("below-a-whiteout", of((".wh.f/x", b"x")), notes=("under-whiteout",), live=400),
)
"""Second layers over BASE. Where engines differ, the note says so."""

MEMBERS: Sequence[Row] = (
    Row(
        "pax-size-wins",
        raw(
            extended({"size": "600"}, b"x")
            + member("a", File(b"A" * 600, overrides={"size": b"0"}))
            + END
        ),
        live=1000,
    ),
    Row(
        "pax-size-zero",
        raw(
            extended({"size": "0"}, b"x")
            + member("a", File(b"", overrides={"size": b"%011o\0" % 600}))
            + END
        ),
        live=400,
    ),
    Row(
        "pax-before-long-name",
        raw(
            extended({"size": "3"}, b"x")
            + long_name(b"L" * 200, b"L")
            + member("a", File(b"abc"))
            + END
        ),
        live=403,
    ),
    *(
        Row(f"pax-malformed-{number}", pax(body), refused="byte 524" if number == 4 else "byte 512")
        for number, body in enumerate(
            (b"junk", b"12 path=abc", b"99 path=abc\n", b"14 path=a\0b12\n", b"12 path=abc\n\0\0")
        )
    ),
    Row(
        "pax-alone",
        raw(extended({"path": "p"}, b"x") + END),
        refused="no member after it at byte 1024",
    ),
    Row("long-name-alone", raw(long_name(b"n", b"L")), refused="no member after it at byte 1024"),
    *(
        Row(
            f"header-{typeflag.decode()}-{size}",
            raw(extended_raw(b"", typeflag, size=size)),
            refused=(str(size), "--limit header_bytes=N"),
        )
        for typeflag in (b"x", b"g", b"L", b"K")
        for size in (100_000_000, 8 << 30, LARGEST)
    ),
    Row(
        "stacked-headers",
        raw(long_name(b"n", b"L") * 1000 + member("a", File(b"")) + END),
        refused=("extension headers", "--limit pending_headers=N"),
    ),
    Row(
        "many-keys",
        lambda: extended_raw(b"".join(record(f"k{n}", "v") for n in range(200_000))),
        refused=("extension headers", "--limit header_bytes=N"),
    ),
    Row(
        "global-names",
        of(("", Global(pax={"path": "evil", "size": "99"})), ("a", b"x")),
        notes=("pax-global-name",),
        live=401,
    ),
    *(
        Row(f"number-{number}", with_field(field, value), refused="byte 1024")
        for number, (field, value) in enumerate(
            (
                ("size", base256(-512, 12)),
                ("size", base256(1 << 64, 12)),
                ("size", b"12 34      \0"),
                ("size", b"0000000000x\0"),
                ("size", b"-0000000512\0"),
                ("uid", b"junk    "),
                ("mode", b"\x000\xff    \0"),
                ("mtime", b"1.5\0\0\0\0\0\0\0\0\0"),
                ("checksum", b"0000000\0"),
            )
        )
    ),
    Row(
        "size-2^63-1",
        raw(
            member("a", File(b"", overrides={"size": number_field(LARGEST, 12, "gnu")}), "gnu")
            + bytes(512)
        ),
        refused=str(LARGEST),
    ),
    Row("size-8-exbi-in-pax", pax(record("size", str(LARGEST))), refused="the tar ends"),
    Row("checksum-in-the-middle", raw(flipped(1024)), refused="wrong checksum at byte 1024"),
    Row("checksum-at-the-end", raw(flipped(2048)), refused="wrong checksum at byte 2048"),
    Row(
        "truncated-header",
        raw(member("a", File(b"x")) + member("b", File(b""))[:100]),
        refused="100 bytes of a header at byte 1024",
    ),
    Row("truncated-body", raw(member("a", File(b"x" * 5000))[:3000]), refused="the tar ends"),
    Row("truncated-padding", raw(member("a", File(b"x"))[:700]), live=401),
    Row("no-end", raw(member("a", File(b"x"))), live=401),
    Row("one-zero-block", raw(member("a", File(b"x")) + bytes(512)), live=401),
    Row(
        "zero-block-inside",
        of(("a", b"x"), ("", Raw(bytes(512))), ("b", b"y")),
        refused="one zero block",
    ),
    Row(
        "data-after-the-end",
        raw(tar([("a", File(b"x"))]) + b"rest" * 1000),
        notes=("data-after-end",),
        live=401,
    ),
    Row(
        "second-tar",
        raw(tar([("a", File(b"x"))]) + tar([("b", File(b"y"))])),
        notes=("data-after-end",),
        live=401,
    ),
    Row("huge-padding", raw(tar([("a", File(b"x"))]) + bytes(20 << 20)), live=401),
    *(
        Row(
            f"sparse-{form}",
            of(("s", Sparse(size=10_000, chunks=((0, b"q" * 700), (5000, b"r" * 50)), form=form))),
            live=1150,
        )
        for form in ("gnu", "0.0", "0.1", "1.0")
    ),
    Row("sparse-out-of-order", sparse("50,5,0,5"), refused="sparse map"),
    Row("sparse-overlap", sparse("0,6,4,4"), refused="sparse map"),
    Row("sparse-outside", sparse("0,5,98,5"), refused="sparse map"),
    Row("sparse-too-much", sparse("0,5,50,50"), refused="sparse map"),
    Row(
        "odd-types",
        of(
            ("v", Other(typeflag=b"V")),
            ("m", Other(typeflag=b"M", data=b"x" * 600)),
            ("c", Other(typeflag=b"7", data=b"y")),
            ("n", b"n"),
        ),
        live=401,
    ),
    Row(
        "directory-with-size",
        of(("n/", Directory(overrides={"size": b"00000001000\0"})), ("m", b"m")),
        notes=("size-without-data",),
        live=401,
    ),
    Row(
        "link-with-size",
        of(("n", b"n"), ("h", Hardlink("n", header_size=1 << 40)), ("m", b"m")),
        notes=("size-on-link",),
        live=402,
    ),
    Row(
        "link-with-data",
        raw(
            member("n", File(b"n" * 600))
            + member("h", Hardlink("n", header_size=600))
            + padded(b"n" * 600)
            + END
        ),
        notes=("size-on-link", "link-with-data"),
        live=1000,
    ),
    Row(
        "devices",
        of(
            ("c", Device(major=1, minor=3)),
            ("b", Device(major=8, block=True)),
            ("p", Fifo()),
            ("u", File(b"x", mode=0o6755, xattrs={"security.capability": b"\1"})),
        ),
        live=401,
    ),
    Row(
        "twins", of(("é".encode(), b"1"), ("e\u0301".encode(), b"2"), (b"\xc0\xaf", b"3")), live=403
    ),
    Row("long-path", of(("p/" * 16_000 + "x", b"x")), live=401),
    Row(
        "overdeep-path", of(("p/" * 30_000 + "x", b"x")), refused=("levels", "--limit path_depth=N")
    ),
    Row(
        "overlong-path", of(("p/" * 33_000 + "x", b"x")), refused=("bytes", "--limit path_bytes=N")
    ),
    Row(
        "no-tar",
        raw(b"neither a tar nor anything else " * 100),
        refused="neither a tar nor compressed",
    ),
)

PACKED: Sequence[Row] = (
    *(
        Row(
            f"cut-{name}",
            packed(name, cut=20),
            refused="cut short",
            alone=True,
        )
        for name in ("gzip", "zstd", "xz", "bzip2")
    ),
    Row(
        "wrong-crc",
        lambda: COMPRESSIONS["gzip"](tar(BASE))[:-8] + bytes(8),
        refused="broken gzip data",
        alone=True,
    ),
    Row(
        "gzip-then-garbage",
        lambda: COMPRESSIONS["gzip"](tar(BASE)) + b"garbage",
        notes=("trailing-bytes",),
        live=400,
        alone=True,
    ),
    Row(
        "gzip-then-zeros",
        lambda: COMPRESSIONS["gzip"](tar(BASE)) + bytes(1000),
        live=400,
        alone=True,
    ),
    *(Row(f"reads-{name}", packed(name), live=400, alone=True) for name in COMPRESSIONS),
    *(
        Row(f"refuses-{name}", raw(magic + b"data" * 200), refused=name, alone=True)
        for name, magic in (
            ("lz4", b"\x04\x22\x4d\x18"),
            ("lzip", b"LZIP\1"),
            ("lzop", b"\x89LZO\0\r\n"),
            ("compress", b"\x1f\x9d\x90"),
        )
    ),
    Row(
        "zstd-window",
        raw(b"\x28\xb5\x2f\xfd\x00" + bytes((21 << 3,)) + b"\x01\0\0"),
        refused=("window", "--limit zstd_window_log=N"),
        alone=True,
    ),
    Row(
        "zstd-skippable-lie",
        lambda: COMPRESSIONS["zstd"](tar(BASE)) + struct.pack("<II", 0x184D2A50, 0xFFFFFFFF),
        refused="cut short",
        alone=True,
    ),
    Row(
        "gzip-of-text",
        lambda: COMPRESSIONS["gzip"](b"text " * 500),
        refused="not a tar",
        alone=True,
    ),
    Row(
        "million-members",
        lambda: COMPRESSIONS["gzip"](tar(BASE)) + COMPRESSIONS["gzip"](b"") * 1_000_000,
        live=400,
        alone=True,
        images=2,
    ),
    Row(
        "bomb-bzip2",
        lambda: COMPRESSIONS["bzip2"](bytes(64 << 20)) * 140,
        refused=("over the 1100:1 allowed", "--limit ratio=N"),
        alone=True,
    ),
)

ROWS: Sequence[Row] = (*ENGINES, *MEMBERS, *PACKED)
