"""Indexes of layers by digest, for all images of a run and, with a cache, of all runs.

An index is stored under a digest only if it was read from bytes with that digest. So an image that lies about its layers
never changes the report of another one. The digest is that of the blob that was read, compressed or not. If a blob's tar
was checked against its diff_id, the index is also found by diff_id, so one compression of a layer serves all others.
An engine computes its diff_ids from the layers themselves, so they count as checked: for all images if the engine is on
this machine, and otherwise for that engine's own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace

from layerscope.cache.folder import CacheFolder
from layerscope.cache.kept import Kept, from_value, to_value
from layerscope.image.blob import HasHead, StoredBlob
from layerscope.image.digest import Digest
from layerscope.image.image import LOCAL_ENGINE, Layer
from layerscope.image.media_type import compression_of
from layerscope.layers.compression import sniff, sniff_head
from layerscope.layers.header import BLOCK_SIZE
from layerscope.layers.known import KnownLayer
from layerscope.layers.layer_index import LayerIndex
from layerscope.layers.reader import StoredLayer, Verify, can_seek, is_verified, reads_headers_alone
from layerscope.layers.secret_search import is_searched
from layerscope.limits import Limits


class Shelf:
    """Finds layers that were read before; see `layerscope.layers.known.KnownLayers`.

    Without a `folder` it holds what this run read. `proves` compares every tar with its diff_id, so that a compressed
    layer serves the same layer of an engine, too. One thread at a time.
    """

    def __init__(self, folder: CacheFolder | None = None, *, proves: bool = False) -> None:
        self.folder = folder
        self.proves = proves
        self._kept: dict[str, Kept] = {}
        self._blobs: dict[str, str] = {}

    # Lookup

    def find(
        self, layer: Layer, *, verify: Verify, limits: Limits, all_secrets: bool = False
    ) -> KnownLayer | None:
        """The layer as reading its blob would give it; None if it isn't known, or is as quick to read."""

        def fits(kept: Kept) -> bool:
            return kept.fits(limits) and is_searched(kept.index, limits, everything=all_secrets)

        blob = layer.blob
        if blob is None:
            return None
        if can_seek(blob) and layer.vouched_by is None and sniff(blob) == "none":
            return None
        if layer.digest is not None:
            kept = self._get(_layer(layer.digest))
            if kept is not None and fits(kept) and _is(kept, layer, blob, verify):
                return _known(kept, layer, blob, kept.compression, verify)
        if layer.diff_id is None or compression_of(layer.media_type) in ("gzip", "zstd"):
            return None
        candidates = [kept for kept in self._by_diff_id(layer) if fits(kept)]
        if not candidates or _compression(blob) != "none":
            # Another blob of the same tar may be known, but not what its files cost in compressed bytes.
            return None
        skips = reads_headers_alone(blob, "none", verify)
        for kept in candidates:
            if kept.hashed or skips:
                tar = replace(kept, index=kept.index.of_tar(), notes=())
                return _known(tar, layer, blob, "none", verify)
        return None

    def _by_diff_id(self, layer: Layer) -> list[Kept]:
        assert layer.diff_id is not None
        names = [_layer(layer.diff_id)]
        if layer.vouched_by not in (None, LOCAL_ENGINE):
            names.append(_vouched(layer.diff_id, layer.vouched_by or ""))
        found = [self._get(name) for name in names]
        if not any(kept is not None and kept.hashed for kept in found):
            pointer = self._pointer(layer.diff_id)
            kept = None if pointer is None else self._get(pointer)
            found.append(kept if kept is not None and kept.diff_id == layer.diff_id else None)
        return [kept for kept in found if kept is not None]

    def _get(self, name: str) -> Kept | None:
        kept = self._kept.get(name)
        if kept is None and self.folder is not None:
            value = self.folder.read(name)
            kept = None if value is None else from_value(value)
            if kept is not None:
                self._kept[name] = kept
            elif value is not None:
                self.folder.remove(name)
        return kept

    def _pointer(self, diff_id: Digest) -> str | None:
        """The name of the stored blob that unpacks to a tar with this digest."""
        name = _tar(diff_id)
        found = self._blobs.get(name)
        if found is None and self.folder is not None:
            value = self.folder.read(name)
            found = None if value is None else value.decode("ascii", "replace")
        return found

    # Keeping

    def keep(self, layer: Layer, known: KnownLayer, *, limits: Limits) -> None:
        """Store what was read from a layer, under the digests that its bytes are known to have."""
        stored = known.stored
        kept = Kept(
            index=replace(stored.index, diff_id=None),
            compression=stored.compression,
            size=stored.blob.size,
            diff_id=layer.diff_id if layer.diff_id in stored.proven else None,
            notes=stored.own_notes,
            hashed=stored.hashed,
            spent=known.spent,
            limits=limits,
        )
        if stored.compression == "none":
            name = self._name_of_plain(layer, kept)
            if name is not None:
                self._put(name, kept)
        elif layer.digest is not None and layer.digest in stored.proven:
            name = _layer(layer.digest)
            self._put(name, kept)
            if kept.diff_id is not None:
                self._point(kept.diff_id, name)
        elif kept.diff_id is not None and stored.tar_size is not None:
            # The blob's own digest is unknown, so the tar's is used.
            plain = replace(
                kept,
                index=kept.index.of_tar(),
                compression="none",
                size=stored.tar_size,
                notes=(),
            )
            self._put(_layer(kept.diff_id), plain)

    def _name_of_plain(self, layer: Layer, kept: Kept) -> str | None:
        if kept.diff_id is not None:
            return _layer(kept.diff_id)
        return self._name_of_vouched(layer)

    def _name_of_vouched(self, layer: Layer) -> str | None:
        if layer.diff_id is None or layer.vouched_by is None:
            return None
        if layer.vouched_by == LOCAL_ENGINE:
            return _layer(layer.diff_id)
        return _vouched(layer.diff_id, layer.vouched_by)

    def _put(self, name: str, kept: Kept) -> None:
        before = self._get(name)
        if (
            before is not None
            and before.hashed >= kept.hashed
            and before.fits(kept.limits)
            and _says_no_less(before.index, kept.index)
        ):
            return
        self._kept[name] = kept
        if self.folder is not None:
            self.folder.write(name, to_value(kept))

    def _point(self, diff_id: Digest, name: str) -> None:
        if self._pointer(diff_id) != name:
            self._blobs[_tar(diff_id)] = name
            if self.folder is not None:
                self.folder.write(_tar(diff_id), name.encode("ascii"))

    def add_hashes(self, layer: Layer, hashes: Mapping[int, bytes]) -> None:
        """Store content hashes, by member position, that were computed after a layer was indexed."""
        name = self._name_of_vouched(layer)
        kept = None if name is None else self._get(name)
        if name is None or kept is None or kept.hashed:
            return
        index = kept.index.with_hashes(hashes)
        if index.marks == kept.index.marks:
            return
        self._kept[name] = kept = replace(kept, index=index)
        if self.folder is not None:
            self.folder.write(name, to_value(kept))


