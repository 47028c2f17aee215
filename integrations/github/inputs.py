"""The inputs of the Action as people write them: switches, options, and the key that tells images apart."""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import sys

YES = frozenset(("true", "yes", "on", "1"))
NO = frozenset(("false", "no", "off", "0"))
_SCHEME = re.compile(
    r"(docker|podman|containerd|docker-daemon|docker-archive|oci|oci-archive|oci-dir|dir|registry):(//)?"
)
_TAG = re.compile(r"(@[a-z0-9]+:[0-9a-f]+|:[A-Za-z0-9_][A-Za-z0-9_.-]*)+$")
_UNSAFE = re.compile(r"[^A-Za-z0-9._]+")


class InputError(Exception):
    """An input that cannot be understood, in one line."""


def switch(name: str, *, default: bool) -> bool:
    """The input `name`, which is a yes or a no. Raises `InputError` for anything else, so that no typo opens a gate."""
    text = variable(name).strip()
    if not text:
        return default
    if text.lower() in YES | NO:
        return text.lower() in YES
    raise InputError(
        f"the input {name} is {text[:40]!r}, which is neither yes nor no; write true or false"
    )


def variable(name: str) -> str:
    """The text of an input, from the variable of the step that holds it."""
    return os.environ.get(f"INPUT_{name.upper().replace('-', '_')}", "")


def split_options(text: str) -> list[str]:
    """Options as a shell reads them: several on a line, quotes, comments, a backslash before the end of a line."""
    try:
        return shlex.split(text.replace("\r\n", "\n").replace("\\\n", " "), comments=True)
    except ValueError as error:
        raise InputError(
            f"the input options cannot be read: {str(error).lower()}; quote it as in a shell"
        ) from None


def image_key() -> str:
    """A short name for the image, the same from build to build, fit for a folder, a cache and a comment."""
    given = variable("key").strip()
    if given:
        return slug(given)
    name = _SCHEME.sub("", variable("image").strip(), count=1)
    return slug("-".join(part for part in (strip_tag(name), variable("platform").strip()) if part))


def strip_tag(name: str) -> str:
    """An image's name without its tag and digest."""
    return _TAG.sub("", name) or name


def slug(text: str) -> str:
    """Letters, digits, dots and single dashes; a hash keeps apart what would then be equal."""
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
    """Write an annotation of the job; no text can end it early."""
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


def refuse(error: InputError) -> int:
    """Report an input that cannot be understood; the exit code of a step that it ends."""
    annotate("error", str(error))
    print(f"layerscope: error: {error}", file=sys.stderr)
    return 2
