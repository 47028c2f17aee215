"""The stores that engines keep images in, written from the formats' documentation: all three kinds."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.builder.archive import Archive
from tests.builder.bolt import Tree, Writer
from tests.builder.image import BuiltImage, BuiltLayer

_POLYNOMIAL = 0xD800000000000000
_ONES = (1 << 64) - 1


def _table() -> list[int]:
    table = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = (crc >> 1) ^ (_POLYNOMIAL if crc & 1 else 0)
        table.append(crc)
    return table


_TABLE = _table()


@cache
def crc64(data: bytes) -> bytes:
    """CRC-64 as in ISO 3309, one byte at a time. That is slow, so each content is summed once."""
    crc = _ONES
    for byte in data:
        crc = _TABLE[(crc ^ byte) & 255] ^ (crc >> 8)
    return (crc ^ _ONES).to_bytes(8, "big")


def _pieces(data: bytes) -> Iterator[bytes | tuple[bytes, bytes]]:
    """Bytes of headers and padding, and the name and content of each member; empty contents too."""
    position = 0
    with tarfile.open(
        fileobj=io.BytesIO(data), encoding="utf-8", errors="surrogateescape"
    ) as archive:
        for member in archive:
            size = member.size if member.isreg() else 0
            yield data[position : member.offset_data]
            content = data[member.offset_data : member.offset_data + size]
            yield member.name.encode("utf-8", "surrogateescape"), content
            position = member.offset_data + size
    yield data[position:]
    yield b""


def tar_split(data: bytes) -> bytes:
    """The lines that tar-split writes for a tar, uncompressed."""
    lines = []
    for position, piece in enumerate(_pieces(data)):
        if isinstance(piece, bytes):
            entry: dict[str, object] = {"type": 2, "payload": base64.b64encode(piece).decode()}
        else:
            name, content = piece
            entry = {"type": 1}
            try:
                entry["name"] = name.decode()
            except UnicodeDecodeError:
                entry["name_raw"] = base64.b64encode(name).decode()
            if content:
                entry["size"] = len(content)
            entry["payload"] = base64.b64encode(crc64(content)).decode() if content else None
        entry["position"] = position
        lines.append(json.dumps(entry, separators=(",", ":"), ensure_ascii=False) + "\n")
    return "".join(lines).encode()


def unpack(layer: BuiltLayer, folder: Path) -> None:
    """Write the contents of a layer to a folder, as an engine unpacks them. What has no content is left out."""
    folder.mkdir(parents=True)
    for piece in _pieces(layer.tar):
        if isinstance(piece, bytes) or not piece[1]:
            continue
        path = bytes(folder) + b"/" + piece[0]
        Path(path.rpartition(b"/")[0].decode("utf-8", "surrogateescape")).mkdir(
            parents=True, exist_ok=True
        )
        Path(path.decode("utf-8", "surrogateescape")).write_bytes(piece[1])


def chain_ids(image: BuiltImage) -> list[str]:
    """The chain ID of each layer (opencontainers/image-spec config.md)."""
    chains: list[str] = []
    for layer in image.layers:
        below = f"{chains[-1]} " if chains else ""
        chain = hashlib.sha256(f"{below}{layer.diff_id}".encode()).hexdigest()
        chains.append(f"sha256:{chain}" if below else layer.diff_id)
    return chains


def graph_driver(image: BuiltImage, root: Path) -> None:
    """Docker's overlay2 store with one image, below the folder that `docker info` calls the root."""
    database = root / "image/overlay2"
    config = database / "imagedb/content/sha256" / image.config_digest.removeprefix("sha256:")
    config.parent.mkdir(parents=True)
    config.write_bytes(image.config)
    chains = chain_ids(image)
    for number, (layer, chain) in enumerate(zip(image.layers, chains, strict=True)):
        folder = database / "layerdb/sha256" / chain.removeprefix("sha256:")
        folder.mkdir(parents=True)
        cache_id = hashlib.sha256(f"cache {chain}".encode()).hexdigest()
        (folder / "diff").write_text(layer.diff_id)
        (folder / "cache-id").write_text(cache_id)
        (folder / "size").write_text("0")
        if number:
            (folder / "parent").write_text(chains[number - 1])
        (folder / "tar-split.json.gz").write_bytes(gzip.compress(tar_split(layer.tar)))
        unpack(layer, root / "overlay2" / cache_id / "diff")


def layer_folder(root: Path, chain: str) -> Path:
    """What the database of a graph driver keeps of a layer."""
    return root / "image/overlay2/layerdb/sha256" / chain.removeprefix("sha256:")


def unpacked_folder(root: Path, chain: str) -> Path:
    """The folder that a graph driver unpacked a layer into."""
    return root / "overlay2" / (layer_folder(root, chain) / "cache-id").read_text() / "diff"


def containers_storage(image: BuiltImage, root: Path) -> None:
    """containers/storage with one image, as Podman has it below its graph root. A layer's ID is its chain ID."""
    image_id = image.config_digest.removeprefix("sha256:")
    chains = [chain.removeprefix("sha256:") for chain in chain_ids(image)]
    manifest = json.dumps(
        {
            "schemaVersion": 2,
            "config": {"digest": image.config_digest, "size": len(image.config)},
            "layers": [],
        }
    ).encode()
    images = root / "overlay-images"
    (images / image_id).mkdir(parents=True)
    (images / image_id / "manifest").write_bytes(manifest)
    key = base64.b64encode(image.config_digest.encode()).decode()
    (images / image_id / f"={key}").write_bytes(image.config)
    (images / "images.json").write_text(
        json.dumps([{"id": "0" * 64, "layer": ""}, {"id": image_id, "layer": chains[-1]}])
    )
    layers = root / "overlay-layers"
    layers.mkdir()
    rows = []
    for number, (layer, chain) in enumerate(zip(image.layers, chains, strict=True)):
        row = {"id": chain, "diff-digest": layer.diff_id, "diff-size": len(layer.tar)}
        if number:
            row["parent"] = chains[number - 1]
        rows.append(row)
        (layers / f"{chain}.tar-split.gz").write_bytes(gzip.compress(tar_split(layer.tar)))
        unpack(layer, root / "overlay" / chain / "diff")
    (layers / "layers.json").write_text(json.dumps(rows))


def containerd_root(images: dict[str, dict[str, str]], root: Path, blobs: Archive) -> None:
    """containerd's root: the names and digests of images by namespace, and the blobs of an OCI layout."""
    spaces: dict[bytes, Tree] = {}
    for space, names in images.items():
        rows: dict[bytes, Tree] = {
            name.encode(): {
                b"createdat": b"time",
                b"target": {b"digest": digest.encode(), b"mediatype": b"x", b"size": b"\2"},
            }
            for name, digest in names.items()
        }
        spaces[space.encode()] = {b"images": rows, b"labels": {}}
    database = root / "io.containerd.metadata.v1.bolt/meta.db"
    database.parent.mkdir(parents=True)
    database.write_bytes(Writer().write({b"v1": {**spaces, b"version": b"\4"}}))
    for name in blobs:
        if name.startswith("blobs/") and not name.endswith("/"):
            path = root / "io.containerd.content.v1.content" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(blobs[name])
