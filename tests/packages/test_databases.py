"""Each kind of package database: the packages in it, and the paths they own."""

from __future__ import annotations

import json
import sqlite3
import struct
import zlib
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import pytest

from layerscope.packages.databases import Unit, distribution, unit_of
from layerscope.packages.package import Installed, Package, Unreadable


def installed(documents: Mapping[bytes, bytes], release: str = "debian") -> list[Installed]:
    """What the databases in some files say. All files belong to databases."""
    units: dict[Unit, dict[bytes, bytes]] = {}
    for path, data in documents.items():
        unit = unit_of(path)
        assert unit is not None, path
        units.setdefault(unit, {})[path] = data
    return [
        each
        for (database, where), files in units.items()
        for each in database.read(where, files, release)
    ]


def purls(documents: Mapping[bytes, bytes], release: str = "debian") -> list[str]:
    return [each.package.purl for each in installed(documents, release)]


STATUS = b"""Package: libc6
Status: install ok installed
Architecture: amd64
Multi-Arch: same
Version: 2.36-9+deb12u4
Description: GNU C Library
 Version: of nothing

Package: gone
Status: deinstall ok config-files
Architecture: all
Version: 1.0

Package: vim
Status: install ok half-configured
Architecture: amd64
Version: 2:9.0.1378-2
"""


def test_dpkg_lists_what_is_unpacked_and_not_what_only_left_its_settings() -> None:
    found = installed(
        {
            b"var/lib/dpkg/status": STATUS,
            b"var/lib/dpkg/info/libc6:amd64.list": b"/.\n/lib\n/lib/libc.so.6\n",
            b"var/lib/dpkg/info/gone.list": b"/.\n/etc/gone\n",
        }
    )
    assert [each.package.purl for each in found] == [
        "pkg:deb/debian/libc6@2.36-9%2Bdeb12u4?arch=amd64",
        "pkg:deb/debian/vim@2:9.0.1378-2?arch=amd64",
    ]
    assert b"lib/libc.so.6" in found[0].files


def test_a_diverted_file_belongs_where_it_really_is() -> None:
    diversions = b"/usr/bin/sh\n/usr/bin/sh.distrib\nbash\n"
    both = STATUS.replace(b"libc6", b"dash").replace(b"vim", b"bash")
    lists = {
        b"var/lib/dpkg/info/dash.list": b"/.\n/usr/bin/sh\n",
        b"var/lib/dpkg/info/bash.list": b"/.\n/usr/bin/sh\n",
    }
    dash, bash = installed(
        {b"var/lib/dpkg/status": both, b"var/lib/dpkg/diversions": diversions, **lists}
    )
    assert b"usr/bin/sh.distrib" in dash.files
    assert b"usr/bin/sh" in bash.files


def test_distroless_images_have_one_file_for_each_package() -> None:
    found = installed(
        {
            b"var/lib/dpkg/status.d/tzdata": b"Package: tzdata\nVersion: 2024a-0\nArchitecture: all\n",
            b"var/lib/dpkg/status.d/tzdata.md5sums": b"0" * 32 + b"  usr/share/zoneinfo/UTC\n",
        }
    )
    assert [(each.package.name, each.files) for each in found] == [
        ("tzdata", (b"usr/share/zoneinfo/UTC",))
    ]


def test_apk_gives_each_file_its_directory() -> None:
    data = b"C:Q1\nP:musl\nV:1.2.4-r2\nA:x86_64\nF:lib\nR:ld-musl.so.1\nF:\nR:root-file\n\nP:empty\nV:1-r0\n\n"
    musl, empty = installed({b"lib/apk/db/installed": data}, "alpine")
    assert musl.package.purl == "pkg:apk/alpine/musl@1.2.4-r2?arch=x86_64"
    assert musl.files == (b"lib/ld-musl.so.1", b"root-file")
    assert empty.package.name == "empty"


