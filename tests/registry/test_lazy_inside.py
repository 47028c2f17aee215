"""`--lazy` finds the packages inside programs and archives, and fetches only the parts that tell of them."""

from __future__ import annotations

import json
import random
import zlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from layerscope.errors import DigestMismatch
from layerscope.layers.lazy import inside
from layerscope.limits import DEFAULT_LIMITS
from tests.builder import File
from tests.builder.chunked import estargz, zstd_chunked
from tests.packages.test_inside_files import build_info, elf, jar, pom
from tests.packages.test_yarn import packed
from tests.registry.server import Registry
from tests.registry.test_lazy import (
    FULL,
    LAZY,
    PACKERS,
    image_of,
    parts,
    report,
    whole_layers,
    without_costs,
)
from tests.registry.test_pull import clean_environment

__all__ = ["clean_environment"]

CRATES = {"packages": [{"name": "app", "version": "1.2.0", "root": True}]}
RUST = zlib.compress(json.dumps(CRATES).encode())
NOISE = random.Random(8).randbytes(3_000_000)


def program(section: bytes, data: bytes, size: int) -> File:
    """A program with so many bytes of code around its package data."""
    half = size // 2
    return File(
        elf({b".text": NOISE[:half], section: data, b".rodata": NOISE[half:size]}), mode=0o755
    )


FILES: dict[str, Any] = {
    "bin/go": program(b".go.buildinfo", build_info(), 60_000),
    "bin/rust": program(b".dep-v0", RUST, 60_000),
    "bin/script": File(b"#!/bin/sh\n" + b"# x\n" * 10_000, mode=0o755),
    "bin/plain": program(b".data", b"x", 60_000),
    "srv/tool-1.0.jar": jar({**pom("org.example", "tool", "1.0"), "a.class": NOISE[:90_000]}),
    "srv/.yarn/cache/lodash-npm-4.17.21-6382451519-eb835a2e51.zip": packed("lodash"),
    "srv/.yarn/cache/@types-node-npm-20.1.0-6382451519-eb835a2e51.zip": packed("@types/node"),
}
LARGE: dict[str, Any] = {
    "bin/go": program(b".go.buildinfo", build_info(), 2_900_000),
    "srv/tool-1.0.jar": jar({"a.class": NOISE, **pom("org.example", "tool", "1.0")}),
}


@pytest.fixture
def registry() -> Iterator[Registry]:
    with Registry() as served:
        yield served


def both(registry: Registry) -> tuple[dict[str, Any], dict[str, Any]]:
    full = report(registry.name(), FULL)
    registry.asked.clear()
    return full, report(registry.name(), LAZY)


@pytest.mark.parametrize("name", PACKERS)
@pytest.mark.parametrize("files", [FILES, LARGE], ids=["small", "large"])
def test_packages_inside_files_equal_the_full_reading(
    registry: Registry, name: str, files: dict[str, Any]
) -> None:
    registry.add(image_of(PACKERS[name], files))
    full, lazy = both(registry)
    types = {row["type"] for row in full["packages"]["largest"]}
    assert types >= ({"golang", "cargo", "maven", "npm"} if files is FILES else {"golang", "maven"})
    assert without_costs(lazy["packages"]) == without_costs(full["packages"])
    assert lazy["packages"]["unreadable"] == []
    assert not whole_layers(registry)


def test_only_some_chunks_of_a_large_program_are_fetched(registry: Registry) -> None:
    files = {"bin/go": LARGE["bin/go"]}
    registry.add(image_of(lambda data: estargz(data, chunk=100_000), files))
    _, lazy = both(registry)
    assert lazy["packages"]["count"] > 0
    assert parts(registry) < 1_000_000


def test_a_large_chunk_is_not_fetched_for_a_few_bytes(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inside, "_MOST_CHUNK", 1_000_000)
    registry.add(image_of(estargz, {"bin/go": LARGE["bin/go"], "srv/a.jar": jar({})}))
    _, lazy = both(registry)
    assert lazy["packages"]["unreadable"] == ["cargo", "golang"]
    assert parts(registry) < 500_000


@pytest.mark.parametrize(("requests", "most"), [(1, 1 << 26), (128, 150_000)])
def test_what_would_take_too_much_is_said_to_be_missing(
    registry: Registry, monkeypatch: pytest.MonkeyPatch, requests: int, most: int
) -> None:
    monkeypatch.setattr(inside, "MOST_REQUESTS", requests)
    limits = replace(DEFAULT_LIMITS, database_bytes=most)
    others = {f"bin/{n}": program(b".data", b"x", 1_500_000 + n) for n in range(4)}
    registry.add(image_of(lambda data: estargz(data, chunk=100_000), {**others, **LARGE}))
    full, lazy = (report(registry.name(), replace(each, limits=limits)) for each in (FULL, LAZY))
    assert {"cargo", "golang"} <= set(lazy["packages"]["unreadable"])
    codes = {each["code"] for each in lazy["notes"]}
    assert "packages-not-read" in codes
    for document in (full, lazy):
        packages = document["packages"]
        for size in ("content", "live", "wasted"):
            assert packages["owned"][size] + packages["unowned"][size] == document["sizes"][size]


def test_databases_count_toward_what_may_be_fetched(registry: Registry) -> None:
    registry.add(image_of(zstd_chunked, FILES))
    options = replace(LAZY, limits=replace(DEFAULT_LIMITS, database_bytes=20_000))
    lazy = report(registry.name(), options)
    assert lazy["packages"]["unreadable"] == ["cargo", "golang", "maven"]
    assert {row["type"] for row in lazy["packages"]["largest"]} == {"npm"}


@pytest.mark.parametrize("pack", [estargz, zstd_chunked])
def test_a_chunk_of_a_program_with_other_bytes_is_refused(registry: Registry, pack: Any) -> None:
    def other(rows: list[dict[str, Any]]) -> None:
        for row in rows:
            for key in ("chunkDigest", "digest"):
                if row.get("name") == "bin/go" and key in row:
                    row[key] = "sha256:" + "0" * 64

    files = {"bin/go": LARGE["bin/go"]}
    registry.add(image_of(lambda data: pack(data, edit=other), files))
    with pytest.raises(DigestMismatch):
        report(registry.name(), LAZY)
