"""What is fuzzed. A target takes any bytes and returns, or raises a `LayerscopeError`; anything else is a find."""

from __future__ import annotations

import gzip
import json
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from io import StringIO
from itertools import islice
from pathlib import Path
from typing import Final

import xxhash

import layerscope
from layerscope.analysis.budgets.budget_file import read as read_budget
from layerscope.analysis.budgets.dive_rules import dive_rules
from layerscope.analysis.filter.query import parse as parse_query
from layerscope.errors import LayerscopeError
from layerscope.fleet.folder import HEAD, read_head
from layerscope.fleet.tables import SCHEMA_VERSION
from layerscope.image.blob import Blob
from layerscope.image.digest import Digest
from layerscope.image.dockerfile import final_stage, parse_dockerfile
from layerscope.image.image import Attestation
from layerscope.image.provenance import read_provenance
from layerscope.layers.compression import Decompression
from layerscope.layers.index_bytes import MAGIC, VERSION, from_bytes, to_bytes
from layerscope.layers.lazy.located import UnusableError
from layerscope.layers.lazy.table import Chunks, read_members
from layerscope.layers.reader import index_layer
from layerscope.layers.tar_split import TarSplit
from layerscope.limits import KIB, MIB, Limits
from layerscope.options import ReadOptions
from layerscope.packages import executables, java
from layerscope.packages.databases import unit_of
from layerscope.packages.package import Unreadable
from layerscope.report.document.builder import build
from layerscope.report.formats.renderers import RENDERERS
from layerscope.report.saved.report import parse_saved
from layerscope.secrets.files import FILE_RULES
from layerscope.secrets.search import search_bytes
from layerscope.sources.registry.authorization import _read_token
from layerscope.sources.registry.challenge import parse_challenges
from layerscope.sources.registry.client import retry_after
from layerscope.sources.stores.bolt import Bolt, Bucket
from tests.builder import (
    COMPRESSIONS,
    Archive,
    BuiltImage,
    File,
    ImageBuilder,
    Symlink,
    docker_legacy,
)
from tests.builder.bolt import Writer
from tests.builder.chunked import estargz, tar_split
from tests.builder.oci import oci
from tests.builder.tar import tar
from tests.fuzz.mutations import mutated
from tests.fuzz.test_packages import DOCUMENTS
from tests.image.test_provenance import LAYERS, STEPS, V02, V1, chain, metadata, statement
from tests.layers.reading import blob_of, seek, stream
from tests.packages.test_inside_files import build_info, elf, jar, pom, reader
from tests.secrets.corpus import corpus

FIXTURES: Final = Path(__file__).parents[3] / "fixtures"
LIMITS: Final = Limits(
    ratio=200, ratio_from=4 * MIB, members=20_000, extra_bytes=4 * MIB, implied_bytes=4 * MIB
)
SMALL: Final = tar([("etc/a", File(b"x" * 700)), ("etc/b", Symlink("a")), (".wh.c", File(b""))])


@dataclass(frozen=True, slots=True)
class Target:
    """`feed` takes the bytes, and `seeds` makes inputs that get far."""

    feed: Callable[[bytes], object]
    seeds: Callable[[], Sequence[bytes]]


def _scanner(data: bytes) -> None:
    """Both ways of reading a tar say the same."""
    one, other = seek(data), stream(data, (len(data) % 1500 + 1,))
    assert (one.error is None) == (other.error is None)
    assert one.facts == other.facts
    assert one.notes == other.notes
    for entry in one.entries:
        assert 0 <= entry.size <= len(data)
        assert entry.data + entry.size <= len(data)


def _layer(data: bytes) -> None:
    with blob_of(data) as blob:
        found = index_layer(blob, digest=None, diff_id=None, verify="off", limits=LIMITS)
    again = from_bytes(to_bytes(found.index))
    assert to_bytes(again) == to_bytes(found.index)


_KINDS: Final = ("gzip", "zstd", "xz", "bzip2")


def _decompression(data: bytes) -> None:
    """The first byte chooses the compression."""
    if not data:
        return
    with blob_of(data[1:]) as blob:
        source = Decompression(blob, _KINDS[data[0] % len(_KINDS)], LIMITS)
        produced = sum(map(len, source))
    assert source.produced == produced


def _compressed() -> list[bytes]:
    found = [mutated(number, 1) for number in range(4)]
    return [COMPRESSIONS[name](data) for name in COMPRESSIONS for data in (SMALL, *found)]


