"""Every byte of an image, changed, cut off, or repeated: refused in one line, or the same report, or said to be unverified."""

from __future__ import annotations

import gzip
import io
import random
import re
import tarfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

import layerscope
from layerscope.errors import LayerscopeError
from layerscope.options import ReadOptions
from layerscope.report.document.builder import build
from tests.builder import FORMS, BuiltImage, File, Hardlink, ImageBuilder, Symlink, Whiteout
from tests.builder.chunked import Chunked, estargz, zstd_chunked
from tests.builder.nodes import MemberLike
from tests.effort import EFFORT, SEED, examples

LONGEST: Final = 5
"""Seconds that any damaged image may take."""
CASES: Final = (
    ("docker-legacy", "none"),
    ("docker-oci", "none"),
    ("containerd", "gzip"),
    ("containerd", "estargz"),
    ("oci-archive", "zstd"),
    ("oci-archive", "zstd:chunked"),
    ("oci-archive", "xz"),
    ("oci-dir", "gzip-members"),
    ("dir", "gzip"),
)
FIRST: Final[list[MemberLike]] = [
    ("etc/passwd", File(b"root:x:0:0::/:/bin/sh\n" * 30)),
    ("etc/link", Symlink("passwd")),
    ("etc/hard", Hardlink("etc/passwd")),
    ("a" * 120, File(b"x" * 600, mtime=1.5)),
]
SECOND: Final[list[MemberLike]] = [("etc/passwd", Whiteout()), ("var/log", File(b"y" * 900))]


def image(compression: str) -> BuiltImage:
    builder = ImageBuilder("app:1")
    for members, step in ((FIRST, "RUN make a"), (SECOND, "RUN rm a")):
        if compression in TABLES:
            data = ImageBuilder().layer(members).build().layers[0].tar
            builder.chunked_layer(TABLES[compression](data), step)
        else:
            builder.layer(members, step)
    return builder.build()


TABLES: Final[dict[str, Callable[[bytes], Chunked]]] = {
    "estargz": estargz,
    "zstd:chunked": zstd_chunked,
}
"""Compressions with a table of contents."""


@dataclass
class Damaged:
    """An archive or a folder on disk. Bytes are changed in one of its files and put back."""

    path: Path
    file: Path
    data: bytes
    right: dict[str, Any]
    notes: list[dict[str, Any]]
    guarded: list[tuple[int, int]]
    """Where the file has blobs that are named by their digests."""

    def is_guarded(self, position: int) -> bool:
        return any(start <= position < end for start, end in self.guarded)

    def outcome(self, data: bytes, verify: Any) -> dict[str, Any] | None:
        """The report, or None if the image is refused. Any other exception fails the test."""
        self.file.write_bytes(data)
        start = time.process_time()
        found = None
        with suppress(LayerscopeError):
            found = facts(self.path, verify)
        assert time.process_time() - start < LONGEST
        return found

    def restore(self) -> None:
        self.file.write_bytes(self.data)


def facts(path: Path, verify: Any) -> dict[str, Any]:
    with layerscope.read(str(path), ReadOptions(cache=False, verify=verify)) as analysis:
        return dict(build(analysis, files=True))


def numbers(document: dict[str, Any]) -> dict[str, Any]:
    """What a report says about the layers, without notes and names."""
    return {
        key: document[key]
        for key in ("sizes", "waste", "wasted_by_kind", "files", "efficiency", "largest")
    } | {"layers": [{**row, "entries": [*row["entries"]]} for row in document["layers"]]}


def guarded(data: bytes) -> Iterator[tuple[int, int]]:
    """Layers, and configs and manifests that a digest names. The two documents at the top have no digest."""
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        for member in archive:
            if member.isfile() and (
                member.name.startswith("blobs/") or member.name.endswith("layer.tar")
            ):
                yield member.offset_data, member.offset_data + member.size


def damaged_files(path: Path) -> list[Damaged]:
    """The archive, or each file of the folder, to damage it."""
    right = facts(path, "full")
    files = sorted(each for each in path.rglob("*") if each.is_file()) if path.is_dir() else [path]
    found = []
    for file in files:
        data = file.read_bytes()
        if path.is_file():
            places = list(guarded(data))
        else:
            named = re.fullmatch("[0-9a-f]{64}", file.name) is not None
            places = [(0, len(data))] if named else []
        found.append(Damaged(path, file, data, numbers(right), right["notes"], places))
    return found


