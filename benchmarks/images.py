#!/usr/bin/env python3
"""Creates the images for the benchmarks: ``python3 benchmarks/images.py [NAME...]`` (as root, on Debian 12).

They are kept in ``$LAYERSCOPE_BENCH_CACHE``, by default ``~/.cache/layerscope-bench``. Existing ones are not created again.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import random
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.engines.engine import DockerEngine

EPOCH = 1_700_000_000
MB = 10**6
BLOCK = 512

# Layers of the real images: folder, entries, share of their bytes, names of subfolders.
LAYERS = (
    ("usr/lib/x86_64-linux-gnu", 9_000, 0.30, "gconv perl gcc python3 girepository systemd"),
    ("usr/share", 13_000, 0.12, "doc man locale zoneinfo icons perl mime"),
    (
        "usr/local/lib/python3.11",
        11_000,
        0.18,
        "asyncio email encodings test unittest idlelib lib2to3",
    ),
    (
        "usr/local/lib/python3.11/site-packages",
        15_500,
        0.28,
        "numpy pandas scipy sklearn django sqlalchemy",
    ),
    ("srv/app", 5_200, 0.12, "node_modules static templates api models"),
)
CONTENT = 2_030 * MB
LARGE = 22  # files of tens of megabytes
BYTECODE = 4_600  # files that a later layer deletes one by one, below site-packages
MESSAGES = 1_250  # and below usr/share


def cache() -> Path:
    """The folder for the images."""
    name = os.environ.get("LAYERSCOPE_BENCH_CACHE")
    return Path(name) if name else Path.home() / ".cache" / "layerscope-bench"


class Pool:
    """64 MB of data, two thirds text and one third machine code. Files are slices of it, which gzip compresses to 40 %."""

    def __init__(self) -> None:
        source = random.Random("pool")
        words = [
            "".join(source.choices("etaoinshrdlu", k=source.randint(2, 9))) for _ in range(4000)
        ]
        parts: list[bytes] = []
        size = 0
        while size < 64 * MB:
            text = " ".join(source.choices(words, k=3000)).encode()
            runs = [source.randbytes(48) for _ in range(16)]
            code = b"".join(source.randbytes(20) + source.choice(runs) for _ in range(150))
            parts += [text, code]
            size += len(text) + len(code)
        self.data = b"".join(parts)

    def slice(self, source: random.Random, size: int) -> memoryview:
        start = source.randrange(len(self.data) - min(size, len(self.data) - 1))
        return memoryview(self.data)[start : start + size]


def sizes(source: random.Random, count: int, total: int, large: int) -> list[int]:
    """``count`` sizes that add up to about ``total``: most are a few kB, ``large`` of them tens of MB."""
    big = [source.randint(10, 34) * MB for _ in range(large)]
    small = [source.lognormvariate(8.3, 1.8) for _ in range(count - large)]
    scale = max(total - sum(big), 0) / sum(small)
    found = [int(size * scale) for size in small] + big
    source.shuffle(found)
    return found


def write_layer(pool: Pool, path: Path, layer: int) -> None:
    """Write the tar that is added as one layer."""
    folder, count, share, names = LAYERS[layer]
    source = random.Random(f"layer {layer}")
    doomed = {1: (MESSAGES, "LC_MESSAGES"), 3: (BYTECODE, "__pycache__")}.get(layer, (0, ""))
    with tarfile.open(path, "w", format=tarfile.GNU_FORMAT) as tar:

        def add_folder(name: str) -> None:
            member = tarfile.TarInfo(name)
            member.type, member.mode, member.mtime = tarfile.DIRTYPE, 0o755, EPOCH
            tar.addfile(member)

        folders = []
        for number in range(count // 12):
            branch = source.choice(names.split())
            folders.append(f"{folder}/{branch}/{number:04x}")
        for name in names.split():
            add_folder(f"{folder}/{name}")
        for name in folders:
            add_folder(name)
        # The files to delete are spread over many folders, like bytecode.
        for name in folders[: 120 if doomed[0] else 0]:
            add_folder(f"{name}/{doomed[1]}")
        for number, size in enumerate(
            sizes(source, count - len(folders), int(CONTENT * share), int(LARGE * share))
        ):
            place = source.choice(folders)
            name = f"{place}/{''.join(source.choices('abcdefghiklmnoprstuvw_', k=source.randint(4, 14)))}{number:05}.{'so' if size > MB else 'py'}"
            if number < doomed[0]:
                name = f"{folders[number % 120]}/{doomed[1]}/module{number:05}.cpython-311.pyc"
                size = min(size, 40_000)
            member = tarfile.TarInfo(name)
            member.mtime, member.mode = EPOCH + number, 0o644
            tarred = _content(pool, source, size)
            member.size = len(tarred)
            tar.addfile(member, io.BytesIO(tarred))


def _content(pool: Pool, source: random.Random, size: int) -> bytes:
    return b"".join(_pieces(pool, source, size))


def _pieces(pool: Pool, source: random.Random, size: int) -> Iterator[memoryview]:
    while size > 0:
        piece = pool.slice(source, min(size, 1 << 20))
        size -= len(piece)
        yield piece


def real_images(folder: Path) -> None:
    """Build ``whiteouts`` and ``plain`` with Docker 20.10, as docker-archive and as oci-archive with gzip layers."""
    pool = Pool()
    with tempfile.TemporaryDirectory(dir=folder) as name, DockerEngine() as engine:
        context = Path(name)
        engine.import_busybox()
        adds = []
        for layer in range(len(LAYERS)):
            write_layer(pool, context / f"layer{layer}.tar", layer)
            adds.append(f"ADD layer{layer}.tar /\n")
        (context / "more").mkdir()
        for number in range(BYTECODE + MESSAGES):
            (context / "more" / f"{number:04}.txt").write_bytes(
                pool.slice(random.Random(number), 800)
            )
        delete = "RUN find /{} -path '*/{}/*' -type f -exec rm -f {{}} +\n"
        scripts = {
            "whiteouts": [
                delete.format(LAYERS[3][0], "__pycache__"),
                delete.format(LAYERS[1][0], "LC_MESSAGES"),
            ],
            "plain": ["COPY more /opt/more/\n", "COPY more/0001.txt /opt/last.txt\n"],
        }
        (context / ".dockerignore").write_text("*.oci.tar\n")
        for image, (first, second) in scripts.items():
            text = f'FROM busybox\n{"".join(adds[:4])}{first}{adds[4]}{second}CMD ["python3"]\n'
            (context / f"{image}.Dockerfile").write_text(text)
            engine.build(
                context, f"{image}:latest", buildkit=False, dockerfile=f"{image}.Dockerfile"
            )
            partial = folder / "partial.tar"
            engine.save(f"{image}:latest", partial).rename(folder / f"{image}.docker.tar")
            where = [
                f"docker-archive:{folder / f'{image}.docker.tar'}",
                f"oci-archive:{partial}:latest",
            ]
            subprocess.run(["skopeo", "copy", "-q", *where], check=True)
            partial.rename(folder / f"{image}.oci.tar")


def header(name: str, size: int, kind: bytes = b"0") -> bytes:
    """A ustar header block. Sizes of 8 GiB and more are in base-256."""
    field = b"%011o\0" % size if size < 8 << 30 else b"\x80" + size.to_bytes(11, "big")
    path = name.encode()
    start = path.ljust(100, b"\0") + b"0000644\0" + b"0000000\0" * 2 + field + b"%011o\0" % EPOCH
    end = kind + bytes(100) + b"ustar\x0000" + bytes(32 + 32 + 16 + 155 + 12)
    checksum = sum(start) + sum(end) + 8 * 32
    return start + b"%06o\0 " % checksum + end


class Digesting:
    """A file that is written once and hashed on the way. Runs of zeros become holes."""

    def __init__(self, path: Path) -> None:
        self.file = path.open("wb")
        self.digest = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes) -> None:
        self.digest.update(data)
        self.file.write(data)
        self.size += len(data)

    def zeros(self, count: int) -> None:
        block = bytes(1 << 20)
        self.size += count
        self.file.seek(count, os.SEEK_CUR)
        while count > 0:
            self.digest.update(memoryview(block)[: min(count, len(block))])
            count -= len(block)

    def close(self) -> str:
        self.file.truncate(self.size)
        self.file.close()
        return self.digest.hexdigest()


def config(diff_ids: list[str]) -> bytes:
    """An image configuration with one entry of history for each layer."""
    document = {
        "architecture": "amd64",
        "os": "linux",
        "config": {},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}" for digest in diff_ids]},
        "history": [
            {"created_by": f"RUN /bin/sh -c make layer{n} # buildkit"} for n in range(len(diff_ids))
        ],
    }
    return json.dumps(document).encode()


def docker_archive(path: Path, layers: list[tuple[Path, str]]) -> None:
    """A docker-archive of uncompressed layers, each given with its digest. Holes stay holes."""
    document = config([digest for _, digest in layers])
    names = [f"{digest}.tar" for _, digest in layers]
    manifest = [
        {
            "Config": "config.json",
            "RepoTags": [f"{path.name.split('.')[0]}:latest"],
            "Layers": names,
        }
    ]
    partial = path.with_name("partial.tar")
    with partial.open("wb") as output:

        def add(name: str, data: bytes) -> None:
            output.write(header(name, len(data)) + data + bytes(-len(data) % BLOCK))

        add("manifest.json", json.dumps(manifest).encode())
        add("config.json", document)
        for (layer, _), name in zip(layers, names, strict=True):
            size = layer.stat().st_size
            output.write(header(name, size))
            output.flush()
            where = [
                "dd",
                f"if={layer}",
                f"of={partial}",
                "bs=512",
                f"seek={output.tell() // BLOCK}",
            ]
            subprocess.run(
                [*where, "conv=sparse,notrunc", "status=none", "iflag=fullblock"], check=True
            )
            output.seek(size, os.SEEK_CUR)
        output.seek(2 * BLOCK, os.SEEK_CUR)
        output.truncate(output.tell())
    partial.rename(path)


def oci_archive(path: Path, layers: list[tuple[Path, str]]) -> None:
    """An oci-archive of the layers, gzipped."""
    with tempfile.TemporaryDirectory(dir=path.parent) as name:
        root = Path(name)
        blobs = root / "blobs" / "sha256"
        blobs.mkdir(parents=True)

        def put(data: bytes, media_type: str) -> dict[str, object]:
            digest = hashlib.sha256(data).hexdigest()
            (blobs / digest).write_bytes(data)
            return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(data)}

        kind = "application/vnd.oci.image"
        described = []
        for layer, _ in layers:
            compressed = root / "layer.gz"
            with compressed.open("wb") as output:
                subprocess.run(["igzip", "-1", "-c", layer], stdout=output, check=True)
            with compressed.open("rb") as stored:
                digest = hashlib.file_digest(stored, "sha256").hexdigest()
            size = compressed.stat().st_size
            compressed.rename(blobs / digest)
            described.append(
                {
                    "mediaType": f"{kind}.layer.v1.tar+gzip",
                    "digest": f"sha256:{digest}",
                    "size": size,
                }
            )
        manifest = {
            "schemaVersion": 2,
            "mediaType": f"{kind}.manifest.v1+json",
            "config": put(config([digest for _, digest in layers]), f"{kind}.config.v1+json"),
            "layers": described,
        }
        entry = put(json.dumps(manifest).encode(), f"{kind}.manifest.v1+json")
        entry["annotations"] = {"org.opencontainers.image.ref.name": "latest"}
        (root / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [entry]}))
        (root / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
        partial = path.with_name("partial.tar")
        subprocess.run(
            ["tar", "-cf", partial, "-C", root, "blobs", "index.json", "oci-layout"], check=True
        )
        partial.rename(path)


def big_layers(folder: Path) -> None:
    """Images with one layer of 100 MB and of 10 GB, 1,000 files each, as docker-archive and as oci-archive."""
    for name, total in (("layer100mb", 100 * MB), ("layer10gb", 10_000 * MB)):
        layer = folder / f"{name}.partial"
        output = Digesting(layer)
        for number in range(1000):
            size = total // 1000 - BLOCK
            output.write(header(f"data/{number:04}.bin", size))
            output.zeros(size + -size % BLOCK)
        output.zeros(2 * BLOCK)
        digest = output.close()
        docker_archive(folder / f"{name}.docker.tar", [(layer, digest)])
        oci_archive(folder / f"{name}.oci.tar", [(layer, digest)])
        layer.unlink()


def million(folder: Path) -> None:
    """A docker-archive of 1,000,000 entries in four layers."""
    layers = []
    for number in range(4):
        layer = folder / f"million{number}.partial"
        output = Digesting(layer)
        blocks = []
        for entry in range(250_000):
            if entry % 25 == 0:
                place = f"opt/layer{number}/{entry // 25 // 100:03}/{entry // 25:05}"
                blocks.append(header(f"{place}/", 0, b"5"))
            else:
                size = 100 + entry % 300
                data = b"%08d " % entry * (size // 9 + 1)
                blocks.append(
                    header(f"{place}/file{entry:06}.txt", size) + data[:size].ljust(BLOCK, b"\0")
                )
            if len(blocks) == 1000:
                output.write(b"".join(blocks))
                blocks.clear()
        output.write(b"".join(blocks) + bytes(2 * BLOCK))
        layers.append((layer, output.close()))
    docker_archive(folder / "million.docker.tar", layers)
    for layer, _ in layers:
        layer.unlink()


def split(archive: Path) -> None:
    """Copy the layers of an archive into files, as stored, for tools that don't read images."""
    target = archive.parent / "layers" / archive.stem
    if target.exists():
        return
    partial = target.with_name("partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    with tarfile.open(archive) as tar:
        names = _docker_layers(tar) if archive.stem.endswith(".docker") else _oci_layers(tar)
        for number, name in enumerate(names):
            member = tar.extractfile(name)
            assert member is not None
            with (partial / f"{number:02}").open("wb") as output:
                shutil.copyfileobj(member, output, 1 << 20)
    partial.rename(target)


def _read(archive: tarfile.TarFile, name: str) -> Any:
    member = archive.extractfile(name)
    assert member is not None
    return json.load(member)


def _docker_layers(archive: tarfile.TarFile) -> list[str]:
    return [str(name) for name in _read(archive, "manifest.json")[0]["Layers"]]


def _oci_layers(archive: tarfile.TarFile) -> list[str]:
    def blob(descriptor: dict[str, str]) -> str:
        return "blobs/" + descriptor["digest"].replace(":", "/")

    (entry,) = _read(archive, "index.json")["manifests"]
    return [blob(layer) for layer in _read(archive, blob(entry))["layers"]]


RECIPES: dict[str, tuple[Callable[[Path], None], tuple[str, ...]]] = {
    "real": (real_images, ("whiteouts.docker.tar", "whiteouts.oci.tar", "plain.docker.tar", "plain.oci.tar")),
    "big": (big_layers, ("layer100mb.docker.tar", "layer100mb.oci.tar", "layer10gb.docker.tar", "layer10gb.oci.tar")),
    "million": (million, ("million.docker.tar",)),
}  # fmt: skip


def make(names: list[str], *, quiet: bool = False) -> None:
    """Create the named images that are missing, and list all of them unless ``quiet``."""
    folder = cache()
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        recipe, files = RECIPES[name]
        if not all((folder / file).exists() for file in files):
            recipe(folder)
        for file in files if name != "big" else ():
            split(folder / file)
        for file in () if quiet else files:
            print(f"{folder / file}  {(folder / file).stat().st_size:,}")


if __name__ == "__main__":
    make(sys.argv[1:] or list(RECIPES))