def _image(path: Path) -> None:
    with layerscope.read(str(path), ReadOptions(cache=False, limits=LIMITS)) as analysis:
        document = analysis.facts.sizes
    assert document.live + document.wasted == document.content


def _archive(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "image.tar")
        path.write_bytes(data)
        _image(path)


def _built() -> BuiltImage:
    return (
        ImageBuilder("app:1")
        .layer({"etc/a": b"x", "etc/b": b"y"}, "RUN make a")
        .layer({"etc/.wh.a": b""}, "RUN rm a")
        .build()
    )


def _archives() -> list[bytes]:
    found = []
    for made in (docker_legacy([_built()]), oci([_built()], "gzip")):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "image.tar")
            made.write(path)
            found.append(path.read_bytes())
    return found


def _documents(data: bytes) -> None:
    """One line of JSON each: manifest.json, the config, and index.json of archives whose layers are right."""
    manifest, _, rest = data.partition(b"\n")
    config, _, index = rest.partition(b"\n")
    docker = docker_legacy([_built()])
    layout = oci([_built()], "none")
    with tempfile.TemporaryDirectory() as folder:
        for made, name, text in (
            (docker, "manifest.json", manifest),
            (docker, _config_name(docker), config),
            (layout, "index.json", index),
        ):
            if not text:
                continue
            path = Path(folder, "image.tar")
            made.replace(name, text).write(path)
            with suppress(LayerscopeError):
                _image(path)


def _config_name(archive: Archive) -> str:
    name: str = json.loads(archive["manifest.json"])[0]["Config"]
    return name


def _json_documents() -> list[bytes]:
    docker, layout = docker_legacy([_built()]), oci([_built()], "none")
    manifest = json.dumps(json.loads(docker["manifest.json"])).encode()
    config = json.dumps(json.loads(docker[_config_name(docker)])).encode()
    index = json.dumps(json.loads(layout["index.json"])).encode()
    return [manifest, b"\n" + config, b"\n\n" + index, b"\n".join((manifest, config, index))]


def _provenance(data: bytes) -> None:
    """The first byte chooses the predicate."""
    if not data:
        return
    kind, text = (V02, V1)[data[0] % 2], data[1:]
    with blob_of(text) as blob:
        attestation = Attestation(predicate_type=kind, digest=Digest.of(text), blob=blob)
        read_provenance(attestation, LAYERS[:3], LIMITS)


def _statements() -> list[bytes]:
    found = metadata()
    found["layers"] = {"step4:0": [chain(3, 2)], "step2:0": [chain(0, 3)]}
    return [
        bytes((number,)) + json.dumps(statement(kind, each)).encode()
        for number, kind in enumerate((V02, V1))
        for each in (metadata(), found, {"source": {"infos": STEPS}})
    ]


def _dockerfile(data: bytes) -> None:
    steps = parse_dockerfile(data.decode("utf-8", "replace"))
    for target in (None, "a", "b"):
        with suppress(LayerscopeError):
            assert set(final_stage(steps, target)) <= set(steps)


def _dockerfiles() -> list[bytes]:
    return [
        path.read_bytes() for path in sorted(FIXTURES.rglob("*Dockerfile*")) if path.is_file()
    ] + [
        b"# escape=`\nFROM a AS b\nRUN <<E <<-F\nx\nE\n\ty\n\tF\nCOPY --from=b x y\nONBUILD RUN z\n"
    ]


def _history(data: bytes) -> None:
    """Lines of `created_by`, and after an empty line the Dockerfile that may have made them."""
    steps, _, dockerfile = data.decode("utf-8", "replace").partition("\n\n")
    builder = ImageBuilder("app:1")
    for number, step in enumerate(steps.split("\n")[:12]):
        if step.startswith("-"):
            builder.empty(step[1:], comment="buildkit.dockerfile.v0")
        else:
            builder.layer({f"f{number}": b"x" * number}, step)
    with tempfile.TemporaryDirectory() as folder:
        docker_legacy([builder.build()]).write(Path(folder, "image.tar"))
        Path(folder, "Dockerfile").write_text(dockerfile)
        given = str(Path(folder, "Dockerfile"))
        options = ReadOptions(cache=False, limits=LIMITS, dockerfile=given if dockerfile else None)
        with layerscope.read(str(Path(folder, "image.tar")), options) as analysis:
            build(analysis)


