"""The row of an ordinary entry exactly as layerscope writes it, which most rows of a saved report are.

Such a row is read in a fifth of the time: a pattern finds its values, and checks that nothing else is there. Written again, it is
the same text.
"""

from __future__ import annotations

import re
from typing import Final

from layerscope.layers.entry import DIRECTORY, FILE, HARDLINK, KIND_NAMES, SYMLINK, Member

NOWHERE: Final = -2
"""The data offset of content that is known only from a report."""

_NUMBER: Final = "(?:0|[1-9][0-9]{0,17})"
_TEXT: Final = r"[ !#-\[\]-~]"
PLAIN: Final = re.compile(
    rf"""{{"change": "[a-z]+", "compressed": (null|{_NUMBER}), """
    rf"""(?:"content_hash": "([0-9a-f]{{64}})", )?"gid": ({_NUMBER}), """
    rf"""(?:"linkname": "({_TEXT}*)", )?"mode": ({_NUMBER}), "mtime": (0|-?[1-9][0-9]{{0,17}}), """
    rf""""path": "(/{_TEXT}*)", "size": ({_NUMBER}), "type": "([a-z]+)", "uid": ({_NUMBER})}}"""
)
_KINDS: Final = {KIND_NAMES[kind]: kind for kind in (FILE, DIRECTORY, SYMLINK, HARDLINK)}
_UNCLEAN: Final = re.compile(r"/(?:\.\.?)?(?:/|\Z)")
"""A name in a path that is empty, or one or two dots."""
_LINKS: Final = frozenset((SYMLINK, HARDLINK))


def plain_entry(row: re.Match[str]) -> tuple[Member, int | None] | None:
    """The entry and its compressed bytes. None for a row that has to be read as any other."""
    cost, mark, gid, link, mode, mtime, path, size, name, uid = row.groups()
    kind = _KINDS.get(name)
    if (
        kind is None
        or (link is not None) != (kind in _LINKS)
        or (kind != FILE and size != "0")
        or _UNCLEAN.search(path) is not None
    ):
        return None
    member = Member(
        path[1:].encode(),
        kind,
        int(size),
        NOWHERE,
        (int(mode), int(uid), int(gid)),
        int(mtime),
        b"" if link is None else link.encode(),
        None,
        None if mark is None else bytes.fromhex(mark),
    )
    return member, None if cost == "null" else int(cost)
