"""The indexes of layers: sent along where a worker doesn't see them, and read again where they are damaged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from layerscope.fleet.folder import locked
from layerscope.fleet.run import Counts, Plan
from layerscope.fleet.scan import scan
from layerscope.fleet.values import ReplayJob
from tests.builder import ImageBuilder
from tests.fleet.inline import InlineWorkers, write_fleet
from tests.fleet.served import FleetRegistry
from tests.fleet.test_scan import assert_same
from tests.fleet.world import again, fill, make

Ask = Callable[[Path, str], list[dict[str, Any]]]


class FarWorkers(InlineWorkers):
    """Workers that don't see the folder of the fleet."""

    shipped = 0

    def start(self, label: Any, name: str, run: Callable[[Any], object], job: object) -> None:
        if isinstance(job, ReplayJob):
            self.shipped += job.shipped is not None
            job = replace(job, folder="/none/such")
        super().start(label, name, run, job)


def scanned(folder: Path, registry: FleetRegistry, workers: InlineWorkers) -> Counts:
    with locked(str(folder)) as opened:
        return scan(Plan(targets=(f"registry:{registry.netloc}",)), opened, workers)


@pytest.mark.slow
def test_a_worker_that_does_not_see_the_folder_gets_the_indexes(
    registry: FleetRegistry, tmp_path: Path, rows: Ask
) -> None:
    fill(registry, make(8, 2, 16))
    workers = FarWorkers()
    counts = scanned(tmp_path / "fleet", registry, workers)
    assert (counts.images, counts.failures) == (8, 0)
    assert workers.shipped == 8
    assert_same(rows, tmp_path / "fleet", registry.references())


@pytest.mark.slow
def test_a_layer_whose_index_is_damaged_is_read_again(
    registry: FleetRegistry, tmp_path: Path, rows: Ask
) -> None:
    folder = tmp_path / "fleet"
    below = ImageBuilder().layer({"a": b"a" * 99}, "RUN a").build()
    registry.push(below, "base", "1")
    write_fleet(folder, f"registry:{registry.netloc}")
    (index,) = [path for path in (folder / "indexes").rglob("*") if path.is_file()]
    index.write_bytes(index.read_bytes()[:-7] + b"damaged")
    builder = ImageBuilder()
    again(builder, below.layers[0])
    registry.push(builder.layer({"b": b"b"}, "RUN b").build(), "app", "1")
    counts = scanned(folder, registry, InlineWorkers())
    assert counts.failures == 1
    assert rows(folder, "SELECT stage, kind FROM failures") == [
        {"stage": "image", "kind": "Missing"}
    ]
    counts = scanned(folder, registry, InlineWorkers())
    assert (counts.layers, counts.failures, counts.images) == (1, 0, 2)
    assert_same(rows, folder, registry.references())
    assert rows(folder, "SELECT count(*) AS n FROM layers") == [{"n": 2}]


@pytest.mark.slow
def test_an_image_that_lies_about_its_layer_changes_no_other_image(
    registry: FleetRegistry, tmp_path: Path, rows: Ask
) -> None:
    """The lie is a failure of its own image, whichever is scanned first."""
    honest = ImageBuilder().layer({"a": b"a" * 99}, "RUN a").build()
    other = ImageBuilder().layer({"b": b"b" * 5000}, "RUN b").build()
    lying = replace(honest, layers=other.layers)
    registry.push(lying, "aaa/liar", "1")
    registry.push(honest, "zzz/honest", "1")
    registry.push(other, "zzz/other", "1")
    counts = scanned(tmp_path / "fleet", registry, InlineWorkers())
    assert counts.images == 2
    failed = rows(tmp_path / "fleet", "SELECT DISTINCT reference, kind FROM failures")
    assert failed == [{"reference": registry.reference("aaa/liar", "1"), "kind": "DigestMismatch"}]
    references = [registry.reference("zzz/honest", "1"), registry.reference("zzz/other", "1")]
    assert_same(rows, tmp_path / "fleet", references)
