"""Tables of contents that lie: the layer is read some other way, refused in one line, or its sums still close."""

from __future__ import annotations

import random
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

import layerscope
from layerscope.errors import LayerscopeError
from layerscope.options import ReadOptions
from tests.builder import ImageBuilder, oci
from tests.builder.chunked import estargz, zstd_chunked
from tests.effort import seeds
from tests.registry.test_lazy import PACKAGED

_KEYS = ("offset", "innerOffset", "endOffset", "chunkOffset", "chunkSize", "size")
_TEXTS = ("digest", "chunkDigest", "type", "name", "linkName", "chunkType")


def spoiled(rows: list[dict[str, Any]], source: random.Random) -> None:
    """Change some facts of a table."""
    for _ in range(source.randint(1, 5)):
        row = source.choice(rows)
        other = source.choice(rows)
        key = source.choice((*_KEYS, *_TEXTS))
        kind = source.randrange(6)
        if kind == 0:
            row.pop(key, None)
        elif kind == 1 and key in other:
            row[key] = other[key]
        elif kind == 2 and isinstance(row.get(key), int):
            row[key] = max(0, row[key] + source.choice((-1000, -1, 1, 512, 70_000)))
        elif kind == 3:
            row[key] = source.choice((0, 1, 1 << 40, -1, "", "x", None))
        elif kind == 4:
            rows.insert(source.randrange(len(rows)), dict(other))
        else:
            rows.remove(row)
            rows.append(row)


@pytest.mark.random
@pytest.mark.parametrize("seed", seeds(6))
@pytest.mark.parametrize("form", ["estargz", "shared", "zstd"])
def test_a_table_that_lies_is_refused_or_its_sums_close(
    seed: int, form: str, tmp_path: Path
) -> None:
    source = random.Random(f"{seed} {form}")
    (members, *_) = PACKAGED
    tar = ImageBuilder().layer(members).build().layers[0].tar

    def edit(rows: list[dict[str, Any]]) -> None:
        spoiled(rows, source)

    for number in range(12):
        if form == "zstd":
            made = zstd_chunked(tar, edit=edit, split=source.random() < 0.5)
        else:
            made = estargz(tar, chunk=50_000, shared=4000 if form == "shared" else 0, edit=edit)
        image = ImageBuilder("app:1").chunked_layer(made, "RUN a").build()
        path = tmp_path / f"{number}.tar"
        oci([image]).write(path)
        options = ReadOptions(lazy=True, cache=False)
        with suppress(LayerscopeError), layerscope.read(f"oci-archive:{path}", options) as read:
            sizes, packages = read.sizes, read.facts.packages
            assert sizes.live + sizes.wasted == sizes.content
            assert packages is not None
            assert packages.owned.content + packages.unowned.content == sizes.content
            if sizes.compressed_live is not None:
                assert sizes.compressed is not None
                assert sizes.compressed_overhead is not None
                assert sizes.compressed_overhead >= 0
                assert sizes.compressed_live >= 0
