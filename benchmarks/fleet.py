"""Ten thousand images without a registry: rows of invented layers through the fleet's own writer, and each question's time.

    python benchmarks/fleet.py make DIR [--scale 1.0]     100 million file rows at scale 1
    python benchmarks/fleet.py ask DIR                    each report and query, with its time, CPU time, and memory

A scale of 1 has 10,000 images on 40 bases, 60,000 layers, and 100,000,000 files. Three quarters of all files have content that
another layer has, too. The same seed makes the same fleet.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import subprocess
import sys
import time
from collections.abc import Iterator

import pyarrow as pa

from layerscope.fleet.compaction import compact
from layerscope.fleet.folder import locked
from layerscope.fleet.image_rows import chains
from layerscope.fleet.layer_rows import contents_of
from layerscope.fleet.tables import HASH, SCHEMAS, table_of
from layerscope.fleet.writer import Writer

IMAGES, LAYERS, FILES, BASES = 10_000, 60_000, 100_000_000, 40
POOL = 400_000
"""Different paths. Layers take runs of them."""
KINDS = ("file", "directory", "symlink")
WASTE = ("deleted", "overwritten", "metadata_only")


def digest(number: int) -> str:
    return f"sha256:{number:064x}"


class Maker:
    """Makes the rows of layers and images from a seed."""

    def __init__(self, scale: float) -> None:
        self.random = random.Random(13)
        self.images = max(BASES + 1, int(IMAGES * scale))
        self.layers = max(self.images * 2, int(LAYERS * scale))
        self.files = int(FILES * scale)
        self.sizes: dict[int, int] = {}
        self.per_layer = self.files // self.layers
        words = ("usr", "lib", "share", "python3", "site-packages", "node_modules", "doc", "bin")
        self.paths = pa.array(
            [
                f"/{words[n % 8]}/{words[n // 8 % 8]}/{words[n // 64 % 8]}-{n // 512 % 97}/file-{n:x}.py"
                for n in range(POOL)
            ],
            pa.string(),
        )
        self.common = self.random.randbytes(16 * max(1000, self.files // 16))
        """Hashes that several layers have."""

    def layer(self, number: int) -> dict[str, pa.Table]:
        """The rows of one layer."""
        count = self.random.randint(self.per_layer // 4, self.per_layer * 7 // 4)
        start = self.random.randrange(POOL - count)
        shared = count * 3 // 4
        at = self.random.randrange(len(self.common) // 16 - shared)
        hashes = self.common[at * 16 : (at + shared) * 16] + self.random.randbytes(
            (count - shared) * 16
        )
        # A content has one size, so the size comes from the hash.
        sizes = [64 + 97 * byte for byte in hashes[::16]]
        diff_id = digest(number)
        columns = [
            pa.DictionaryArray.from_arrays(zeros(count), pa.array([diff_id])),
            self.paths.slice(start, count),
            pa.DictionaryArray.from_arrays(zeros(count), pa.array(KINDS)),
            pa.array(sizes, pa.int64()),
            pa.ExtensionArray.from_storage(
                HASH, pa.Array.from_buffers(pa.binary(16), count, [None, pa.py_buffer(hashes)])
            ),
        ]
        files = pa.table(columns, schema=SCHEMAS["files"])
        content = sum(sizes)
        row = {
            "diff_id": diff_id, "digest": digest(number + (1 << 200)), "compressed": content // 3,
            "tar": content + 1024 * count, "content": content, "entries": count, "stored": content // 3,
            "compression": "gzip", "files": count,
        }  # fmt: skip
        self.sizes[number] = content
        packages = [
            {"diff_id": diff_id, "type": "deb", "name": f"lib{(number * 7 + n) % 3000}", "version": f"1.{number % 5}",
             "content": content // 20, "files": count // 20}
            for n in range(10)
        ]  # fmt: skip
        return {
            "layers": table_of("layers", [row]),
            "files": files,
            "contents": contents_of(files),
            "packages": table_of("packages", packages),
        }

    def image(self, number: int) -> dict[str, list[dict[str, object]]]:
        """The rows of one image: the layers of a base, and its own."""
        base_layers = 5
        own = (self.layers - BASES * base_layers) // (self.images - BASES)
        first = (number % BASES) * base_layers
        stack = list(range(first, first + base_layers))
        if number >= BASES:
            start = BASES * base_layers + (number - BASES) * own
            stack += range(start, start + own)
        image = digest(number + (1 << 220))
        diff_ids = [digest(each) for each in stack]
        content = sum(self.sizes[each] for each in stack)
        wasted = content // 20 if number % 3 == 0 else 0
        sizes = {"compressed": content // 3, "tar": content * 2, "content": content, "overhead": content,
                 "live": content - wasted, "wasted": wasted}  # fmt: skip
        repository = f"registry.example/team{number % 12}/app{number % 700}"
        return {
            "images": [{
                "reference": f"registry:{repository}:v{number}", "digest": image, "platform": "linux/amd64",
                "created": f"{2015 + number % 10}-{1 + number % 12:02d}-01T00:00:00Z", "base": None, **sizes,
                "efficiency": 0.95, "base_layers": None, "layers": len(stack), "registry": "registry.example",
                "repository": repository, "source": "registry", "config_digest": image, "image": image,
                "target": "registry:registry.example", "root": image, "scan": 1,
            }],
            "image_layers": [
                {"image": image, "index": at, "diff_id": diff_id, "digest": digest(layer + (1 << 200)), "instruction": at,
                 "chain": chain, "media_type": "application/vnd.oci.image.layer.v1.tar+gzip", "stored": self.sizes[layer] // 3,
                 "compressed": self.sizes[layer] // 3, "content": self.sizes[layer], "live": self.sizes[layer], "wasted": 0}
                for at, (layer, diff_id, chain) in enumerate(zip(stack, diff_ids, chains(diff_ids), strict=True))
            ],
            "instructions": [
                {"image": image, "index": at, "keyword": "RUN", "text": f"RUN apt-get install package{layer % 900}", "empty": False,
                 **dict.fromkeys(("compressed", "tar", "content", "overhead", "live", "wasted"), self.sizes[layer] // 2)}
                for at, layer in enumerate(stack)
            ],
            "waste": [
                {"image": image, "kind": kind, "written_by": 1, "wasted_by": 2, "bytes": wasted // 3, "compressed": wasted // 9, "files": 9}
                for kind in WASTE if wasted
            ],
            "advice": [
                {"image": image, "rule": f"rule-{number % 9}", "bytes": wasted // 2, "compressed": wasted // 6, "files": 4,
                 "message": f"Instruction 1: clean up. Saves {wasted // 2}.", "instruction": 1, "diff_id": diff_ids[1]}
            ] if wasted else [],
            "image_packages": [
                {"image": image, "diff_id": diff_ids[n % len(stack)], "type": "deb", "name": f"lib{(number * 3 + n) % 3000}",
                 "version": f"1.{number % 5}", "content": 1000 * n, "live": 1000 * n, "wasted": 0, "files": n, "installed": True,
                 "purl": f"pkg:deb/debian/lib{(number * 3 + n) % 3000}@1.{number % 5}", "path": "/var/lib/dpkg/status"}
                for n in range(150)
            ],
        }  # fmt: skip


def zeros(count: int) -> pa.Array:
    return pa.Array.from_buffers(pa.int32(), count, [None, pa.py_buffer(bytes(4 * count))])


def make(folder: str, scale: float) -> None:
    """Write a fleet, and say how long that took."""
    maker = Maker(scale)
    began = time.perf_counter()
    with locked(folder) as opened:
        writer = Writer(opened)
        for number in range(maker.layers):
            writer.add(maker.layer(number))
            if writer.is_due():
                writer.commit(scan=1)
        for number in range(maker.images):
            writer.add(
                {name: table_of(name, rows) for name, rows in maker.image(number).items() if rows}
            )
        writer.commit(scan=1, complete=True)
        written = time.perf_counter()
        compact(opened)
    done = time.perf_counter()
    sizes = {
        name: sum(
            os.path.getsize(os.path.join(folder, name, part))
            for part in os.listdir(os.path.join(folder, name))
        )
        for name in SCHEMAS
    }
    print(json.dumps({
        "compaction seconds": round(done - written, 1), "files": maker.files, "images": maker.images,
        "layers": maker.layers, "megabytes": {name: round(size / 1e6, 1) for name, size in sizes.items()},
        "memory MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1000, "writing seconds": round(written - began, 1),
    }, indent=1))  # fmt: skip


QUERIES = {
    "files by type": "SELECT type, count(*), sum(size) FROM files GROUP BY type",
    "files of an image": "SELECT count(*) FROM image_layers JOIN files USING (diff_id) WHERE image ="
    " (SELECT min(image) FROM images)",
    "files with a name": "SELECT count(*), count(DISTINCT diff_id) FROM files WHERE path LIKE '%/file-abc.py'",
    "most stored contents": "SELECT hash, size, copies FROM contents ORDER BY size * (copies - 1) DESC LIMIT 10",
    "duplicates from the rows of files": "SELECT count(*), sum(size * (n - 1)) FROM (SELECT hash, any_value(size) AS size,"
    " count(*) AS n FROM files WHERE size > 0 GROUP BY hash HAVING count(*) > 1)",
}


def ask(folder: str) -> None:
    """Each report and query in a process of its own."""
    for name, arguments in asked(folder):
        began = time.perf_counter()
        code = (
            "import resource, sys; from layerscope.cli.main import main; code = main(sys.argv[1:]);"
            "used = resource.getrusage(resource.RUSAGE_SELF);"
            "print(used.ru_utime + used.ru_stime, used.ru_maxrss, file=sys.stderr); sys.exit(code)"
        )
        done = subprocess.run(
            [sys.executable, "-c", code, "fleet", *arguments],
            capture_output=True,
            text=True,
            check=False,
        )
        seconds = time.perf_counter() - began
        if done.returncode:
            print(f"{name:36} {done.stderr}", flush=True)
            continue
        processor, memory = done.stderr.split()[-2:]
        print(
            f"{name:36} {seconds:6.1f} s  {float(processor):6.1f} CPU s  {int(memory) // 1000} MB",
            flush=True,
        )


def asked(folder: str) -> Iterator[tuple[str, list[str]]]:
    for name in ("text", "json", "html"):
        yield f"report as {name}", ["report", folder, "--format", name]
    for name, sql in QUERIES.items():
        yield name, ["query", folder, sql]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["make", "ask"])
    parser.add_argument("folder")
    parser.add_argument("--scale", type=float, default=1.0)
    given = parser.parse_args()
    if given.what == "make":
        make(given.folder, given.scale)
    else:
        ask(given.folder)


if __name__ == "__main__":
    main()
