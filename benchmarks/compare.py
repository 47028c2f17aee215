#!/usr/bin/env python3
"""Measures a comparison against two reports: ``python benchmarks/compare.py [--entries N] [--runs N]``.

It compares three pairs of images, as plain tars (like `docker save`) and with gzip layers (like a registry). The ratio must
not exceed 1.3.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.builder import FORMS, BuiltImage, Directory, File, ImageBuilder

MARK = 1.3
LAYERS = 5
MTIME = 1_700_000_000


def members(number: int, count: int, seed: int, mtime: int) -> dict[str, File | Directory]:
    """The files of one layer. Some of them depend on the seed."""
    source = random.Random(f"{number} {seed}")
    common = random.Random(number)
    block = common.randbytes(1 << 16)
    found: dict[str, File | Directory] = {}
    for each in range(count):
        folder = f"layer{number}/d{each % 97}/e{each % 8}"
        if folder not in found:
            found[folder] = Directory(mtime=mtime)
        start, size = common.randrange(1 << 15), int(min(1 << 15, common.lognormvariate(7.5, 1.6)))
        data = block[start : start + size]
        if source.random() < 0.1 and seed:
            data = source.randbytes(len(data))
        found[f"{folder}/file{each}"] = File(data, mtime=mtime)
    return found


def image(
    name: str,
    entries: int,
    *,
    seed: int = 0,
    mtime: int = MTIME,
    rebuilt: int = 0,
    prefix: str = "",
) -> BuiltImage:
    """An image with `entries` entries. From layer `rebuilt` on, its files have the given seed and time."""
    builder = ImageBuilder(f"{name}:1")
    for number in range(LAYERS):
        own = number >= rebuilt
        layer = members(number, entries // LAYERS, seed if own else 0, mtime if own else MTIME)
        named = {f"{prefix}{path}": node for path, node in layer.items()}
        builder.layer(named, f"/bin/sh -c make layer {number}")
    return builder.build()


def measure(commands: Sequence[Sequence[str]], runs: int) -> list[float]:
    """The median wall seconds of each command, run in turns."""
    seconds: list[list[float]] = [[] for _ in commands]
    for _ in range(runs):
        for command, times in zip(commands, seconds, strict=True):
            start = time.perf_counter()
            subprocess.run(
                [sys.executable, "-m", "layerscope", *command],
                check=True,
                stdout=subprocess.DEVNULL,
            )
            times.append(time.perf_counter() - start)
    return [statistics.median(times) for times in seconds]


def main() -> int:
    """Print the ratio of every pair. Returns 1 if one is over the limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=60_000)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    os.environ["LAYERSCOPE_CACHE_SIZE"] = "0"
    base = image("base", options.entries)
    pairs = {
        "last layer rebuilt": image("next", options.entries, seed=1, mtime=MTIME + 9, rebuilt=4),
        "all layers rebuilt": image("again", options.entries, seed=1, mtime=MTIME + 9),
        "nothing in common": image("other", options.entries, seed=2, prefix="opt/"),
    }
    worst = 0.0
    with tempfile.TemporaryDirectory() as folder:
        for form in ("docker-legacy", "oci-archive"):
            a = FORMS[form].write([base], Path(folder, f"{form}-a.tar"))
            for name, other in pairs.items():
                b = FORMS[form].write([other], Path(folder, f"{form}-b.tar"))
                first, second, both = measure(
                    [["report", a], ["report", b], ["compare", a, b]], options.runs
                )
                ratio = both / (first + second)
                worst = max(worst, ratio)
                print(
                    f"{form:14} {name:20} {first:6.2f} s + {second:6.2f} s, compare {both:6.2f} s: {ratio:.2f}"
                )
    return int(worst > MARK)


if __name__ == "__main__":
    sys.exit(main())
