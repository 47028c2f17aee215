#!/usr/bin/env python3
"""Measures a report from a registry on loopback against the same image in an OCI archive, and counts requests.

``python benchmarks/registry.py [--entries N] [--runs N]`` needs ``docker-registry`` and ``skopeo``. Nothing is cached. The
ratio must not exceed 1.2, and ``--head`` must not cost more than three requests.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.compare import image
from tests.builder import oci
from tests.engines.registry import DistributionRegistry

MARK = 1.2
REQUESTS = 3


def seconds(*arguments: str) -> tuple[float, float]:
    """The wall time and the CPU time of one run of layerscope."""
    start = time.perf_counter()
    call = [sys.executable, "-m", "layerscope", *arguments]
    with subprocess.Popen(call, stdout=subprocess.DEVNULL) as process:
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(arguments)}: exit code {process.returncode}")
    return time.perf_counter() - start, used.ru_utime + used.ru_stime


def requests(log: Path) -> int:
    """How many requests of layerscope a registry has answered."""
    lines = log.read_text().splitlines()
    return sum('"GET /v2/' in line and '"layerscope"' in line for line in lines)


def measure(entries: int, runs: int) -> int:
    """Print the ratio and the requests. Returns 1 if one is over its limit."""
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work)
        layout = oci([image("app", entries)], "gzip")
        layout.write(folder / "image.tar")
        archive = f"oci-archive:{folder / 'image.tar'}"
        with DistributionRegistry(folder / "registry") as registry:
            name = registry.push(f"{archive}:1", "app:1", "--preserve-digests")
            report = ("report", "--json", "--no-cache", "--quiet")
            times: dict[str, list[tuple[float, float]]] = {archive: [], name: []}
            for number in range(runs + 1):
                for reference, found in times.items():
                    spent = seconds(*report, reference)
                    if number:
                        found.append(spent)
            before = requests(registry.folder / "log")
            head, _ = seconds("report", "--json", "--head", name)
            count = requests(registry.folder / "log") - before
        size = (folder / "image.tar").stat().st_size
    (archive_wall, archive_cpu), (wall, cpu) = (
        tuple(map(statistics.median, zip(*found, strict=True))) for found in times.values()
    )
    ratio = wall / archive_wall
    print(f"{entries:,} entries, {size / 1e6:.0f} MB compressed")
    print(f"registry {wall:.2f} s : archive {archive_wall:.2f} s = {ratio:.2f} ({MARK})")
    print(f"CPU: {cpu:.2f} s : {archive_cpu:.2f} s = {cpu / archive_cpu:.2f}")
    print(f"--head {head:.2f} s, {count} requests ({REQUESTS})")
    return 0 if ratio <= MARK and count <= REQUESTS else 1


def main() -> int:
    """Measure as the command line asks."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--entries", type=int, default=60_000)
    parser.add_argument("--runs", type=int, default=5)
    given = parser.parse_args()
    return measure(given.entries, given.runs)


if __name__ == "__main__":
    raise SystemExit(main())
