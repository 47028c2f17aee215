"""Writes tar members byte by byte: ustar, PAX, GNU, sparse, and deliberately broken ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

from tests.builder.nodes import (
    OPAQUE_NAME,
    WHITEOUT_PREFIX,
    Device,
    Directory,
    Fifo,
    File,
    Global,
    Hardlink,
    Member,
    Meta,
    Name,
    Node,
    Opaque,
    Other,
    Raw,
    Sparse,
    Symlink,
    Whiteout,
    as_bytes,
)

Format = Literal["pax", "gnu", "ustar", "v7"]
BLOCK = 512
END = bytes(2 * BLOCK)

FIELDS = {
    "name": (0, 100),
    "mode": (100, 8),
    "uid": (108, 8),
    "gid": (116, 8),
    "size": (124, 12),
    "mtime": (136, 12),
    "checksum": (148, 8),
    "typeflag": (156, 1),
    "linkname": (157, 100),
    "magic": (257, 8),
    "uname": (265, 32),
    "gname": (297, 32),
    "devmajor": (329, 8),
    "devminor": (337, 8),
    "prefix": (345, 155),
}
MAGIC: Mapping[Format, bytes] = {
    "pax": b"ustar\x0000",
    "ustar": b"ustar\x0000",
    "gnu": b"ustar  \x00",
    "v7": b"",
}


def tar(members: Iterable[Member], form: Format = "pax", end: bytes = END) -> bytes:
    """A whole archive; `end` follows the last member."""
    return b"".join(member(name, node, form) for name, node in members) + end


def member(name: Name, node: Node, form: Format = "pax") -> bytes:
    """One member with all its headers, data and padding.

    A whiteout is passed with the path it hides and gets its prefix here. An opaque whiteout gets its name.
    """
    path = as_bytes(name)
    match node:
        case Raw():
            return node.data
        case Global():
            return extended(node.pax, b"g")
        case Whiteout():
            path = whiteout_name(path)
            odd = node.node
            if odd is not None:
                return member(path, odd, form)
            return write(path, node, form, b"0", mode=0)
        case Opaque():
            return write(opaque_name(path), node, form, b"0", mode=0)
        case File():
            return write(path, node, form, b"0", node.data)
        case Directory():
            return write(path, node, form, b"5", mode=0o755)
        case Symlink():
            return write(path, node, form, b"2", link=as_bytes(node.target), mode=0o777)
        case Hardlink():
            link = as_bytes(node.target)
            return write(path, node, form, b"1", link=link, size=node.header_size)
        case Device():
            numbers = (node.major, node.minor)
            return write(path, node, form, b"4" if node.block else b"3", device=numbers)
        case Fifo():
            return write(path, node, form, b"6")
        case Other():
            return write(path, node, form, node.typeflag, node.data)
        case Sparse():
            return sparse(path, node)


def whiteout_name(path: bytes) -> bytes:
    folder, _, base = path.rpartition(b"/")
    if base.startswith(WHITEOUT_PREFIX):
        return path
    return (folder + b"/" if folder else b"") + WHITEOUT_PREFIX + base


def opaque_name(path: bytes) -> bytes:
    if path.rpartition(b"/")[2] == OPAQUE_NAME:
        return path
    folder = path.rstrip(b"/")
    return folder + b"/" + OPAQUE_NAME if folder else OPAQUE_NAME


def write(
    path: bytes,
    meta: Meta,
    form: Format,
    typeflag: bytes,
    data: bytes = b"",
    *,
    link: bytes = b"",
    mode: int = 0o644,
    size: int | None = None,
    device: tuple[int, int] = (0, 0),
) -> bytes:
    stored = len(data) if size is None else size
    records: dict[str, str | bytes] = dict(meta.pax)
    before = b""
    short, prefix = path, b""
    if len(path) > 100:
        short, prefix = split(path)
    if form == "pax":
        if len(short) > 100 or not path.isascii():
            records.setdefault("path", path)
        if len(link) > 100 or not link.isascii():
            records.setdefault("linkpath", link)
        if stored >= 8**11:
            records.setdefault("size", str(stored))
        for key, number in (("uid", meta.uid), ("gid", meta.gid)):
            if number >= 8**7:
                records.setdefault(key, str(number))
        if meta.mtime != int(meta.mtime) or meta.mtime < 0:
            records.setdefault("mtime", str(meta.mtime))
    elif form == "gnu":
        short, prefix = path, b""
        if len(link) > 100:
            before += long_name(link, b"K")
        if len(path) > 100:
            before += long_name(path, b"L")
    elif len(short) > 100 or len(link) > 100:
        raise ValueError(f"{path!r} or its link {link!r} is too long for {form}")
    for key, value in meta.xattrs.items():
        records[f"SCHILY.xattr.{key}"] = value
    if records:
        before += extended(records, b"x")
    fields = {
        "name": short[:100],
        "prefix": prefix,
        "mode": number_field(meta.mode if meta.mode is not None else mode, 8, form),
        "uid": number_field(meta.uid, 8, form),
        "gid": number_field(meta.gid, 8, form),
        "size": number_field(stored, 12, form),
        "mtime": number_field(int(meta.mtime), 12, form),
        "typeflag": typeflag,
        "linkname": link[:100],
        "magic": MAGIC[form],
        "uname": meta.uname.encode(),
        "gname": meta.gname.encode(),
    }
    if any(device) or typeflag in (b"3", b"4"):
        fields["devmajor"] = number_field(device[0], 8, form)
        fields["devminor"] = number_field(device[1], 8, form)
    return before + header(fields | dict(meta.overrides)) + padded(data)


def header(fields: Mapping[str, bytes]) -> bytes:
    """A header block. The checksum is right unless `fields` overrides it."""
    block = bytearray(BLOCK)
    for name, value in fields.items():
        start, length = FIELDS[name]
        if len(value) > length:
            raise ValueError(f"{name} is {len(value)} bytes, the field {length}")
        block[start : start + len(value)] = value
    if "checksum" not in fields:
        block[148:156] = b" " * 8
        block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def number_field(value: int, length: int, form: Format) -> bytes:
    """Octal digits; if they don't fit, base-256 in GNU form, or else 0 (a PAX record has the value)."""
    if 0 <= value < 8 ** (length - 1):
        return b"%0*o\0" % (length - 1, value)
    if form == "gnu":
        return base256(value, length)
    return b"%0*o\0" % (length - 1, 0)


