"""Checks reports against independent tools."""

from __future__ import annotations

import gzip
import io
import json
import os
import re
import tarfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

import layerscope
from layerscope.report.document.builder import build
from tests.builder import (
    OPAQUE,
    WHITEOUT,
    BuiltImage,
    Device,
    Directory,
    Fifo,
    File,
    Hardlink,
    ImageBuilder,
    Member,
    Sparse,
    Symlink,
    buildkit,
    classic,
    docker_legacy,
    oci,
)
from tests.builder.random_stacks import image_of, stacks
from tests.builder.tar import Format
from tests.builder.tools import run, skopeo_copy, umoci_unpack
from tests.effort import examples
from tests.model import check_sums
from tests.test_conformance import strip_costs

LONG = "long/" + "/".join(["folder" * 6] * 5) + "/" + "name" * 30
TYPES = {
    tarfile.REGTYPE: "file",
    tarfile.AREGTYPE: "file",
    tarfile.GNUTYPE_SPARSE: "file",
    tarfile.DIRTYPE: "directory",
    tarfile.SYMTYPE: "symlink",
    tarfile.LNKTYPE: "hardlink",
    tarfile.CHRTYPE: "character",
    tarfile.BLKTYPE: "block",
    tarfile.FIFOTYPE: "fifo",
}
LETTERS = dict(
    zip(
        "-dlhcbp",
        ["file", "directory", "symlink", "hardlink", "character", "block", "fifo"],
        strict=True,
    )
)


def image() -> BuiltImage:
    forms: list[Format] = ["pax", "gnu", "ustar"]
    builder = ImageBuilder("cross:1")
    for number, form in enumerate(forms):
        name = LONG if form != "ustar" else "a" * 100 + "/" + "b" * 90
        members: list[Any] = [
            (f"{form}/", Directory(mode=0o1777, mtime=1700000000)),
            (f"{form}/plain", File(b"x" * 1500, mode=0o4755, uid=1000, gid=50, mtime=1700000001)),
            (f"{form}/hard", Hardlink(f"{form}/plain")),
            (f"{form}/soft", Symlink("../elsewhere")),
            (f"{form}/null", Device(major=1, minor=3, mode=0o666)),
            (f"{form}/sda", Device(major=8, minor=0, block=True, mode=0o660)),
            (f"{form}/pipe", Fifo()),
            (f"{form}/é and blank", b"text"),
            (f"{form}/" + name, b"long"),
            ("shared", bytes([65 + number]) * 3000),
        ]
        if form == "gnu":
            members.append(("gnu/big owner", File(b"1", uid=3_000_000, gid=3_000_001)))
        if number:
            members += [(f"{forms[number - 1]}/plain", WHITEOUT)]
        builder.layer(members, form=form, **classic.run(f"step {number}"))
    builder.layer([("pax/", OPAQUE), ("pax/kept", b"kept")], **buildkit.run("last"))
    return builder.empty(**buildkit.meta("CMD []")).configure(Env=["A=b"]).build()


def report_of(reference: str, **options: Any) -> dict[str, Any]:
    with layerscope.load(reference, **options) as opened:
        document: Any = build(layerscope.analyze(opened), files=True)
        for layer in document["layers"]:
            layer["entries"] = list(layer["entries"])
    check_sums(document)
    loaded: dict[str, Any] = json.loads(json.dumps(document))
    return loaded


def bytes_below(root: Path) -> int:
    """The bytes of regular files, each inode once. Sparse files count what they store."""
    seen: dict[tuple[int, int], int] = {}
    for folder, _, names in os.walk(os.fsencode(root)):
        for name in names:
            status = os.lstat(os.path.join(folder, name))
            if status.st_mode & 0o170000 == 0o100000:
                seen[status.st_dev, status.st_ino] = status.st_size
    return sum(seen.values())


# umoci


def test_live_bytes_are_what_umoci_unpacks(tmp_path: Path) -> None:
    oci([image()]).write_folder(tmp_path / "layout")
    root = umoci_unpack(tmp_path / "layout", "1", tmp_path / "bundle")
    assert root is not None
    live = report_of(f"oci-dir:{tmp_path / 'layout'}")["sizes"]["live"]
    assert live == bytes_below(root) > 0


# tarfile and GNU tar


def as_entry(name: str, kind: str) -> tuple[str, str]:
    """The path and type under which the report lists a member of this name."""
    path = "/" + name.strip("/")
    folder, _, base = path.rpartition("/")
    if base == ".wh..wh..opq":
        return folder or "/", "opaque"
    if base.startswith(".wh."):
        return f"{folder}/{base.removeprefix('.wh.')}", "whiteout"
    return path, kind


