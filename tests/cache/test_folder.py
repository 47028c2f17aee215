"""The cache folder is safe against damage, other users, other processes, and full disks."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from layerscope.cache import folder as module
from layerscope.cache.folder import CacheFolder, Usage
from layerscope.cache.kept import from_value
from layerscope.cache.place import cache_bound, cache_path
from layerscope.cache.sealed import seal, unseal
from layerscope.errors import UsageError
from tests.builder import FORMS, ImageBuilder
from tests.builder.tools import absent
from tests.cache.reading import document_of, layers_read

ONE, TWO = "layer-sha256-1", "layer-sha256-2"
MIB = 1 << 20


class Cache(CacheFolder):
    """A cache folder that remembers what it remarked."""

    def __init__(self, path: Path | str | None, most: int = MIB) -> None:
        self.remarks: list[str] = []
        super().__init__(None if path is None else str(path), most, self.remarks.append)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "layerscope"


def files(path: Path) -> list[Path]:
    return sorted(each for each in path.glob("*-*/*") if each.is_file())


def test_a_value_is_kept_for_another_run(path: Path) -> None:
    Cache(path).write(ONE, b"value")
    other = Cache(path)
    assert other.read(ONE) == b"value"
    assert other.read(TWO) is None
    assert other.remarks == []


def test_only_the_user_can_look_into_the_folder(path: Path) -> None:
    before = os.umask(0)
    try:
        Cache(path).write(ONE, b"value")
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o700
    for each in path.rglob("*"):
        assert stat.S_IMODE(each.stat().st_mode) == (0o700 if each.is_dir() else 0o600)


def test_every_damage_of_a_file_is_a_miss_that_removes_it(path: Path) -> None:
    cache = Cache(path)
    cache.write(ONE, b"some value")
    (file,) = files(path)
    whole = file.read_bytes()
    damaged = [whole[:n] for n in range(len(whole))]
    damaged += [whole + b"\0", whole * 2, b"\0" * len(whole), b""]
    for position in range(len(whole)):
        changed = bytearray(whole)
        changed[position] ^= 1 << position % 8
        damaged.append(bytes(changed))
    for data in damaged:
        file.write_bytes(data)
        file.chmod(0o600)
        assert cache.read(ONE) is None
        assert not file.exists()
    assert cache.remarks == []


def test_a_value_under_another_name_is_a_miss(path: Path) -> None:
    cache = Cache(path)
    cache.write(ONE, b"value")
    (file,) = files(path)
    file.rename(file.with_name(TWO))
    assert cache.read(TWO) is None
    assert unseal(TWO, seal(ONE, b"value")) is None


@pytest.mark.parametrize(
    "value",
    [b"", b"{}", b"{}\n", b"[1]\nx", b"\xff\xff", b'{"compression": "none"}\n', b"[" * 100_000],
)
def test_a_sealed_value_that_is_not_a_layer_is_a_miss(value: bytes) -> None:
    assert from_value(value) is None


def test_a_report_survives_damage_of_every_file(
    tmp_path: Path, cache_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = ImageBuilder("x:1").layer({"a": b"a"}, "RUN a").layer({"b": b"b"}, "RUN b").build()
    reference = FORMS["oci-dir"].write([image], tmp_path / "image", "gzip")
    uncached = document_of(reference, cache=False)
    assert document_of(reference) == uncached
    for file in files(cache_folder):
        file.write_bytes(file.read_bytes()[:-1] + b"?")
    assert document_of(reference) == uncached
    with layers_read(monkeypatch) as names:
        assert document_of(reference) == uncached
    assert names == []


# Other users


def test_a_folder_that_others_can_write_is_ignored(path: Path) -> None:
    Cache(path).write(ONE, b"value")
    for mode in (0o777, 0o702, 0o770, 0o1777):
        path.chmod(mode)
        cache = Cache(path)
        assert cache.read(ONE) is None
        cache.write(TWO, b"value")
        (remark,) = cache.remarks
        assert "the cache is not used" in remark
        assert "chmod go-w" in remark
    assert [file.name for file in files(path)] == [ONE]


def test_a_version_folder_that_others_can_write_is_ignored(path: Path) -> None:
    Cache(path).write(ONE, b"value")
    files(path)[0].parent.chmod(0o777)
    cache = Cache(path)
    assert cache.read(ONE) is None
    assert len(cache.remarks) == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_what_belongs_to_another_user_is_ignored(path: Path) -> None:
    Cache(path).write(ONE, b"value")
    for place in (files(path)[0], files(path)[0].parent, path):
        os.chown(place, 12345, 12345)
        cache = Cache(path)
        assert cache.read(ONE) is None
        (remark,) = cache.remarks
        assert "belongs to user 12345, not to user 0" in remark
        os.chown(place, 0, 0)
    assert Cache(path).read(ONE) == b"value"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_root_makes_no_folder_in_another_users_home(tmp_path: Path) -> None:
    """As with `sudo`, which may keep HOME: the user could not use the cache any more."""
    home = tmp_path / "home"
    home.mkdir()
    os.chown(home, 12345, 12345)
    cache = Cache(home / ".cache" / "layerscope")
    cache.write(ONE, b"value")
    assert "belongs to another user" in cache.remarks[0]
    assert not (home / ".cache").exists()


def test_a_file_that_others_can_write_is_ignored(path: Path) -> None:
    Cache(path).write(ONE, b"value")
    files(path)[0].chmod(0o666)
    cache = Cache(path)
    assert cache.read(ONE) is None
    assert len(cache.remarks) == 1


def test_links_are_not_followed(path: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    Cache(other).write(ONE, b"value")
    path.parent.mkdir(parents=True)
    path.symlink_to(other)
    cache = Cache(path)
    assert cache.read(ONE) is None
    assert "is a link" in cache.remarks[0]
    path.unlink()
    path.mkdir(mode=0o700)
    version = files(other)[0].parent
    (path / version.name).symlink_to(version)
    assert Cache(path).read(ONE) is None
    (path / version.name).unlink()
    (path / version.name).mkdir(mode=0o700)
    (path / version.name / ONE).symlink_to(files(other)[0])
    cache = Cache(path)
    assert cache.read(ONE) is None
    assert "is a link" in cache.remarks[0]


@pytest.mark.parametrize("kind", ["fifo", "folder", "huge"])
def test_files_that_do_not_belong_to_the_cache_are_ignored(path: Path, kind: str) -> None:
    Cache(path).write(TWO, b"value")
    place = files(path)[0].with_name(ONE)
    if kind == "fifo":
        os.mkfifo(place, 0o600)
    elif kind == "folder":
        place.mkdir(mode=0o700)
    else:
        with place.open("wb") as file:
            file.truncate(module.MOST_FILE + 1)
        place.chmod(0o600)
    cache = Cache(path)
    assert cache.read(ONE) is None
    assert len(cache.remarks) == 1


# Room


def test_the_least_recently_used_files_go_first(path: Path) -> None:
    cache = Cache(path, most=10_000)
    for number in range(9):
        cache.write(f"layer-{number}", bytes(950))
        os.utime(files(path)[0].with_name(f"layer-{number}"), (number, number))
    assert len(files(path)) == 9
    assert cache.read("layer-0") is not None
    for number in range(9, 12):
        cache.write(f"layer-{number}", bytes(950))
    left = {file.name for file in files(path)}
    assert "layer-0" in left
    assert {"layer-9", "layer-10", "layer-11"} <= left
    assert {"layer-1", "layer-2"}.isdisjoint(left)
    assert sum(file.stat().st_size for file in files(path)) <= 10_000
    assert cache.remarks == []


def test_the_folder_is_only_listed_when_it_is_full(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = []
    of = CacheFolder._files

    def counted(self: CacheFolder) -> Iterator[module._File]:
        listed.append(self)
        return of(self)

    monkeypatch.setattr(CacheFolder, "_files", counted)
    cache = Cache(path, most=100_000)
    for number in range(400):
        cache.write(f"layer-{number}", bytes(1000))
    assert len(listed) <= 40
    assert sum(file.stat().st_size for file in files(path)) <= 100_000


def test_a_value_that_is_too_large_is_not_kept(path: Path) -> None:
    cache = Cache(path, most=1000)
    cache.write(ONE, b"value")
    cache.write(TWO, bytes(1000))
    assert [file.name for file in files(path)] == [ONE]


def test_no_bytes_are_allowed(path: Path) -> None:
    cache = Cache(path, most=0)
    cache.write(ONE, b"value")
    assert cache.read(ONE) is None
    assert not path.exists()
    assert cache.remarks == []


def test_older_versions_count_and_go(path: Path) -> None:
    cache = Cache(path)
    cache.write(ONE, b"value")
    old = path / "0-1"
    old.mkdir(mode=0o700)
    (old / ONE).write_bytes(bytes(700))
    (path / "of-somebody-else").mkdir()
    (path / "of-somebody-else" / ONE).write_bytes(b"mine")
    (old / "notes.txt").write_bytes(b"mine")
    assert cache.usage().layers == 2
    removed = cache.clear()
    assert removed.layers == 2
    assert removed.bytes > 700
    assert Cache(path).usage() == Usage(0, 0, 0, 0)
    assert (path / "of-somebody-else" / ONE).exists()
    assert (old / "notes.txt").exists()


def test_a_lost_sum_is_counted_again(path: Path) -> None:
    cache = Cache(path, most=10_000)
    for number in range(9):
        cache.write(f"layer-{number}", bytes(1000))
    for damage in (b"", b"garbage", b"-0000000000000000001"):
        (path / "usage").write_bytes(damage)
        cache.write(ONE, bytes(1000))
        assert sum(file.stat().st_size for file in files(path)) <= 10_000


def test_what_a_killed_process_left_is_removed(path: Path) -> None:
    cache = Cache(path)
    cache.write(ONE, b"value")
    rest = files(path)[0].with_name(".layerscope-0123456789abcdef")
    rest.write_bytes(b"half")
    cache.usage()
    assert rest.exists()
    os.utime(rest, (time.time() - 4000, time.time() - 4000))
    cache.usage()
    assert not rest.exists()


def test_a_lock_that_is_never_released_costs_a_moment(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import fcntl

    monkeypatch.setattr(module, "_PATIENCE", 0.05)
    cache = Cache(path)
    cache.write(ONE, b"value")
    with (path / "usage").open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        cache.write(TWO, b"value")
        assert cache.read(ONE) == b"value"
    assert cache.read(TWO) is None


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64k,mode=0700", "tmpfs", str(place)]
    if os.geteuid() or subprocess.run(command, capture_output=True, check=False).returncode:
        absent("no file system can be mounted")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_full_disk_is_one_line_and_a_whole_report(
    small_disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = Cache(small_disk / "cache")
    cache.write(ONE, os.urandom(30_000))
    cache.write(TWO, os.urandom(60_000))
    cache.write("layer-sha256-3", b"small")
    assert cache.remarks == [f"nothing is added to the cache {cache.path}: no space left on device"]
    assert cache.read(ONE) is not None
    assert cache.read(TWO) is None
    assert {file.name for file in files(small_disk / "cache")} == {ONE}


def test_a_read_only_disk_still_has_what_it_had(small_disk: Path) -> None:
    Cache(small_disk / "cache").write(ONE, b"value")
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    cache = Cache(small_disk / "cache")
    assert cache.read(ONE) == b"value"
    cache.write(TWO, b"value")
    cache.write("layer-sha256-3", b"value")
    assert len(cache.remarks) == 1
    assert "read-only file system" in cache.remarks[0]


# Where it is


def test_the_folder_is_the_users(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("LAYERSCOPE_CACHE_DIR")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert cache_path() == str(tmp_path / ".cache" / "layerscope")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "elsewhere"))
    assert cache_path() == str(tmp_path / "elsewhere" / "layerscope")


def test_without_a_home_there_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    cache = Cache(None)
    cache.write(ONE, b"value")
    cache.write(TWO, b"value")
    assert cache.read(ONE) is None
    assert cache.remarks == ["the cache is not used: there is no home folder for it"]


def test_the_bound_is_a_size(monkeypatch: pytest.MonkeyPatch) -> None:
    assert cache_bound() == 1 << 30
    monkeypatch.setenv("LAYERSCOPE_CACHE_SIZE", "500MB")
    assert cache_bound() == 500_000_000
    monkeypatch.setenv("LAYERSCOPE_CACHE_SIZE", "much")
    with pytest.raises(UsageError, match="LAYERSCOPE_CACHE_SIZE: 'much' is not a size"):
        cache_bound()


# Several processes


HAMMER = """
import random, sys
from layerscope.cache.folder import CacheFolder