def header(entries: list[tuple[int, int, int, bytes]]) -> bytes:
    """An rpm header with (tag, type, count, data) entries."""
    index = data = b""
    for tag, kind, count, value in entries:
        data += bytes(-len(data) % 4)
        index += struct.pack(">IIII", tag, kind, len(data), count)
        data += value
    return struct.pack(">II", len(entries), len(data)) + index + data


RPM = header(
    [
        (1000, 6, 1, b"hello\0"),
        (1001, 6, 1, b"1.5\0"),
        (1002, 6, 1, b"3.fc40\0"),
        (1003, 4, 1, struct.pack(">I", 2)),
        (1022, 6, 1, b"noarch\0"),
        (1037, 4, 3, struct.pack(">III", 0, 0, 64)),
        (1116, 4, 3, struct.pack(">III", 0, 1, 1)),
        (1117, 8, 3, b"hello\0greeting\0ghost\0"),
        (1118, 8, 2, b"/usr/bin/\0/usr/share/hello/\0"),
    ]
)
RPM_PURL = "pkg:rpm/fedora/hello@1.5-3.fc40?arch=noarch&epoch=2"


def sqlite_file(path: Path, *blobs: bytes, journal: str = "delete") -> dict[str, bytes]:
    """The files of an rpm database: with `wal`, the write-ahead log still has the headers."""
    with closing(sqlite3.connect(path / "rpmdb.sqlite")) as database:
        database.execute(f"PRAGMA journal_mode = {journal}")
        database.execute("CREATE TABLE Packages (hnum INTEGER PRIMARY KEY, blob BLOB NOT NULL)")
        if journal == "wal":
            database.commit()
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            database.execute("PRAGMA wal_autocheckpoint = 0")
        database.executemany("INSERT INTO Packages (blob) VALUES (?)", [(each,) for each in blobs])
        database.commit()
        return {each.name: each.read_bytes() for each in path.iterdir() if "shm" not in each.name}


def test_rpm_in_sqlite_leaves_out_ghosts(tmp_path: Path) -> None:
    files = sqlite_file(tmp_path, RPM)
    (found,) = installed(
        {b"var/lib/rpm/" + name.encode(): data for name, data in files.items()}, "fedora"
    )
    assert found.package.purl == RPM_PURL
    assert found.files == (b"usr/bin/hello", b"usr/share/hello/greeting")


def test_rpm_reads_what_only_the_write_ahead_log_has(tmp_path: Path) -> None:
    files = sqlite_file(tmp_path, RPM, journal="wal")
    assert len(files["rpmdb.sqlite-wal"]) > 4096
    documents = {b"var/lib/rpm/" + name.encode(): data for name, data in files.items()}
    assert purls(documents, "fedora") == [RPM_PURL]
    documents[b"var/lib/rpm/rpmdb.sqlite-wal"] = b""
    assert purls(documents, "fedora") == []