def test_entries_equal_tarfiles(tmp_path: Path) -> None:
    built = image()
    docker_legacy([built]).write(tmp_path / "image.tar")
    report = report_of(f"docker-archive:{tmp_path / 'image.tar'}")
    for layer, row in zip(built.layers, report["layers"], strict=True):
        expected: list[tuple[object, ...]] = []
        with tarfile.open(fileobj=io.BytesIO(layer.tar)) as archive:
            for info in archive:
                path, kind = as_entry(info.name, TYPES[info.type])
                size = info.size if kind == "file" else 0
                expected.append((path, kind, size, info.mode, info.uid, info.gid, info.mtime))
                if kind in ("symlink", "hardlink"):
                    prefix = "/" if kind == "hardlink" else ""
                    expected.append((prefix + info.linkname,))
        assert list(flat(row["entries"])) == expected


def flat(entries: list[dict[str, Any]]) -> Iterator[tuple[Any, ...]]:
    for row in entries:
        yield tuple(row[k] for k in ("path", "type", "size", "mode", "uid", "gid", "mtime"))
        if "linkname" in row:
            yield (row["linkname"],)


def test_entries_equal_gnu_tars(tmp_path: Path) -> None:
    built = image()
    docker_legacy([built]).write(tmp_path / "image.tar")
    report = report_of(f"docker-archive:{tmp_path / 'image.tar'}")
    line = re.compile(r"(.)(\S{9}) (\d+)/(\d+) +(\d+(?:,\d+)?) \S+ \S+ (.+)")
    options = ("--numeric-owner", "--full-time", "--quoting-style=literal")
    for number, (layer, row) in enumerate(zip(built.layers, report["layers"], strict=True)):
        path = tmp_path / f"{number}.tar"
        path.write_bytes(layer.tar)
        listing = run("tar", "-tvf", path, *options).stdout.decode()
        found = []
        for text in listing.splitlines():
            match = line.fullmatch(text)
            assert match, text
            letter, _, uid, gid, size, name = match.groups()
            name = re.split(r" -> | link to ", name)[0]
            where, kind = as_entry(name, LETTERS[letter])
            stored = int(size) if kind == "file" else 0
            found.append((where, kind, stored, int(uid), int(gid)))
        keys = ("path", "type", "size", "uid", "gid")
        assert [tuple(r[key] for key in keys) for r in row["entries"]] == found


