"""An export writes the whole file or nothing, whatever happens."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from layerscope.errors import (
    Cancelled,
    ImageNotFound,
    LayerscopeError,
    OutputError,
    SourceUnavailable,
    UsageError,
)
from layerscope.progress import Progress
from layerscope.sources import export, open_image
from layerscope.sources.engine import whole
from layerscope.sources.source import BrokenOff, Request
from layerscope.sources.target import opened_target, write_file
from tests.builder import ImageBuilder, docker_legacy
from tests.processes.unmeasured import unmeasured

ARCHIVE = docker_legacy([ImageBuilder("app:1").layer({"a": b"x" * 9000}, "RUN a").build()]).pack()
REQUEST = Request(reference="docker:app:1")


def pieces(data: bytes = ARCHIVE, size: int = 1000) -> Iterator[bytes]:
    for at in range(0, len(data), size):
        yield data[at : at + size]


def save(
    path: Path,
    chunks: Iterable[bytes] | None = None,
    *,
    force: bool = False,
    request: Request = REQUEST,
) -> int:
    with opened_target(str(path), force) as target:
        return write_file(pieces() if chunks is None else chunks, target, request)


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


@pytest.fixture(params=["unnamed", "named"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways to write: with an unnamed file, and on a file system that doesn't support one."""
    if request.param == "named":
        monkeypatch.delattr(os, "O_TMPFILE")
    return str(request.param)


def test_the_tarball_is_written_to_the_file(tmp_path: Path, way: str) -> None:
    old = os.umask(0)
    try:
        assert save(tmp_path / "x.tar") == len(ARCHIVE)
    finally:
        os.umask(old)
    assert (tmp_path / "x.tar").read_bytes() == ARCHIVE
    assert (tmp_path / "x.tar").stat().st_mode & 0o7777 == 0o644
    assert names(tmp_path) == ["x.tar"]
    with open_image(str(tmp_path / "x.tar")) as image:
        assert image.tags == ("app:1",)


def test_the_umask_applies(tmp_path: Path, way: str) -> None:
    old = os.umask(0o077)
    try:
        save(tmp_path / "x.tar")
    finally:
        os.umask(old)
    assert (tmp_path / "x.tar").stat().st_mode & 0o7777 == 0o600


def test_an_existing_file_is_only_replaced_with_force(tmp_path: Path, way: str) -> None:
    (tmp_path / "x").write_bytes(b"old")
    with pytest.raises(
        OutputError, match="already exists; choose another name, or use --force"
    ) as caught:
        save(tmp_path / "x")
    assert caught.value.exit_code == 2
    assert (tmp_path / "x").read_bytes() == b"old"
    save(tmp_path / "x", force=True)
    assert (tmp_path / "x").read_bytes() == ARCHIVE
    save(tmp_path / "y", force=True)
    assert names(tmp_path) == ["x", "y"]


@pytest.mark.parametrize("kind", ["link", "dangling", "fifo", "folder"])
@pytest.mark.parametrize("force", [False, True])
def test_a_link_fifo_or_folder_is_never_written_through(
    tmp_path: Path, kind: str, force: bool
) -> None:
    (tmp_path / "real").write_bytes(b"old")
    path = tmp_path / "x"
    match kind:
        case "link":
            path.symlink_to("real")
        case "dangling":
            path.symlink_to("gone")
        case "fifo":
            os.mkfifo(path)
        case _:
            path.mkdir()
    with pytest.raises(OutputError, match="is not overwritten; choose another name"):
        save(path, force=force)
    assert (tmp_path / "real").read_bytes() == b"old"
    assert names(tmp_path) == ["real", "x"]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/dev/null", "is not a regular file"),
        ("/nope/x.tar", "cannot write into '/nope': no such file or directory"),
        ("/etc/passwd/x.tar", "cannot write into '/etc/passwd': not a directory"),
        ("/tmp/", "'/tmp/' is not a file name"),
        ("..", "'..' is not a file name"),
        ("", "'' is not a file name"),
        ("/tmp/" + "n" * 300, "file name too long"),
    ],
)
def test_a_path_that_cannot_be_written_is_refused(path: str, message: str) -> None:
    with pytest.raises(OutputError) as caught, opened_target(path, False):
        pass
    assert message in str(caught.value)


def test_a_file_that_appears_in_the_meantime_is_kept(tmp_path: Path, way: str) -> None:
    def chunks() -> Iterator[bytes]:
        yield from pieces()
        (tmp_path / "x").write_bytes(b"theirs")

    with pytest.raises(OutputError, match="exist"):
        save(tmp_path / "x", chunks())
    assert (tmp_path / "x").read_bytes() == b"theirs"
    assert names(tmp_path) == ["x"]


class Interruption(BaseException):
    pass


@pytest.mark.parametrize("error", [KeyboardInterrupt, Interruption, SourceUnavailable("gone")])
def test_the_old_file_survives_any_failure(tmp_path: Path, way: str, error: object) -> None:
    (tmp_path / "x").write_bytes(b"old")

    def chunks() -> Iterator[bytes]:
        yield ARCHIVE[:5000]
        assert len(names(tmp_path)) == (1 if way == "unnamed" else 2)
        raise error  # type: ignore[misc]

    with pytest.raises((KeyboardInterrupt, Interruption, SourceUnavailable)):
        save(tmp_path / "x", chunks(), force=True)
    assert (tmp_path / "x").read_bytes() == b"old"
    assert names(tmp_path) == ["x"]


