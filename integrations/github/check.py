"""The step of action.yml that checks an image against its budget.

Its settings are the variables INPUT_*. It writes the job summary, annotations and outputs, and exits as `layerscope check`
does: 0 for a kept budget, 1 for a broken one, anything else for an error. Errors reach the summary and the annotations too.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import inputs

FILES = {
    "json": "report.json",
    "html": "report.html",
    "markdown": "report.md",
    "sarif": "report.sarif",
    "junit": "report.xml",
}
NAMED = ("anchor", "base", "dockerfile", "platform")
"""Inputs that are passed on as options of the same name."""


def main() -> int:
    gate = inputs.switch("gate", default=True)
    summary = inputs.switch("summary", default=True)
    annotations = inputs.switch("annotations", default=True)
    arguments = options()
    folder = Path(inputs.reports_folder())
    folder.mkdir(parents=True, exist_ok=True)
    for name in (*FILES.values(), "annotations.txt", "report.txt"):
        (folder / name).unlink(missing_ok=True)
    done = run(gate, arguments, folder)
    if done.stderr:
        print(done.stderr, end="", file=sys.stderr, flush=True)
    document = written(folder)
    verdict = None if document is None else document.get("verdict")
    broken = verdict is not None and not verdict["passed"]
    judged = document is not None and not (gate and verdict is None)
    if document is None or not judged or done.returncode != (1 if gate and broken else 0):
        message = last_line(done.stderr) or f"layerscope ended with exit code {done.returncode}"
        inputs.annotate("error", message)
        text = inputs.error_report(message)
        (folder / "report.md").write_text(text, encoding="utf-8")
        if summary:
            inputs.summarize(text)
        return done.returncode if done.returncode in inputs.ERRORS else 2
    if annotations:
        print((folder / "annotations.txt").read_text("utf-8"), end="", flush=True)
    if summary:
        inputs.summarize((folder / "report.md").read_text("utf-8"))
    report(folder, document)
    return done.returncode


def written(folder: Path) -> dict[str, Any] | None:
    """The JSON report of the run, or None if there is none, regardless of the exit code."""
    try:
        found = json.loads((folder / FILES["json"]).read_text("ascii"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def options() -> list[str]:
    """The inputs as options of layerscope."""
    found: list[str] = []
    for name, option in (("budget", "config"), ("baseline", "baseline")):
        if inputs.variable(name):
            found.append(f"--{option}={inputs.variable(name)}")
    found += [f"--{name}={inputs.variable(name)}" for name in NAMED if inputs.variable(name)]
    kept = os.environ.get("KEPT_BASELINE", "")
    if kept and inputs.switch("keep-baseline", default=True):
        found.append(f"--default-baseline={kept}")
    if inputs.switch("require-baseline", default=False):
        found.append("--require-baseline")
    return found + inputs.split_options(inputs.variable("options"))


def run(gate: bool, arguments: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run layerscope. Its text goes to the log, and so does that of a report that doesn't gate.

    No variable that changes Python reaches it: Python aborts with exit code 1 on a bad one, such as PYTHONIOENCODING.
    """
    text = str(folder / "report.txt") if gate else "-"
    command = [
        os.environ.get("LAYERSCOPE", "layerscope"),
        "check" if gate else "report",
        *("--quiet", "--allow-missing-baseline", "--force", *arguments),
        *("-o", f"text={text}", "-o", f"github={folder / 'annotations.txt'}"),
        *(word for name, path in FILES.items() for word in ("-o", f"{name}={folder / path}")),
        "--",
        inputs.variable("image"),
    ]
    return subprocess.run(
        command,
        env={name: value for name, value in os.environ.items() if not name.startswith("PYTHON")},
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="backslashreplace",
        check=False,
    )


def last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1].removeprefix("layerscope: error: ") if lines else ""


def report(folder: Path, document: dict[str, Any]) -> None:
    """Set the outputs of the step, and keep the report as the next baseline."""
    verdict, sizes = document.get("verdict"), document["sizes"]
    rules = verdict["rules"] if verdict else []
    values = {
        "verdict": "none" if verdict is None else "pass" if verdict["passed"] else "fail",
        "broken": sum(
            not rule["passed"] and not rule["skipped"] and rule["level"] == "fail" for rule in rules
        ),
        "skipped": sum(rule["skipped"] for rule in rules),
        "content": sizes["content"],
        "wasted": sizes["wasted"],
        "compressed": "" if sizes["compressed"] is None else sizes["compressed"],
        "efficiency": document["efficiency"],
    }
    inputs.set_outputs(**values, **{name: folder / path for name, path in FILES.items()})
    kept = os.environ.get("KEPT_BASELINE", "")
    if kept and os.environ.get("KEEP_BASELINE") == "true":
        Path(kept).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(folder / FILES["json"], kept)


if __name__ == "__main__":
    sys.exit(inputs.run(main))
