"""Where the blobs of an image live: the members of an archive, or the files in a folder."""

from __future__ import annotations

import errno
import os
import stat
from typing import Protocol, runtime_checkable

from layerscope.errors import (
    DigestMismatch,
    FormatError,
    SourceError,
    SourceUnavailable,
)
from layerscope.image.blob import Blob, OpenFile, StoredBlob
from layerscope.image.descriptor import Descriptor
from layerscope.image.digest import Digest
from layerscope.image.document import Node, parse_document
from layerscope.limits import Limits, too_large
from layerscope.sources.temporary import reason
from layerscope.system.flags import NO_WAIT, READ
from layerscope.system.folder import Folder


class BlobStore(Protocol):
    """Named files, including `blobs/ALGORITHM/HEX`, as in opencontainers/image-spec image-layout.md."""

    @property
    def name(self) -> str: ...

    def find(self, path: str) -> StoredBlob | None:
        """The regular file at a path in the store, kept open; raises `FormatError` if it is not a regular file."""

    def has(self, path: str) -> bool:
        """Whether there is a regular file at a path; raises `FormatError` as `find` does."""

    def read(self, path: str, name: str, max_bytes: int) -> bytes | None:
        """All the bytes of a small file, or None if it doesn't exist; raises `LimitExceeded` if it's over `max_bytes`."""

    def close(self) -> None: ...


@runtime_checkable
class HasReferrers(Protocol):
    """A store that can say which manifests refer to another one."""

    def referrers(self, digest: Digest) -> list[Descriptor]:
        """The attestation manifests about a manifest; raises `FormatError` for an answer that cannot be read."""


@runtime_checkable
class ExplainsLoss(Protocol):
    """A store that knows why a blob is gone."""

    def lost(self, digest: Digest) -> SourceError:
        """The error for a layer that the store should have."""


class FolderStore:
    """A folder. Only regular files are opened, and never anything outside the folder."""

    def __init__(self, path: str) -> None:
        self.name = path
        self._files: dict[str, OpenFile] = {}
        try:
            self._folder = Folder.at(path)
        except OSError as error:
            raise SourceUnavailable(f"cannot open {path!r}: {reason(error)}") from None

    @property
    def folder(self) -> Folder:
        """The folder itself, open until the store is closed."""
        return self._folder

    def find(self, path: str) -> Blob | None:
        file = self._files.get(path)
        if file is None:
            file = self._open(path)
            if file is None:
                return None
            self._files[path] = file
        return Blob(file, 0, file.size, f"{self.name}/{path}")

    def forget(self, path: str) -> None:
        """Close a file that `find` opened, so that the next call opens the one that is there then."""
        file = self._files.pop(path, None)
        if file is not None:
            file.close()

    def has(self, path: str) -> bool:
        file = self._open(path)
        if file is not None:
            file.close()
        return file is not None

    def read(self, path: str, name: str, max_bytes: int) -> bytes | None:
        file = self._open(path)
        if file is None:
            return None
        try:
            return read_bounded(Blob(file, 0, file.size, name), name, max_bytes)
        finally:
            file.close()

    def _open(self, path: str) -> OpenFile | None:
        """Open a path component by component, without following links."""
        *folders, last = path.split("/")
        folder = self._folder
        try:
            for name in folders:
                upper, folder = folder, folder.folder(name)
                if upper is not self._folder:
                    upper.close()
            file = folder.open(last, READ | NO_WAIT)
        except FileNotFoundError:
            return None
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.ENOTDIR, errno.ENXIO):
                raise FormatError(
                    f"{self.name}: {path} is a link or is not a regular file, and is not followed",
                    hint="copy the layout with `cp -rL`",
                ) from None
            raise SourceUnavailable(f"cannot open {self.name}/{path}: {reason(error)}") from None
        finally:
            if folder is not self._folder:
                folder.close()
        if not stat.S_ISREG(os.fstat(file).st_mode):
            os.close(file)
            raise FormatError(f"{self.name}: {path} is not a regular file")
        return OpenFile(file, f"{self.name}/{path}")

    def close(self) -> None:
        for file in self._files.values():
            file.close()
        self._files.clear()
        self._folder.close()


def blob_path(digest: Digest) -> str:
    return f"blobs/{digest.algorithm}/{digest.hex}"


def read_bounded(blob: StoredBlob, name: str, max_bytes: int) -> bytes:
    if blob.size > max_bytes:
        raise too_large(name, blob.size, max_bytes)
    return blob.read_at(0, blob.size)


def read_document(
    store: BlobStore, path: str, max_bytes: int, limits: Limits
) -> tuple[Node, bytes] | None:
    """A JSON document and its bytes, or None if it doesn't exist; raises `FormatError`."""
    name = f"{store.name}: {path}"
    data = store.read(path, name, max_bytes)
    if data is None:
        return None
    return parse_document(data, name, max_bytes=max_bytes, max_depth=limits.json_depth), data


def read_verified(
    store: BlobStore, digest: Digest, size: int, name: str, max_bytes: int, limits: Limits
) -> Node | None:
    """The JSON document with a digest, or None if it doesn't exist.

    Raises `DigestMismatch` if its bytes don't match the digest, and `FormatError`.
    """
    data = store.read(blob_path(digest), name, max_bytes)
    if data is None:
        return None
    check_size(len(data), size, name)
    actual = Digest.of(data, digest.algorithm)
    if actual != digest:
        raise DigestMismatch(
            f"{name} has the digest {actual}, not {digest}", hint="fetch or save the image again"
        )
    return parse_document(data, name, max_bytes=max_bytes, max_depth=limits.json_depth)


def check_size(actual: int, announced: int, name: str) -> None:
    """Raise `FormatError` if a blob's size isn't the one in its descriptor."""
    if actual != announced:
        raise FormatError(
            f"{name} has {actual} bytes, but its descriptor says {announced}",
            hint="fetch or save the image again",
        )