def _says_no_less(before: LayerIndex, index: LayerIndex) -> bool:
    """Whether an index tells at least as much of secrets."""
    old, new = before.secrets, index.secrets
    return new is None or (
        old is not None and old.serves(new.rules, new.most, everything=new.everything)
    )


def _is(kept: Kept, layer: Layer, blob: StoredBlob, verify: Verify) -> bool:
    """Whether a blob with the right digest matches what the image says about it, so that reading it would succeed."""
    return (
        kept.size == blob.size
        and kept.diff_id in (None, layer.diff_id)
        and (not can_seek(blob) or sniff(blob) == kept.compression)
        and (kept.hashed or reads_headers_alone(blob, kept.compression, verify))
    )


def _known(
    kept: Kept, layer: Layer, blob: StoredBlob, compression: str, verify: Verify
) -> KnownLayer:
    stored = StoredLayer(
        blob=blob,
        index=replace(kept.index, diff_id=layer.diff_id),
        compression=compression,
        compressed_size=None if compression == "none" else blob.size,
        verified=is_verified(blob, compression, (layer.digest, layer.diff_id), verify),
        own_notes=kept.notes,
        hashed=kept.hashed,
    )
    return KnownLayer(stored, kept.spent)


def _compression(blob: StoredBlob) -> str:
    """The compression, read from as few bytes of the blob as its source can send."""
    if isinstance(blob, HasHead):
        return sniff_head(blob.head(BLOCK_SIZE), blob.name)
    return sniff(blob)


def _layer(digest: Digest) -> str:
    return f"layer-{digest.algorithm}-{digest.hex}"


def _tar(diff_id: Digest) -> str:
    return f"tar-{diff_id.algorithm}-{diff_id.hex}"


def _vouched(diff_id: Digest, engine: str) -> str:
    return f"vouched-{hashlib.sha256(f'{engine} {diff_id}'.encode()).hexdigest()}"
