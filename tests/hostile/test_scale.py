"""Images of each extreme shape take bounded memory, and work in proportion to their entries.

`python benchmarks/scale.py` prints what large ones take.
"""

from __future__ import annotations

from pathlib import Path

import pytest

import layerscope
from layerscope.errors import LayerscopeError
from layerscope.limits import MIB
from layerscope.options import ReadOptions
from layerscope.report.document.builder import build
from tests.counting import lines_run
from tests.hostile.running import ROOT, start
from tests.hostile.running import layerscope as run_layerscope
from tests.hostile.shapes import SHAPES, Shape, spread

SOURCES = str(ROOT / "layerscope")
ORDINARY = tuple(Shape(f"files in {count} layers", spread(count)) for count in (1, 32, 127))
EVERY = (*ORDINARY, *SHAPES)
MOST = 64 * MIB
"""What a tenth of a bomb may take over a tiny image: a quarter of what a whole one may."""


def work(shape: Shape, size: int, path: Path) -> int:
    """The lines of layerscope that a report executes."""
    reference = shape.write(size, path, "none")

    def report() -> None:
        with layerscope.read(reference, ReadOptions(cache=False)) as analysis:
            build(analysis, files=False)

    report()
    return lines_run(report, lambda name: name.startswith(SOURCES))


@pytest.mark.slow
@pytest.mark.parametrize(
    "shape", [each for each in EVERY if each.refused is None], ids=lambda shape: shape.name
)
def test_four_times_the_entries_are_at_most_four_times_the_work(
    shape: Shape, tmp_path: Path
) -> None:
    few, many = (work(shape, size, tmp_path / str(size)) for size in (1200, 4800))
    assert few <= many < 4.2 * few


@pytest.mark.slow
@pytest.mark.parametrize("shape", EVERY, ids=lambda shape: shape.name)
def test_a_bomb_takes_bounded_memory(shape: Shape, tmp_path: Path) -> None:
    reference = shape.write(shape.bomb // 10, tmp_path / "image.tar")
    ran = run_layerscope("report", "--json", "--no-cache", reference, cwd=tmp_path)
    assert ran.code == 0 or (shape.refused is not None and f"--limit {shape.refused}=" in ran.err)
    assert ran.peak < start() + MOST


def test_a_bomb_that_a_limit_refuses_is_refused(tmp_path: Path) -> None:
    for shape in SHAPES:
        if shape.refused is not None:
            reference = shape.write(shape.bomb, tmp_path / "image.tar")
            with pytest.raises(LayerscopeError, match=shape.refused):
                layerscope.read(reference, ReadOptions(cache=False))
