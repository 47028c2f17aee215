"""Runs numbered cases in batches, over some processes, and keeps what each batch found in a file, so that a run can go on."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path

Run = Callable[[int, int, int], tuple[Counter[str], list[str]]]
"""Takes the first number, how many, and the seed. Returns counts, and one line for each find."""


@dataclass
class Sums:
    counts: Counter[str] = field(default_factory=Counter)
    finds: list[str] = field(default_factory=list)

    def add(self, counts: Counter[str], finds: list[str]) -> None:
        self.counts += counts
        self.finds += finds


def run_all(
    run: Run, *, count: int, seed: int, size: int, processes: int, log: Path | None
) -> Sums:
    """Run the cases that the log does not have yet, and sum up all of them."""
    sums = Sums()
    done = dict(_logged(log, seed, size, count, sums))
    first = [start for start in range(0, count, size) if start not in done]
    began = time.monotonic()
    with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
        waiting = {
            pool.submit(run, start, min(size, count - start), seed): start for start in first
        }
        for number, future in enumerate(as_completed(waiting), 1):
            counts, finds = future.result()
            sums.add(counts, finds)
            if log is not None:
                row = {"seed": seed, "size": size, "first": waiting[future]}
                with log.open("a") as file:
                    file.write(json.dumps(row | {"counts": counts, "finds": finds}) + os.linesep)
            pace = (time.monotonic() - began) / number
            left = round(pace * (len(first) - number))
            print(f"{sums.counts['all']} of {count}, {left} s left", file=sys.stderr, flush=True)
            for find in finds:
                print(f"FOUND {find}", file=sys.stderr, flush=True)
    return sums


def _logged(
    log: Path | None, seed: int, size: int, count: int, sums: Sums
) -> Iterator[tuple[int, bool]]:
    """The batches that an earlier run with the same seed and size has done."""
    if log is None or not log.exists():
        return
    for line in log.read_text().splitlines():
        row = json.loads(line)
        if (row["seed"], row["size"]) == (seed, size) and row["first"] + size <= count:
            sums.add(Counter(row["counts"]), row["finds"])
            yield row["first"], True


def arguments(name: str, text: str | None, count: int) -> argparse.ArgumentParser:
    """The options of a command that runs cases."""
    parser = argparse.ArgumentParser(prog=name, description=text)
    parser.add_argument("--count", type=int, default=count, help="how many cases")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--log", type=Path, help="keeps what was done, to go on from there")
    return parser


def show(asked: argparse.Namespace, run: Run, size: int) -> int:
    """Run the cases, print the sums, and return the exit code."""
    sums = run_all(
        run,
        count=asked.count,
        seed=asked.seed,
        size=size,
        processes=asked.processes,
        log=asked.log,
    )
    for name, count in sorted(sums.counts.items()):
        print(f"{count:9,}  {name}")
    for find in sums.finds:
        print(f"FOUND {find}")
    print(f"{len(sums.finds)} finds")
    return 1 if sums.finds else 0
