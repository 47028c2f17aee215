"""containerd's content as `ctr` hands it out: for the head of an image, without an export.

Only documents are fetched, and the first bytes of layers. What a layer takes is in the manifest.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from typing import IO, Final

from layerscope.errors import FormatError, SourceUnavailable
from layerscope.image.blob import Blob, DeferredBlob
from layerscope.image.digest import Digest
from layerscope.image.document import parse_document
from layerscope.image.media_type import is_tar_layer
from layerscope.layers.header import BLOCK_SIZE
from layerscope.layers.lazy.part import Held
from layerscope.limits import Limits, too_large
from layerscope.sources.temporary import reason

_BLOB: Final = re.compile(r"blobs/(sha256|sha384|sha512)/([0-9a-f]{64,128})")
_MOST_LIST: Final = 1 << 20
_ERROR_BYTES: Final = 64 * 1024
_MISSING: Final = b"not found"


class CtrContent:
    """The blobs of a namespace. Of a layer, only the size and the first block can be had."""

    def __init__(self, namespace: str, limits: Limits) -> None:
        self.name = f"containerd's namespace {namespace!r}"
        self._command = ["ctr", "--namespace", namespace]
        self._limits = limits
        self._known: dict[str, bytes | None] = {}
        self._layers: dict[str, int] = {}

    def target(self, name: str) -> Digest | None:
        """The digest of the index or manifest of the image with this full name; None if there is none.

        Raises `SourceUnavailable`.
        """
        listed = self._run(["images", "list", f"name=={name}"], _MOST_LIST)
        for line in (listed or b"").decode("utf-8", "replace").splitlines()[1:]:
            words = line.split()
            if len(words) > 2 and words[0] == name:
                return Digest.parse(words[2], f"the digest of {name!r}")
        return None

    def find(self, path: str) -> Held | DeferredBlob | None:
        """A blob. Reading more than the beginning of a layer raises `SourceUnavailable`."""
        size = self._layers.get(path)
        if size is not None:
            return self._layer(path, size)
        data = self._get(path, self._limits.bound("attestation_bytes"))
        return None if data is None else Held(f"{self.name}: {path}", data)

    def _layer(self, path: str, size: int) -> DeferredBlob | None:
        """A layer; None if containerd doesn't have it any more."""
        name = f"{self.name}: {path}"
        head = self._get(path, BLOCK_SIZE)

        def fetch() -> Blob:
            raise SourceUnavailable(f"{name} was not fetched", hint="leave --head out")

        if head is None:
            return None
        number = list(self._layers).index(path)
        return DeferredBlob(name, size, head[:BLOCK_SIZE], (id(self), number, size), fetch)

    def has(self, path: str) -> bool:
        return (
            path in self._layers or self._get(path, self._limits.bound("index_bytes")) is not None
        )

    def read(self, path: str, name: str, max_bytes: int) -> bytes | None:
        """All the bytes of a document. Raises `LimitExceeded` and `SourceUnavailable`."""
        data = self._get(path, max_bytes)
        if data is not None and len(data) > max_bytes:
            raise too_large(name, None, max_bytes)
        return data

    def close(self) -> None:
        self._known.clear()

    def _get(self, path: str, most: int) -> bytes | None:
        match = _BLOB.fullmatch(path)
        if match is None:
            return None
        if path not in self._known:
            data = self._run(["content", "get", f"{match[1]}:{match[2]}"], most)
            if data is not None and path not in self._layers:
                self._note_layers(data)
            self._known[path] = data
        return self._known[path]

    def _note_layers(self, data: bytes) -> None:
        """Remember the sizes of the layers that a manifest names. What isn't a manifest names none."""
        try:
            value = parse_document(
                data, self.name, max_bytes=len(data), max_depth=self._limits.json_depth
            ).value
        except FormatError:
            return
        layers = value.get("layers") if isinstance(value, dict) else None
        for layer in layers if isinstance(layers, list) else []:
            found = layer if isinstance(layer, dict) else {}
            digest, size, kind = (found.get(key) for key in ("digest", "size", "mediaType"))
            if not (isinstance(digest, str) and isinstance(size, int) and isinstance(kind, str)):
                continue
            if is_tar_layer(kind):
                self._layers[f"blobs/{digest.replace(':', '/', 1)}"] = size

    def _run(self, arguments: list[str], most: int) -> bytes | None:
        """What `ctr` writes, up to a byte more than `most`; None if it doesn't know what it is asked for."""
        with tempfile.TemporaryFile() as errors:
            try:
                child = subprocess.Popen(
                    [*self._command, *arguments],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=errors,
                )
            except OSError as error:
                raise SourceUnavailable(f"the ctr command does not run: {reason(error)}") from None
            assert child.stdout is not None
            with child:
                data = child.stdout.read(most + 1)
                if len(data) > most:
                    child.kill()
                    return data
            if child.returncode == 0:
                return data
            said = _said(errors)
        if _MISSING in said:
            return None
        words = " ".join(said.decode("utf-8", "replace").split())[:400]
        raise SourceUnavailable(f"ctr could not read the image: {words}")


def _said(errors: IO[bytes]) -> bytes:
    errors.seek(0)
    return errors.read(_ERROR_BYTES)
