#!/usr/bin/env python3
"""Measures the browser: ``python benchmarks/tui.py [--entries N] [--runs N] [--keep FOLDER]``.

For images with 60,000 entries (one created here, and those of `images.py` if they exist), it measures the CPU time of the
whole process in a terminal: until the frame is painted (limit: 0.5 s), and until the tree is shown and nothing more is
painted, compared with `layerscope report` (limit: 1.5 times). Numbers are medians of alternating runs. For an image with
1,000,000 entries and one with 100,000 files in a directory, it measures the event-loop time of each key (limit: 50 ms), the
time until a filter shows something (limit: 300 ms), and the peak memory (limit: 1 GB). Exit code 1 means that a number is
over its limit.
"""

from __future__ import annotations

import argparse
import asyncio
import fcntl
import io
import json
import os
import pty
import random
import resource
import select
import signal
import statistics
import struct
import subprocess
import sys
import tarfile
import tempfile
import termios
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
CACHE = Path(os.environ.get("LAYERSCOPE_BENCH_CACHE", "~/.cache/layerscope-bench")).expanduser()
sys.path.insert(0, str(ROOT))

LAYERS = 5
FRAME = "Instructions"
"""A text that is painted before the image is read."""
FIRST = "Overview"
"""A text of what is painted first of an image."""
MARKS = {"frame": 0.5, "ratio": 1.5, "key": 0.050, "filter": 0.300, "memory": 1000.0}
KEYS = (
    *(
        "down",
        "l",
        "down",
        "l",
        "j",
        "pagedown",
        "end",
        "home",
        "asterisk",
        "pagedown",
        "end",
        "home",
    ),
    *("s", "s", "s", "ctrl+@", "v", "v", "v", "ctrl+l", "ctrl+a", "ctrl+t", "C", "ctrl+b"),
    *("o", "end", "p", "end", "u", "end", "r", "d"),
    *("w", "end", "v", "b", "end", "s", "home", "i", "f", "tab", "up", "up", "down", "tab", "tab"),
)
FILTERS = (
    "e",
    "mod",
    "module-1",
    "no-such-name",
    "*.py",
    "*_7.*",
    "*7*py",
    "package-1?/*/part-3/*",
    "re:e_1\\d\\.py$",
    "re:^usr/lib/.*_7\\.py$",
    "re:.*\\.so$",
    "re:(foo|bar)\\.py",
    "re:module-[13]/.*/some.*9\\.py",
    "re:\\d+\\.py$",
    ">90kB",
    "kind:modified",
    "layer:2",
)


def header(name: str, size: int, mtime: int) -> bytes:
    """A ustar header, created quickly."""
    block = bytearray(512)
    raw = name.encode()
    block[: len(raw)] = raw
    block[100:108], block[108:116], block[116:124] = b"0000644\0", b"0000000\0", b"0000000\0"
    block[124:136], block[136:148] = b"%011o\0" % size, b"%011o\0" % mtime
    block[148:156], block[156:157], block[257:265] = b" " * 8, b"0", b"ustar\x0000"
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def layer(number: int, entries: int) -> bytes:
    """Small files in nested directories. Some files of the previous layer are stored again."""
    source = random.Random(number)
    parts = []
    for each in range(entries):
        owner = number - 1 if number and each % 10 == 0 else number
        folder = f"usr/lib/package-{each % 50:02}/module-{each % 97}/part-{owner}"
        size = source.randrange(1, 400)
        parts += [header(f"{folder}/some_file_name_{each}.py", size, number), bytes(512)]
    return b"".join(parts) + bytes(1024)


def flat_layer(number: int, entries: int) -> bytes:
    """Small files in one directory, unsorted. Each layer stores them again."""
    names, sizes = random.Random(0), random.Random(number)
    parts = []
    for each in range(entries):
        size = sizes.randrange(1, 400)
        parts += [header(f"srv/many/{names.random()}-{each}.py", size, 0), bytes(512)]
    return b"".join(parts) + bytes(1024)


