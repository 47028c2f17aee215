"""Opens what a user names: files, pipes, and standard input, and refuses what must not be opened."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from layerscope.errors import (
    Cancelled,
    FormatError,
    ImageNotFound,
    LimitExceeded,
    OutputError,
    SourceUnavailable,
    UnsupportedFormat,
)
from layerscope.image.blob import Blob, OpenFile
from layerscope.limits import Limits
from layerscope.progress import Progress
from layerscope.sources import open_image
from layerscope.sources.files import open_archive_file, spool
from layerscope.sources.source import Request
from tests.builder import COMPRESSIONS, ImageBuilder, docker_legacy

REQUEST = Request(reference="x")
ARCHIVE = docker_legacy([ImageBuilder("app:1").layer({"a": b"x" * 3000}, "RUN a").build()]).pack()


def contents(file: OpenFile) -> bytes:
    data = Blob(file, 0, file.size, "").read_at(0, file.size)
    file.close()
    return data


@pytest.mark.parametrize("compression", list(COMPRESSIONS))
def test_a_compressed_archive_is_spooled(tmp_path: Path, compression: str) -> None:
    path = tmp_path / "x"
    path.write_bytes(COMPRESSIONS[compression](ARCHIVE))
    assert contents(open_archive_file(str(path), REQUEST)) == ARCHIVE


def test_a_fifo_is_read_as_a_stream(tmp_path: Path) -> None:
    path = tmp_path / "fifo"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=(gzip.compress(ARCHIVE),))
    writer.start()
    assert contents(open_archive_file(str(path), REQUEST)) == ARCHIVE
    writer.join()


def test_a_link_to_an_archive_is_followed(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(ARCHIVE)
    (tmp_path / "link").symlink_to("x")
    assert contents(open_archive_file(str(tmp_path / "link"), REQUEST)) == ARCHIVE


READ_STDIN = """
import sys
from layerscope.errors import LayerscopeError
from layerscope.sources import open_image
try:
    with open_image("-") as image:
        print(image.tags, len(image.layers))
except LayerscopeError as error:
    print(error.exit_code, error)
