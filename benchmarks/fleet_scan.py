"""Scans a registry on loopback: two workers against one, and the same layers in more images.

    python benchmarks/fleet_scan.py [--layers 24] [--files 4000]

The registry is Debian's docker-registry, which serves files and takes little CPU. The table has the same layers in four
times as many images: what is fetched and decompressed stays the same.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from layerscope.fleet.cluster import Workers, workers
from layerscope.fleet.folder import locked
from layerscope.fleet.run import Plan
from layerscope.fleet.scan import scan as run
from tests.builder import BuiltImage, ImageBuilder, oci
from tests.builder.image import BuiltLayer
from tests.engines.registry import DistributionRegistry
from tests.fleet.world import again

TIMES = (1, 4)
"""How many images have the same layers, as multiples of two."""


def layer(number: int, files: int) -> BuiltLayer:
    """A layer of text-like files of a few kilobytes."""
    chance = random.Random(number)
    pool = chance.randbytes(60_000).hex().encode()
    members = {}
    for at in range(files):
        start = chance.randrange(100_000)
        members[f"srv/{number}/{at % 50}/{at}"] = pool[
            start : start + chance.randrange(500, 16_000)
        ]
    return ImageBuilder().layer(members, "COPY").build().layers[0]


def image(layers: list[BuiltLayer], number: int) -> BuiltImage:
    builder = ImageBuilder(f"app:{number}", created=f"2025-01-01T00:00:{number % 60:02d}Z")
    for each in layers:
        again(builder, each)
    builder.configure(Labels={"number": str(number)})
    return builder.build()


def scan(registry: DistributionRegistry, repository: str, cluster: Workers) -> tuple[float, int]:
    """One scan into a new folder on a cluster that runs already: seconds, and the blobs that were asked for."""
    log = registry.folder / "log"
    before = log.stat().st_size
    with tempfile.TemporaryDirectory() as folder, locked(os.path.join(folder, "fleet")) as opened:
        began = time.perf_counter()
        run(Plan(targets=(f"registry:{registry.host}/{repository}",)), opened, cluster)
        seconds = time.perf_counter() - began
    lines = log.read_bytes()[before:].splitlines()
    return seconds, sum(b'"GET /v2/' in line and b"/blobs/" in line for line in lines)


def push(
    registry: DistributionRegistry, work: Path, images: list[BuiltImage], repository: str
) -> None:
    for number, each in enumerate(images):
        path = work / f"{repository}-{number}.tar"
        oci([each], "gzip").write(path)
        registry.push(f"oci-archive:{path}", f"{repository}:{number}")
        path.unlink()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--layers", type=int, default=24)
    parser.add_argument("--files", type=int, default=4000)
    parser.add_argument("--runs", type=int, default=3)
    given = parser.parse_args()
    layers = [layer(number, given.files) for number in range(given.layers)]
    with (
        tempfile.TemporaryDirectory() as work,
        DistributionRegistry(Path(work) / "registry") as registry,
    ):
        push(registry, Path(work), [image([layer(999, 50)], 0)], "small")
        for times in TIMES:
            made = []
            for number in range(2 * times):
                half = given.layers // 2
                start = (number % 2) * half
                made.append(image(layers[start : start + half], number))
            push(registry, Path(work), made, f"times{times}")
        best: dict[int, float] = {}
        for count in (1, 2):
            with workers(scheduler=None, count=count) as cluster:
                scan(registry, "small", cluster)
                if count == 2:
                    print("images  layers  blobs read   seconds")
                    for times in TIMES:
                        seconds, asked = scan(registry, f"times{times}", cluster)
                        print(
                            f"{2 * times:6}  {given.layers:6}  {asked:10}  {seconds:8.1f}",
                            flush=True,
                        )
                best[count] = min(scan(registry, "times1", cluster)[0] for _ in range(given.runs))
        ratio = best[1] / best[2]
        print(f"one worker {best[1]:.1f} s, two workers {best[2]:.1f} s, ratio {ratio:.2f}")


if __name__ == "__main__":
    main()