def base256(value: int, length: int) -> bytes:
    """The binary form of a number, marked by its top bit."""
    field = bytearray(value.to_bytes(length, "big", signed=True))
    field[0] |= 0x80
    return bytes(field)


def split(path: bytes) -> tuple[bytes, bytes]:
    """A long name as ustar's name and prefix; unchanged if it can't be split."""
    at = path.find(b"/", max(0, len(path) - 101))
    while 0 < at <= 155:
        if 0 < len(path) - at - 1 <= 100:
            return path[at + 1 :], path[:at]
        at = path.find(b"/", at + 1)
    return path, b""


def padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % BLOCK)


def record(key: str, value: str | bytes) -> bytes:
    """One PAX record. Its length includes itself."""
    raw = value if isinstance(value, bytes) else value.encode("utf-8", "surrogateescape")
    body = b" " + key.encode() + b"=" + raw + b"\n"
    length = len(body)
    while len(b"%d" % length) + len(body) != length:
        length = len(b"%d" % length) + len(body)
    return b"%d" % length + body


def extended(records: Mapping[str, str | bytes], typeflag: bytes) -> bytes:
    """A PAX header with these records: `x` for the next member, `g` for all later ones."""
    return extended_raw(b"".join(record(key, value) for key, value in records.items()), typeflag)


