"""The members of an archive: after one pass over the headers, any member can be read in place."""

from __future__ import annotations

import posixpath
from typing import Final

from layerscope.errors import FormatError, LimitExceeded, TarError, UnsupportedFormat
from layerscope.image.blob import Blob, DeferredBlob, OpenFile
from layerscope.layers.entry import DIRECTORY, FILE, HARDLINK, SYMLINK, Member
from layerscope.layers.header import BLOCK_SIZE
from layerscope.layers.layer_index import Columns
from layerscope.layers.tar import TarScanner
from layerscope.layers.window import SeekWindow
from layerscope.notes import Notes
from layerscope.progress import stop_if
from layerscope.sources.source import Request
from layerscope.sources.store import read_bounded
from layerscope.sources.temporary import NotSieved

_HOPS: Final = 40
_ROOT_FOLDERS: Final = frozenset(
    ("bin", "boot", "dev", "etc", "home", "lib", "opt", "proc", "root", "sbin", "sys", "usr", "var")
)
_FEW: Final = 3


class Archive:
    """An uncompressed tar, as a store of named members.

    Links are only followed to other members. A member that appears twice can't be read, because tools disagree about
    which of the two counts.
    """

    def __init__(self, file: OpenFile, request: Request, notes: Notes) -> None:
        self._file = file
        self._members: dict[str, Member] = {}
        self._twice: set[str] = set()
        self._scan(request, notes)

    @property
    def name(self) -> str:
        return self._file.name

    def _scan(self, request: Request, notes: Notes) -> None:
        file = self._file

        def moved(_: int) -> None:
            stop_if(request.cancelled)

        window = SeekWindow(Blob(file, 0, file.size, file.name), moved)
        scanner = TarScanner(
            window,
            request.limits,
            lambda code, message, _: notes.add(f"archive-{code}", f"{file.name}: {message}"),
            most=request.limits.archive_members,
            limit="archive_members",
        )
        columns = Columns()
        try:
            scanner.scan(columns)
        except LimitExceeded as error:
            raise LimitExceeded(f"{file.name}: {error.message}", hint=error.hint) from None
        except TarError as error:
            raise TarError(
                f"{file.name}: {error.reason}",
                offset=error.offset,
                hint="the archive is damaged or cut short; save it again",
            ) from None
        for member in columns.index(None, file.size, ()).members():
            name = _clean(member.path.decode("utf-8", "surrogateescape"))
            if name in self._members and member.kind != DIRECTORY:
                self._twice.add(name)
            self._members[name] = member
        self._check_holes()
        self.complete = scanner.marked
        file.check_unchanged()
        if not scanner.marked:
            notes.add(
                "archive-without-end", f"{file.name} has no end marker, so it may be cut short"
            )

    def _check_holes(self) -> None:
        """Raise `NotSieved` if the file has a hole anywhere but in a member's content."""
        if self._file.holes:
            contents = {
                (member.data, member.size)
                for member in self._members.values()
                if member.kind == FILE and not _is_sparse(member)
            }
            if not contents.issuperset(self._file.holes):
                raise NotSieved

    def __contains__(self, path: str) -> bool:
        return path in self._members

    def find(self, path: str) -> Blob | DeferredBlob | None:
        """The regular file that `path` leads to, or None if the archive has no member with this name.

        Reading a layer that is not in the file raises `NotSieved`.

        Raises `FormatError` for a name that appears twice, or that points outside the archive, in a circle, or to something
        that is not a regular file.
        """
        name = self._inside(path, path)
        for _ in range(_HOPS):
            entry = self._members.get(name)
            if entry is None:
                if name == self._inside(path, path):
                    return None
                raise FormatError(f"{self.name}: {path!r} is a link to {name!r}, which is missing")
            if name in self._twice:
                raise FormatError(
                    f"{self.name}: the member {name!r} appears twice, and tools disagree about which one counts",
                    hint="save the image again",
                )
            if entry.kind == FILE:
                return self._blob(name, entry)
            if entry.kind not in (SYMLINK, HARDLINK):
                raise FormatError(f"{self.name}: {name!r} is not a regular file")
            target = entry.link.decode("utf-8", "surrogateescape")
            if entry.kind == SYMLINK:
                if target.startswith("/"):
                    raise FormatError(
                        f"{self.name}: {path!r} links out of the archive, to {target!r}"
                    )
                target = posixpath.join(posixpath.dirname(name), target)
            name = self._inside(target, path)
        raise FormatError(f"{self.name}: {path!r} is a link that leads in a circle")

    def has(self, path: str) -> bool:
        """Whether `path` leads to a regular file; raises `FormatError` as `find` does."""
        return self.find(path) is not None

    def read(self, path: str, name: str, max_bytes: int) -> bytes | None:
        """All the bytes of a small member; raises `LimitExceeded` if it's over `max_bytes`."""
        blob = self.find(path)
        return None if blob is None else read_bounded(blob, name, max_bytes)

    def _inside(self, target: str, path: str) -> str:
        name = _clean(target)
        if name == ".." or name.startswith("../"):
            raise FormatError(f"{self.name}: {path!r} points outside the archive, to {target!r}")
        return name

    def _blob(self, name: str, entry: Member) -> Blob | DeferredBlob:
        if _is_sparse(entry):
            raise UnsupportedFormat(
                f"{self.name}: the member {name!r} is stored as a sparse file",
                hint="create the archive without --sparse",
            )
        blob = Blob(self._file, entry.data, entry.size, f"{self.name}: {name}")
        place = (entry.data, entry.size)
        if place not in self._file.holes:
            return blob
        head = blob.read_at(0, BLOCK_SIZE)
        early = self._file.read_early.get(place)
        return DeferredBlob(blob.name, blob.size, head, blob.key, _not_kept, early)

    def what_else(self) -> UnsupportedFormat:
        """The error for an archive that isn't an image; it says what the archive is instead."""
        top = {name.partition("/")[0] for name in self._members}
        if "repositories" in top:
            return UnsupportedFormat(
                f"{self.name} is an image in Docker's v1 format (`repositories`, no `manifest.json`)",
                hint="load it into an old engine and save it with Docker 1.10 or newer",
            )
        if len(top & _ROOT_FOLDERS) >= _FEW:
            return UnsupportedFormat(
                f"{self.name} is a root filesystem, not an image: it has no manifest.json or index.json",
                hint="turn it into an image with `docker import`",
            )
        return UnsupportedFormat(
            f"{self.name} is a tar, but not an image: it has no manifest.json or index.json",
            hint="save one with `docker save` or `skopeo copy`",
        )

    def close(self) -> None:
        self._file.close()


def _is_sparse(member: Member) -> bool:
    return member.extra is not None and member.extra.logical_size is not None


def _not_kept() -> Blob:
    raise NotSieved


def _clean(name: str) -> str:
    return posixpath.normpath(name.lstrip("/") or ".")