def _histories() -> list[bytes]:
    text = (FIXTURES / "my-python-app/Dockerfile").read_bytes()
    return [
        b'/bin/sh -c #(nop) ADD file:abc in / \n-/bin/sh -c #(nop)  CMD ["bash"]\n|1 A=b /bin/sh -c make',
        b"RUN |2 A=b C=d /bin/sh -c make # buildkit\n-ENV A=b\nCOPY --chown=u a /b # buildkit\nWORKDIR /a",
        b"/bin/sh -c make:0123\nbazel build ...\nkaniko\njib-maven-plugin:3\nko build ko://a",
        b'RUN /bin/sh -c pip install x # buildkit\nCOPY . . # buildkit\n-CMD ["a"]\n\n' + text,
    ]


def _fleet(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, HEAD).write_bytes(data)
        read_head(folder)


def _heads() -> list[bytes]:
    tables = {"layers": ["layers/00000001-0123456789abcdef.parquet"], "images": []}
    sums = {"contents": 1, "repeated": 0, "copies": 1, "once": 5, "total": 5}
    whole = {
        "kind": "layerscope fleet",
        "schema_version": SCHEMA_VERSION,
        "tables": tables,
        "scan": 1,
        "commit": 2,
        "complete": True,
        "contents": sums,
    }
    return [json.dumps(whole).encode(), json.dumps(whole | {"tables": {}}).encode()]


def _dive(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, ".dive-ci")
        path.write_bytes(data)
        dive_rules(path, {})


def _packages(data: bytes) -> None:
    """The first byte chooses the database."""
    if not data:
        return
    path = sorted(DOCUMENTS)[data[0] % len(DOCUMENTS)]
    unit = unit_of(path)
    assert unit is not None
    database, where = unit
    with suppress(Unreadable):
        for each in database.read(where, {path: data[1:]}, "debian"):
            assert each.package.purl.startswith("pkg:")


def _program(data: bytes) -> None:
    clipped = executables.clip(reader(data))
    if clipped is not None:
        list(executables.read(b"x", {b"x": clipped}, ""))


def _jar(data: bytes) -> None:
    clipped = java.clip(b"a.jar", reader(data), len(data))
    if clipped is not None:
        list(java.read(b"a.jar", {b"a.jar": clipped}, ""))


_HEAD: Final = len(MAGIC) + 1 + 16


def _cached(data: bytes) -> None:
    """An index as the cache keeps it, with a checksum that is right."""
    head = MAGIC + bytes((VERSION,)) + xxhash.xxh3_128_digest(data)
    index = from_bytes(head + data)
    assert from_bytes(to_bytes(index)) == index
    for position in range(len(index.kinds)):
        index.path(position)


def _indexes() -> list[bytes]:
    found = []
    for data in (SMALL, *(mutated(number, 2) for number in range(12))):
        with blob_of(data) as blob, suppress(LayerscopeError):
            layer = index_layer(blob, digest=None, diff_id=None, verify="off", limits=LIMITS)
            found.append(to_bytes(layer.index)[_HEAD:])
    return found


def _saved(data: bytes) -> None:
    saved = parse_saved(data, "saved.json")
    from layerscope.report.formats.format import Display
    from layerscope.report.saved.restated import restate

    document = restate(saved, top=10, files=False, verdict=None, baseline=None, min_change=0)
    for name in ("text", "markdown", "csv"):
        RENDERERS[name].create(Display()).render(document, StringIO())


def _saved_reports() -> list[bytes]:
    from layerscope.report.document.serialize import dumps

    with layerscope.read(str(FIXTURES / "my-python-app-buildkit.tar")) as analysis:
        return [dumps(build(analysis, top=2, files=files)).encode() for files in (False, True)]


def _budget(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "layerscope.toml")
        path.write_bytes(data)
        read_budget(path)


def _budgets() -> list[bytes]:
    path = FIXTURES.parent / "integrations/image/budget.toml"
    return [
        path.read_bytes(),
        (
            b'[budget]\nmax_size = "1MB"\nbaseline = "a.json"\nmax_growth = "1%"\n'
            b'[[budget.instruction]]\nmatch = "RUN*"\nmax = 1\n'
            b'[[budget.package]]\nmatch = "deb:x"\nmax = "1kB"\n'
            b'[[budget.allow]]\npath = "/a"\nreason = "r"\nuntil = 2026-01-01\n'
        ),
    ]


def _answers(data: bytes) -> None:
    """What a registry puts in headers, and what a token server answers."""
    text = data.decode("latin-1")
    parse_challenges(text)
    retry_after(text)
    with suppress(LayerscopeError):
        _read_token(data, "server")


