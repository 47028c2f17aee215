"""Images of extreme shapes, end to end: each is read with the right numbers and bounded memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from tests.builder import COMPRESSIONS, FORMS, OPAQUE, WHITEOUT, Directory, File, ImageBuilder
from tests.builder.image import BuiltImage, Members
from tests.builder.tar import END, member
from tests.hostile.running import ROOT, layerscope
from tests.model import check_sums


def report(image: BuiltImage, folder: Path, *options: str) -> dict[str, Any]:
    """The JSON report of a run."""
    reference = FORMS["docker-legacy"].write([image], folder / "image.tar")
    ran = layerscope("report", reference, "--json", *options, cwd=folder)
    assert ran.code == 0, ran.err
    found: dict[str, Any] = json.loads(ran.out)
    check_sums(found)
    return found


def stack(*layers: Members) -> BuiltImage:
    builder = ImageBuilder("app:1")
    for members in layers:
        builder.layer(members, created_by="/bin/sh -c x")
    return builder.build()


@pytest.mark.slow
def test_a_hundred_thousand_whiteouts_take_bounded_memory(tmp_path: Path) -> None:
    count = 100_000
    image = stack(
        {f"d/f{number}": b"x" for number in range(count)},
        {f"d/f{number}": WHITEOUT for number in range(count)},
    )
    found = report(image, tmp_path)
    assert found["sizes"]["live"] == 0
    assert found["layers"][1]["changes"]["deleted"] == count
    assert found["files"]["whiteouts"] == count


@pytest.mark.slow
def test_a_thousand_opaque_layers_take_bounded_memory(tmp_path: Path) -> None:
    first = {f"d/f{number}": b"x" for number in range(30_000)}
    opaque: Members = [("d", OPAQUE), ("d/kept", File(b"k"))]
    found = report(stack(first, *[opaque] * 1000), tmp_path)
    assert found["sizes"]["live"] == 1
    assert [layer["changes"]["deleted"] for layer in found["layers"][:3]] == [0, 30_000, 0]


@pytest.mark.slow
def test_a_path_in_every_layer_takes_bounded_memory(tmp_path: Path) -> None:
    layers = [{f"d/f{number}": b"%d" % layer for number in range(100)} for layer in range(1000)]
    found = report(stack(*layers), tmp_path)
    assert found["layers"][-1]["changes"] == {"added": 0, "modified": 100, "deleted": 0}
    assert found["wasted_by_kind"]["overwritten"] == found["sizes"]["wasted"] > 0


def test_ten_thousand_nested_directories_are_read(tmp_path: Path) -> None:
    deep = ["/".join(["d"] * depth) for depth in (*range(1, 2000, 7), 10_000)]
    image = stack(
        {path + "/": Directory() for path in deep} | {deep[-1] + "/f": b"deep"},
        {"d/d": WHITEOUT},
    )
    found = report(image, tmp_path, "--files")
    assert found["sizes"]["wasted"] == 4
    assert found["waste"][0]["path"].count("/") == 10_001


@pytest.mark.slow
def test_many_duplicates_in_a_directory_are_read(tmp_path: Path) -> None:
    found = report(stack([("f", b"x")] * 50_000), tmp_path)
    assert found["sizes"]["live"] == 1
    assert found["wasted_by_kind"]["duplicate_entry"] == 49_999
    (note,) = found["notes"]
    assert note["count"] == 49_999


@pytest.mark.slow
@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_memory_depends_on_members_and_not_on_bytes(compression: str, tmp_path: Path) -> None:
    """At most one KiB per member, on top of a run without members."""
    peaks = []
    counts = (1000, 201_000)
    for count in counts:
        data = b"".join(headers(count)) + END
        path = tmp_path / f"{count}.tar"
        path.write_bytes(COMPRESSIONS[compression](data))
        program = (
            "import sys, os\n"
            "from layerscope.image.blob import Blob, OpenFile\n"
            "from layerscope.layers.reader import index_layer\n"
            "from layerscope.limits import DEFAULT_LIMITS\n"
            "from layerscope.filesystem.tree import FileTree\n"
            "from layerscope.notes import Notes\n"
            "file = OpenFile(os.open(sys.argv[1], os.O_RDONLY), 'layer')\n"
            "blob = Blob(file, 0, file.size, 'layer')\n"
            "found = index_layer(blob, digest=None, diff_id=None, verify='auto', limits=DEFAULT_LIMITS)\n"
            "FileTree(Notes()).apply(found.index)\n"
            "peak = open('/proc/self/status').read().split('VmHWM:')[1].split()[0]\n"
            "print(len(found.index), int(peak) * 1024)\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", program, str(path)],
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=True,
        )
        seen, peak = map(int, done.stdout.split())
        assert seen == count
        peaks.append(peak)
    assert (peaks[1] - peaks[0]) / (counts[1] - counts[0]) < 1024


def headers(count: int) -> Iterable[bytes]:
    for number in range(count):
        name = f"usr/share/package{number // 1000}/part{number // 50 % 20}/file{number}"
        yield member(name, File(b""))
