"""The words for kinds of waste and for changes to a file, the same in every format and on every screen."""

from __future__ import annotations

from collections.abc import Container
from typing import Final

KIND_WORDS: Final[dict[str, str]] = {
    "deleted": "deleted",
    "overwritten": "overwritten",
    "metadata_only": "metadata only",
    "identical_rewrite": "identical rewrite",
    "duplicate_entry": "duplicate entry",
}
KIND_MEANINGS: Final[dict[str, str]] = {
    "deleted": "A later layer removes the file, which frees nothing.",
    "overwritten": "A later layer stores different content at the path.",
    "metadata_only": "The same content is stored again because the mode, owner, time, or xattrs changed.",
    "identical_rewrite": "The same content is stored again with the same metadata.",
    "duplicate_entry": "The file is stored twice within one layer.",
}
_BLAME: Final[dict[str, str]] = {
    "deleted": "deleted by {}",
    "overwritten": "overwritten by {}",
    "metadata_only": "rewritten by {}",
    "identical_rewrite": "stored again unchanged by {}",
    "duplicate_entry": "stored twice by {}",
}
CHANGED_WORDS: Final[dict[str, str]] = {
    "uid": "owner",
    "gid": "group",
    "mode": "mode",
    "mtime": "time",
    "xattrs": "xattrs",
}
"""The words for changed metadata, in the order they are listed."""


def changed_words(fields: Container[str]) -> list[str]:
    """`["owner", "mode"]`."""
    return [word for name, word in CHANGED_WORDS.items() if name in fields]


def blame_words(kind: str, wasted_by: int, changed: Container[str]) -> str:
    """`rewritten by 11 (owner only)`."""
    words = changed_words(changed) if kind == "metadata_only" else []
    only = f" ({', '.join(words)} only)" if words else ""
    return _BLAME[kind].format(wasted_by) + only