def archive(path: Path, entries: int, make: Callable[[int, int], bytes] = layer) -> None:
    """Write a docker-archive."""
    with tarfile.open(path, "w") as out:

        def add(name: str, data: bytes) -> None:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            out.addfile(info, io.BytesIO(data))

        diff_ids = []
        for number in range(LAYERS):
            data = make(number, entries // LAYERS)
            diff_ids.append("sha256:" + sha256(data).hexdigest())
            add(f"{number}/layer.tar", data)
        history = [{"created_by": f"RUN step {number}"} for number in range(LAYERS)]
        config = {"architecture": "amd64", "os": "linux", "config": {}, "history": history}
        config["rootfs"] = {"type": "layers", "diff_ids": diff_ids}
        add("config.json", json.dumps(config).encode())
        layers = [f"{number}/layer.tar" for number in range(LAYERS)]
        add(
            "manifest.json",
            json.dumps([{"Config": "config.json", "RepoTags": ["b:1"], "Layers": layers}]).encode(),
        )


class Loop:
    """CPU time that the event loop's thread spends in callbacks: the sum, and the longest one."""

    def __init__(self) -> None:
        self.reset()
        run = asyncio.Handle._run

        def timed(handle: asyncio.Handle) -> None:
            begun = time.thread_time()
            run(handle)
            spent = time.thread_time() - begun
            self.total += spent
            self.longest = max(self.longest, spent)

        asyncio.Handle._run = timed  # type: ignore[method-assign]

    def reset(self) -> None:
        self.total = 0.0
        self.longest = 0.0


async def drive(path: str) -> dict[str, Any]:
    from layerscope.options import ReadOptions
    from layerscope.tui.app import LayerscopeApp, reader
    from layerscope.tui.screens.browse_screen import BrowseScreen

    loop = Loop()
    app = LayerscopeApp(path, reader(path, ReadOptions(cache=False)))
    found: dict[str, Any] = {"keys": {}, "filters": {}, "whole": {}}
    async with app.run_test(size=(120, 36)) as pilot:
        while not isinstance(app.screen, BrowseScreen) or not app.screen.is_mounted:
            await asyncio.sleep(0.01)
        browse = app.screen
        await browse.action_tab("files")
        files = browse.files
        while files.tree_view.totals is None:
            await asyncio.sleep(0.01)
        await pilot.pause()

        async def settle() -> None:
            await pilot.pause()
            while any(not worker.is_finished for worker in app.workers):
                await app.workers.wait_for_complete()
                await pilot.pause()

        await pilot.pause(0.5)
        await settle()
        for number, key in enumerate(KEYS):
            loop.reset()
            await pilot.press(key)
            await settle()
            found["keys"][f"{number} {key}"] = loop.longest
        await browse.action_tab("files")
        browse.action_mode("tree")
        await settle()
        await pilot.press("slash")
        for number, text in enumerate(FILTERS):
            if number == 0:
                files.bar.value = "warm"
                files.apply_filter()
                await settle()
            with files.prevent():
                files.bar.value = text
            loop.reset()
            begun = time.perf_counter()
            files.apply_filter()
            while files.answered is not files._query:
                await asyncio.sleep(0.001)
            found["filters"][text] = time.perf_counter() - begun
            while files.searching:
                await asyncio.sleep(0.001)
            if time.perf_counter() - begun > 1.2 * found["filters"][text]:
                found["whole"][text] = time.perf_counter() - begun
            await settle()
            found["keys"][f"filter {text}"] = loop.longest
        for key in ("enter", "n", "n", "N", "escape"):
            loop.reset()
            await pilot.press(key)
            await settle()
            found["keys"][f"filtered {key}"] = loop.longest
    found["memory"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    return found


def driven(path: Path) -> dict[str, Any]:
    """Drive the browser in a separate process."""
    words = [sys.executable, __file__, "--drive", str(path)]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def environment() -> dict[str, str]:
    """The environment of an installed program, whose modules are compiled once and not at every start."""
    kept = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPATH": str(ROOT), "TERM": "xterm-256color", "LAYERSCOPE_CACHE_SIZE": "0"}


def cpu_of(*words: str) -> float:
    """The CPU time that the program takes, in seconds."""
    command = [sys.executable, "-m", "layerscope", *words]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment())
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return usage.ru_utime + usage.ru_stime


def cpu_until(path: Path, text: str, quiet: float) -> float:
    """The browser's CPU time in seconds, until it has painted a text and then nothing for `quiet` seconds.

    As soon as the overview is painted, `f` asks for the tree.
    """
    pid, terminal = pty.fork()
    if not pid:
        os.execve(sys.executable, [sys.executable, "-m", "layerscope", str(path)], environment())
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 36, 120, 0, 0))
    painted = b""
    wait = 60.0
    while select.select([terminal], [], [], wait)[0]:
        asked = FIRST.encode() in painted
        painted += os.read(terminal, 1 << 16)
        if not asked and FIRST.encode() in painted:
            os.write(terminal, b"f")
        if text.encode() in painted:
            wait = quiet
            if not quiet:
                break
    os.kill(pid, signal.SIGKILL)
    _, _, usage = os.wait4(pid, 0)
    os.close(terminal)
    assert text.encode() in painted
    return usage.ru_utime + usage.ru_stime


