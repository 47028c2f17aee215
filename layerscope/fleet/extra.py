"""The libraries of the extra `fleet`, loaded only where they are used."""

from __future__ import annotations

from importlib import import_module
from typing import Final

from layerscope.errors import UsageError

_NEEDED: Final = ("dask", "distributed", "pyarrow", "duckdb", "cryptography")


def check_extra() -> None:
    """Raise `UsageError` with the remedy if a library of the extra is missing."""
    for name in _NEEDED:
        try:
            import_module(name)
        except ImportError:
            raise UsageError(
                f"the fleet needs the Python package {name}, which is not installed",
                hint="run pip install 'layerscope[fleet]'",
            ) from None
