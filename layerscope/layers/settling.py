"""What a tar's member names mean in an image: clean paths, whiteouts in all of their forms, and metadata."""

from __future__ import annotations

from collections.abc import Callable

from layerscope.layers import names
from layerscope.layers.entry import (
    CHARACTER,
    DIRECTORY,
    FILE,
    METADATA,
    OPAQUE,
    OTHER,
    WHITEOUT,
    Member,
)
from layerscope.layers.layer_index import Columns

_OVERLAY_OPAQUE = frozenset((b"trusted.overlay.opaque", b"user.overlay.opaque"))
_WHITEOUT_NAME = b"/" + names.WHITEOUT_PREFIX
_NO_NAMES = frozenset((b"", b".", b".."))
_LANDMARKS = frozenset((b".prefetch.landmark", b".no.prefetch.landmark"))

NoteTaker = Callable[[str, str, bytes | None], None]
"""Takes a note's code, its message, and the path it is about."""


def settling(columns: Columns, landmarks: list[int], note: NoteTaker) -> Callable[[Member], bool]:
    """What cleans a member's path and recognizes whiteouts before it is added to `columns`; False leaves it out.

    The positions of members that may be landmarks are added to `landmarks`.
    """

    def settle(member: Member) -> bool:
        if member.kind == FILE and not member.size and member.extra is None:
            hidden = plain_whiteout(member.path)
            if hidden is not None:
                member.path, member.kind = hidden, WHITEOUT
                return True
        member.path = path = member.path.rstrip(b"/") or member.path[:1]
        if (not path or path[0] in b"./" or b"/." in path or b"//" in path) and not _settle_name(
            member, note
        ):
            return False
        if member.extra is not None and member.kind <= OTHER:
            marker = _overlay_marker(member, note)
            if marker is not None:
                columns.add(marker)
        if member.size == 1 and member.path in _LANDMARKS:
            landmarks.append(len(columns))
        return True

    return settle


def plain_whiteout(name: bytes) -> bytes | None:
    """The path that an empty file of this name hides if it is a common whiteout: clean apart from the prefix."""
    folder, prefix, target = name.rpartition(_WHITEOUT_NAME)
    if (
        not prefix
        or not folder
        or folder[0] in b"./"
        or b"/." in folder
        or b"//" in folder
        or folder[-1] == 0x2F
        or b"/" in target
        or target in _NO_NAMES
        or target.startswith(names.WHITEOUT_PREFIX)
    ):
        return None
    return folder + b"/" + target


def _settle_name(member: Member, note: NoteTaker) -> bool:
    """Clean the path and recognize whiteouts. False means the member must be left out."""
    raw = member.path
    if not raw:
        note("empty-name", "a member without a name is left out", None)
        return False
    if raw[0] == 0x2F and len(raw) > 1:  # kaniko and umoci begin every layer with "/" itself
        note("absolute-name", "an absolute name is taken as relative to the image's root", raw)
    path = raw
    if raw[0] in b"./" or names.DOTS.search(raw) is not None:
        path, climbed = names.clean(raw)
        if climbed:
            note("parent-name", "a name with .. is cleaned as engines clean it", raw)
        member.path = path
    if names.WHITEOUT_PREFIX not in path:
        if not path and member.kind != DIRECTORY:
            note(
                "root-no-directory",
                "a root that is not a directory is left out of the filesystem",
                raw,
            )
            member.kind = METADATA
        return True
    return _settle_whiteout(member, path, note)


def _settle_whiteout(member: Member, path: bytes, note: NoteTaker) -> bool:
    """Recognize whiteouts and what AUFS keeps beside them. False means the member must be left out."""
    parent, name = names.split(path)
    if (b"/" + parent).find(b"/" + names.WHITEOUT_PREFIX) >= 0:
        if b"/" + names.METADATA_PREFIX not in b"/" + parent:
            note(
                "under-whiteout",
                "a member below a whiteout's name is left out of the filesystem",
                path,
            )
        else:
            note("aufs-metadata", "AUFS metadata is left out of the filesystem", path)
        member.kind = METADATA
        return True
    if not name.startswith(names.WHITEOUT_PREFIX):
        return True
    target = name[len(names.WHITEOUT_PREFIX) :]
    if name == names.OPAQUE_MARKER:
        kind = OPAQUE
        member.path = parent
    elif name.startswith(names.METADATA_PREFIX):
        note("aufs-metadata", "AUFS metadata is left out of the filesystem", path)
        member.kind = METADATA
        return True
    elif target in (b"", b".", b".."):
        note("invalid-whiteout", "a whiteout that names no file is refused", path)
        return False
    else:
        kind = WHITEOUT
        member.path = parent + b"/" + target if parent else target
    if member.size or member.kind != FILE:
        note("odd-whiteout", "a whiteout is not an empty file, but still counts", path)
    member.kind = kind
    member.size = 0
    return True


def _overlay_marker(member: Member, note: NoteTaker) -> Member | None:
    """Recognize overlayfs's own whiteouts, which a bad export leaves in the tar.

    Returns the marker to add for an opaque directory.
    """
    extra = member.extra
    if extra is None:
        return None
    if member.kind == CHARACTER and extra.device == (0, 0):
        note(
            "overlay-whiteout",
            "a character device 0:0 is taken as overlayfs's own whiteout",
            member.path,
        )
        member.kind = WHITEOUT
    elif member.kind == DIRECTORY and any(
        key in _OVERLAY_OPAQUE and value == b"y" for key, value in extra.xattrs
    ):
        note("overlay-opaque", "an overlayfs attribute is taken as an opaque whiteout", member.path)
        return Member(member.path, OPAQUE, 0, member.data, member.owner, member.mtime)
    return None
