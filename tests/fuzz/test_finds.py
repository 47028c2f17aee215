"""What the guided fuzzer starts from and what it once found: read or refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz.guided.targets import TARGETS, feed

FINDS = sorted(path for path in Path(__file__).with_name("finds").glob("*/*") if path.is_file())


@pytest.mark.parametrize("path", FINDS, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_what_was_found_once_is_read_or_refused(path: Path) -> None:
    feed(path.parent.name, path.read_bytes())


@pytest.mark.parametrize("name", TARGETS)
def test_the_seeds_of_each_target_get_through(name: str) -> None:
    seeds = TARGETS[name].seeds()
    assert seeds
    for seed in seeds:
        feed(name, seed)
    TARGETS[name].feed(seeds[0])
