"""The user's settings for the browser: the `[keys]` and `[browser]` tables of the configuration file.

    [keys]
    "browse.quit" = "ctrl+q"
    "tree.sort" = "s,o"

    [browser]
    theme = "nord"

The help shows the name of each key.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import field
from pathlib import Path
from typing import Any, Final

from layerscope.errors import ConfigError
from layerscope.records import dataclass

CONFIG_NAME: Final = "layerscope.toml"
_MOST_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Settings:
    """Keys by the name of their action, and the name of a theme."""

    keys: Mapping[str, str] = field(default_factory=dict)
    theme: str | None = None


def config_files() -> Iterable[Path]:
    """The user's file, then the one in the current folder, which wins."""
    from platformdirs import user_config_path

    yield user_config_path("layerscope", appauthor=False) / CONFIG_NAME
    yield Path(CONFIG_NAME)


def load_settings(files: Iterable[Path] | None = None) -> Settings:
    """Merge the settings of all files. Raises `ConfigError`."""
    keys: dict[str, str] = {}
    theme: str | None = None
    for path in config_files() if files is None else files:
        document = _read(path)
        keys |= _texts(document, "keys", path)
        browser = _texts(document, "browser", path)
        unknown = browser.keys() - {"theme"}
        if unknown:
            raise ConfigError(
                f"{os.fspath(path)}: unknown key browser.{min(unknown)}", hint="did you mean theme?"
            )
        theme = browser.get("theme", theme)
    return Settings(keys, theme)


def _read(path: Path) -> dict[str, Any]:
    try:
        with open(path, "rb") as file:
            data = file.read(_MOST_BYTES + 1)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ConfigError(f"cannot read {os.fspath(path)!r}: {error.strerror}") from None
    if len(data) > _MOST_BYTES:
        raise ConfigError(f"{os.fspath(path)} has more than {_MOST_BYTES} bytes")
    import tomllib

    try:
        return tomllib.loads(data.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError(f"{os.fspath(path)}: {error}", hint="it must be TOML") from None


def _texts(document: dict[str, Any], name: str, path: Path) -> dict[str, str]:
    """A table of strings."""
    table = document.get(name, {})
    if not isinstance(table, dict):
        raise ConfigError(f"{os.fspath(path)}: {name} is not a table", hint=f"write [{name}]")
    for key, value in table.items():
        if not isinstance(value, str) or not value.strip():
            raise ConfigError(
                f"{os.fspath(path)}: {name}.{key} is not a string",
                hint="put it in quotation marks",
            )
    return {key: value for key, value in table.items() if isinstance(value, str)}