def _table(data: bytes) -> None:
    chunks = Chunks(64 * KIB)
    with suppress(UnusableError):
        list(read_members(data, chunks, 64 * KIB, LIMITS, None))


def _bolt(data: bytes) -> None:
    with blob_of(data) as blob:
        bolt = Bolt(blob)
        _walk(bolt.root(), 0)
        assert bolt.unchanged()


def _walk(bucket: Bucket, depth: int) -> None:
    bucket.value(b"d")
    for key, below in islice(bucket.buckets(), 50):
        bucket.bucket(key)
        if depth < 3:
            _walk(below, depth + 1)


def _tar_split(data: bytes) -> None:
    """Lines of a tar-split file, not yet compressed. Read one by one, they are the same tar."""
    with blob_of(gzip.compress(data, 1)) as blob:
        found = _split_tar(blob)
    with blob_of(gzip.compress(data.replace(b'{"type"', b'{ "type"'), 1)) as blob:
        assert _split_tar(blob) == found


def _split_tar(blob: Blob) -> list[bytes | int]:
    """Bytes of segments, and the sizes of contents."""
    parts: list[bytes | int] = []
    for run in TarSplit(blob, LIMITS).runs():
        for segment, size in zip(run.segments, run.sizes, strict=True):
            parts += [segment, size]
    return [part for part in parts if part]


def _query(data: bytes) -> None:
    parse_query(data.decode("utf-8", "replace"))


def _secrets(data: bytes) -> None:
    """The first byte says which file of credentials the rest is."""
    names = [name.replace("*", "a").lstrip("/") for rule in FILE_RULES for name in rule.names]
    search_bytes(data[1:], names[data[0] % len(names)].encode() if data else b"")


TARGETS: Final[dict[str, Target]] = {
    "scanner": Target(_scanner, lambda: [SMALL, *(mutated(number, 0) for number in range(60))]),
    "layer": Target(_layer, _compressed),
    "decompression": Target(
        _decompression,
        lambda: [
            bytes((kind,)) + COMPRESSIONS[name](SMALL)
            for kind, name in enumerate(("gzip", "zstd", "xz", "bzip2"))
        ],
    ),
    "archive": Target(_archive, _archives),
    "documents": Target(_documents, _json_documents),
    "provenance": Target(_provenance, _statements),
    "dockerfile": Target(_dockerfile, _dockerfiles),
    "history": Target(_history, _histories),
    "packages": Target(
        _packages,
        lambda: [bytes((n,)) + DOCUMENTS[path] for n, path in enumerate(sorted(DOCUMENTS))],
    ),
    "program": Target(_program, lambda: [elf({b".go.buildinfo": build_info()})]),
    "jar": Target(_jar, lambda: [jar({**pom("g", "a", "1"), "x.jar": jar(pom("h", "b", "2"))})]),
    "cached": Target(_cached, _indexes),
    "saved": Target(_saved, _saved_reports),
    "budget": Target(_budget, _budgets),
    "dive": Target(
        _dive,
        lambda: [
            b"rules:\n  lowestEfficiency: 0.95\n  highestWastedBytes: 20MB\n  highestUserWastedPercent: disabled\n"
        ],
    ),
    "fleet": Target(_fleet, _heads),
    "answers": Target(
        _answers,
        lambda: [
            b'Bearer realm="https://a/token",service="b",scope="repository:c:pull", Basic realm="d"',
            b'{"token": "abc", "expires_in": 60}',
            b"Wed, 21 Oct 2026 07:28:00 GMT",
        ],
    ),
    "table": Target(_table, lambda: [estargz(SMALL).table]),
    "bolt": Target(_bolt, lambda: [Writer().write({b"v1": {b"a": {b"b": b"c"}, b"d": b"e"}})]),
    "tar-split": Target(
        _tar_split,
        lambda: [tar_split(SMALL), tar_split(SMALL).replace(b'{"type"', b'{ "type"')],
    ),
    "secrets": Target(
        _secrets,
        lambda: [
            bytes((number % 256,)) + case.text.encode()
            for number, case in enumerate(corpus(1, times=1))
        ],
    ),
    "query": Target(
        _query,
        lambda: [b"*.py >1MB layer:2 kind:wasted", b"re:^usr/(a|b)", b"<3kB type:file a re:x"],
    ),
}


def feed(name: str, data: bytes) -> None:
    """Run one input. Raises what a fuzzer calls a find."""
    with suppress(LayerscopeError):
        TARGETS[name].feed(data)
