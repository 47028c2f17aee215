"""Archives that GNU tar makes of real files are read as GNU tar lists them."""

from __future__ import annotations

import os
import random
import re
import shutil
import socket
import stat
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from layerscope.layers.entry import (
    BLOCK,
    CHARACTER,
    DIRECTORY,
    FIFO,
    FILE,
    HARDLINK,
    OTHER,
    SYMLINK,
    Member,
)
from layerscope.layers.header import number
from tests.layers.reading import seek, stream

LETTERS = {
    FILE: "-",
    DIRECTORY: "d",
    SYMLINK: "l",
    HARDLINK: "h",
    CHARACTER: "c",
    BLOCK: "b",
    FIFO: "p",
}
LINE = re.compile(
    r"(?P<type>.)(?P<mode>\S{9}) +(?P<uid>\d+)/(?P<gid>\d+) +(?P<size>\d+|\d+,\d+) "
    r"(?P<time>\d{4,}-\d\d-\d\d \d\d:\d\d:\d\d)(?:\.\d+)? +(?P<rest>.*)"
)
ENVIRONMENT = {"LC_ALL": "C", "TZ": "UTC", "PATH": os.environ["PATH"]}


@pytest.fixture(scope="module", autouse=True)
def gnu_tar() -> None:
    found = shutil.which("tar")
    if found is None or "GNU tar" not in run("tar", "--version"):
        pytest.skip("no GNU tar here")


def run(*command: str, cwd: Path | None = None) -> str:
    done = subprocess.run(command, cwd=cwd, env=ENVIRONMENT, capture_output=True, check=True)
    return done.stdout.decode("latin-1")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("files")
    (root / "dir/sub").mkdir(parents=True)
    (root / "dir/empty").write_bytes(b"")
    (root / "dir/sub/data").write_bytes(b"x" * 1300)
    (root / "dir/exact").write_bytes(b"y" * 512)
    os.link(root / "dir/exact", root / "dir/linked")
    (root / "link").symlink_to("dir/sub/data")
    (root / "away").symlink_to("../../../etc/passwd")
    os.mkfifo(root / "pipe")
    for name in (
        b"caf\xc3\xa9",
        b"latin\xe9",
        b"new\nline",
        b"tab\tback\\slash",
        b"\x1b[31m",
        b" sp ",
    ):
        Path(os.fsdecode(os.fsencode(root) + b"/" + name)).write_bytes(name)
    os.chmod(root / "dir/empty", 0o4751)
    os.chmod(root / "dir/sub", 0o1777)
    times = {"dir/empty": 0, "dir/exact": 1_700_000_000_123_456_789, "dir/sub/data": 2**33 * 10**9}
    for path, time in times.items():
        os.utime(root / path, ns=(time, time))
    os.utime(root / "dir", ns=(0, -5_000_000_000))
    with open(root / "holes", "wb") as file:
        file.truncate(1_000_000)
        file.seek(400_000)
        file.write(b"z" * 5000)
        file.seek(900_000)
        file.write(b"z" * 10)
    with open(root / "many", "wb") as file:
        for at in range(0, 2_000_000, 40_000):
            file.seek(at)
            file.write(b"q" * 100)
    return root


def long_names(root: Path) -> None:
    deep = root / ("d" * 90) / ("e" * 90) / ("f" * 90)
    deep.mkdir(parents=True, exist_ok=True)
    (deep / ("n" * 120)).write_bytes(b"deep")
    link = root / "to-deep"
    if not link.is_symlink():
        link.symlink_to("t" * 180)


def archive(root: Path, *options: str) -> bytes:
    target = root.parent / "archive.tar"
    run("tar", "-cf", str(target), *options, "--sort=name", "-C", str(root), ".")
    data = target.read_bytes()
    target.unlink()
    return data


def listing(data: bytes, tmp_path: Path) -> list[tuple[object, ...]]:
    path = tmp_path / "listed.tar"
    path.write_bytes(data)
    text = run("tar", "-tvf", str(path), "--full-time", "--numeric-owner", "--quoting-style=escape")
    rows: list[tuple[object, ...]] = []
    for line in text.splitlines():
        match = LINE.fullmatch(line)
        assert match is not None, line
        when = datetime.fromisoformat(match["time"]).replace(tzinfo=UTC)
        size = match["size"]
        rows.append(
            (
                match["type"],
                match["mode"],
                int(match["uid"]),
                int(match["gid"]),
                tuple(map(int, size.split(","))) if "," in size else int(size),
                int(when.timestamp()),
                match["rest"],
            )
        )
    return rows


def shown(entry: Member) -> tuple[object, ...]:
    size: object = entry.size
    if entry.extra is not None and entry.extra.logical_size is not None:
        size = entry.extra.logical_size
    if entry.kind in {CHARACTER, BLOCK}:
        assert entry.extra is not None
        size = entry.extra.device
    rest = escaped(entry.path)
    if entry.kind == SYMLINK:
        rest += " -> " + escaped(entry.link)
    if entry.kind == HARDLINK:
        rest += " link to " + escaped(entry.link)
    mode = stat.filemode(entry.mode)[1:]
    return LETTERS[entry.kind], mode, entry.uid, entry.gid, size, entry.mtime, rest


