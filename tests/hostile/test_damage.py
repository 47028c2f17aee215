"""Every byte of an image, changed, cut off, or repeated: refused in one line, or the same report, or said to be unverified."""

from __future__ import annotations

import io
import tarfile
import time
from collections.abc import Iterator
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
from tests.effort import EFFORT

LONGEST: Final = 5
"""Seconds that any damaged image may take."""
CASES: Final = (
    ("docker-legacy", "none"),
    ("docker-oci", "none"),
    ("containerd", "gzip"),
    ("oci-archive", "zstd"),
    ("oci-archive", "xz"),
)


@pytest.fixture(scope="module")
def image() -> BuiltImage:
    return (
        ImageBuilder("app:1")
        .layer(
            [
                ("etc/passwd", File(b"root:x:0:0::/:/bin/sh\n" * 30)),
                ("etc/link", Symlink("passwd")),
                ("etc/hard", Hardlink("etc/passwd")),
                ("a" * 120, File(b"x" * 600, mtime=1.5)),
            ],
            "RUN make a",
        )
        .layer([("etc/passwd", Whiteout()), ("var/log", File(b"y" * 900))], "RUN rm a")
        .build()
    )


@dataclass
class Damaged:
    """An archive on disk. Bytes are changed in place and put back."""

    path: Path
    data: bytes
    right: dict[str, Any]
    notes: list[dict[str, Any]]
    guarded: list[tuple[int, int]]
    """Where the archive has blobs that are named by their digests."""

    def is_guarded(self, position: int) -> bool:
        return any(start <= position < end for start, end in self.guarded)

    def outcome(self, data: bytes, verify: Any) -> dict[str, Any] | None:
        """The report, or None if the archive is refused. Any other exception fails the test."""
        self.path.write_bytes(data)
        start = time.process_time()
        found = None
        with suppress(LayerscopeError):
            found = facts(self.path, verify)
        assert time.process_time() - start < LONGEST
        return found


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


@pytest.fixture(scope="module", params=CASES, ids="-".join)
def damaged(
    request: pytest.FixtureRequest, image: BuiltImage, tmp_path_factory: pytest.TempPathFactory
) -> Damaged:
    form, compression = request.param
    path = tmp_path_factory.mktemp("damage") / "image.tar"
    FORMS[form].write([image], path, compression)
    data = path.read_bytes()
    right = facts(path, "full")
    return Damaged(path, data, numbers(right), right["notes"], list(guarded(data)))


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
    assert refused


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
    last = max(end for _, end in damaged.guarded)
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
    "changed": (check_changed, 211, 11),
    "unverified": (check_unverified, 257, 29),
    "cut": (check_cut, 509, 61),
    "repeated": (check_repeated, 997, 251),
}
"""Each check, and how many bytes it goes on at a time: by default, and in CI. `.ci/random 10` tries every byte."""


@pytest.mark.parametrize("check", CHECKS)
def test_damage_here_and_there_is_seen(damaged: Damaged, check: str) -> None:
    run, step, _ = CHECKS[check]
    run(damaged, step)


@pytest.mark.slow
@pytest.mark.random
@pytest.mark.parametrize("check", CHECKS)
def test_damage_anywhere_is_seen(damaged: Damaged, check: str) -> None:
    run, _, step = CHECKS[check]
    run(damaged, max(1, round(step / max(1, EFFORT))))
