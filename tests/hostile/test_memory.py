"""Small images that need a lot of memory are refused, with both numbers and the option that raises the limit."""

from __future__ import annotations

import hashlib
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from layerscope.limits import DEFAULT_LIMITS, MIB
from tests.builder import FORMS, File, ImageBuilder, Sparse, Symlink
from tests.builder.image import BuiltImage
from tests.builder.nodes import MemberLike
from tests.hostile.running import ROOT, layerscope
from tests.processes.unmeasured import unmeasured


def implied() -> Iterator[MemberLike]:
    """Paths with ten thousand levels, without entries for the directories."""
    for number in range(100):
        yield f"{number}/" + "d/" * 10_000 + "f", File(b"")


def attributes() -> Iterator[MemberLike]:
    for number in range(600):
        yield f"f{number}", File(b"", xattrs={"user.k": bytes(1_000_000)})


def links() -> Iterator[MemberLike]:
    for number in range(6000):
        yield f"l{number}", Symlink("t" * 60_000)


def long_names() -> Iterator[MemberLike]:
    for number in range(4000):
        yield f"{number}" + "n" * 60_000, File(b"")


def sparse_maps() -> Iterator[MemberLike]:
    chunks = tuple((at * 2, b"") for at in range(100_000))
    for number in range(40):
        yield f"s{number}", Sparse(size=1_000_000, chunks=chunks, form="1.0")


CASES: dict[str, tuple[Callable[[], Iterator[MemberLike]], str]] = {
    "implied directories": (implied, "implied_bytes"),
    "attributes": (attributes, "extra_bytes"),
    "link targets": (links, "extra_bytes"),
    "long names": (long_names, "extra_bytes"),
    "sparse maps": (sparse_maps, "extra_bytes"),
}


def image(members: Callable[[], Iterator[MemberLike]]) -> BuiltImage:
    return ImageBuilder("app:1").layer(list(members()), "RUN x").build()


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_a_small_image_that_needs_too_much_memory_is_refused(case: str, tmp_path: Path) -> None:
    members, limit = CASES[case]
    reference = FORMS["oci-archive"].write([image(members)], tmp_path / "image.tar", "gzip")
    stored = (tmp_path / "image.tar").stat().st_size
    assert stored < 12 * MIB
    ran = layerscope("report", reference, cwd=tmp_path)
    assert ran.code == 4, ran.err
    assert f"--limit {limit}=N" in ran.err
    assert f"over the {getattr(DEFAULT_LIMITS, limit)} allowed" in ran.err


@pytest.mark.slow
def test_one_blob_used_a_thousand_times_is_refused(tmp_path: Path) -> None:
    members = {f"d/f{number}": b"x" for number in range(10_000)}
    built = ImageBuilder("app:1").layer(members, "RUN x").build()
    FORMS["oci-dir"].write([built], tmp_path / "image", "gzip")
    blobs = tmp_path / "image/blobs/sha256"

    def rewrite(folder_entry: dict[str, Any], change: Callable[[dict[str, Any]], None]) -> None:
        document = json.loads((blobs / folder_entry["digest"].partition(":")[2]).read_bytes())
        change(document)
        data = json.dumps(document).encode()
        digest = hashlib.sha256(data).hexdigest()
        (blobs / digest).write_bytes(data)
        folder_entry.update(digest=f"sha256:{digest}", size=len(data))

    def thousandfold_config(config: dict[str, Any]) -> None:
        config["rootfs"]["diff_ids"] *= 1000
        config["history"] *= 1000

    def thousandfold(manifest: dict[str, Any]) -> None:
        manifest["layers"] *= 1000
        rewrite(manifest["config"], thousandfold_config)

    index = json.loads((tmp_path / "image/index.json").read_bytes())
    rewrite(index["manifests"][0], thousandfold)
    (tmp_path / "image/index.json").write_text(json.dumps(index))
    ran = layerscope("report", f"oci-dir:{tmp_path / 'image'}", cwd=tmp_path)
    assert ran.code == 4, ran.err
    assert "over the 2000000 allowed" in ran.err
    assert "--limit repeated_members=N" in ran.err


def test_a_path_of_too_many_levels_is_refused_until_the_limit_is_raised(tmp_path: Path) -> None:
    built = ImageBuilder("app:1").layer({"d/" * 20_000 + "f": b"x"}, "RUN x").build()
    reference = FORMS["oci-archive"].write([built], tmp_path / "image.tar")
    ran = layerscope("report", reference, cwd=tmp_path)
    assert (ran.code, "20001 levels, over the 16384" in ran.err) == (4, True), ran.err
    raised = ["--limit", "path_depth=30000", "--limit", "implied_bytes=1000000000"]
    assert layerscope("report", reference, *raised, cwd=tmp_path).code == 0


def test_sigterm_ends_the_reading_of_implied_directories(tmp_path: Path) -> None:
    reference = FORMS["oci-archive"].write([image(implied)], tmp_path / "image.tar", "gzip")
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "layerscope",
            "report",
            reference,
            "--limit",
            "implied_bytes=99999999999",
        ],
        cwd=ROOT,
        env=unmeasured(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    time.sleep(1.5)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=10) != 0


@pytest.mark.slow
def test_a_text_report_of_many_instructions_stays_short(tmp_path: Path) -> None:
    builder = ImageBuilder("app:1").layer({"f": b"x" * 5000}, "RUN make the file")
    for number in range(25_000):
        builder.empty(f"ENV K{number}=v")
    reference = FORMS["oci-archive"].write([builder.build()], tmp_path / "image.tar")
    ran = layerscope("report", reference, cwd=tmp_path)
    assert ran.code == 0, ran.err
    assert len(ran.out) < 400_000
    assert b"RUN make the file" in ran.out
    assert b"24,001 smaller instructions" in ran.out


def test_a_history_without_end_is_refused(tmp_path: Path) -> None:
    builder = ImageBuilder("app:1").layer({"f": b"x"}, "RUN make the file")
    for number in range(40_000):
        builder.empty(f"ENV K{number}=v")
    reference = FORMS["oci-archive"].write([builder.build()], tmp_path / "image.tar")
    ran = layerscope("report", reference, cwd=tmp_path)
    assert ran.code == 4, ran.err
    assert "has 40001 history entries, more than the 30000 allowed" in ran.err
    assert "--limit history=N" in ran.err


@pytest.mark.slow
def test_comparing_deep_paths_takes_little_memory(tmp_path: Path) -> None:
    references = []
    for name in ("one", "two"):
        built = ImageBuilder("app:1").layer({"d/" * 15_000 + name: b"x"}, "RUN x").build()
        references.append(FORMS["oci-archive"].write([built], tmp_path / f"{name}.tar", "gzip"))
    ran = layerscope("compare", *references, cwd=tmp_path, images=2)
    assert ran.code == 0, ran.err
