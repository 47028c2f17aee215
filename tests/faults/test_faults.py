"""Whatever happens to a run, its exit code is right, its files are whole or the old ones, and nothing else is left behind.

`python -m tests.faults --count 5000 --log FILE` tries more moments.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.batches import run_all
from tests.effort import SEED, examples
from tests.faults import cases
from tests.faults.actions import ACTIONS, prepare
from tests.faults.cases import World, make_world, wrong
from tests.faults.faults import FAULTS, Ran

REPORT, CACHE = ACTIONS[0], next(each for each in ACTIONS if each.name == "cache")
FAULT = {fault.name: fault for fault in FAULTS}


@pytest.mark.slow
@pytest.mark.random
def test_no_fault_leaves_anything_half_done() -> None:
    count = examples(84)
    sums = run_all(cases.run, count=count, seed=int(SEED or 1), size=count, processes=1, log=None)
    assert sums.finds == []
    assert sums.counts["all"] == count
    names = {name.partition(":")[0] for name in sums.counts}
    assert {"killed", "interrupted", "streams", "early reader", "image changes"} <= names


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with ExitStack() as stack:
        yield make_world(tmp_path_factory.mktemp("faults"), stack)


def test_the_check_sees_what_a_fault_may_not_leave(world: World, tmp_path: Path) -> None:
    world.right[REPORT.name] = {"x.html": b"<html></html>", "x.json": b"{}"}
    place = world.place(REPORT, tmp_path / "here", world.inputs)
    prepare(REPORT, place.folder)
    killed = FAULT["killed"]

    def found(code: int = -9, errors: bytes = b"") -> list[str]:
        return list(wrong(world, REPORT, killed, place, Ran(code, errors)))

    assert found() == []
    assert found(1) == ["exit code 1, b''", "exit code 1 without a line, but ''"]
    assert found(errors=b"Traceback (most recent call last):")
    assert found(0) == [f"exit code 0, and {name} is the old one" for name in ("x.html", "x.json")]
    (place.folder / "x.html").write_bytes(b"<html>")
    assert found() == ["x.html has 6 of 13 bytes"]
    (place.folder / "x.html").unlink()
    (place.folder / ".layerscope-1").touch()
    (place.folder / "temporary/spool").touch()
    assert found() == [
        "it left .layerscope-1",
        "it left spool in the folder for temporary files",
    ]


def test_the_second_run_must_say_the_same(world: World, tmp_path: Path) -> None:
    world.right[CACHE.name] = {"x.json": b"{}"}
    place = world.place(CACHE, tmp_path / "here", world.inputs)
    found = list(wrong(world, CACHE, FAULT["killed"], place, Ran(-9, b"")))
    assert found == ["the second run writes something else"]
