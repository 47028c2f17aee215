"""The user's own keys: the table `[keys]` of the configuration file.

    [keys]
    "browse.quit" = "ctrl+q"
    "tree.sort" = "s,o"

Names are those that the help shows beside each key.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from layerscope.errors import ConfigError

CONFIG_NAME: Final = "layerscope.toml"
_MOST_BYTES = 1 << 20


def config_files() -> Iterable[Path]:
    """The user's file, then that of the current folder, which wins."""
    from platformdirs import user_config_path

    yield user_config_path("layerscope", appauthor=False) / CONFIG_NAME
    yield Path(CONFIG_NAME)


def load_keymap(files: Iterable[Path] | None = None) -> dict[str, str]:
    """Keys by name of what they do. Raises `ConfigError`."""
    keys: dict[str, str] = {}
    for path in config_files() if files is None else files:
        keys |= _read(path)
    return keys


def _read(path: Path) -> dict[str, str]:
    try:
        with open(path, "rb") as file:
            data = file.read(_MOST_BYTES + 1)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ConfigError(f"cannot read {os.fspath(path)!r}: {error.strerror}") from None
    try:
        table = tomllib.loads(data[:_MOST_BYTES].decode("utf-8")).get("keys", {})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError(f"{os.fspath(path)}: {error}", hint="it must be TOML") from None
    if not isinstance(table, dict):
        raise ConfigError(f"{os.fspath(path)}: keys is no table", hint="write [keys]")
    for name, value in table.items():
        if not isinstance(value, str) or not value.strip():
            raise ConfigError(
                f"{os.fspath(path)}: keys.{name!r} is no text", hint='write a key such as "ctrl+q"'
            )
    return {name: value for name, value in table.items() if isinstance(value, str)}
