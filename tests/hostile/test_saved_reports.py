"""A saved report may come from anyone: it is refused before it takes too much, or takes memory by its entries."""

from __future__ import annotations

from pathlib import Path

import pytest

from layerscope.limits import KIB, MIB
from tests.hostile.running import layerscope, measured, start
from tests.hostile.saved_reports import EACH, ENTRIES, MANY, READ, REFUSED, SavedShape, honest
from tests.hostile.shapes import Shape, spread


@pytest.mark.parametrize(
    "shape",
    [
        pytest.param(each, id=each.name, marks=pytest.mark.slow if each.slow else ())
        for each in REFUSED
    ],
)
def test_a_hostile_saved_report_is_refused_by_a_limit(shape: SavedShape, tmp_path: Path) -> None:
    ran = layerscope("report", shape.write(tmp_path / "saved.json"), cwd=tmp_path)
    assert ran.code == 4, ran.err
    assert ran.out == b""
    assert ran.err.startswith(f"layerscope: error: {tmp_path / 'saved.json'}")
    assert ran.err.count("\n") == 1
    assert f"raise --limit {shape.limit}=N" in ran.err


@pytest.mark.parametrize("command", ["report", "check", "compare", "packages", "advise"])
def test_every_command_takes_the_limit_that_refuses_a_saved_report(
    command: str, tmp_path: Path
) -> None:
    saved = tmp_path / "saved.json"
    saved.write_text(honest())
    more = {"check": ["--max-size", "1GB"], "compare": [str(saved)]}.get(command, [])
    assert layerscope(command, str(saved), *more, cwd=tmp_path).code == 0
    ran = layerscope(command, str(saved), *more, "--limit", "report_values=10", cwd=tmp_path)
    assert (ran.code, "over 10 values" in ran.err) == (4, True), ran.err


def test_a_raised_limit_lets_a_saved_report_pass(tmp_path: Path) -> None:
    shape = next(each for each in REFUSED if each.name == "a long entry")
    path = shape.write(tmp_path / "saved.json")
    ran = layerscope("report", path, "--limit", "report_bytes=32MiB", cwd=tmp_path)
    assert ran.code == 0, ran.err


def test_the_baseline_of_a_check_is_bounded_too(tmp_path: Path) -> None:
    baseline = REFUSED[0].write(tmp_path / "baseline.json")
    (tmp_path / "saved.json").write_text(honest())
    rules = ("--max-growth", "5%", "--baseline", baseline)
    ran = layerscope("check", "saved.json", *rules, cwd=tmp_path)
    assert (ran.code, "--limit report_values=N" in ran.err) == (4, True), ran.err


@pytest.mark.slow
@pytest.mark.parametrize("shape", READ, ids=lambda shape: shape.name)
def test_a_saved_report_just_below_the_limits_is_bounded(shape: SavedShape, tmp_path: Path) -> None:
    path = shape.write(tmp_path / "saved.json")
    assert layerscope("report", path, "--format", "html", cwd=tmp_path).code == 0


@pytest.mark.slow
@pytest.mark.parametrize("shape", EACH, ids=lambda shape: shape.name)
def test_an_entry_takes_at_most_a_kilobyte(shape: SavedShape, tmp_path: Path) -> None:
    ran = measured("report", shape.write(tmp_path / "saved.json"), cwd=tmp_path)
    assert ran.code == 0, ran.err
    assert ran.peak < start() + MANY * KIB


@pytest.mark.slow
def test_an_honest_saved_report_takes_less_than_twice_its_size(tmp_path: Path) -> None:
    image = Shape("files", spread(8)).write(MANY, tmp_path / "image.tar")
    saved = tmp_path / "saved.json"
    to_file = ("--json", "--files", "-o", str(saved))
    made = measured("report", image, "--no-cache", *to_file, cwd=tmp_path)
    assert made.code == 0, made.err
    for options in ((), ("--json", "--files")):
        ran = measured("report", str(saved), *options, cwd=tmp_path)
        assert ran.code == 0, ran.err
        assert ran.peak < start() + 2 * saved.stat().st_size + 8 * MIB
    assert ran.out == saved.read_bytes()


def test_an_entry_that_makes_no_sense_ends_the_reading(tmp_path: Path) -> None:
    shape = SavedShape("numbers", ENTRIES, lambda: "[" + "0," * 10_000_000 + "0]")
    ran = layerscope("report", shape.write(tmp_path / "saved.json"), cwd=tmp_path)
    assert ran.code == 2, ran.err
    assert "layers[0] entries[0]: is not an object" in ran.err
    assert ran.seconds < 2
