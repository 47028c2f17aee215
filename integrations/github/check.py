"""The step of action.yml that holds an image against its budget.

Its settings are the variables INPUT_*. It writes the job summary, annotations and outputs, and exits as `layerscope check`
does: 0 kept, 1 broken, others for errors, which it reports like a broken budget.
"""

from __future__ import annotations

import html
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import inputs

FILES = {
    "json": "report.json",
    "html": "report.html",
    "markdown": "report.md",
    "sarif": "report.sarif",
    "junit": "report.xml",
}
NAMED = ("anchor", "base", "dockerfile", "platform")
"""Inputs that are options of the same name."""


def main() -> int:
    try:
        gate = inputs.switch("gate", default=True)
        summary = inputs.switch("summary", default=True)
        annotations = inputs.switch("annotations", default=True)
        arguments = options()
    except inputs.InputError as error:
        return inputs.refuse(error)
    folder = Path(inputs.reports_folder())
    folder.mkdir(parents=True, exist_ok=True)
    for name in (*FILES.values(), "annotations.txt", "report.txt"):
        (folder / name).unlink(missing_ok=True)
    done = run(gate, arguments, folder)
    if done.stderr:
        print(done.stderr, end="", file=sys.stderr, flush=True)
    if done.returncode not in (0, 1) or (done.returncode == 1 and not gate):
        message = last_line(done.stderr) or f"layerscope ended with exit code {done.returncode}"
        inputs.annotate("error", message)
        (folder / "report.md").write_text(error_report(message), encoding="utf-8")
        if summary:
            summarize(folder)
        return done.returncode if done.returncode > 1 else 2
    if annotations:
        print((folder / "annotations.txt").read_text("utf-8"), end="", flush=True)
    if summary:
        summarize(folder)
    report(folder)
    return done.returncode


def options() -> list[str]:
    """The options of layerscope that the inputs stand for."""
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
    """Run layerscope; its text goes to the log, also that of a report that does not gate."""
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
        command, stderr=subprocess.PIPE, text=True, errors="backslashreplace", check=False
    )


def last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1].removeprefix("layerscope: error: ") if lines else ""


def error_report(message: str) -> str:
    """Markdown that says why there is no report."""
    image = html.escape(inputs.one_line(inputs.variable("image")))
    return (
        f"<!-- layerscope -->\n### layerscope: <code>{image}</code>\n\n"
        f"**❌ no verdict: an error**\n\n<pre>{html.escape(message)}</pre>\n"
    )


def summarize(folder: Path) -> None:
    path = os.environ.get("GITHUB_STEP_SUMMARY")
    if path:
        with open(path, "a", encoding="utf-8") as file:
            file.write((folder / "report.md").read_text("utf-8"))


def report(folder: Path) -> None:
    """The outputs of the step, and the report that becomes the next baseline."""
    document = json.loads((folder / "report.json").read_text("ascii"))
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
    sys.exit(main())
