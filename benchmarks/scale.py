"""Memory and time of reports on large and on hostile images: `python benchmarks/scale.py [--quick]`.

Images of 10,000, 100,000, and 1,000,000 entries in 1, 32, and 127 layers, and a bomb of each kind at two sizes. Prints the
peak memory over that of a tiny image, and the CPU time per entry over it. Exits 1 if something needs more than 256 MB, or
1 KiB for each entry of an ordinary image, or if ten times the entries take more than twelve times the time.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ["CI"] = "true"  # each run is a Python of its own

from tests.hostile.running import Ran, measured  # noqa: E402
from tests.hostile.shapes import MIB, SHAPES, Shape, spread  # noqa: E402

SPAN = 256 * MIB
PER_ENTRY = 1024
STEEPEST = 1.2
"""By how much the time per entry may grow from a size to a tenfold one, since caches get cold."""
NOISE = 0.5
"""Seconds. A time per entry that comes from less is not compared."""
COUNTS = (10_000, 100_000, 1_000_000)
LAYERS = (1, 32, 127)


def run(shape: Shape, size: int, folder: Path) -> Ran:
    path = folder / "image.tar"
    reference = shape.write(size, path)
    ran = measured("report", "--json", "--no-cache", reference, cwd=folder)
    path.unlink()
    return ran


def row(shape: Shape, size: int, folder: Path, start: Ran) -> tuple[str, float, list[str]]:
    """A line of the table, the time per entry, and what is wrong."""
    ran = run(shape, size, folder)
    over = ran.peak - start.peak
    each = max(ran.seconds - start.seconds, 0) / size
    ordinary = shape not in SHAPES
    bound = max(SPAN, PER_ENTRY * size) if ordinary else SPAN
    outcome = "read" if ran.code == 0 else f"refused: `{shape.refused}`"
    wrong = []
    if over > bound:
        wrong.append(f"{shape.name}, {size}: {over} bytes over the start, {bound} allowed")
    if ran.code not in {0, 4} or (ran.code == 4 and str(shape.refused) not in ran.err):
        wrong.append(f"{shape.name}, {size}: exit code {ran.code}: {ran.err[:200]}")
    text = f"| {shape.name} | {size:,} | {over / MIB:,.0f} MiB | {each * 1e6:,.1f} µs | {outcome} |"
    return text, each, wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of every size")
    part = 10 if parser.parse_args().quick else 1
    shapes = [(Shape(f"files in {each} layers", spread(each)), COUNTS) for each in LAYERS]
    shapes += [(shape, (shape.bomb // 10, shape.bomb)) for shape in SHAPES]
    wrong = []
    print("| image | entries | memory over the start | time per entry | outcome |")
    print("| --- | ---: | ---: | ---: | --- |")
    with tempfile.TemporaryDirectory() as name:
        tiny = [run(Shape("tiny", spread(1)), 10, Path(name)) for _ in range(5)]
        start = min(tiny, key=lambda ran: ran.seconds)
        for shape, sizes in shapes:
            before = None
            for size in sizes:
                text, each, found = row(shape, size // part, Path(name), start)
                print(text, flush=True)
                wrong += found
                if before is not None and each > before * STEEPEST:
                    wrong.append(f"{shape.name}: {each / before:.1f} times the time per entry")
                before = each if each * size / part > NOISE else None
    for each in wrong:
        print(each)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
