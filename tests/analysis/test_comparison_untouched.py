"""Files that nothing touched are compared by their columns, with the same result as by their entries."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

import layerscope
from layerscope.analysis.comparison.compare import compare
from layerscope.analysis.comparison.side import Side
from layerscope.report.comparison.document import build as build_comparison
from layerscope.report.document.builder import build
from layerscope.report.document.serialize import dumps
from layerscope.report.saved.report import parse_report
from tests.builder import FORMS, WHITEOUT, Directory, File, Hardlink, ImageBuilder, Symlink
from tests.builder.image import BuiltImage

NAMES = ("a", "b", "c", "d/a", "d/b", "d/e/a", "d/e/b", "f", "g/h")


def image(rng: random.Random) -> BuiltImage:
    builder = ImageBuilder("app:1")
    for number in range(rng.randrange(1, 4)):
        members: dict[str, Any] = {}
        for name in rng.sample(NAMES, rng.randrange(3, len(NAMES))):
            folder, _, last = name.rpartition("/")
            members[name] = rng.choice(
                (
                    File(rng.choice((b"", b"x", b"y", b"longer")), mtime=rng.choice((0, 0, 1))),
                    File(b"x", uid=rng.choice((0, 0, 7)), mode=rng.choice((0o644, 0o755))),
                    File(b"x", xattrs=rng.choice(({}, {"user.a": b"1"}))),
                    Symlink("a"),
                    Directory(),
                )
            )
            if number and rng.random() < 0.3:
                del members[name]
                members[f"{folder}/.wh.{last}" if folder else f".wh.{last}"] = WHITEOUT
        if rng.random() < 0.3:
            members["link"] = Hardlink(next(iter(members)))
        builder.layer(members, f"RUN step {number}")
    return builder.build()


@pytest.mark.random
@pytest.mark.parametrize("hashes", [True, False])
def test_a_comparison_by_columns_gives_the_same_as_by_entries(hashes: bool, tmp_path: Path) -> None:
    differing = 0
    for seed in range(40):
        rng = random.Random(seed)
        reports = []
        for number in range(2):
            path = tmp_path / f"{seed}-{number}.tar"
            reference = FORMS["docker-legacy"].write([image(rng)], path)
            with layerscope.read(reference) as analysis:
                reports.append(dumps(build(analysis, files=True, hashes=hashes)).encode())
        results = []
        for touched in (False, True):
            sides = [parse_report(each, "saved") for each in reports]
            if touched:
                touch(sides)
            results.append(dumps(build_comparison(compare(*sides))))
        assert results[0] == results[1], seed
        differing += '"different": true' in results[0]
    assert differing > 20


def touch(sides: list[Side]) -> None:
    """Make the object of every entry."""
    for side in sides:
        assert side.files is not None
        assert list(side.files.tree.entries())


def test_equal_images_are_compared_without_an_object_for_each_file(tmp_path: Path) -> None:
    members = {f"d/{number}": b"%d" % number for number in range(200)}
    built = ImageBuilder("app:1").layer(members, "RUN x").build()
    reference = FORMS["docker-legacy"].write([built], tmp_path / "image.tar")
    with layerscope.read(reference) as one, layerscope.read(reference) as other:
        found = compare(Side.of(one), Side.of(other))
        assert not found.differs
        for analysis in (one, other):
            (layer,) = analysis.tree.layers
            assert sum(record is not None for record in layer.records) < 10
