"""Extraction writes everything requested and nothing outside the folder, no matter what the image contains."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import layerscope
from layerscope.analysis.model import Analysis
from layerscope.errors import Cancelled, OutputError
from layerscope.filesystem.entry import Entry, PlacedLayer
from layerscope.filesystem.extract import Extraction, Taken, extract
from layerscope.filesystem.items import Item, is_safe, items_below
from layerscope.filesystem.node import Node
from layerscope.layers.entry import DIRECTORY, FILE, SYMLINK, Member
from layerscope.layers.layer_index import LayerIndex
from tests.builder import (
    FORMS,
    WHITEOUT,
    BuiltImage,
    Device,
    Directory,
    Fifo,
    File,
    Hardlink,
    ImageBuilder,
    Sparse,
    Symlink,
)


def image() -> BuiltImage:
    return (
        ImageBuilder("t")
        .layer(
            {
                "app/": Directory(mode=0o500, mtime=1_000_000),
                "app/main.py": File(b"print(1)\n", 0o4755, mtime=1_234_567, uid=1000),
                "app/sub/data": b"x" * 100_000,
                "app/sub/hard": Hardlink("app/sub/data"),
                "app/sub/empty": b"",
                "app/sub/hole": Sparse(size=1_000_000, chunks=((999_000, b"end"),)),
                "app/good": Symlink("sub/data"),
                "app/sub/up": Symlink("../main.py"),
                "app/abs": Symlink("/etc/passwd"),
                "app/out": Symlink("../../etc/passwd"),
                "app/null": Device(major=1, minor=3),
                "app/fifo": Fifo(),
                b"app/\xff\nname": b"odd",
                "gone": b"still here below",
            },
            "RUN one",
        )
        .layer({"gone": WHITEOUT, "app/main.py": b"print(2)\n"}, "RUN two")
        .build()
    )


@pytest.fixture(params=["none", "gzip"])
def analysis(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Analysis]:
    path = tmp_path / "image.tar"
    with layerscope.load(FORMS["oci-archive"].write([image()], path, request.param)) as opened:
        yield layerscope.analyze(opened)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """The target folder, in a folder that must stay empty otherwise."""
    folder = tmp_path / "around" / "out"
    folder.parent.mkdir()
    return folder


def node_of(analysis: Analysis, path: bytes) -> Node:
    node = analysis.tree.find(path)
    assert node is not None
    return node


def take(
    analysis: Analysis, path: bytes, folder: Path, layer: int = 1, *, overwrite: bool = False
) -> Taken:
    return extract(
        node_of(analysis, path), layer, analysis.indexes, str(folder), overwrite=overwrite
    )


def test_a_subtree_is_extracted_without_unsafe_files(analysis: Analysis, out: Path) -> None:
    taken = take(analysis, b"app", out)
    app = out / "app"
    assert (app / "main.py").read_bytes() == b"print(2)\n"
    assert (app / "sub/data").read_bytes() == b"x" * 100_000
    assert (app / "sub/hard").read_bytes() == b"x" * 100_000
    assert (app / "sub/empty").read_bytes() == b""
    assert (app / "sub/hole").stat().st_size == 1_000_000
    assert (app / "sub/hole").read_bytes().rstrip(b"\0").endswith(b"end")
    assert (app / "sub/hole").stat().st_blocks * 512 < 500_000
    assert os.readlink(app / "good") == "sub/data"
    assert os.readlink(app / "sub/up") == "../main.py"
    assert (Path(os.fsdecode(b"%s/\xff\nname" % os.fsencode(app)))).read_bytes() == b"odd"
    assert (taken.files, taken.directories, taken.symlinks) == (6, 2, 2)
    left_out = dict(taken.skipped)
    assert set(left_out) == {b"app/abs", b"app/out", b"app/null", b"app/fifo"}
    assert os.listdir(out.parent) == ["out"]


def test_safe_modes_and_times_are_kept(analysis: Analysis, out: Path) -> None:
    take(analysis, b"app", out, layer=0)
    status = (out / "app/main.py").stat()
    assert status.st_mode & 0o7777 == 0o755, "no setuid"
    assert status.st_mtime == 1_234_567
    assert status.st_uid == os.getuid()
    folder = (out / "app").stat()
    assert folder.st_mode & 0o7777 == 0o700, "the owner can always look and delete"
    assert folder.st_mtime == 1_000_000


def test_a_deleted_file_is_extracted(analysis: Analysis, out: Path) -> None:
    take(analysis, b"gone", out, layer=0)
    assert (out / "gone").read_bytes() == b"still here below"
    assert items_below(node_of(analysis, b"gone"), 1) == []


def test_the_whole_image_is_extracted(analysis: Analysis, out: Path) -> None:
    taken = take(analysis, b"", out)
    assert taken.files == 6
    assert sorted(os.listdir(out)) == ["app"]


def test_nothing_is_overwritten_by_default(analysis: Analysis, out: Path) -> None:
    out.mkdir()
    (out / "app").mkdir()
    (out / "app/main.py").write_text("mine")
    with pytest.raises(OutputError, match=r"1 of \d+ files already exists in .*main.py"):
        take(analysis, b"app", out)
    assert os.listdir(out / "app") == ["main.py"], "and nothing was made before it was found out"
    take(analysis, b"app", out, overwrite=True)
    assert (out / "app/main.py").read_bytes() == b"print(2)\n"
    assert not [name for name in os.listdir(out / "app") if "layerscope" in name]


def test_a_link_in_the_way_is_never_followed(analysis: Analysis, out: Path, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.mkdir()
    (victim / "main.py").write_text("untouched")
    out.mkdir()
    (out / "app").symlink_to(victim)
    for overwrite in (False, True):
        with pytest.raises(OutputError):
            take(analysis, b"app", out, overwrite=overwrite)
    assert (victim / "main.py").read_text() == "untouched"
    assert os.listdir(victim) == ["main.py"]


def test_a_link_in_place_of_a_file_is_replaced_not_followed(
    analysis: Analysis, out: Path, tmp_path: Path
) -> None:
    victim = tmp_path / "victim"
    victim.write_text("untouched")
    (out / "app").mkdir(parents=True)
    (out / "app/main.py").symlink_to(victim)
    take(analysis, b"app", out, overwrite=True)
    assert victim.read_text() == "untouched"
    assert not (out / "app/main.py").is_symlink()


def entry(kind: int, link: bytes = b"") -> Entry:
    index = LayerIndex.of([Member(b"", kind, 0, 512, (0o755, 0, 0), 0, link)])
    return Entry(PlacedLayer(index, 0, []), 0, 0)


@pytest.mark.parametrize(
    "path", [b"../evil", b"a/../../evil", b"..", b".", b"a//b", b"/evil", b"a\0b"]
)
def test_paths_that_leave_the_folder_are_skipped(path: bytes, out: Path) -> None:
    """The index cleans names. If a bad one gets through anyway, it is refused here."""
    for kind in (FILE, DIRECTORY, SYMLINK):
        with Extraction(str(out)) as extraction:
            try:
                taken = extraction.take([Item(path, entry(kind, b"x"))], ())
            except (OutputError, ValueError):
                continue
            assert taken.skipped_count == 1
    assert os.listdir(out.parent) == ["out"]
    assert os.listdir(out) == []


def test_a_file_below_a_link_of_the_image_is_refused(out: Path, tmp_path: Path) -> None:
    """Links are created last, and an existing one is not followed."""
    victim = tmp_path / "victim"
    victim.mkdir()
    out.mkdir()
    (out / "link").symlink_to(victim)
    with Extraction(str(out), overwrite=True) as extraction, pytest.raises(OutputError):
        extraction.take([Item(b"link/file", entry(FILE))], ())
    assert os.listdir(victim) == []


@pytest.mark.parametrize(
    ("path", "target", "safe"),
    [
        (b"a", b"b", True),
        (b"d/a", b"../b", True),
        (b"d/e/a", b"../../b/c", True),
        (b"a", b"./b/./c", True),
        (b"a", b"../b", False),
        (b"d/a", b"../../b", False),
        (b"a", b"/etc/passwd", False),
        (b"a", b"b/../../c", False),
        (b"d/a", b"x/../b", False),
        (b"a", b"", False),
        (b"a", b"b\0c", False),
    ],
)
def test_a_link_is_safe_only_if_it_stays_inside(path: bytes, target: bytes, safe: bool) -> None:
    assert is_safe(Item(path, entry(SYMLINK, target))) is safe


def test_names_too_long_for_the_host_are_skipped(tmp_path: Path, out: Path) -> None:
    built = ImageBuilder("t").layer({"d/" + "n" * 300: b"x", "d/ok": b"y"}, "RUN x").build()
    with layerscope.load(FORMS["oci-archive"].write([built], tmp_path / "i.tar")) as opened:
        taken = take(layerscope.analyze(opened), b"d", out, layer=0)
    assert taken.files == 1
    assert taken.skipped_count == 1


def test_a_thousand_levels_are_extracted(tmp_path: Path, out: Path) -> None:
    built = ImageBuilder("t").layer({"d/" * 1000 + "file": b"deep"}, "RUN x").build()
    with layerscope.load(FORMS["oci-archive"].write([built], tmp_path / "i.tar")) as opened:
        taken = take(layerscope.analyze(opened), b"d", out, layer=0)
    assert (taken.files, taken.directories) == (1, 1000)
    fd = os.open(out, os.O_RDONLY)
    for _ in range(1000):
        lower = os.open("d", os.O_RDONLY, dir_fd=fd)
        os.close(fd)
        fd = lower
    assert os.listdir(fd) == ["file"]
    os.close(fd)
    subprocess.run(["rm", "-rf", str(out)], check=True)


def test_the_folders_opened_for_a_deep_path_grow_with_its_levels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = 0
    real_open = os.open

    def counting_open(*args: Any, **options: Any) -> int:
        nonlocal opened
        opened += 1
        return real_open(*args, **options)

    counts = []
    for levels in (1000, 4000):
        built = ImageBuilder("t").layer({"d/" * levels + "file": b"deep"}, "RUN x").build()
        reference = FORMS["oci-archive"].write([built], tmp_path / f"{levels}.tar")
        with layerscope.load(reference) as image, monkeypatch.context() as patch:
            analysis = layerscope.analyze(image)
            opened = 0
            patch.setattr(os, "open", counting_open)
            take(analysis, b"d", tmp_path / str(levels), layer=0)
        counts.append(opened)
        subprocess.run(["rm", "-rf", str(tmp_path / str(levels))], check=True)
    assert counts[1] < 5 * counts[0]


def test_a_folder_that_cannot_be_created_is_an_error(analysis: Analysis, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "no" / "such", tmp_path / "a\0b"):
        with pytest.raises(OutputError, match="cannot write into"):
            take(analysis, b"app", folder)


def test_canceling_leaves_no_partial_file(analysis: Analysis, out: Path) -> None:
    stops = iter([False] + [True] * 100)
    with pytest.raises(Cancelled):
        extract(
            node_of(analysis, b"app/sub/data"),
            1,
            analysis.indexes,
            str(out),
            cancelled=lambda: next(stops),
        )
    assert os.listdir(out) == []
