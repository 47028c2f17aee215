"""The location and the size limit of the cache, from the environment."""

from __future__ import annotations

import os
from typing import Final

from layerscope.errors import ConfigError, UsageError
from layerscope.limits import GIB
from layerscope.units import parse_size

FOLDER: Final = "LAYERSCOPE_CACHE_DIR"
"""The environment variable that names the folder."""
SIZE: Final = "LAYERSCOPE_CACHE_SIZE"
"""The environment variable that limits its size, such as `500MB`. 0 turns the cache off."""
MOST: Final = GIB
"""The default limit in bytes."""


def cache_path() -> str | None:
    """The cache folder, which may not exist yet; None if the user has no home folder."""
    path = os.environ.get(FOLDER)
    if not path:
        from platformdirs import user_cache_dir

        path = user_cache_dir("layerscope", appauthor=False)
        if not os.path.isabs(path):
            return None
    return os.path.abspath(path)


def cache_bound() -> int:
    """The most bytes that the cache may take. Raises `UsageError` for a setting that is not a size."""
    text = os.environ.get(SIZE)
    if not text:
        return MOST
    try:
        return parse_size(text)
    except ConfigError as error:
        raise UsageError(f"{SIZE}: {error.message}", hint=error.hint) from None
