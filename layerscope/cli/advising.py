"""Which advice to give: the options, and the `[advice]` table of the configuration file."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from layerscope.analysis.budgets.names import CONFIG_NAME, PYPROJECT
from layerscope.cli.examine import Choice


def with_settings(choice: Choice, config: str | None = None) -> Choice:
    """The choice with what the file says about advice. Options win. Raises `ConfigError`."""
    if config is None and not any(map(os.path.lexists, (CONFIG_NAME, PYPROJECT))):
        return choice
    from layerscope.analysis.advice.settings import load_settings

    own, told = choice.options.advice, load_settings(None if config is None else Path(config))
    merged = replace(
        own,
        off=own.off | told.off,
        min_saving=told.min_saving if own.min_saving is None else own.min_saving,
    )
    return replace(choice, options=replace(choice.options, advice=merged))
