"""The `docker` command's configuration file, checked before the SDK reads it, because the SDK trusts what it finds."""

from __future__ import annotations

import os
import stat
from typing import Final, NoReturn

from layerscope.errors import ConfigError, FormatError
from layerscope.image.document import parse_document
from layerscope.limits import MIB
from layerscope.system.flags import NO_WAIT, READ

MOST_BYTES: Final = 4 * MIB
_DEPTH: Final = 100
_TEXTS: Final = ("currentContext", "credsStore")
_MAPS: Final = ("HttpHeaders", "credHelpers")
_TABLES: Final = ("auths", "proxies")


def config_path() -> str:
    """Where `docker` looks for its configuration."""
    folder = os.environ.get("DOCKER_CONFIG") or os.path.join(os.path.expanduser("~"), ".docker")
    return os.path.join(folder, "config.json")


def check_config() -> dict[str, object]:
    """The configuration, empty if there is none. Raises `ConfigError` for a file that the SDK would choke on."""
    path = config_path()
    data = _read(path)
    if data is None:
        return {}
    try:
        value = parse_document(data, "it", max_bytes=MOST_BYTES, max_depth=_DEPTH).value
    except FormatError as error:
        _refuse(path, error.message.removeprefix("it "))
    if not isinstance(value, dict):
        _refuse(path, "is not a JSON object")
    for key in _TEXTS:
        if not isinstance(value.get(key, ""), str):
            _refuse(path, f"has a value for {key} that is not text")
    for key in _MAPS:
        _check_map(path, key, value.get(key, {}), str)
    for key in _TABLES:
        rows = _check_map(path, key, value.get(key, {}), dict)
        for name, row in rows.items():
            _check_map(path, f"{key}[{name[:80]!r}]", row, str)
    return value


def _check_map(path: str, key: str, value: object, kind: type) -> dict[str, object]:
    if not isinstance(value, dict):
        _refuse(path, f"has a value for {key} that is not an object")
    if not all(isinstance(each, kind) for each in value.values()):
        what = "text" if kind is str else "an object"
        _refuse(path, f"has a value in {key} that is not {what}")
    return value


def _read(path: str) -> bytes | None:
    """The bytes of the file, or None if it's missing or unreadable; `docker` ignores such a file too."""
    try:
        fd = os.open(path, READ | NO_WAIT)
    except (OSError, ValueError):
        return None
    with open(fd, "rb") as file:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            _refuse(path, "is not a regular file")
        return file.read(MOST_BYTES + 1)


def _refuse(path: str, problem: str) -> NoReturn:
    raise ConfigError(
        f"the Docker configuration {path!r} {problem}",
        hint="fix it, or set DOCKER_CONFIG to another folder",
    )
