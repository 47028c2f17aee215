"""Names of tar members as paths of an image: cleaned as engines clean them, whiteouts told apart."""

from __future__ import annotations

import re
from typing import Final

WHITEOUT_PREFIX: Final = b".wh."
OPAQUE_MARKER: Final = b".wh..wh..opq"
METADATA_PREFIX: Final = b".wh..wh."
DOTS: Final = re.compile(rb"/(?:/|\.{1,2}(?:/|\Z))")
"""What behind its first character makes a name unclean."""


def clean(name: bytes) -> tuple[bytes, bool]:
    """The path relative to the image's root (empty for the root itself), and whether `..` had to be taken out."""
    parts: list[bytes] = []
    climbed = False
    for part in name.split(b"/"):
        if part == b"..":
            climbed = True
            if parts:
                parts.pop()
        elif part and part != b".":
            parts.append(part)
    return b"/".join(parts), climbed


def split(path: bytes) -> tuple[bytes, bytes]:
    """Parent and base name; the parent of a top-level path is the empty root."""
    parent, _, name = path.rpartition(b"/")
    return parent, name


def joined(folder: bytes, name: bytes) -> bytes:
    """The path of a name in a folder, which is empty for the root."""
    return folder + b"/" + name if folder else name
