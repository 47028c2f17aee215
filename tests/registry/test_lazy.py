"""`--lazy` reads only tables of contents, gives the same numbers as a full reading, and fetches contents by chunk."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import layerscope
from layerscope.errors import DigestMismatch, LayerscopeError, LimitExceeded
from layerscope.filesystem.content import open_content
from layerscope.limits import DEFAULT_LIMITS
from layerscope.options import ReadOptions
from layerscope.report.document.builder import build
from tests.analysis.test_ownership import RELEASE, debian, dist_info
from tests.builder import (
    OPAQUE,
    WHITEOUT,
    BuiltImage,
    Device,
    Directory,
    Fifo,
    File,
    Hardlink,
    ImageBuilder,
    Symlink,
    oci,
)
from tests.builder.chunked import Chunked, estargz, zstd_chunked
from tests.builder.nodes import MemberLike
from tests.cli.conftest import Run, folder, run
from tests.registry.server import Handler, Registry
from tests.registry.test_pull import clean_environment

__all__ = ["clean_environment", "folder", "run"]

FULL = ReadOptions(cache=False)
LAZY = ReadOptions(lazy=True, cache=False)
NOISE = random.Random(7).randbytes(120_000)
BASE = {
    "etc/": Directory(mtime=1700000000),
    "etc/passwd": File(b"root\n", mode=0o644, mtime=1700000001),
    "etc/shadow": File(b"root:*\n", mode=0o4640, uid=1, gid=42),
    "usr/lib/big": File(NOISE, mtime=5),
    "usr/lib/link": Symlink("big"),
    "usr/lib/hard": Hardlink("usr/lib/big"),
    "usr/lib/empty": b"",
    "usr/lib/zeros": bytes(80_000),
    "dev/null": Device(major=1, minor=3),
    "run/fifo": Fifo(),
    "bin/ping": File(b"ping", xattrs={"security.capability": b"\x01\x00\x02\xff"}),
    "srv/" + "deep/" * 40 + "file": b"deep",
    "srv/ümläut": b"name",
    "opt/old/a": b"a" * 900,
    "opt/old/b": b"b" * 800,
}
TOP: list[MemberLike] = [
    ("etc/shadow", File(b"root:*\n", mode=0o600, uid=1, gid=42)),
    ("etc/passwd", File(b"toor\n", mode=0o644, mtime=1700000001)),
    ("usr/lib/big", File(NOISE, mtime=5)),
    ("usr/lib/zeros", File(bytes(80_000))),
    ("opt/old", WHITEOUT),
    ("srv/", OPAQUE),
    ("srv/new", b"new"),
    ("twice", b"first"),
    ("twice", b"second"),
    ("deep/.no.prefetch.landmark", b"mine"),
]
PACKERS: dict[str, Callable[[bytes], Chunked]] = {
    "estargz": estargz,
    "estargz, small chunks": lambda data: estargz(data, chunk=50_000),
    "estargz, shared members": lambda data: estargz(data, chunk=50_000, shared=2_000),
    "estargz of BuildKit": lambda data: estargz(data, keep_end=True),
    "zstd:chunked": zstd_chunked,
    "zstd:chunked of stargz-snapshotter": lambda data: zstd_chunked(
        data, prefix="io.containers.zstd-chunked."
    ),
}


def image_of(pack: Callable[[bytes], Chunked], *layers: Any) -> BuiltImage:
    builder = ImageBuilder("app:1")
    for number, members in enumerate(layers or (BASE, TOP)):
        built = ImageBuilder().layer(members).build()
        builder.chunked_layer(pack(built.layers[0].tar), f"RUN step {number}")
    return builder.build()


@pytest.fixture
def registry() -> Iterator[Registry]:
    with Registry() as served:
        yield served


def report(reference: str, options: ReadOptions, **more: Any) -> dict[str, Any]:
    with layerscope.read(reference, options) as analysis:
        document: Any = build(analysis, **more)
        for layer in document["layers"]:
            if "entries" in layer:
                layer["entries"] = list(layer["entries"])
        found: dict[str, Any] = json.loads(json.dumps(document))
        return found


def compared(document: dict[str, Any], *, tar_is_known: bool = True) -> dict[str, Any]:
    """Everything but what a table of contents does not say."""
    document = without_costs(json.loads(json.dumps(document)))
    document["packages"].pop("unreadable")
    document["dead_weight"].pop("unmeasured")
    document.pop("secrets", None)
    document["notes"] = [
        note
        for note in document["notes"]
        if note["code"] not in ("read-by-table", "read-in-full", "packages-not-read")
    ]
    for row in document["layers"]:
        del row["verified"]
    if not tar_is_known:
        for row in (document, *document["layers"], *document["instructions"]):
            del row["sizes"]["tar"], row["sizes"]["overhead"]
    return document


def without_costs(value: Any, key: str = "") -> Any:
    """The value without the compressed bytes of single files; those of whole layers stay."""
    if isinstance(value, list):
        return [without_costs(each, key) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        name: without_costs(each, name)
        for name, each in value.items()
        if not name.startswith("compressed_") and (name != "compressed" or key == "sizes")
    }


def parts(registry: Registry) -> int:
    """The number of layer bytes requested."""
    total = 0
    for each in registry.asked:
        span = each.headers.get("range", "").removeprefix("bytes=")
        if "/blobs/" in each.path and span:
            first, _, last = span.partition("-")
            assert last, "an open range fetches the whole blob"
            total += int(last) - int(first) + 1
    return total


def whole_layers(registry: Registry) -> list[str]:
    """Requests for whole layers."""
    manifest = json.loads(registry.manifests["1"][0])
    digests = [layer["digest"] for layer in manifest["layers"]]
    return [
        each.path
        for each in registry.asked
        if any(digest in each.path for digest in digests) and "range" not in each.headers
    ]


@pytest.mark.parametrize("name", PACKERS)
def test_a_table_gives_the_same_numbers_as_a_full_reading(registry: Registry, name: str) -> None:
    registry.add(image_of(PACKERS[name]))
    full = report(registry.name(), FULL)
    registry.asked.clear()
    lazy = report(registry.name(), LAZY)
    assert compared(lazy) == compared(full)
    assert not whole_layers(registry)
    assert all(lazy["wasted_by_kind"].values())


@pytest.mark.parametrize("name", PACKERS)
def test_entries_and_hashes_equal_the_full_reading(registry: Registry, name: str) -> None:
    registry.add(image_of(PACKERS[name]))
    lazy = report(registry.name(), LAZY, files=True, hashes=True)
    full = report(registry.name(), FULL, files=True, hashes=True)
    for one, other in zip(lazy["layers"], full["layers"], strict=True):
        assert without_costs(one["entries"]) == without_costs(other["entries"])


def distinct() -> list[dict[str, Any]]:
    """Layers without a rewrite of equal size, so that no content has to be compared."""
    return [
        {f"lib/{n}": File(random.Random(n).randbytes(40_000 + n)) for n in range(20)},
        {"app": File(random.Random(99).randbytes(70_000))},
    ]


@pytest.mark.parametrize("name", ["estargz", "zstd:chunked"])
def test_no_content_is_fetched_for_the_report(registry: Registry, name: str) -> None:
    built = image_of(PACKERS[name], *distinct())
    registry.add(built)
    report(registry.name(), LAZY)
    assert not whole_layers(registry)
    blobs = sum(len(layer.blob or b"") for layer in built.layers)
    limit = 2 * 128 * 1024 if name == "estargz" else 20_000
    assert parts(registry) <= limit < blobs
    assert len(registry.paths("/blobs/")) <= 1 + 2 * len(built.layers)


@pytest.mark.parametrize("name", PACKERS)
def test_a_file_is_fetched_by_its_chunk_when_it_is_opened(registry: Registry, name: str) -> None:
    registry.add(image_of(PACKERS[name], *distinct()))
    with layerscope.read(registry.name(), LAZY) as analysis:
        registry.asked.clear()
        node = analysis.tree.find(b"lib/7")
        assert node is not None
        assert node.latest is not None
        content = open_content(node.latest, analysis.indexes)
        expected = random.Random(7).randbytes(40_007)
        assert b"".join(content.pieces()) == expected
        assert content.read(39_000, 100) == expected[39_000:39_100]
    assert not whole_layers(registry)
    assert 0 < parts(registry) < 3 * 50_000


def test_zeros_are_not_fetched(registry: Registry) -> None:
    registry.add(image_of(lambda data: zstd_chunked(data, chunk=1000), {"zeros": bytes(100_000)}))
    with layerscope.read(registry.name(), LAZY) as analysis:
        registry.asked.clear()
        node = analysis.tree.find(b"zeros")
        assert node is not None
        assert node.latest is not None
        content = open_content(node.latest, analysis.indexes)
        assert b"".join(content.pieces()) == bytes(100_000)
    assert not registry.asked


def test_layers_that_were_not_read_are_not_verified(registry: Registry) -> None:
    registry.add(image_of(zstd_chunked))
    document = report(registry.name(), LAZY)
    assert [row["verified"] for row in document["layers"]] == [False, False]
    codes = [(note["code"], note["layer"]) for note in document["notes"]]
    assert [pair for pair in codes if pair[0] == "read-by-table"] == [
        ("read-by-table", 0),
        ("read-by-table", 1),
    ]


@pytest.mark.parametrize(
    "pack",
    [lambda data: estargz(data, with_size=False), lambda data: zstd_chunked(data, split=False)],
    ids=["estargz", "zstd:chunked"],
)
def test_an_unknown_tar_size_is_null(
    registry: Registry, pack: Callable[[bytes], Chunked], run: Run, folder: Path
) -> None:
    registry.add(image_of(pack))
    full, lazy = (report(registry.name(), each) for each in (FULL, LAZY))
    assert compared(lazy, tar_is_known=False) == compared(full, tar_is_known=False)
    for row in (lazy, *lazy["layers"], lazy["instructions"][0]):
        assert row["sizes"]["tar"] is None
        assert row["sizes"]["overhead"] is None
    done = run(
        "report",
        registry.name(),
        "--lazy",
        "--no-cache",
        "-o",
        "json=lazy.json",
        "-o",
        "html=l.html",
    )
    assert done.returncode == 0, done.stderr
    for arguments in (("report", "lazy.json"), ("report", registry.name(), "--lazy", "--no-cache")):
        assert "not known: a table of contents does not say" in run(*arguments).stdout
    broken = run("check", registry.name(), "--lazy", "--no-cache", "--max-tar-size", "1GB")
    assert broken.returncode == 1
    assert "unknown" in broken.stdout
    compare = run("compare", "lazy.json", registry.name(), "--json")
    assert json.loads(compare.stdout)["sizes"]["tar"]["delta"] is None


@pytest.mark.parametrize("compression", ["gzip", "zstd", "none"])
def test_a_layer_without_a_table_is_read_in_full(registry: Registry, compression: str) -> None:
    image = ImageBuilder("a:1").layer(BASE, "RUN a").layer(TOP, "RUN b").build()
    registry.add(image, compression=compression)
    full, lazy = (report(registry.name(), each) for each in (FULL, LAZY))
    assert compared(lazy) == compared(full)
    assert [row["verified"] for row in lazy["layers"]] == [True, True]
    assert "read-in-full" in {note["code"] for note in lazy["notes"]}


def test_a_registry_that_sends_no_parts_is_read_in_full(registry: Registry) -> None:
    registry.ranges = False
    registry.add(image_of(estargz))
    full, lazy = (report(registry.name(), each) for each in (FULL, LAZY))
    assert compared(lazy) == compared(full)
    messages = [note["message"] for note in lazy["notes"] if note["code"] == "read-in-full"]
    assert "doesn't send parts" in messages[0]


@pytest.mark.parametrize("name", ["estargz", "zstd:chunked"])
def test_files_and_layouts_are_read_by_their_tables_too(name: str, tmp_path: Path) -> None:
    oci([image_of(PACKERS[name])]).write(tmp_path / "image.tar")
    reference = f"oci-archive:{tmp_path / 'image.tar'}"
    full, lazy = (report(reference, each) for each in (FULL, LAZY))
    assert compared(lazy) == compared(full)
    assert [row["verified"] for row in lazy["layers"]] == [False, False]


def test_the_cache_does_not_change_a_lazy_report(registry: Registry) -> None:
    registry.add(image_of(estargz))
    report(registry.name(), ReadOptions())
    assert report(registry.name(), ReadOptions(lazy=True)) == report(registry.name(), LAZY)


def test_a_layer_that_was_read_by_its_table_is_not_kept_in_the_cache(registry: Registry) -> None:
    registry.add(image_of(estargz))
    report(registry.name(), ReadOptions(lazy=True))
    full = report(registry.name(), ReadOptions())
    assert all(row["verified"] for row in full["layers"])


def test_layers_with_and_without_a_table_are_compared(registry: Registry) -> None:
    builder = ImageBuilder("app:1").layer(BASE, "RUN base")
    top = ImageBuilder().layer(TOP).build().layers[0].tar
    registry.add(builder.chunked_layer(zstd_chunked(top), "RUN top").build())
    full, lazy = (report(registry.name(), each) for each in (FULL, LAZY))
    assert compared(lazy) == compared(full)


# What a pull costs, and packages


def costs(reference: str, options: ReadOptions) -> list[dict[str, int]]:
    """The compressed bytes of each path with content, by layer."""
    document = report(reference, options, files=True)
    return [
        {row["path"]: row["compressed"] for row in layer["entries"] if row["size"]}
        for layer in document["layers"]
    ]


@pytest.mark.parametrize("name", ["estargz", "estargz, small chunks", "zstd:chunked"])
def test_compressed_bytes_come_from_the_offsets_of_the_table(registry: Registry, name: str) -> None:
    text = b"the same words again and again, " * 4000
    mixed = {f"text/{n}": File(text[: 20_000 + 5000 * n]) for n in range(8)}
    registry.add(image_of(PACKERS[name], *distinct(), mixed))
    for lazy, full in zip(costs(registry.name(), LAZY), costs(registry.name(), FULL), strict=True):
        assert lazy.keys() == full.keys()
        for path, exact in full.items():
            assert abs(lazy[path] - exact) <= max(0.01 * exact, 150), path
    sizes = report(registry.name(), LAZY)["sizes"]
    parts_of = ("compressed_live", "compressed_wasted", "compressed_overhead")
    assert sum(sizes[each] for each in parts_of) == sizes["compressed"]


def test_files_that_share_a_compressed_part_divide_it_and_a_note_says_so(
    registry: Registry,
) -> None:
    registry.add(image_of(PACKERS["estargz, shared members"]))
    notes = report(registry.name(), LAZY)["notes"]
    assert [note["layer"] for note in notes if "share a compressed part" in note["message"]] == [
        0,
        1,
    ]
    lazy, full = (report(registry.name(), each)["sizes"] for each in (LAZY, FULL))
    assert lazy["compressed_live"] == pytest.approx(full["compressed_live"], rel=0.02)


def test_a_table_out_of_order_leaves_the_compressed_bytes_unknown(registry: Registry) -> None:
    def swap(rows: list[dict[str, Any]]) -> None:
        one, two = (row for row in rows if row["name"] in ("a", "b"))
        one["offset"], two["offset"] = two["offset"], one["offset"]

    made = {"a": NOISE[:5000], "b": NOISE[5000:10_000]}
    registry.add(image_of(lambda data: estargz(data, edit=swap), made))
    document = report(registry.name(), LAZY, files=True)
    assert {row["compressed"] for row in document["layers"][0]["entries"]} == {None}
    assert document["sizes"]["compressed_live"] is None
    (note,) = (each for each in document["notes"] if each["code"] == "read-by-table")
    assert "takes of the download is unknown" in note["message"] or "unknown" in note["message"]


PACKAGED: list[Any] = [
    {
        **RELEASE,
        **debian(("base", "1", ("usr/base",)), ("tool", "1", ("usr/tool",))),
        "usr/base": NOISE[:60_000],
        "usr/tool": NOISE[60_000:],
        **{f"opt/noise{n}": random.Random(n).randbytes(30_000) for n in range(40)},
    },
    {
        **debian(("base", "1", ("usr/base",)), ("tool", "2", ("usr/tool",))),
        "usr/tool": NOISE[:50_000],
        **dist_info("thing", "srv/lib", "thing.py"),
        "srv/lib/thing.py": b"x = 1\n" * 500,
    },
]


@pytest.mark.parametrize("name", PACKERS)
def test_packages_equal_the_full_reading(registry: Registry, name: str) -> None:
    registry.add(image_of(PACKERS[name], *PACKAGED))
    full = report(registry.name(), FULL)
    registry.asked.clear()
    lazy = report(registry.name(), LAZY)
    assert without_costs(lazy["packages"]) == without_costs(full["packages"])
    assert {row["type"] for row in lazy["packages"]["largest"]} == {"deb", "pypi"}
    assert not whole_layers(registry)
    if "estargz" not in name:
        assert parts(registry) < 60_000
    assert len(registry.paths("/blobs/")) < 20


def test_packages_that_nobody_wants_are_not_fetched(registry: Registry) -> None:
    registry.add(image_of(zstd_chunked, *PACKAGED))
    report(registry.name(), LAZY)
    wanted = len(registry.asked)
    registry.asked.clear()
    document = report(registry.name(), replace(LAZY, packages=False))
    assert "packages" not in document
    assert len(registry.asked) < wanted


def test_dead_weight_that_contents_tell_is_unmeasured_without_them(registry: Registry) -> None:
    registry.add(image_of(zstd_chunked, *PACKAGED))
    full, lazy = (report(registry.name(), replace(each, packages=False)) for each in (FULL, LAZY))
    assert full["dead_weight"]["unmeasured"] == []
    assert lazy["dead_weight"]["unmeasured"] != []


def test_databases_over_the_limit_leave_their_types_unknown(registry: Registry) -> None:
    registry.add(image_of(zstd_chunked, *PACKAGED))
    options = replace(LAZY, limits=replace(DEFAULT_LIMITS, database_bytes=50))
    document = report(registry.name(), options)
    assert document["packages"]["unreadable"] == ["deb", "pypi"]
    messages = [each["message"] for each in document["notes"]]
    assert any("not looked for (--lazy): deb" in message for message in messages)


def test_a_rule_about_packages_that_were_not_looked_for_fails(
    registry: Registry, run: Run, folder: Path
) -> None:
    registry.add(image_of(estargz, {"srv/app.jar": b"PK" + NOISE[:500]}))
    arguments = ("check", registry.name(), "--lazy", "--no-cache", "--config", "rules.toml")
    limit = ("--limit", "database_bytes=50")
    (folder / "rules.toml").write_text('[[budget.package]]\nmatch = "maven:*"\nmax = "1GB"\n')
    done = run(*arguments, *limit)
    assert done.returncode == 1
    assert "packages of type maven may be missing" in done.stdout


@pytest.mark.parametrize("pack", [estargz, zstd_chunked])
def test_a_database_with_other_bytes_than_the_table_says_is_refused(
    registry: Registry, pack: Callable[[bytes], Chunked]
) -> None:
    def other(rows: list[dict[str, Any]]) -> None:
        row = next(each for each in rows if each["name"].endswith("lib/dpkg/status"))
        for key in ("digest", "chunkDigest"):
            if key in row:
                row[key] = "sha256:" + "0" * 64

    registry.add(image_of(lambda data: pack(data, edit=other), PACKAGED[0]))  # type: ignore[call-arg]
    with pytest.raises(DigestMismatch) as caught:
        report(registry.name(), LAZY)
    assert caught.value.exit_code == 4


def test_a_database_without_a_digest_is_not_believed(registry: Registry) -> None:
    def bare(rows: list[dict[str, Any]]) -> None:
        for row in rows:
            row.pop("digest", None)
            row.pop("chunkDigest", None)

    registry.add(image_of(lambda data: estargz(data, edit=bare), PACKAGED[0]))
    assert report(registry.name(), LAZY)["packages"]["unreadable"] == ["deb"]


def test_the_packages_command_reads_lazily(registry: Registry, run: Run) -> None:
    registry.add(image_of(zstd_chunked, *PACKAGED))
    lazy = run("packages", registry.name(), "--json", "--lazy", "--no-cache")
    full = run("packages", registry.name(), "--json", "--no-cache")
    assert without_costs(json.loads(lazy.stdout)) == without_costs(json.loads(full.stdout))


# Tables that lie or cannot be used


def spoil(made: Chunked, what: str) -> Chunked:
    """A layer whose table is not the one that the manifest names."""
    annotations = dict(made.annotations)
    key = next(name for name in annotations if name.endswith(("toc.digest", "checksum")))
    other = "sha256:" + hashlib.sha256(what.encode()).hexdigest()
    return replace(made, annotations=annotations | {key: other})


@pytest.mark.parametrize("pack", [estargz, zstd_chunked])
def test_another_table_than_the_manifest_names_is_refused(
    registry: Registry, pack: Callable[[bytes], Chunked]
) -> None:
    registry.add(image_of(lambda data: spoil(pack(data), "other")))
    with pytest.raises(DigestMismatch, match="table of contents") as caught:
        report(registry.name(), LAZY)
    assert caught.value.exit_code == 4


def test_other_tar_split_data_than_the_table_names_is_refused(registry: Registry) -> None:
    def pack(data: bytes) -> Chunked:
        made = zstd_chunked(data)
        key = next(name for name in made.annotations if name.endswith("tarsplit-position"))
        at, length, _ = map(int, made.annotations[key].split(":"))
        blob = bytearray(made.blob)
        blob[at + length - 1] ^= 1
        return replace(made, blob=bytes(blob))

    registry.add(image_of(pack))
    with pytest.raises(DigestMismatch, match="table of contents"):
        report(registry.name(), LAZY)


def lost_chunk(entries: list[dict[str, Any]]) -> None:
    next(row for row in entries if row["type"] == "reg" and row.get("size", 0) > 1)["size"] += 1
    for row in entries:
        row.pop("chunkSize", None)
        row.pop("chunkOffset", None)
        if row["type"] == "chunk":
            row["chunkOffset"] = 7


EDITS: dict[str, Callable[[list[dict[str, Any]]], object]] = {
    "an unknown type": lambda rows: rows[0].update(type="door"),
    "a chunk without a file": lambda rows: rows.insert(0, {"type": "chunk", "name": "x"}),
    "a negative size": lambda rows: rows[-1].update(size=-1),
    "a size that is text": lambda rows: rows[-1].update(type="reg", size="5"),
    "a size beyond 64 bits": lambda rows: rows[-1].update(type="reg", size=1 << 70),
    "a name that was not UTF-8": lambda rows: rows[-1].update(name="a\ufffd"),
    "a name that is no text": lambda rows: rows[-1].update(name=5),
    "a lone surrogate": lambda rows: rows[-1].update(name="\ud800"),
    "not a time": lambda rows: rows[-1].update(modtime="yesterday"),
    "not a year": lambda rows: rows[-1].update(modtime="0000-13-01T00:00:00Z"),
    "attributes that are none": lambda rows: rows[-1].update(xattrs={"user.a": "%%%"}),
    "attributes in a list": lambda rows: rows[-1].update(xattrs=[1]),
    "not a digest": lambda rows: rows[-1].update(
        type="reg", size=1, offset=1, digest="md5:1", chunkDigest="md5:1"
    ),
    "an offset outside": lambda rows: rows[-1].update(type="reg", size=1, offset=1 << 40),
    "a row that is no object": lambda rows: rows.append(5),  # type: ignore[arg-type]
    "chunks that overlap": lost_chunk,
}


@pytest.mark.parametrize("name", EDITS)
@pytest.mark.parametrize("kind", ["estargz", "zstd:chunked"])
def test_a_table_that_contradicts_itself_is_not_used(
    registry: Registry, name: str, kind: str
) -> None:
    def pack(data: bytes) -> Chunked:
        if kind == "estargz":
            return estargz(data, chunk=50_000, edit=EDITS[name])
        return zstd_chunked(data, edit=EDITS[name])

    registry.add(image_of(pack))
    full, lazy = (report(registry.name(), each) for each in (FULL, LAZY))
    assert compared(lazy) == compared(full)
    assert "read-in-full" in {note["code"] for note in lazy["notes"]}
    assert all(row["verified"] for row in lazy["layers"])


@pytest.mark.parametrize("position", ["", "x", "1:2:3", "5:1:1:9", "99999999999:5:5:1", "1:0:0:1"])
def test_an_annotation_that_points_nowhere_is_not_used(registry: Registry, position: str) -> None:
    def pack(data: bytes) -> Chunked:
        made = zstd_chunked(data)
        key = next(name for name in made.annotations if name.endswith("manifest-position"))
        return replace(made, annotations={**made.annotations, key: position})

    registry.add(image_of(pack))
    lazy = report(registry.name(), LAZY)
    assert all(row["verified"] for row in lazy["layers"])


@pytest.mark.parametrize("tail", [b"", bytes(51)])
def test_an_invalid_footer_is_not_used(registry: Registry, tail: bytes) -> None:
    def pack(data: bytes) -> Chunked:
        made = estargz(data)
        return replace(made, blob=made.blob[:-51] + tail)

    registry.add(image_of(pack))
    assert all(row["verified"] for row in report(registry.name(), LAZY)["layers"])


@pytest.mark.parametrize("offset", [b"0" * 16, b"7fffffffffffffff", b"0000000000ffffff"])
def test_a_footer_that_points_outside_is_not_used(registry: Registry, offset: bytes) -> None:
    def pack(data: bytes) -> Chunked:
        made = estargz(data)
        tail = made.blob[-51:]
        return replace(made, blob=made.blob[:-51] + tail[:16] + offset + tail[32:])

    registry.add(image_of(pack))
    assert all(row["verified"] for row in report(registry.name(), LAZY)["layers"])


def test_a_sparse_file_is_read_in_full(registry: Registry) -> None:
    """Its table has the logical size, and the tar stores less."""

    def logical(rows: list[dict[str, Any]]) -> None:
        rows[0].update(type="reg", size=10**9, offset=1)

    plain = ImageBuilder().layer({"sparse": b"x" * 512}).build().layers[0].tar
    made = zstd_chunked(plain, edit=logical)
    registry.add(ImageBuilder("a:1").chunked_layer(made, "RUN a").build())
    lazy = report(registry.name(), LAZY)
    assert lazy["sizes"]["content"] == 512


def test_a_table_over_the_limit_is_refused(registry: Registry) -> None:
    registry.add(image_of(estargz))
    options = replace(LAZY, limits=replace(DEFAULT_LIMITS, toc_bytes=100))
    with pytest.raises(LimitExceeded, match="toc_bytes"):
        report(registry.name(), options)


def test_a_table_with_too_many_members_is_refused(registry: Registry) -> None:
    registry.add(image_of(zstd_chunked))
    options = replace(LAZY, limits=replace(DEFAULT_LIMITS, members=3))
    with pytest.raises(LimitExceeded, match="members"):
        report(registry.name(), options)


def test_content_that_does_not_match_the_table_is_refused(registry: Registry) -> None:
    def lie(rows: list[dict[str, Any]]) -> None:
        for row in rows:
            if row["name"] == "app":
                row["digest"] = row["chunkDigest"] = "sha256:" + "0" * 64

    registry.add(image_of(lambda data: zstd_chunked(data, chunk=1 << 20, edit=lie), *distinct()))
    with layerscope.read(registry.name(), LAZY) as analysis:
        node = analysis.tree.find(b"app")
        assert node is not None
        assert node.latest is not None
        with pytest.raises(DigestMismatch):
            open_content(node.latest, analysis.indexes).read(0, 10)


# Hosts that misbehave when parts are requested


def other_range(handler: Handler) -> None:
    handler.send(206, b"x" * 10, {"Content-Range": "bytes 0-9/10"})


def test_bytes_of_another_range_are_refused(registry: Registry) -> None:
    built = image_of(estargz)
    registry.add(built)
    digest = json.loads(registry.manifests["1"][0])["layers"][0]["digest"]
    registry.fail(digest, other_range)
    with pytest.raises(LayerscopeError, match="asked for") as caught:
        report(registry.name(), LAZY)
    assert caught.value.exit_code == 4


def test_a_part_that_is_cut_resumes_where_it_stopped(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("layerscope.sources.registry.client.FIRST_PAUSE", 0.01)
    registry.add(image_of(estargz))
    digest = json.loads(registry.manifests["1"][0])["layers"][0]["digest"]
    blob = registry.blobs[digest]
    count = min(len(blob), 128 * 1024)

    def cut(handler: Handler) -> None:
        start = len(blob) - count
        handler.send_response(206)
        handler.send_header("Content-Range", f"bytes {start}-{len(blob) - 1}/{len(blob)}")
        handler.send_header("Content-Length", str(count))
        handler.end_headers()
        handler.wfile.write(blob[start : start + 100])
        handler.wfile.flush()
        handler.close_connection = True
        handler.connection.shutdown(2)

    full = report(registry.name(), FULL)
    registry.fail(digest, cut)
    assert compared(report(registry.name(), LAZY)) == compared(full)


@pytest.mark.parametrize(
    "arguments", [("report", "--head"), ("report", "--verify"), ("compare", "app.tar", "--head")]
)
def test_options_that_contradict_lazy_are_refused(
    registry: Registry, run: Run, arguments: tuple[str, ...]
) -> None:
    command, *rest = arguments
    done = run(command, registry.name(), *rest, "--lazy")
    assert done.returncode == 2
    assert "--lazy" in done.stderr
    assert not registry.asked


def test_a_file_is_extracted_lazily(registry: Registry, run: Run, folder: Path) -> None:
    registry.add(image_of(estargz))
    done = run("extract", registry.name(), "/usr/lib/big", "-o", "out", "--lazy")
    assert done.returncode == 0, done.stderr
    (found,) = (path for path in (folder / "out").rglob("*") if path.is_file())
    assert found.read_bytes() == NOISE
