"""Names of tar members as paths of an image, cleaned the way engines clean them."""

from __future__ import annotations

from typing import Final

from layerscope.patterns import pattern

WHITEOUT_PREFIX: Final = b".wh."
OPAQUE_MARKER: Final = b".wh..wh..opq"
METADATA_PREFIX: Final = b".wh..wh."
DOTS: Final = pattern(rb"/(?:/|\.{1,2}(?:/|\Z))")
"""The part of a name, after its first character, that needs cleaning: `//`, `/.`, or `/..`."""


def clean(name: bytes) -> tuple[bytes, bool]:
    """The path relative to the image's root (empty for the root itself), and whether `..` had to be removed."""
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
    """The parent and base name of a path. The parent of a top-level path is the root, which is empty."""
    parent, _, name = path.rpartition(b"/")
    return parent, name


def joined(folder: bytes, name: bytes) -> bytes:
    """The path of a name in a folder. The root folder is empty."""
    return folder + b"/" + name if folder else name
