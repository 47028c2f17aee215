"""Hostile package databases cost little, change no other number, and are said to be unreadable or read with harmless names."""

from __future__ import annotations

import json
import re
import sqlite3
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping
from contextlib import closing
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from tests.builder import FORMS, ImageBuilder
from tests.hostile.running import Ran, layerscope
from tests.model import check_sums
from tests.packages.test_databases import RPM, berkeley_file, header, ndb_file
from tests.packages.test_inside_files import build_info, elf, jar, pom

_PURL = re.compile(r"pkg:[a-z]+/[!-~]+", re.ASCII)


def database(folder: Path, *statements: str) -> bytes:
    """A SQLite file after these statements."""
    path = folder / "made.sqlite"
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as made:
        for statement in statements:
            made.execute(statement)
        made.commit()
    return path.read_bytes()


def generated(folder: Path) -> bytes:
    rows = "INSERT INTO Packages (hnum) VALUES (1), (2), (3)"
    made = "blob BLOB AS (zeroblob(900000000)) VIRTUAL"
    return database(folder, f"CREATE TABLE Packages (hnum INTEGER PRIMARY KEY, {made})", rows)


def virtual(folder: Path) -> bytes:
    return database(folder, "CREATE VIRTUAL TABLE Packages USING fts5(blob)")


