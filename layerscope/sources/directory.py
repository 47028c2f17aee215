"""skopeo's `dir:` and podman's `docker-dir`: a folder with a manifest and its blobs, each named by its hash.

This form has no index and no tags. Its one manifest, or list of manifests, is read as the only entry of an OCI layout.
"""

from __future__ import annotations

import json
import os
from typing import Final

from layerscope.errors import ImageNotFound, UnsupportedFormat
from layerscope.image.blob import Blob
from layerscope.image.digest import Digest
from layerscope.image.image import Image
from layerscope.notes import Notes
from layerscope.sources.files import exists
from layerscope.sources.members import INDEX, LAYOUT, MANIFEST
from layerscope.sources.source import Request, Source
from layerscope.sources.store import FolderStore, blob_path

NAME: Final = "dir"
_BLOBS: Final = "blobs/"
_SUFFIXES: Final = ("", ".tar", ".manifest.json")
"""For blobs, for layers before version 1.1 of the form, and for the manifests in a list of manifests."""


class DirectoryStore:
    """The folder as an OCI layout whose index lists only `manifest.json`."""

    def __init__(self, path: str, max_bytes: int) -> None:
        self._folder = FolderStore(path)
        self.name = path
        try:
            manifest = self._folder.read(MANIFEST, f"{path}: {MANIFEST}", max_bytes)
            if manifest is None:
                raise UnsupportedFormat(
                    f"{path} is a folder without {MANIFEST}, so it is not an image in skopeo's `dir` form"
                )
            if manifest.lstrip()[:1] == b"[":
                raise UnsupportedFormat(
                    f"{path} is an unpacked docker-archive",
                    hint=f"pack it with `tar -C {path} -cf image.tar .`",
                )
        except BaseException:
            self._folder.close()
            raise
        self._manifest = blob_path(Digest.of(manifest))
        entry = {"digest": str(Digest.of(manifest)), "size": len(manifest)}
        self._made = {
            INDEX: json.dumps({"schemaVersion": 2, "manifests": [entry]}).encode(),
            LAYOUT: b'{"imageLayoutVersion": "1.0.0"}',
        }

    def _paths(self, path: str) -> list[str]:
        """Where the folder keeps the file that a layout has at `path`."""
        if path == self._manifest:
            return [MANIFEST]
        name = path.rpartition("/")[2] if path.startswith(_BLOBS) else path
        return [name + suffix for suffix in _SUFFIXES]

    def find(self, path: str) -> Blob | None:
        found = (self._folder.find(name) for name in self._paths(path))
        return next((blob for blob in found if blob is not None), None)

    def has(self, path: str) -> bool:
        return any(self._folder.has(name) for name in self._paths(path))

    def read(self, path: str, name: str, max_bytes: int) -> bytes | None:
        if path in self._made:
            return self._made[path]
        read = (self._folder.read(one, name, max_bytes) for one in self._paths(path))
        return next((data for data in read if data is not None), None)

    def close(self) -> None:
        self._folder.close()


def is_directory_form(path: str) -> bool:
    """Whether a folder looks like this form: it has a manifest."""
    return os.path.lexists(os.path.join(path, MANIFEST))


def open_directory(path: str, request: Request) -> Image:
    """The image in a folder in this form; raises `UnsupportedFormat` for any other folder."""
    from layerscope.sources.oci import open_layout

    limits = request.limits
    store = DirectoryStore(path, max(limits.bound("manifest_bytes"), limits.bound("index_bytes")))
    try:
        return open_layout(store, request, Notes(), NAME, (store.close,))
    except BaseException:
        store.close()
        raise


def open_directory_target(target: str, request: Request) -> Image:
    """The image at `PATH`, a folder written by `skopeo copy` or `podman save --format docker-dir`."""
    if not exists(target):
        raise ImageNotFound(f"no such folder: {target!r}")
    return open_directory(target, request)


DIRECTORY: Final = Source(name=NAME, schemes=(NAME, "docker-dir"), open=open_directory_target)