@settings(max_examples=examples(150), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(stack=stacks())
def test_random_entries_equal_tarfiles(
    stack: list[list[Member]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    built = image_of(stack)
    path = tmp_path_factory.getbasetemp() / "random.tar"
    docker_legacy([built]).write(path)
    report = report_of(f"docker-archive:{path}")
    for layer, row in zip(built.layers, report["layers"], strict=True):
        with tarfile.open(fileobj=io.BytesIO(layer.tar)) as archive:
            listed = [as_entry(os.path.normpath(i.name), TYPES[i.type]) for i in archive]
        shown = [(entry["path"], entry["type"]) for entry in row["entries"]]
        assert shown == [(p.replace("/.", "/") if p == "/." else p, k) for p, k in listed]


@pytest.mark.parametrize("form", ["gnu", "0.0", "0.1", "1.0"])
def test_sparse_files_count_only_stored_bytes(form: Any, tmp_path: Path) -> None:
    chunks = tuple((at * 65536, b"data" * 128) for at in range(30))
    node = Sparse(size=30 * 65536, chunks=chunks, form=form)
    built = ImageBuilder("s:1").layer([("s/f", node), ("z", b"z")], "RUN x").build()
    docker_legacy([built]).write(tmp_path / "image.tar")
    report = report_of(f"docker-archive:{tmp_path / 'image.tar'}")
    paths = {row["path"]: row for row in report["layers"][0]["entries"]}
    assert set(paths) == {"/s/f", "/z"}
    assert paths["/s/f"]["size"] == 30 * 512
    assert report["sizes"]["content"] == 30 * 512 + 1


def test_a_layer_written_by_gnu_tar_is_read(tmp_path: Path) -> None:
    """Reads a layer that GNU tar packs from a folder, in each of its formats."""
    root = tmp_path / "root"
    (root / "d").mkdir(parents=True)
    (root / "d" / ("n" * 120)).write_bytes(b"long name")
    (root / "f").write_bytes(b"content")
    (root / "l").symlink_to("t" * 150)
    os.link(root / "f", root / "h")
    with (root / "sparse").open("wb") as file:
        file.truncate(1 << 20)
        file.seek(1 << 19)
        file.write(b"middle")
    builder = ImageBuilder("gnu:1")
    for form in ("gnu", "posix", "oldgnu"):
        packed = tmp_path / f"{form}.tar"
        run("tar", "-cSf", packed, f"--format={form}", "--sort=name", "-C", root, ".")
        builder.raw_layer(packed.read_bytes(), f"RUN {form}")
    docker_legacy([builder.build()]).write(tmp_path / "image.tar")
    report = report_of(f"docker-archive:{tmp_path / 'image.tar'}")
    listed = [
        [(row["path"], row["type"], row.get("linkname")) for row in layer["entries"]]
        for layer in report["layers"]
    ]
    assert listed[0] == listed[1] == listed[2]
    assert Counter(kind for _, kind, _ in listed[0]) == Counter(
        file=3, directory=2, symlink=1, hardlink=1
    )
    wasted = report["wasted_by_kind"]
    assert wasted["identical_rewrite"] == report["sizes"]["wasted"] > 0
    assert [layer["changes"]["added"] for layer in report["layers"]] == [7, 0, 0]


# skopeo


def neutral(report: dict[str, Any]) -> dict[str, Any]:
    """The part of a report that stays the same if a tool rewrites the manifest and config and recompresses layers."""
    report = json.loads(json.dumps(report))
    for key in ("reference", "source", "tags", "manifest_digest", "config_digest"):
        del report["image"][key]
    strip_costs(report)
    for row in report["layers"]:
        for key in ("digest", "media_type", "compression", "verified"):
            del row[key]
    return report


def test_an_image_stays_the_same_through_all_forms_that_skopeo_writes(tmp_path: Path) -> None:
    first = tmp_path / "0.tar"
    docker_legacy([image()]).write(first)
    original = neutral(report_of(f"docker-archive:{first}"))
    steps: list[tuple[str, str, list[str]]] = [
        (f"oci:{tmp_path / '1'}:x", f"oci-dir:{tmp_path / '1'}", []),
        (f"oci-archive:{tmp_path / '2.tar'}:x", f"oci-archive:{tmp_path / '2.tar'}", []),
        (f"docker-archive:{tmp_path / '3.tar'}:x:1", f"docker-archive:{tmp_path / '3.tar'}", []),
        (
            f"oci:{tmp_path / '4'}:x",
            f"oci-dir:{tmp_path / '4'}",
            ["--dest-compress", "--dest-compress-format", "zstd"],
        ),
        (f"oci-archive:{tmp_path / '5.tar'}:x", f"oci-archive:{tmp_path / '5.tar'}", []),
    ]
    source = f"docker-archive:{first}"
    compressions = []
    for destination, reference, options in steps:
        skopeo_copy(source, destination, *options)
        report = report_of(reference)
        compressions.append({layer["compression"] for layer in report["layers"]})
        assert neutral(report) == original, destination
        source = destination
    assert compressions == [{"gzip"}, {"gzip"}, {"none"}, {"zstd"}, {"zstd"}]


# The sample images, made by real builders

FIXTURES = sorted(Path(__file__).parent.parent.glob("fixtures/*.tar*"))


def plain_copy(fixture: Path, folder: Path) -> str:
    """A reference for skopeo, which fails on gzipped archives."""
    data = fixture.read_bytes()
    path = folder / "image.tar"
    path.write_bytes(gzip.decompress(data) if fixture.suffix == ".gz" else data)
    with tarfile.open(path) as archive:
        scheme = "docker-archive" if "manifest.json" in archive.getnames() else "oci-archive"
    return f"{scheme}:{path}"


def test_the_sample_images_exist() -> None:
    assert len(FIXTURES) >= 3


@pytest.mark.parametrize("fixture", FIXTURES, ids=lambda path: path.name)
def test_the_sample_images_have_what_umoci_unpacks(fixture: Path, tmp_path: Path) -> None:
    source = plain_copy(fixture, tmp_path)
    layout = tmp_path / "layout"
    skopeo_copy(source, f"oci:{layout}:x")
    root = umoci_unpack(layout, "x", tmp_path / "bundle")
    assert root is not None
    original = report_of(str(fixture))
    assert original["sizes"]["live"] == bytes_below(root) > 0
    first, second = neutral(original), neutral(report_of(f"oci-dir:{layout}"))
    if any(row["evidence"] == "provenance" for row in original["instructions"]):
        for report in (first, second):  # skopeo drops the attestation
            for key in ("advice", "notes", "base", "causes", "origin"):
                report.pop(key, None)
            weight = report["dead_weight"]
            for row in (*report["layers"], weight, *weight["kinds"]):
                row.pop("base", None)
            for row in report["instructions"]:
                del row["evidence"], row["location"], row["text"]
    assert second == first


@pytest.mark.parametrize("fixture", FIXTURES, ids=lambda path: path.name)
def test_the_sample_images_list_what_tarfile_lists(fixture: Path, tmp_path: Path) -> None:
    layout = tmp_path / "layout"
    skopeo_copy(plain_copy(fixture, tmp_path), f"oci:{layout}:x")
    report = report_of(f"oci-dir:{layout}")
    for row in report["layers"]:
        blob = layout / "blobs" / row["digest"].replace(":", "/")
        with tarfile.open(fileobj=io.BytesIO(gzip.decompress(blob.read_bytes()))) as archive:
            listed = [as_entry(info.name, TYPES[info.type]) for info in archive]
        assert [(entry["path"], entry["type"]) for entry in row["entries"]] == listed
