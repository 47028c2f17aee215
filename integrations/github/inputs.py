"""The inputs of the Action: switches, options, and the key that distinguishes images.

Exit code 1 of the Action means a broken budget and nothing else, so its scripts run under `run`, which says `BROKEN` for it.
"""

from __future__ import annotations

import hashlib
import html
import os
import re
import shlex
import sys
from collections.abc import Callable

ERRORS = frozenset((2, 3, 4, 130))
"""The exit codes of layerscope for errors."""
YES = frozenset(("true", "yes", "on", "1"))
NO = frozenset(("false", "no", "off", "0"))
_SCHEME = re.compile(
    r"(docker|podman|containerd|docker-daemon|docker-archive|oci|oci-archive|oci-dir|dir|registry):(//)?"
)
_TAG = re.compile(r"(@[a-z0-9]+:[0-9a-f]+|:[A-Za-z0-9_][A-Za-z0-9_.-]*)+$")
_UNSAFE = re.compile(r"[^A-Za-z0-9._]+")

BROKEN = 10
"""The exit code of a script for a broken budget. `python` turns it into 1, which is also Python's own code for a failure."""


class InputError(Exception):
    """An input that doesn't make sense. The message is one line."""


def switch(name: str, *, default: bool) -> bool:
    """The input `name`, either yes or no. Raises `InputError` for anything else, so a typo never opens the gate."""
    text = variable(name)
    if not text:
        return default
    if text.lower() in YES | NO:
        return text.lower() in YES
    raise InputError(
        f"the input {name} is {text[:40]!r}, which is neither yes nor no; write true or false"
    )


def variable(name: str) -> str:
    """The text of an input, from the step's environment, without the line end that `name: |` leaves in a workflow."""
    return os.environ.get(f"INPUT_{name.upper().replace('-', '_')}", "").strip()


def split_options(text: str) -> list[str]:
    """Options, split the way a shell does it: with quotes, comments, and line continuations."""
    try:
        return shlex.split(text.replace("\r\n", "\n").replace("\\\n", " "), comments=True)
    except ValueError as error:
        raise InputError(
            f"the input options cannot be read: {str(error).lower()}; quote it as in a shell"
        ) from None


def image_key() -> str:
    """A short name for the image that is the same from build to build and works as a folder, a cache key, and a comment."""
    given = variable("key")
    if given:
        return slug(given)
    name = _SCHEME.sub("", variable("image"), count=1)
    return slug("-".join(part for part in (strip_tag(name), variable("platform")) if part))


def strip_tag(name: str) -> str:
    """An image's name without its tag and digest."""
    return _TAG.sub("", name) or name


def slug(text: str) -> str:
    """Letters, digits, dots, and single dashes. If that loses anything, a hash keeps the result unique."""
    short = _UNSAFE.sub("-", text).strip("-.")[:60]
    if short == text:
        return short
    return f"{short}-{hashlib.sha256(text.encode()).hexdigest()[:8]}".lstrip("-")


def reports_folder() -> str:
    """Where the step writes its reports, one folder for each image."""
    given = variable("reports")
    return os.path.abspath(given or os.path.join(temporary(), "layerscope-reports", image_key()))


def temporary() -> str:
    return os.environ.get("RUNNER_TEMP") or "/tmp"


def annotate(level: str, message: str) -> None:
    """Write an annotation for the job, encoded so that no text can end it early."""
    text = message.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    print(f"::{level} title=layerscope::{text}", flush=True)


def set_outputs(**values: object) -> None:
    """Hand values to later steps."""
    path = os.environ.get("GITHUB_OUTPUT")
    if path:
        with open(path, "a", encoding="utf-8") as file:
            file.writelines(f"{name}={one_line(str(value))}\n" for name, value in values.items())


def one_line(text: str) -> str:
    return " ".join(text.split("\n"))


def run(main: Callable[[], int], *, summary: bool = True) -> int:
    """The exit code of `main`, with `BROKEN` for 1. An error in it, expected or not, is reported and is 2."""
    try:
        code = main()
    except InputError as error:
        return refuse(str(error), summary=summary)
    except Exception as error:  # noqa: BLE001 - no error may look like a broken budget
        text = str(error).strip() or type(error).__name__
        return refuse(f"the Action itself failed: {one_line(text)}", summary=summary)
    return BROKEN if code == 1 else code


def refuse(message: str, *, summary: bool) -> int:
    """Report an error in the log, as an annotation, and in the summary. Returns the step's exit code."""
    annotate("error", message)
    print(f"layerscope: error: {message}", file=sys.stderr)
    if summary and variable("summary").lower() not in NO:
        summarize(error_report(message))
    return 2


def error_report(message: str) -> str:
    """Markdown that says why there is no report."""
    image = html.escape(one_line(variable("image")))
    return (
        f"<!-- layerscope -->\n### layerscope: <code>{image}</code>\n\n"
        f"**❌ no verdict: an error**\n\n<pre>{html.escape(message)}</pre>\n"
    )


def summarize(text: str) -> None:
    """Add Markdown to the summary of the job."""
    path = os.environ.get("GITHUB_STEP_SUMMARY")
    if path:
        with open(path, "a", encoding="utf-8") as file:
            file.write(text)