"""


def from_stdin(**options: object) -> str:
    done = subprocess.run(  # type: ignore[call-overload]
        [sys.executable, "-c", READ_STDIN], capture_output=True, text=False, check=True, **options
    )
    return str(done.stdout.decode().strip())


def test_standard_input_can_be_a_pipe_or_a_file(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(ARCHIVE)
    assert from_stdin(input=ARCHIVE) == "('app:1',) 1"
    assert from_stdin(input=gzip.compress(ARCHIVE)) == "('app:1',) 1"
    with path.open("rb") as file:
        assert from_stdin(stdin=file) == "('app:1',) 1"
    path.write_bytes(b"junk" + ARCHIVE)
    with path.open("rb") as file:
        os.lseek(file.fileno(), 4, os.SEEK_SET)
        assert from_stdin(stdin=file) == "('app:1',) 1"


def test_standard_input_without_an_archive_is_refused() -> None:
    assert from_stdin(input=b"") == "4 standard input is empty"
    assert "is not a tar archive" in from_stdin(input=b"hello\n")
    assert from_stdin(stdin=subprocess.DEVNULL).startswith("3 standard input is a device")
    with (
        open("/dev/zero", "rb") as zero,
        subprocess.Popen(["head", "-c", "3000000000"], stdin=zero, stdout=subprocess.PIPE) as zeros,
    ):
        assert "starts with zeros" in from_stdin(stdin=zeros.stdout)
        zeros.kill()
    with subprocess.Popen(["yes"], stdout=subprocess.PIPE) as endless:
        assert (
            from_stdin(stdin=endless.stdout)
            == "4 standard input is not a tar archive, so it is not an image"
        )
        endless.kill()


def test_a_terminal_is_not_read_as_an_archive() -> None:
    primary, secondary = os.openpty()
    try:
        assert "is a terminal; pipe a tarball" in from_stdin(stdin=secondary)
    finally:
        os.close(primary)
        os.close(secondary)


@pytest.mark.parametrize("path", ["/dev/zero", "/dev/null"])
def test_a_device_is_refused(path: str) -> None:
    with pytest.raises(SourceUnavailable, match="is a device, not an archive"):
        open_archive_file(path, REQUEST)


def test_a_path_that_is_not_a_readable_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImageNotFound, match="no such file: '/nope'"):
        open_archive_file("/nope", REQUEST)
    with pytest.raises(SourceUnavailable, match="is a folder"):
        open_archive_file(str(tmp_path), REQUEST)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "s"))
        with pytest.raises(SourceUnavailable, match="cannot open"):
            open_archive_file(str(tmp_path / "s"), REQUEST)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is empty"),
        (b"hello", "is not a tar archive"),
        (gzip.compress(b"", mtime=0), "is empty"),
        (gzip.compress(b"hello" * 200, mtime=0), "is not a tar archive"),
        (gzip.compress(bytes(10240), mtime=0), "starts with zeros"),
        (b"\x04\x22\x4d\x18" + bytes(100), "compressed with lz4"),
    ],
)
def test_a_file_that_is_not_an_archive_is_refused(
    tmp_path: Path, data: bytes, message: str
) -> None:
    path = tmp_path / "x"
    path.write_bytes(data)
    with pytest.raises(UnsupportedFormat) as caught:
        open_archive_file(str(path), REQUEST)
    assert message in str(caught.value)


def test_a_compressed_archive_that_is_cut_short_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x"
    data = gzip.compress(ARCHIVE)
    for size in range(10, len(data), 97):
        path.write_bytes(data[:size])
        with pytest.raises(FormatError, match="cut short"):
            open_archive_file(str(path), REQUEST)


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress])
def test_a_decompression_bomb_is_refused(tmp_path: Path, compress: object) -> None:
    assert callable(compress)
    header = ARCHIVE[:512]
    path = tmp_path / "x"
    path.write_bytes(compress(header + bytes(3 << 20)))
    limits = Limits(spool_ratio=100, spool_ratio_from=1 << 20)
    with pytest.raises(LimitExceeded, match="over the 100:1 allowed"):
        open_archive_file(str(path), Request(reference="x", limits=limits))


def temporary_files() -> list[str]:
    """The unnamed files that this process has open."""
    links = []
    for fd in os.listdir("/proc/self/fd"):
        try:
            links.append(os.readlink(f"/proc/self/fd/{fd}"))
        except OSError:
            continue
    return [link for link in links if link.endswith("(deleted)")]


def test_a_spooled_archive_leaves_no_file_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    path = tmp_path / "x.gz"
    path.write_bytes(gzip.compress(ARCHIVE))
    before = temporary_files()
    with open_image(str(path)) as image:
        assert image.tags == ("app:1",)
        assert list((tmp_path / "tmp").iterdir()) == []
        assert len(temporary_files()) == len(before) + 1
    assert temporary_files() == before
    path.write_bytes(gzip.compress(ARCHIVE)[:-20])
    with pytest.raises(FormatError):
        open_image(str(path))
    assert temporary_files() == before


def test_a_full_temporary_folder_is_reported_with_its_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    with pytest.raises(OutputError, match=r"cannot keep it in a temporary file .*set TMPDIR"):
        spool([b"x"], "it", REQUEST)


def test_a_spool_reports_progress_and_can_be_cancelled() -> None:
    told: list[Progress] = []
    request = Request(reference="x", progress=told.append, cancelled=lambda: len(told) == 3)

    def chunks() -> Iterator[bytes]:
        while True:
            yield b"x" * 10

    with pytest.raises(Cancelled):
        spool(chunks(), "it", request)
    assert told == [Progress("spool", 10 * n, None) for n in (1, 2, 3)]