def ndb_file(*blobs: bytes) -> bytes:
    """`Packages.db` as rpm's ndb backend writes it."""
    slots = b""
    rows = b""
    for number, blob in enumerate(blobs, 1):
        block = (4096 + len(rows)) // 16
        body = struct.pack("<4sIII", b"BlbS", number, 1, len(blob)) + blob
        body += bytes(-(len(body) + 12) % 16)
        body += struct.pack("<II4s", zlib.adler32(blob), len(blob), b"BlbE")
        slots += struct.pack("<4sIII", b"Slot", number, block, len(body) // 16)
        rows += body
    head = struct.pack("<4sIIIIIII", b"RpmP", 0, 1, 1, len(blobs) + 1, 0, 0, 0)
    return (head + slots).ljust(4096, b"\0") + rows


def test_rpm_in_ndb() -> None:
    assert purls({b"usr/lib/sysimage/rpm/Packages.db": ndb_file(RPM, RPM)}, "fedora") == [
        RPM_PURL,
        RPM_PURL,
    ]


def berkeley_file(blob: bytes, order: str = "<") -> bytes:
    """`Packages` as a Berkeley DB hash: a meta page, a hash page, and overflow pages."""
    size = 512
    room = size - 26
    pages = [blob[start : start + room] for start in range(0, len(blob), room)]
    meta = struct.pack(f"{order}QIIII", 0, 0, 0x061561, 9, size)[:24] + bytes((0, 8))
    item = b"\x03\0\0\0" + struct.pack(f"{order}II", 2, len(blob))
    key = b"\x01" + struct.pack(f"{order}I", 1)
    offsets = (size - len(key), size - len(key) - len(item))
    page = struct.pack(f"{order}QIIIHHBB", 0, 1, 0, 0, 2, offsets[1], 0, 13)
    page += struct.pack(f"{order}HH", *offsets)
    page = page.ljust(offsets[1], b"\0") + item + key
    data = meta.ljust(size, b"\0") + page
    for number, part in enumerate(pages, 2):
        after = number + 1 if number - 1 < len(pages) else 0
        head = struct.pack(f"{order}QIIIHHBB", 0, number, 0, after, 1, len(part), 0, 7)
        data += (head + part).ljust(size, b"\0")
    return data


@pytest.mark.parametrize("order", ["<", ">"])
def test_rpm_in_berkeley_db(order: str) -> None:
    long = RPM.replace(b"greeting", b"g" * 8) + bytes(2000)
    assert purls({b"var/lib/rpm/Packages": berkeley_file(long, order)}, "fedora") == [RPM_PURL]


def test_a_python_distribution_owns_what_its_record_lists() -> None:
    folder = b"usr/lib/python3/site-packages/Foo_Bar-1.2.dist-info"
    (found,) = installed(
        {
            folder
            + b"/METADATA": b"Metadata-Version: 2.1\nName: Foo_Bar\nVersion: 1.2\n\nName: no\n",
            folder
            + b"/RECORD": b'foo/__init__.py,sha256=x,1\n"foo/a,b.py",,\n../../../bin/foo,,\n/opt/x,,\n',
            folder + b"/INSTALLER": b"uv\n",
        }
    )
    assert found.package == Package("pypi", "Foo_Bar", "1.2", installer="uv")
    assert found.package.purl == "pkg:pypi/foo-bar@1.2"
    assert found.files == (
        b"usr/lib/python3/site-packages/foo/__init__.py",
        b"usr/lib/python3/site-packages/foo/a,b.py",
        b"usr/bin/foo",
        b"opt/x",
    )


def test_an_egg_without_a_list_owns_its_top_level_folders() -> None:
    folder = b"site/foo-1.egg-info"
    (found,) = installed(
        {folder + b"/PKG-INFO": b"Name: foo\nVersion: 1\n", folder + b"/top_level.txt": b"foo\n"}
    )
    assert found.trees == (folder, b"site/foo")


def test_npm_packages_own_their_folder() -> None:
    scoped = b"app/node_modules/@types/node"
    found = installed(
        {
            scoped + b"/package.json": b'{"name": "@types/node", "version": "20.1.0"}',
            b"node_modules/.pnpm/a@1.0.0/node_modules/a/package.json": b'{"version": "1.0.0"}',
        }
    )
    assert [(each.package.purl, each.trees, each.package.installer) for each in found] == [
        ("pkg:npm/%40types/node@20.1.0", (scoped,), None),
        ("pkg:npm/a@1.0.0", (b"node_modules/.pnpm/a@1.0.0/node_modules/a",), "pnpm"),
    ]


def test_the_package_json_of_the_app_itself_is_not_a_package() -> None:
    assert unit_of(b"app/package.json") is None
    assert unit_of(b"app/node_modules/a/lib/package.json") is None


def test_gems_are_named_by_their_stub_line() -> None:
    path = b"usr/lib/ruby/gems/3.1.0/specifications/rake-13.0.6.gemspec"
    (found,) = installed({path: b"# -*- encoding: utf-8 -*-\n# stub: rake 13.0.6 ruby lib\n"})
    assert found.package.purl == "pkg:gem/rake@13.0.6"
    assert b"usr/lib/ruby/gems/3.1.0/gems/rake-13.0.6" in found.trees


def test_composer_packages_have_a_place_next_to_the_list() -> None:
    rows = {
        "packages": [
            {
                "name": "monolog/monolog",
                "version": "3.5.0",
                "install-path": "../monolog/monolog",
            }
        ]
    }
    (found,) = installed({b"app/vendor/composer/installed.json": json.dumps(rows).encode()})
    assert found.package.purl == "pkg:composer/monolog/monolog@3.5.0"
    assert found.trees == (b"app/vendor/monolog/monolog",)


def test_conda_lists_files_below_its_prefix() -> None:
    row = {"name": "zlib", "version": "1.3", "build": "h1", "files": ["lib/libz.so", "../x"]}
    (found,) = installed({b"opt/conda/conda-meta/zlib-1.3-h1.json": json.dumps(row).encode()})
    assert found.package.purl == "pkg:conda/zlib@1.3?build=h1"
    assert found.files[1:] == (b"opt/conda/lib/libz.so", b"opt/x")


def test_the_distribution_is_the_id_of_os_release() -> None:
    assert distribution(b'NAME="Debian"\nVERSION_ID="12"\nID="debian"\n') == "debian"
    assert distribution(b"NAME=x\n") == ""


@pytest.mark.parametrize(
    ("path", "data"),
    [
        (b"var/lib/rpm/rpmdb.sqlite", b"SQLite format 3\0" + bytes(5000)),
        (b"var/lib/rpm/rpmdb.sqlite", b"nonsense"),
        (b"var/lib/rpm/Packages.db", ndb_file(RPM)[:4200]),
        (b"var/lib/rpm/Packages.db", b"RpmP" + bytes(100)),
        (b"var/lib/rpm/Packages", bytes(600)),
        (b"var/lib/rpm/Packages", berkeley_file(RPM)[:1024]),
        (b"var/lib/rpm/Packages.db", ndb_file(RPM[:20])),
        (b"var/lib/rpm/Packages.db", ndb_file(struct.pack(">II", 1 << 20, 4))),
        (b"app/node_modules/a/package.json", b"{"),
        (b"app/node_modules/a/package.json", b"[" * 100_000),
        (b"app/node_modules/a/package.json", b"[]"),
        (b"app/vendor/composer/installed.json", b'{"packages": 1}'),
        (b"opt/conda-meta/a.json", b"{}"),
        (b"x/specifications/a.gemspec", b"s.name = "),
        (b"x/a-1.dist-info/METADATA", b"Version: 1\n"),
        (b"var/lib/dpkg/info/a.list", b"/x\n"),
        (b"var/lib/dpkg/status.d/a", b"no colon\n"),
    ],
)
def test_a_damaged_database_is_unreadable_and_nothing_else(path: bytes, data: bytes) -> None:
    with pytest.raises(Unreadable):
        installed({path: data})


def test_a_view_in_place_of_the_table_is_refused(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "x")) as database:
        database.execute(
            "CREATE VIEW Packages AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"
            " SELECT i AS hnum, x'00' AS blob FROM n"
        )
        database.commit()
    with pytest.raises(Unreadable, match="no Packages table"):
        installed({b"var/lib/rpm/rpmdb.sqlite": (tmp_path / "x").read_bytes()})


def test_a_schema_that_is_not_utf8_is_unreadable(tmp_path: Path) -> None:
    data = sqlite_file(tmp_path, RPM)["rpmdb.sqlite"]
    with pytest.raises(Unreadable):
        installed({b"var/lib/rpm/rpmdb.sqlite": data.replace(b"CREATE TABLE", b"CREATE\xffTABLE")})


def test_many_long_paths_from_one_small_header_are_refused() -> None:
    names = 20_000
    bomb = header(
        [
            (1000, 6, 1, b"a\0"),
            (1001, 6, 1, b"1\0"),
            (1116, 4, names, bytes(4 * names)),
            (1117, 8, names, b"\0" * names),
            (1118, 8, 1, b"/" + b"d" * 60_000 + b"\0"),
        ]
    )
    with pytest.raises(Unreadable, match="far longer"):
        installed({b"var/lib/rpm/Packages.db": ndb_file(bomb)})
