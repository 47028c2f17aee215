"""Scans a registry on loopback: two workers against one, and the same layers in more images.

    python benchmarks/fleet_scan.py [--layers 24] [--files 4000]

The registry is Debian's docker-registry, which serves files and takes little CPU. The table has the same layers in four
times as many images: what is fetched and decompressed stays the same.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

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


def scan(registry: DistributionRegistry, repository: str, workers: int) -> dict[str, float]:
    """One scan into a new folder, in seconds of wall time and of CPU time."""
    with tempfile.TemporaryDirectory() as folder:
        log = registry.folder / "log"
        before = log.stat().st_size
        began = time.perf_counter()
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(
            [
                sys.executable, "-m", "layerscope", "fleet", "scan", f"registry:{registry.host}/{repository}",
                "--out", os.path.join(folder, "fleet"), "--workers", str(workers),
            ],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        seconds = time.perf_counter() - began
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if done.returncode:
            raise SystemExit(done.stderr)
        asked = log.read_bytes()[before:].count(b"/blobs/sha256")
        return {
            "seconds": seconds,
            "cpu": after.ru_utime + after.ru_stime - used.ru_utime - used.ru_stime,
            "blobs": asked,
            "said": done.stderr.strip(),  # type: ignore[dict-item]
        }


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
        for times in TIMES:
            made = []
            for number in range(2 * times):
                half = given.layers // 2
                start = (number % 2) * half
                made.append(image(layers[start : start + half], number))
            push(registry, Path(work), made, f"times{times}")
        print("images  layers  blobs read   wall s    CPU s")
        for times in TIMES:
            found = scan(registry, f"times{times}", 2)
            print(
                f"{2 * times:6}  {given.layers:6}  {found['blobs']:10.0f}  {found['seconds']:7.1f}  {found['cpu']:7.1f}   {found['said']}",
                flush=True,
            )
        rows: dict[int, list[float]] = {1: [], 2: []}
        for _ in range(given.runs):
            for workers, found_times in rows.items():
                found_times.append(scan(registry, "times1", workers)["seconds"])
        best = {workers: min(found_times) for workers, found_times in rows.items()}
        print(
            json.dumps(
                {
                    "one worker": best[1],
                    "two workers": best[2],
                    "ratio": round(best[1] / best[2], 2),
                }
            )
        )


if __name__ == "__main__":
    main()