def test_an_export_reports_progress_and_can_be_cancelled(tmp_path: Path, way: str) -> None:
    told: list[Progress] = []
    request = Request(reference="x", progress=told.append, cancelled=lambda: len(told) == 3)
    with pytest.raises(Cancelled):
        save(tmp_path / "x", request=request)
    assert told == [Progress("export", n, None) for n in (1000, 2000, 3000)]
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "stopped after 0 bytes"),
        (b"<html>not found</html>", "the source did not send an image"),
        (ARCHIVE[:-1024], r"stopped after [0-9]+ bytes, which are not an image; nothing was kept"),
        (ARCHIVE[:700], "the source did not send an image"),
        (bytes(10240), "stopped after 10240 bytes, which are not an image"),
    ],
)
def test_an_incomplete_image_is_not_kept(
    tmp_path: Path, way: str, data: bytes, message: str
) -> None:
    (tmp_path / "x").write_bytes(b"old")
    with pytest.raises(SourceUnavailable, match=message):
        save(tmp_path / "x", [data], force=True)
    assert (tmp_path / "x").read_bytes() == b"old"
    assert names(tmp_path) == ["x"]


WRITE_SLOWLY = """
import sys, time
from layerscope.sources.target import opened_target, write_file
from layerscope.sources.source import Request
def chunks():
    data = open(sys.argv[2], "rb").read()
    for at in range(0, len(data), 512):
        yield data[at:at+512]
        print("more", flush=True)
        time.sleep(float(sys.argv[3]))
if sys.argv[4:]:
    import resource, signal
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[4]),) * 2)
with opened_target(sys.argv[1], True) as target:
    write_file(chunks(), target, Request(reference="x"))
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_killed_export_leaves_nothing(tmp_path: Path, how: signal.Signals) -> None:
    (tmp_path / "source").write_bytes(ARCHIVE)
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "x").write_bytes(b"old")
    command = [sys.executable, "-c", WRITE_SLOWLY, str(folder / "x"), str(tmp_path / "source"), "1"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=unmeasured()
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"more\n"
        child.send_signal(how)
        child.wait(20)
    assert child.returncode != 0
    assert (folder / "x").read_bytes() == b"old"
    assert names(folder) == ["x"]


def test_the_old_file_survives_a_full_disk(tmp_path: Path) -> None:
    """A file size limit simulates a full disk at every point of the write."""
    (tmp_path / "source").write_bytes(ARCHIVE)
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "x").write_bytes(b"old")
    for limit in range(0, len(ARCHIVE), len(ARCHIVE) // 5):
        command = [sys.executable, "-c", WRITE_SLOWLY, str(folder / "x"), str(tmp_path / "source")]
        done = subprocess.run(
            [*command, "0", str(limit)], capture_output=True, check=False, text=True
        )
        assert done.returncode != 0
        assert f"OutputError: cannot write '{folder}/x' after" in done.stderr
        assert (folder / "x").read_bytes() == b"old"
        assert names(folder) == ["x"]


def test_a_stream_that_does_not_end_like_a_tar_is_refused() -> None:
    assert b"".join(whole(pieces(), "it")) == ARCHIVE
    for cut in (1, 511, 1024, 5000):
        with pytest.raises(BrokenOff, match=r"it stopped after [0-9]+ bytes; try again"):
            list(whole(pieces(ARCHIVE[:-cut]), "it"))
    with pytest.raises(BrokenOff, match="it stopped after 0 bytes"):
        list(whole([], "it"))


def test_an_error_after_the_last_bytes_is_reported() -> None:
    told = b'{"errorDetail":{"message":"no space\\nleft"},"error":"no space\\nleft"}\r\n'
    for size in (7, 5000):
        with pytest.raises(BrokenOff, match="bytes: no space left; try again"):
            list(whole(pieces(ARCHIVE[:1000] + told, size), "it"))
    for broken in (b'{"errorDetail"', b'{"errorDetail":1}', b'{"errorDetail":' + b"[" * 9000):
        with pytest.raises(BrokenOff, match=r"it stopped after [0-9]+ bytes; try again"):
            list(whole([broken], "it"))


@pytest.mark.parametrize(
    ("reference", "kind", "message"),
    [
        ("docker-archive:x.tar", UsageError, "is already in a file"),
        ("oci-dir:x", UsageError, "is already in a file"),
        ("./x.tar", UsageError, "convert it with `skopeo copy`"),
        ("-", UsageError, "is already in a file"),
        ("registry:x", SourceUnavailable, "skopeo copy docker://x docker-archive:FILE"),
    ],
)
def test_only_an_image_in_an_engine_is_exported(
    tmp_path: Path, reference: str, kind: type[LayerscopeError], message: str
) -> None:
    with pytest.raises(kind) as caught:
        export(reference, str(tmp_path / "out"))
    assert message in str(caught.value)
    assert names(tmp_path) == []


def test_a_missing_platform_is_not_exported(tmp_path: Path) -> None:
    from layerscope.image.platform import Platform

    request = Request(reference="x", platform=Platform("linux", "s390x"))
    with pytest.raises(ImageNotFound, match="not for linux/s390x"):
        save(tmp_path / "x", request=request)
    assert names(tmp_path) == []


def test_two_exports_at_once_do_not_mix(tmp_path: Path, way: str) -> None:
    failures: list[LayerscopeError] = []

    def slow() -> Iterator[bytes]:
        for piece in pieces():
            time.sleep(0.001)
            yield piece

    def run() -> None:
        try:
            save(tmp_path / "x", slow(), force=True)
        except LayerscopeError as error:
            failures.append(error)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert (tmp_path / "x").read_bytes() == ARCHIVE
    assert names(tmp_path) == ["x"]