def start(path: Path, runs: int) -> dict[str, float]:
    """The medians for the frame, the tree, and the report, after a warm-up run."""
    found: dict[str, list[float]] = {"frame": [], "shown": [], "report": []}
    for number in range(runs + 1):
        for name, spent in (
            ("report", cpu_of("report", str(path))),
            ("frame", cpu_until(path, FRAME, 0)),
            ("shown", cpu_until(path, " files and links · ", 0.15)),
        ):
            found[name] += [spent] if number else []
    return {name: statistics.median(values) for name, values in found.items()}


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument(
        "--keep", type=Path, help="folder where the images are kept for the next run"
    )
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--drive", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.drive:
        print(json.dumps(asyncio.run(drive(given.drive))))
        return 0
    missed = []

    def show(name: str, value: float, mark: float, unit: str) -> None:
        word = "ok" if value <= mark else "MISSED"
        print(f"{name:<44} {value:10.3f} {unit:<3} (limit {mark:g}) {word}")
        if value > mark:
            missed.append(name)

    with tempfile.TemporaryDirectory() as temporary:
        folder = given.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        small, large = folder / "60000.tar", folder / f"{given.entries}.tar"
        flat = folder / "flat.tar"
        for path, entries, make in (
            (small, 60_000, layer),
            (large, given.entries, layer),
            (flat, LAYERS * 100_000, flat_layer),
        ):
            if not path.exists():
                archive(path, entries, make)
        for path in (small, *(CACHE / f"{name}.docker.tar" for name in ("plain", "whiteouts"))):
            if not path.exists():
                continue
            found = start(path, given.runs)
            name = f"{path.stem.removesuffix('.docker')}: "
            show(name + "frame, CPU", found["frame"], MARKS["frame"], "s")
            print(f"{name + 'report, CPU':<44} {found['report']:10.3f} s")
            ratio = found["shown"] / found["report"]
            show(name + "tree shown, compared with the report", ratio, MARKS["ratio"], "x")
        found = driven(flat)
        for key, spent in sorted(found["keys"].items(), key=lambda item: -item[1])[:4]:
            show(f"100,000 in a directory: key {key}", 1000 * spent, 1000 * MARKS["key"], "ms")
        found = driven(large)
        slowest = sorted(found["keys"].items(), key=lambda item: -item[1])
        for key, spent in slowest[:8]:
            show(f"{given.entries:,} entries: key {key}", 1000 * spent, 1000 * MARKS["key"], "ms")
        for text, spent in found["filters"].items():
            name = f"{given.entries:,} entries: filter {text}"
            show(name, 1000 * spent, 1000 * MARKS["filter"], "ms")
            if text in found["whole"]:
                print(
                    f"{'  the first of them; all of them':<44} {1000 * found['whole'][text]:10.3f} ms"
                )
        show(f"{given.entries:,} entries: peak memory", found["memory"], MARKS["memory"], "MB")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