draw = random.Random(sys.argv[2])
cache = CacheFolder(sys.argv[1], 60_000, print)
for _ in range(150):
    number = draw.randrange(40)
    value = cache.read(f"layer-{number}")
    if value is None:
        cache.write(f"layer-{number}", bytes([number]) * 3000)
    elif value != bytes([number]) * 3000:
        print("wrong", number)
    if draw.random() < 0.02:
        cache.clear()
"""


def test_ten_processes_share_it(path: Path) -> None:
    running = [
        subprocess.Popen(
            [sys.executable, "-c", HAMMER, str(path), str(seed)], stdout=subprocess.PIPE
        )
        for seed in range(10)
    ]
    assert [run.communicate(timeout=60)[0] for run in running] == [b""] * 10
    assert all(run.returncode == 0 for run in running)
    cache = Cache(path, most=60_000)
    cache.write(ONE, b"value")
    total = sum(file.stat().st_size for file in files(path))
    assert total <= 60_000
    assert cache.usage().bytes == total


def test_ten_reports_at_once_are_the_same(tmp_path: Path, cache_folder: Path) -> None:
    layers = ImageBuilder("x:1")
    for number in range(5):
        layers = layers.layer({f"f{number}": os.urandom(2000)}, f"RUN {number}")
    reference = FORMS["oci-dir"].write([layers.build()], tmp_path / "image", "gzip")
    command = [sys.executable, "-m", "layerscope", "report", "--json", "--files", reference]
    running = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(10)
    ]
    said = {run.communicate(timeout=120) for run in running}
    assert len(said) == 1
    ((out, err),) = said
    assert out
    assert not err
    assert len(files(cache_folder)) == 5


WRITER = """
import sys
from layerscope.cache.folder import CacheFolder

cache = CacheFolder(sys.argv[1], 3_000_000, print)
print("begun", flush=True)
number = 0
while True:
    cache.write(f"layer-{number % 20}", bytes([number % 256]) * 200_000)
    number += 1
"""


def test_a_killed_writer_leaves_no_half_file(path: Path) -> None:
    for seed in range(8):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE
        ) as writer:
            assert writer.stdout is not None
            assert writer.stdout.readline() == b"begun\n"
            time.sleep(0.02 + seed * 0.007)
            writer.kill()
        cache = Cache(path, most=3_000_000)
        for file in files(path):
            assert not file.name.startswith(".")
            assert len(cache.read(file.name) or b"") == 200_000
        assert cache.usage().bytes <= 3_000_000
