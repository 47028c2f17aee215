"""Precision and recall of the search for secrets, beside other tools, on the corpus of tests/secrets; and how fast each is.

    python benchmarks/secrets.py [--code FOLDER]

gitleaks (`go install github.com/zricethezav/gitleaks/v8@v8.30.1`), detect-secrets, and kingfisher (`pip install
detect-secrets kingfisher-secret-scanner`) take part if they are installed. `--code` is a folder of published code, such as
a Python's `lib`: what a tool finds there is a false alarm. A finding counts once for each file and line.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from layerscope.secrets.search import search_bytes  # noqa: E402
from tests.secrets.corpus import Case, corpus  # noqa: E402

Found = set[tuple[str, int]]
SLOW = 5_000_000
Tool = Callable[[Path, list[Path]], Found]


def layerscope(folder: Path, files: list[Path]) -> Found:
    return {
        (str(path.relative_to(folder)), hit.line)
        for path in files
        for hit in search_bytes(path.read_bytes(), _in_image(path, folder)).hits
        if not hit.doubt
    }


def _in_image(path: Path, folder: Path) -> bytes:
    """The path in the image: without the number of the copy for the corpus, the whole path for published code."""
    parts = path.relative_to(folder).parts
    return os.fsencode("/".join(parts[1:]) if parts[0].isdigit() else str(path))


def gitleaks(folder: Path, _files: list[Path]) -> Found:
    with tempfile.NamedTemporaryFile(suffix=".json") as out:
        subprocess.run(
            ["gitleaks", "dir", ".", "--no-banner", "--exit-code", "0", "-l", "fatal",
             "--report-format", "json", "--report-path", out.name],
            cwd=folder, check=True,
        )  # fmt: skip
        rows = json.loads(Path(out.name).read_text())
    return {(str(Path(row["File"])), line) for row in rows for line in (row["StartLine"],)}


def detect_secrets(folder: Path, _files: list[Path]) -> Found:
    done = subprocess.run(
        [sys.executable, "-m", "detect_secrets", "scan", "--all-files", "--no-verify", "."],
        cwd=folder, check=True, capture_output=True, text=True,
    )  # fmt: skip
    rows = json.loads(done.stdout)["results"]
    return {(str(Path(name)), row["line_number"]) for name in rows for row in rows[name]}


def kingfisher(folder: Path, files: list[Path]) -> Found:
    import kingfisher_sdk

    scanner = kingfisher_sdk.DetectionScanner(kingfisher_sdk.Rules(cache=False), redact=True)
    found: Found = set()
    for path in files:
        name = str(path.relative_to(folder))
        source = kingfisher_sdk.ScanInput(data=path.read_bytes(), path=name)
        for each in scanner.scan_input(source):
            if each.visible:
                found.add((name, each.location["line"]))
    return found


TOOLS: dict[str, Tool] = {
    "layerscope": layerscope,
    "gitleaks": gitleaks,
    "detect-secrets": detect_secrets,
    "kingfisher": kingfisher,
}


def available() -> Iterator[str]:
    from importlib.util import find_spec
    from shutil import which

    yield "layerscope"
    if which("gitleaks"):
        yield "gitleaks"
    for name, module in (("detect-secrets", "detect_secrets"), ("kingfisher", "kingfisher_sdk")):
        if find_spec(module) is not None:
            yield name


def write(cases: list[Case], folder: Path) -> list[Path]:
    for case in cases:
        path = folder / case.path
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            raise SystemExit(f"two cases are called {case.path}")
        path.write_text(case.text)
    return [folder / case.path for case in cases]


def timed(tool: Tool, folder: Path, files: list[Path]) -> tuple[Found, float]:
    before = os.times()
    start = time.perf_counter()
    found = tool(folder, files)
    after = os.times()
    used = sum(after[:4]) - sum(before[:4])
    return found, used or time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--code", type=Path)
    parser.add_argument("--misses", action="store_true", help="list what each tool gets wrong")
    arguments = parser.parse_args()
    cases = corpus()
    truth = {(case.path, line) for case in cases for line in case.secrets}
    print(f"{len(cases)} files, {len(truth)} secrets")
    print(
        "| tool | found | false | missed | precision | recall |\n| --- | --: | --: | --: | --: | --: |"
    )
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        files = write(cases, folder)
        for name in available():
            found, _ = timed(TOOLS[name], folder, files)
            right, wrong, missed = found & truth, found - truth, truth - found
            precision = len(right) / len(found) if found else 1.0
            print(
                f"| {name} | {len(right)} | {len(wrong)} | {len(missed)} |"
                f" {precision:.2f} | {len(right) / len(truth):.2f} |"
            )
            if arguments.misses:
                for place_, line in sorted(wrong):
                    print(f"  false {place_}:{line}")
                for place_, line in sorted(missed):
                    print(f"  missed {place_}:{line}")
    if arguments.code is not None:
        alarms(arguments.code.resolve())


def alarms(folder: Path) -> None:
    """False alarms in published code, and the processor time of each tool."""
    files = []
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink() and path.stat().st_size <= 1 << 20:
            with path.open("rb") as file:
                if b"\0" not in file.read(8192):
                    files.append(path)
    size = sum(path.stat().st_size for path in files)
    print(f"\n{len(files):,} files of published code, {size / 1e6:.1f} MB")
    print("| tool | false alarms | MB/s |\n| --- | --: | --: |")
    for name in available():
        if name == "detect-secrets" and size > SLOW:
            continue  # it reads 0.1 MB/s
        found, used = timed(TOOLS[name], folder, files)
        print(f"| {name} | {len(found)} | {size / 1e6 / used:.1f} |")


if __name__ == "__main__":
    main()
