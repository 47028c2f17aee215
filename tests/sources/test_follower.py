"""Layers are read while their archive arrives, and the report doesn't depend on it."""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from layerscope.analysis.analyze import analyze
from layerscope.cache.shelf import Shelf
from layerscope.errors import (
    Cancelled,
    FormatError,
    LayerscopeError,
    LimitExceeded,
    SourceUnavailable,
)
from layerscope.image.blob import OpenFile
from layerscope.layers.reader import index_layer
from layerscope.limits import DEFAULT_LIMITS, Limits
from layerscope.report.document.builder import build
from layerscope.sources.files import spool
from layerscope.sources.local import open_archive
from layerscope.sources.source import Request
from tests.builder import FORMS, WHITEOUT, BuiltImage, ImageBuilder, docker_legacy
from tests.effort import examples
from tests.threads import no_thread_left


def sample() -> BuiltImage:
    return (
        ImageBuilder("app:1")
        .layer({"a": b"a" * 5000, "deep/" * 60 + "file": b"x"}, "RUN one")
        .layer({"a": b"b" * 5000, "c": b"c" * 40_000}, "RUN two")
        .layer({"c": WHITEOUT}, "RUN three")
        .build()
    )


def request(limits: Limits = DEFAULT_LIMITS, **options: Any) -> Request:
    return Request(reference="docker:app:1", limits=limits, shelf=Shelf(), **options)


def pieces(data: bytes, size: int) -> Iterator[bytes]:
    for at in range(0, len(data), size):
        yield data[at : at + size]


def spooled(data: bytes, asked: Request, size: int = 700) -> OpenFile:
    return spool(pieces(data, size), "the save", asked)


def report(file: OpenFile, asked: Request) -> str:
    with open_archive(file, asked) as image:
        document: Any = build(analyze(image, limits=asked.limits), files=True)
        for layer in document["layers"]:
            layer["entries"] = list(layer["entries"])
        return json.dumps(document)


@pytest.mark.parametrize("form", ["docker-legacy", "docker-oci", "podman", "kaniko", "oci-archive"])
@pytest.mark.parametrize("size", [1, 512, 700, 1 << 20])
def test_a_layer_that_was_read_early_gives_the_same_report(form: str, size: int) -> None:
    data = FORMS[form].writer([sample()], "none").pack()
    data = data if size > 1 else data[:4000] + data[4000:]
    file = spooled(data, request(), max(size, 64))
    assert len(file.read_early) == 3
    early = report(file, request())
    plain = Request(reference="docker:app:1")
    late = spooled(data, plain)
    assert not late.read_early
    assert report(late, plain) == early


def test_the_early_index_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    file = spooled(docker_legacy([sample()]).pack(), request())

    def refuse(*_: object, **__: object) -> None:
        pytest.fail("the layer is read again")

    monkeypatch.setattr("layerscope.layers.stack.index_layer", refuse)
    assert json.loads(report(file, request()))["sizes"]["content"] == 50_001


NOISE = random.Random(4).randbytes(63_000)


def noisy() -> BuiltImage:
    """Two layers that stay large when they are compressed, and one that doesn't."""
    return (
        ImageBuilder("app:1")
        .layer({"a": NOISE[:20_000]}, "RUN one")
        .layer({"b": NOISE[20_000:]}, "RUN two")
        .layer({"a": WHITEOUT}, "RUN three")
        .build()
    )


PACKED = ["containerd", "oci-archive"]


def arriving(data: bytes, asked: Request) -> OpenFile:
    """The archive, whose last byte comes only when everything before it was read."""

    def slowly() -> Iterator[bytes]:
        yield data[:-1]
        time.sleep(0.3)
        yield data[-1:]

    return spool(slowly(), "the save", asked)


@pytest.mark.parametrize("form", PACKED)
@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_a_compressed_layer_of_a_layout_is_read_while_it_arrives(
    form: str, compression: str
) -> None:
    data = FORMS[form].writer([noisy()], compression).pack()
    file = arriving(data, request())
    assert len(file.read_early) == 2
    early = report(file, request())
    plain = Request(reference="docker:app:1")
    assert report(spooled(data, plain), plain) == early
    assert all(layer["verified"] for layer in json.loads(early)["layers"])


