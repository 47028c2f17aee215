"""The outer tar: its members, the links between them, and tars that are not images."""

from __future__ import annotations

from pathlib import Path

import pytest

from layerscope.errors import FormatError, LimitExceeded, TarError, UnsupportedFormat
from layerscope.limits import Limits
from layerscope.notes import Notes
from layerscope.sources import open_image
from layerscope.sources.archive import Archive as Members
from layerscope.sources.files import open_archive_file
from layerscope.sources.source import Request
from tests.builder import (
    Archive,
    Device,
    Directory,
    Hardlink,
    ImageBuilder,
    Sparse,
    Symlink,
    docker_legacy,
)
from tests.builder.nodes import MemberLike, as_bytes
from tests.builder.tar import tar


def members(path: Path, *nodes: MemberLike, limits: Limits | None = None) -> Members:
    archive = Archive()
    for name, node in nodes:
        archive.add(as_bytes(name).decode(), node)
    archive.write(path)
    request = Request(reference="x", limits=limits or Limits())
    return Members(open_archive_file(str(path), request), request, Notes())


def read(archive: Members, name: str) -> bytes | None:
    blob = archive.find(name)
    return None if blob is None else blob.read_at(0, blob.size)


def test_links_between_members_are_followed(tmp_path: Path) -> None:
    archive = members(
        tmp_path / "x",
        ("a/layer.tar", b"data"),
        ("b/layer.tar", Symlink("../a/layer.tar")),
        ("c/layer.tar", Symlink("../b/layer.tar")),
        ("d/layer.tar", Hardlink("a/layer.tar")),
        ("./e//f/../g", b"clean"),
    )
    for name in "abcd":
        assert read(archive, f"{name}/layer.tar") == b"data"
    assert read(archive, "./a//layer.tar") == b"data"
    assert read(archive, "e/g") == b"clean"
    assert read(archive, "gone") is None


@pytest.mark.parametrize(
    ("link", "message"),
    [
        (Symlink("/etc/passwd"), "links out of the archive, to '/etc/passwd'"),
        (Symlink("../../etc/passwd"), "points outside the archive"),
        (Symlink("other"), "is a link to 'a/other', which is missing"),
        (Symlink("link"), "leads in a circle"),
        (Symlink("../b/link"), "leads in a circle"),
        (Hardlink("a/link"), "leads in a circle"),
        (Hardlink("../x"), "points outside the archive"),
        (Symlink("../a"), "is not a regular file"),
        (Device(major=1, minor=5), "is not a regular file"),
    ],
)
def test_a_link_that_leads_nowhere_is_refused(tmp_path: Path, link: object, message: str) -> None:
    archive = members(
        tmp_path / "x",
        ("a", Directory()),
        ("a/link", link),  # type: ignore[arg-type]
        ("b/link", Symlink("../a/link")),
    )
    with pytest.raises(FormatError) as caught:
        archive.find("a/link")
    assert message in str(caught.value)


def test_a_chain_of_links_is_followed_only_so_far(tmp_path: Path) -> None:
    chain = [(str(n), Symlink(str(n + 1))) for n in range(100)]
    archive = members(tmp_path / "x", *chain, ("100", b"end"))
    assert read(archive, "90") == b"end"
    with pytest.raises(FormatError, match="leads in a circle"):
        archive.find("0")


@pytest.mark.parametrize("name", ["../../etc/passwd", "a/../../etc/passwd", ".."])
def test_a_name_outside_the_archive_is_refused(tmp_path: Path, name: str) -> None:
    archive = members(tmp_path / "x", ("etc/passwd", b"inside"))
    assert read(archive, "/etc/passwd") == b"inside"
    with pytest.raises(FormatError, match="points outside the archive"):
        archive.find(name)


def test_a_member_that_appears_twice_is_refused(tmp_path: Path) -> None:
    archive = members(
        tmp_path / "x",
        ("a", b"1"),
        ("./a", b"2"),
        ("b", b"3"),
        ("l", Symlink("a")),
        ("d/", Directory()),
        ("d/", Directory()),
    )
    assert read(archive, "b") == b"3"
    for name in ("a", "l"):
        with pytest.raises(FormatError, match="'a' appears twice"):
            archive.find(name)


def test_a_sparse_member_is_refused(tmp_path: Path) -> None:
    archive = members(tmp_path / "x", ("a", Sparse(size=4096, chunks=((0, b"x" * 512),))))
    with pytest.raises(UnsupportedFormat, match="stored as a sparse file"):
        archive.find("a")


def test_the_number_of_members_is_bounded(tmp_path: Path) -> None:
    nodes = [(str(n), b"") for n in range(11)]
    with pytest.raises(LimitExceeded, match="more than 10 members"):
        members(tmp_path / "x", *nodes, limits=Limits(archive_members=10))


def test_an_archive_cut_short_is_refused_or_noted(tmp_path: Path) -> None:
    data = docker_legacy([ImageBuilder().layer({"a": b"x"}, "RUN a").build()]).pack()
    path = tmp_path / "x"
    path.write_bytes(data[:-1024])
    with open_image(str(path)) as image:
        assert "archive-without-end" in {note.code for note in image.notes}
    refused = 0
    for size in range(600, len(data) - 1536, 700):
        path.write_bytes(data[:size])
        with pytest.raises(FormatError) as caught:
            open_image(str(path))
        refused += isinstance(caught.value, TarError)
    assert refused > 3


def test_a_broken_header_is_refused_with_its_offset(tmp_path: Path) -> None:
    data = bytearray(tar([("a", Symlink("b")), ("manifest.json", Symlink("c"))]))
    data[512 + 10] ^= 1
    (tmp_path / "x").write_bytes(data)
    with pytest.raises(TarError, match="at byte 512; the archive is damaged"):
        open_image(str(tmp_path / "x"))


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["etc/passwd", "usr/bin/x", "bin/sh"], "is a root filesystem, not an image"),
        (["repositories", "a" * 64 + "/layer.tar"], "is an image in Docker's v1 format"),
        (["README", "setup.py"], "is a tar, but not an image"),
        (["image/manifest.json"], "is a tar, but not an image"),
        ([], "is a tar, but not an image"),
    ],
)
def test_a_tar_that_is_not_an_image_is_refused_and_named(
    tmp_path: Path, names: list[str], message: str
) -> None:
    archive = Archive()
    for name in names:
        archive.add(name, b"x")
    archive.write(tmp_path / "x")
    with pytest.raises(UnsupportedFormat) as caught:
        open_image(str(tmp_path / "x"))
    assert message in str(caught.value)
    assert caught.value.exit_code == 4
    assert caught.value.hint
