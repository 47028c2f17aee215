"""An image as its engine would save it, put together from the engine's store instead."""

from __future__ import annotations

from layerscope.image.blob import StoredBlob
from layerscope.layers.split_blob import SplitBlob
from layerscope.limits import too_large


class SavedImage:
    """The files of a tarball: small ones in memory, and blobs in the store. A `layerscope.sources.store.BlobStore`."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._documents: dict[str, bytes] = {}
        self._blobs: dict[str, StoredBlob] = {}

    def add(self, path: str, data: bytes) -> None:
        self._documents[path] = data

    def add_blob(self, path: str, blob: StoredBlob) -> None:
        self._blobs[path] = blob

    def find(self, path: str) -> StoredBlob | None:
        return self._blobs.get(path)

    def has(self, path: str) -> bool:
        return path in self._blobs or path in self._documents

    def read(self, path: str, name: str, max_bytes: int) -> bytes | None:
        data = self._documents.get(path)
        if data is not None and len(data) > max_bytes:
            raise too_large(name, len(data), max_bytes)
        return data

    def close(self) -> None:
        """Close what the blobs opened. The store's own files are closed with the store."""
        for blob in self._blobs.values():
            if isinstance(blob, SplitBlob):
                blob.close()