def escaped(name: bytes) -> str:
    """A name in GNU tar's quoting style `escape`."""
    special = {7: "\\a", 8: "\\b", 9: "\\t", 10: "\\n", 11: "\\v", 12: "\\f", 13: "\\r", 92: "\\\\"}
    return "".join(
        special.get(byte) or (chr(byte) if 32 <= byte < 127 else f"\\{byte:03o}") for byte in name
    )


CASES = {
    "gnu": ("--format=gnu",),
    "posix": ("--format=posix",),
    "posix-plain": ("--format=posix", "--pax-option=delete=atime,delete=ctime"),
    "ustar": ("--format=ustar",),
    "v7": ("--format=v7",),
    "oldgnu": ("--format=oldgnu",),
    "sparse-gnu": ("--format=gnu", "--sparse"),
    "sparse-0.0": ("--format=posix", "--sparse", "--sparse-version=0.0"),
    "sparse-0.1": ("--format=posix", "--sparse", "--sparse-version=0.1"),
    "sparse-1.0": ("--format=posix", "--sparse", "--sparse-version=1.0"),
    "large-ids": ("--format=gnu", "--owner=:3000000000", "--group=:2097152"),
    "large-ids-posix": ("--format=posix", "--owner=:3000000000", "--group=:2097152"),
    "global": ("--format=posix", "--pax-option=globexthdr.name=g,comment=hello"),
}
NARROW = {"ustar", "v7"}
"""Formats without long names or times before 1970."""


@pytest.mark.parametrize("name", sorted(CASES))
def test_entries_equal_gnu_tars_listing(name: str, files: Path, tmp_path: Path) -> None:
    root = tmp_path / "files"
    run("cp", "-a", "--sparse=always", str(files), str(root))
    if name in NARROW:
        os.utime(root / "dir", ns=(0, 0))
        os.utime(root / "dir/sub/data", ns=(0, 0))
        (root / "pipe").unlink()
    else:
        long_names(root)
    data = archive(root, *CASES[name])
    scan = seek(data)
    assert scan.error is None
    assert [shown(entry) for entry in scan.entries] == listing(data, tmp_path)
    assert stream(data, (4096, 1, 700)).facts == scan.facts


@pytest.mark.parametrize("name", [name for name in sorted(CASES) if name.startswith("sparse")])
def test_sparse_files_store_what_gnu_tar_stored(name: str, files: Path) -> None:
    data = archive(files, *CASES[name])
    for path in (b"./holes", b"./many"):
        entry = next(entry for entry in seek(data).entries if entry.path == path)
        assert entry.extra is not None
        content = (files / os.fsdecode(path)).read_bytes()
        assert entry.extra.logical_size == len(content)
        assert 0 < entry.size < len(content)
        assert rebuilt(entry, data) == content


def rebuilt(entry: Member, data: bytes) -> bytes:
    assert entry.extra is not None
    assert entry.extra.logical_size is not None
    out = bytearray(entry.extra.logical_size)
    at = entry.data
    for begin, length in entry.extra.extents:
        out[begin : begin + length] = data[at : at + length]
        at += length
    assert at == entry.data + entry.size
    return bytes(out)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes device nodes")
def test_devices_are_listed_as_gnu_tar_lists_them(tmp_path: Path) -> None:
    root = tmp_path / "dev"
    root.mkdir()
    try:
        os.mknod(root / "null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
        os.mknod(root / "sda", stat.S_IFBLK | 0o660, os.makedev(8, 1))
    except PermissionError:
        pytest.skip("device nodes are forbidden here")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(root / "sock"))
        data = archive(root, "--format=gnu")
    assert [shown(entry) for entry in seek(data).entries] == listing(data, tmp_path)


@pytest.mark.parametrize("form", ["gnu", "posix"])
def test_a_volume_label_is_a_member_of_another_kind(form: str, files: Path) -> None:
    data = archive(files, f"--format={form}", "--label=a label")
    first = seek(data).entries[0]
    assert (first.path, first.size) == ((b"a label", 0) if form == "gnu" else (b"./", 0))


def test_a_second_volume_is_a_member_of_another_kind(tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(random.Random(1).randbytes(40_000))
    parts = [tmp_path / "one.tar", tmp_path / "two.tar"]
    run(
        "tar", "-cM", "--format=gnu", "-L", "30", "-f", str(parts[0]), "-f", str(parts[1]),
        "-C", str(tmp_path), "large",
    )  # fmt: skip
    (entry,) = seek(parts[1].read_bytes()).entries
    assert (entry.path, entry.size) == (b"large", 0)
    assert number(parts[1].read_bytes()[124:136]) > 0


def test_an_incremental_archive_lists_its_directories(files: Path, tmp_path: Path) -> None:
    snapshot = f"--listed-incremental={tmp_path / 'snapshot'}"
    scan = seek(archive(files, "--format=gnu", snapshot))
    assert scan.error is None
    folders = {os.fsencode(path.relative_to(files)) for path in files.rglob("*") if path.is_dir()}
    others = {entry.path for entry in scan.entries if entry.kind == OTHER}
    assert others == {b"./"} | {b"./" + folder + b"/" for folder in folders}