@pytest.fixture(scope="module", params=CASES, ids="-".join)
def damaged(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> list[Damaged]:
    form, compression = request.param
    path = tmp_path_factory.mktemp("damage") / "image"
    stored = "none" if compression in TABLES else compression
    FORMS[form].write([image(compression)], path, stored)
    return damaged_files(path)


def check_changed(damaged: Damaged, step: int) -> None:
    refused = 0
    for position in range(0, len(damaged.data), step):
        data = bytearray(damaged.data)
        data[position] ^= 1 << (position % 8)
        found = damaged.outcome(bytes(data), "full")
        if found is None:
            refused += 1
            continue
        if damaged.is_guarded(position):
            unseen = found["notes"] == damaged.notes and numbers(found) != damaged.right
            assert not unseen, f"byte {position} is wrong and not reported"
    assert refused or not damaged.guarded


def check_unverified(damaged: Damaged, step: int) -> None:
    """By default, a changed byte that isn't seen lies in a layer that says it is not verified."""
    for position in range(0, len(damaged.data), step):
        if not damaged.is_guarded(position):
            continue
        data = bytearray(damaged.data)
        data[position] ^= 1 << (position % 8)
        found = damaged.outcome(bytes(data), "auto")
        if found is not None:
            assert numbers(found)["sizes"] == damaged.right["sizes"] or any(
                not row["verified"] for row in found["layers"]
            ), position


def check_cut(damaged: Damaged, step: int) -> None:
    last = max((end for _, end in damaged.guarded), default=0)
    for length in range(0, len(damaged.data), step):
        found = damaged.outcome(damaged.data[:length], "full")
        if length < last:
            assert found is None, f"{length} of {len(damaged.data)} bytes are taken for the whole"


def check_repeated(damaged: Damaged, step: int) -> None:
    for position in range(0, len(damaged.data), step):
        piece = damaged.data[position : position + 512]
        data = damaged.data[:position] + piece + damaged.data[position:]
        found = damaged.outcome(data, "full")
        if found is not None and damaged.is_guarded(position) and any(piece):
            assert found["notes"] != damaged.notes or numbers(found) == damaged.right, position


CHECKS: Final = {
    "changed": (check_changed, 211, 17),
    "unverified": (check_unverified, 257, 41),
    "cut": (check_cut, 509, 97),
    "repeated": (check_repeated, 997, 401),
}
"""Each check, and how many bytes it goes on at a time: by default, and in CI. `.ci/random 20` changes every byte."""


@pytest.mark.parametrize("check", CHECKS)
def test_damage_here_and_there_is_seen(damaged: list[Damaged], check: str) -> None:
    run, step, _ = CHECKS[check]
    for each in damaged:
        run(each, step)
        each.restore()


@pytest.mark.slow
@pytest.mark.random
@pytest.mark.parametrize("check", CHECKS)
def test_damage_anywhere_is_seen(damaged: list[Damaged], check: str) -> None:
    run, _, step = CHECKS[check]
    for each in damaged:
        run(each, max(1, round(step / max(1, EFFORT))))
        each.restore()


# The sample images

FIXTURES: Final = sorted((Path(__file__).parents[2] / "fixtures").glob("*.tar*"))


@pytest.mark.slow
@pytest.mark.random
@pytest.mark.parametrize("fixture", FIXTURES, ids=lambda path: path.name)
def test_damage_to_any_blob_of_a_sample_image_is_seen(fixture: Path, tmp_path: Path) -> None:
    """At the start, at the end, and anywhere in each blob: one byte is changed, the file is cut there, or bytes are repeated."""
    data = fixture.read_bytes()
    path = tmp_path / "image.tar"
    path.write_bytes(gzip.decompress(data) if fixture.suffix == ".gz" else data)
    (each,) = damaged_files(path)
    source = random.Random(f"{SEED or 0} {fixture.name}")
    spots = [
        position
        for start, end in each.guarded
        for position in (start, end - 1, *(source.randrange(start, end) for _ in range(2)))
    ]
    last = max(end for _, end in each.guarded)
    for position in source.sample(spots, min(len(spots), examples(16))):
        changed = bytearray(each.data)
        changed[position] ^= 1 << source.randrange(8)
        found = each.outcome(bytes(changed), "full")
        assert found is None or found["notes"] != each.notes or numbers(found) == each.right
        assert position >= last or each.outcome(each.data[:position], "full") is None
        repeated = each.data[: position + 64] + each.data[position:]
        found = each.outcome(repeated, "full")
        assert found is None or found["notes"] != each.notes or numbers(found) == each.right


@pytest.mark.parametrize("fixture", FIXTURES, ids=lambda path: path.name)
def test_a_sample_image_that_is_cut_is_refused(fixture: Path, tmp_path: Path) -> None:
    """The file itself, compressed or not."""
    data = fixture.read_bytes()
    path = tmp_path / fixture.name
    for length in (len(data) // 2, len(data) - 20_000, 10_000):
        path.write_bytes(data[:length])
        with pytest.raises(LayerscopeError) as caught:
            facts(path, "auto")
        assert caught.value.exit_code == 4