def extended_raw(body: bytes, typeflag: bytes = b"x", size: int | None = None) -> bytes:
    """A PAX header with any bytes; the claimed `size` can be wrong."""
    name = b"PaxHeaders.0/member" if typeflag == b"x" else b"pax_global_header"
    fields = {
        "name": name,
        "mode": b"0000644\0",
        "uid": b"0000000\0",
        "gid": b"0000000\0",
        "size": number_field(len(body) if size is None else size, 12, "gnu"),
        "mtime": b"00000000000\0",
        "typeflag": typeflag,
        "magic": MAGIC["pax"],
    }
    return header(fields) + padded(body)


def long_name(name: bytes, typeflag: bytes) -> bytes:
    """GNU's long name (`L`) or long link target (`K`) for the next member."""
    body = name + b"\0"
    fields = {
        "name": b"././@LongLink",
        "mode": b"0000644\0",
        "uid": b"0000000\0",
        "gid": b"0000000\0",
        "size": b"%011o\0" % len(body),
        "mtime": b"00000000000\0",
        "typeflag": typeflag,
        "magic": MAGIC["gnu"],
    }
    return header(fields) + padded(body)


def sparse(path: bytes, node: Sparse) -> bytes:
    """A sparse file in one of GNU tar's four forms."""
    chunks = list(node.chunks)
    data = b"".join(part for _, part in chunks)
    table = [(offset, len(part)) for offset, part in chunks]
    if not table or sum(table[-1]) < node.size:
        table.append((node.size, 0))
    if node.form == "gnu":
        return sparse_gnu(path, node, table, data)
    folder, _, base = path.rpartition(b"/")
    inner = (folder + b"/" if folder else b"") + b"GNUSparseFile.0/" + base
    name = path.decode("utf-8", "surrogateescape")
    flat = [number for pair in table for number in pair]
    if node.form == "1.0":
        text = "".join(f"{number}\n" for number in [len(table), *flat]).encode()
        data = padded(text) + data
        records = {
            "GNU.sparse.major": "1",
            "GNU.sparse.minor": "0",
            "GNU.sparse.name": name,
            "GNU.sparse.realsize": str(node.size),
        }
        body = b"".join(record(key, value) for key, value in records.items())
    elif node.form == "0.1":
        records = {
            "GNU.sparse.size": str(node.size),
            "GNU.sparse.numblocks": str(len(table)),
            "GNU.sparse.name": name,
            "GNU.sparse.map": ",".join(map(str, flat)),
        }
        body = b"".join(record(key, value) for key, value in records.items())
    else:
        inner = path
        body = record("GNU.sparse.size", str(node.size))
        body += record("GNU.sparse.numblocks", str(len(table)))
        for offset, length in table:
            body += record("GNU.sparse.offset", str(offset))
            body += record("GNU.sparse.numbytes", str(length))
    plain = File(data, mode=node.mode, uid=node.uid, gid=node.gid, mtime=node.mtime)
    return extended_raw(body) + member(inner, plain, "ustar")


def sparse_gnu(path: bytes, node: Sparse, table: list[tuple[int, int]], data: bytes) -> bytes:
    def entries(pairs: list[tuple[int, int]]) -> bytes:
        return b"".join(b"%011o\0%011o\0" % pair for pair in pairs)

    fields = {
        "name": path,
        "mode": number_field(node.mode if node.mode is not None else 0o644, 8, "gnu"),
        "uid": number_field(node.uid, 8, "gnu"),
        "gid": number_field(node.gid, 8, "gnu"),
        "size": number_field(len(data), 12, "gnu"),
        "mtime": number_field(int(node.mtime), 12, "gnu"),
        "typeflag": b"S",
        "magic": MAGIC["gnu"],
    }
    block = bytearray(header(fields))
    first, rest = table[:4], table[4:]
    block[386 : 386 + 24 * len(first)] = entries(first)
    block[482] = bool(rest)
    block[483:495] = number_field(node.size, 12, "gnu")
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    extensions = b""
    while rest:
        now, rest = rest[:21], rest[21:]
        extension = bytearray(BLOCK)
        extension[: 24 * len(now)] = entries(now)
        extension[504] = bool(rest)
        extensions += bytes(extension)
    return bytes(block) + extensions + padded(data)
