"""Files of an image whose names differ only in case or in how letters are composed.

Windows and macOS take them for one file, so the second would replace the first.
"""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Sequence
from typing import Final

from layerscope.filesystem.items import Item

FOLDS_NAMES: Final = sys.platform in ("win32", "darwin")
"""Whether folders here usually fold names."""


def twins(items: Sequence[Item]) -> dict[bytes, bytes]:
    """The paths that are the same as an earlier one once names are folded, each with that one, and what is below them."""
    first: dict[str, bytes] = {}
    found: dict[bytes, bytes] = {}
    for item in items:
        above = found.get(item.path.rpartition(b"/")[0])
        if above is not None:
            found[item.path] = above
            continue
        other = first.setdefault(_folded(item.path), item.path)
        if other != item.path:
            found[item.path] = other
    return found


def _folded(path: bytes) -> str:
    return unicodedata.normalize("NFC", path.decode("utf-8", "surrogateescape")).casefold()
