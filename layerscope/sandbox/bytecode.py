"""Compiles this package once, while the run may still write bytecode next to it.

Modules that are imported in the sandbox can't be cached, so where the installer didn't compile them, as uv doesn't, each run
would compile them again.
"""

from __future__ import annotations

import os
import sys
from importlib.util import cache_from_source
from typing import Final

import layerscope

_LATE: Final = os.path.join("layers", "tar.py")
"""A module that every reading imports, after the sandbox is there."""


def compile_once() -> None:
    """Write the bytecode of the package, unless it is there, or can't be written."""
    folder = os.path.dirname(os.path.abspath(layerscope.__file__))
    compiled = cache_from_source(os.path.join(folder, _LATE))
    place = os.path.dirname(os.path.dirname(compiled))
    if sys.dont_write_bytecode or os.path.exists(compiled) or not os.access(place, os.W_OK):
        return
    import compileall

    compileall.compile_dir(folder, quiet=2)