def circular(folder: Path) -> bytes:
    """A table whose pages point to each other without end."""
    values = ", ".join(f"({number}, zeroblob(900))" for number in range(2000))
    data = bytearray(
        database(
            folder,
            "CREATE TABLE Packages (hnum INTEGER PRIMARY KEY, blob BLOB NOT NULL)",
            f"INSERT INTO Packages VALUES {values}",
        )
    )
    size = struct.unpack_from(">H", data, 16)[0]
    for start in range(size, len(data), size):
        if data[start] == 5:  # an interior page of a table: its last child becomes itself
            struct.pack_into(">I", data, start + 8, start // size + 1)
    return bytes(data)


def counting(count: int) -> bytes:
    return struct.pack(">II", count, 16) + bytes(16)


def many_slots() -> bytes:
    """A slot for each number, all of which point to one large header."""
    body = struct.pack("<4sIII", b"BlbS", 1, 1, 4_000_000) + bytes(4_000_000)
    slots = struct.pack("<4sIII", b"Slot", 1, 4096 // 16, 1) * 253
    head = struct.pack("<4sIIIIIII", b"RpmP", 0, 1, 1, 2, 0, 0, 0)
    return (head + slots).ljust(4096, b"\0") + body


def circle() -> bytes:
    """Overflow pages that point to each other, for a header of almost the file's length."""
    data = bytearray(berkeley_file(RPM + bytes(5000)))
    for page in range(2, len(data) // 512):
        struct.pack_into("<I", data, page * 512 + 16, 2)
    return bytes(data)


def overlapping() -> bytes:
    """A zip whose members all share the same compressed bytes, as in Fifield's bomb."""
    file = BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("kernel.jar", bytes(50_000_000))
        first = archive.infolist()[0]
        for number in range(60_000):
            twin = zipfile.ZipInfo(f"{number}.jar")
            twin.compress_type = first.compress_type
            twin.CRC, twin.compress_size, twin.file_size = (
                first.CRC,
                first.compress_size,
                first.file_size,
            )
            twin.header_offset = first.header_offset
            archive.filelist.append(twin)
    return file.getvalue()


def inflating() -> bytes:
    """A Rust program whose list of crates unpacks to a gigabyte."""
    packer = zlib.compressobj(9)
    packed = b"".join(packer.compress(bytes(10_000_000)) for _ in range(100)) + packer.flush()
    return elf({b".dep-v0": packed})


def stretched() -> bytes:
    """An ELF file whose sections claim to be of 2^62 bytes each."""
    data = bytearray(elf({b".go.buildinfo": build_info(), b".dep-v0": b"x"}))
    table = struct.unpack_from("<Q", data, 40)[0]
    for row in range(table, len(data) - 63, 64):
        struct.pack_into("<Q", data, row + 32, 1 << 62)
    return bytes(data)


def entities() -> dict[str, bytes]:
    nested = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
    text = f'<!DOCTYPE project [<!ENTITY e0 "lol">{nested}]><project><version>&e11;</version></project>'
    return {"META-INF/maven/g/a/pom.xml": text.encode(), **pom("g", "a", "1")}


def metadata(name: str) -> bytes:
    return f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n".encode()


Cases = Mapping[str, tuple[str, Callable[[Path], bytes]]]
DATABASES: Cases = {
    "rpm: 2^32-1 tags": ("var/lib/rpm/Packages.db", lambda _: ndb_file(counting(0xFFFFFFFF))),
    "rpm: 2^28 tags": ("var/lib/rpm/Packages.db", lambda _: ndb_file(counting(1 << 28))),
    "rpm: 2^32-1 names": (
        "var/lib/rpm/Packages.db",
        lambda _: ndb_file(header([(1000, 6, 1, b"a\0"), (1117, 8, 0xFFFFFFFF, b"x\0")])),
    ),
    "rpm: one header for all slots": ("var/lib/rpm/Packages.db", lambda _: many_slots()),
    "rpm: a generated column": ("var/lib/rpm/rpmdb.sqlite", generated),
    "rpm: a virtual table": ("var/lib/rpm/rpmdb.sqlite", virtual),
    "rpm: a tree in a circle": ("var/lib/rpm/rpmdb.sqlite", circular),
    "npm: deep JSON": ("app/node_modules/a/package.json", lambda _: b'{"a":' * 100_000),
    "conda: deep JSON": ("opt/conda-meta/a.json", lambda _: b"[" * 1_000_000),
}
"""What is unreadable: the path and the bytes."""
FILES: Cases = {
    "rpm: pages in a circle": ("var/lib/rpm/Packages", lambda _: circle()),
    "java: members that share their bytes": ("srv/app-1.jar", lambda _: overlapping()),
    "java: coordinates of 100 MB": (
        "srv/app-1.jar",
        lambda _: jar({"META-INF/maven/g/a/pom.properties": bytes(100_000_000)}),
    ),
    "java: entities": ("srv/app-1.jar", lambda _: jar(entities())),
    "rust: a list of crates of 1 GB": ("bin/app", lambda _: inflating()),
    "elf: sections of 2^62 bytes": ("bin/app", lambda _: stretched()),
    "elf: nothing but the magic": ("bin/app", lambda _: b"\x7fELF" + b"\xff" * 200),
    "dpkg: 300,000 packages of one name": (
        "var/lib/dpkg/status",
        lambda _: b"Package: a\nStatus: install ok installed\nVersion: 1\n\n" * 300_000,
    ),
    "apk: one line of 16 MB": ("lib/apk/db/installed", lambda _: b"P:" + b"a" * (16 << 20)),
}
"""What is read as far as it makes sense."""
NAMES = (
    "a\x1b[2J",
    "a?x=y#z",
    "../../etc/shadow",
    "a\u202eb",
    "a/b@1",
    "%2e%2e",
    "::error::a",
    "a b",
    "=1+1",
)


def report(member: str, data: bytes, folder: Path, **more: bytes) -> Ran:
    members = {member: data, "etc/hostname": b"host", **more}
    built = ImageBuilder("app:1").layer(members, "RUN x").build()
    FORMS["docker-legacy"].write([built], folder / "image.tar")
    return layerscope("report", "image.tar", "--json", "--no-cache", cwd=folder)


def checked(ran: Ran) -> dict[str, Any]:
    assert ran.code == 0, ran.err
    found: dict[str, Any] = json.loads(ran.out)
    check_sums(found)
    return found


@pytest.mark.parametrize("case", DATABASES)
def test_a_hostile_database_is_unreadable_and_nothing_else(case: str, tmp_path: Path) -> None:
    member, make = DATABASES[case]
    found = checked(report(member, make(tmp_path), tmp_path))
    assert found["packages"]["count"] == 0
    assert found["packages"]["unreadable"] == [case.partition(":")[0]]


@pytest.mark.slow
@pytest.mark.parametrize("case", FILES)
def test_a_hostile_file_is_read_as_far_as_it_makes_sense(case: str, tmp_path: Path) -> None:
    member, make = FILES[case]
    found = checked(report(member, make(tmp_path), tmp_path))
    assert found["packages"]["count"] <= 1


@pytest.mark.parametrize("name", NAMES)
def test_a_hostile_name_is_one_part_of_a_package_url(name: str, tmp_path: Path) -> None:
    folder = "usr/lib/python3/site-packages/a-1.0.dist-info"
    members = {f"{folder}/RECORD": b"../../../../../etc/shadow,,\n/etc/passwd,,\na.py,,\n"}
    ran = report(f"{folder}/METADATA", metadata(name), tmp_path, **members)
    assert ran.code == 0, ran.err
    assert ran.out.isascii()
    (row,) = json.loads(ran.out)["packages"]["largest"]
    kind, _, rest = row["purl"].removeprefix("pkg:").partition("/")
    assert kind == "pypi"
    assert _PURL.fullmatch(row["purl"])
    assert rest.count("@") == 1
    assert not {"?", "#", "/"} & set(rest)
    assert unquote(rest.partition("@")[2]) == "1.0"
