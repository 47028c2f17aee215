"""The `[advice]` table of the configuration file, read strictly.

    [advice]
    off = ["docs", "locales"]
    min_saving = "5MB"

It lives in `layerscope.toml`, or as `[tool.layerscope.advice]` in `pyproject.toml`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from layerscope.analysis.advice.advise import RULES
from layerscope.analysis.budgets.budget_file import parse_min_change, parse_toml, shown
from layerscope.analysis.budgets.names import CONFIG_NAME, PYPROJECT
from layerscope.analysis.budgets.quantities import kind_of
from layerscope.errors import ConfigError, UsageError
from layerscope.options import DEFAULT_ADVICE, AdviceOptions

TABLE = "advice"
_KEYS = ("off", "min_saving")
RULE_IDS = tuple(sorted(rule.id for rule in RULES))


def load_settings(config: Path | None = None, folder: Path | None = None) -> AdviceOptions:
    """The settings of the file `config`, or of the folder's file that has some. Raises `ConfigError`."""
    if config is not None:
        return _read(config)
    where = folder or Path()
    found = [
        _read(path)
        for path in (where / CONFIG_NAME, where / PYPROJECT)
        if os.path.lexists(path) and _table(path)
    ]
    if len(found) > 1:
        raise ConfigError(
            f"both {CONFIG_NAME} and {PYPROJECT} have settings for advice",
            hint="keep them in one, or name one with --config",
        )
    return found[0] if found else DEFAULT_ADVICE


def _table(path: Path) -> dict[str, object]:
    document = parse_toml(path)
    name = TABLE
    if path.name == PYPROJECT:
        tool = document.get("tool", {})
        own = tool.get("layerscope", {}) if isinstance(tool, dict) else {}
        document = own if isinstance(own, dict) else {}
        name = f"tool.layerscope.{TABLE}"
    table = document.get(TABLE, {})
    if not isinstance(table, dict):
        raise ConfigError(f"{shown(path)}: {name} is not a table", hint=f"write [{name}]")
    return table


def _read(path: Path) -> AdviceOptions:
    table = _table(path)
    place = f"{shown(path)}: {TABLE}"
    for key in table:
        if key not in _KEYS:
            raise ConfigError(f"{place}: unknown key {key}", hint=f"it has {' and '.join(_KEYS)}")
    off = table.get("off", [])
    if not isinstance(off, list) or not all(isinstance(each, str) for each in off):
        raise ConfigError(
            f"{place}.off: {kind_of(off)} is not a list of rules", hint='write off = ["docs"]'
        )
    try:
        check_rules(off)
    except UsageError as error:
        raise ConfigError(f"{place}.off: {error.message}", hint=error.hint) from None
    least = table.get("min_saving")
    return AdviceOptions(
        off=frozenset(off),
        min_saving=None if least is None else parse_min_change(least, f"{place}.min_saving"),
    )


def check_rules(names: Iterable[str]) -> None:
    """Raise `UsageError` for the first name that is not the id of a rule."""
    import difflib

    for name in names:
        if name not in RULE_IDS:
            close = difflib.get_close_matches(name, RULE_IDS, n=1)
            raise UsageError(
                f"there is no advice {name!r}",
                hint=f"did you mean {close[0]}?"
                if close
                else f"it is one of {', '.join(RULE_IDS)}",
            )