def test_compressed_layers_that_were_read_early_are_not_read_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file = arriving(FORMS["oci-archive"].writer([noisy()], "gzip").pack(), request())

    read: list[int] = []

    def counted(*arguments: Any, **options: Any) -> Any:
        read.append(arguments[0].size)
        return index_layer(*arguments, **options)

    monkeypatch.setattr("layerscope.layers.stack.index_layer", counted)
    assert json.loads(report(file, request()))["sizes"]["content"] == 63_000
    assert len(read) == 1
    assert max(read) < 512


def test_a_compressed_layer_with_other_bytes_than_its_name_says_is_an_error() -> None:
    archive = FORMS["oci-archive"].writer([noisy()], "gzip")
    name = max((each for each in archive if "blobs/" in each), key=lambda each: len(archive[each]))
    content = bytearray(archive[name])
    content[9] ^= 1
    archive.replace(name, bytes(content))
    file = arriving(archive.pack(), request())
    assert len(file.read_early) == 1
    with pytest.raises(FormatError, match="digest"):
        report(file, request())


def test_a_layer_whose_tar_has_to_be_compared_is_read_again() -> None:
    data = FORMS["oci-archive"].writer([noisy()], "gzip").pack()
    proving = Request(reference="docker:app:1", shelf=Shelf(proves=True))
    assert not arriving(data, proving).read_early
    file = arriving(data, request())
    assert file.read_early
    with open_archive(file, request()) as image:
        found = analyze(image, verify="full")
    assert all(layer.verified for layer in found.layers)


@given(data=st.data())
@settings(deadline=None, max_examples=examples(40))
def test_a_mangled_archive_gives_the_same_with_and_without_the_follower(
    data: st.DataObject,
) -> None:
    packed = bytearray(FORMS["oci-archive"].writer([noisy()], "gzip").pack())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(packed) - 1))
        packed[at] = data.draw(st.integers(0, 255))
    packed = packed[: data.draw(st.integers(600, len(packed)))]
    results = []
    for asked in (request(), Request(reference="docker:app:1")):
        try:
            results.append(report(spooled(bytes(packed), asked), asked))
        except LayerscopeError as error:
            results.append(type(error).__name__)
    assert results[0] == results[1]


def test_a_broken_layer_is_an_error_of_the_analysis() -> None:
    image = sample()
    archive = docker_legacy([image])
    (name,) = [name for name in archive if name.endswith("layer.tar")][:1]
    content = bytearray(archive[name])
    content[5632:5732] = b"\xff" * 100
    archive.remove(name).add(name, bytes(content))
    file = spooled(archive.pack(), request())
    assert len(file.read_early) == 2
    with pytest.raises(FormatError):
        report(file, request())


def test_the_limits_count_for_early_layers_too() -> None:
    limits = Limits(members=2)
    file = spooled(docker_legacy([sample()]).pack(), request(limits))
    with pytest.raises(LimitExceeded):
        report(file, request(limits))
    tight = Limits(extra_bytes=200)
    with pytest.raises(LimitExceeded, match="extra_bytes"):
        report(spooled(docker_legacy([sample()]).pack(), request()), request(tight))


@pytest.mark.parametrize("error", [SourceUnavailable("gone"), KeyboardInterrupt()])
def test_a_stream_that_breaks_off_leaves_no_thread_and_no_file(error: BaseException) -> None:
    before = len(os.listdir("/proc/self/fd"))
    data = docker_legacy([sample()]).pack()

    def broken() -> Iterator[bytes]:
        yield data[:9000]
        raise error

    with no_thread_left(), pytest.raises(type(error)):
        spool(broken(), "the save", request())
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_stop_ends_the_follower() -> None:
    data = docker_legacy([sample()]).pack()
    done: list[int] = []
    asked = request(cancelled=lambda: len(done) > 5, progress=lambda _: done.append(1))
    with no_thread_left(), pytest.raises(Cancelled):
        spooled(data, asked)


@pytest.mark.parametrize("data", [b"x" * 5000, b"", bytes(10_240)])
def test_what_is_not_an_archive_ends_the_follower(data: bytes) -> None:
    with no_thread_left(), suppress(FormatError):
        spooled(data, request()).close()
