"""A blob that reads another one in a way of its own."""

from __future__ import annotations

from layerscope.image.blob import StoredBlob


class WrappedBlob:
    """Everything is that of `blob`, until a subclass has its own `read_at` or `size`."""

    def __init__(self, blob: StoredBlob) -> None:
        self.blob = blob
        self.name = blob.name
        self.size = blob.size

    @property
    def key(self) -> tuple[int, int, int]:
        return self.blob.key

    @property
    def closed(self) -> bool:
        return self.blob.closed

    def check_unchanged(self) -> None:
        self.blob.check_unchanged()

    def read_at(self, position: int, count: int) -> bytes:
        return self.blob.read_at(position, count)
