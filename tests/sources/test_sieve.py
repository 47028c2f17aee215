"""An export that passes without being kept gives the same report as one that is kept."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from layerscope.analysis.analyze import analyze
from layerscope.analysis.head import head_of
from layerscope.cache.shelf import Shelf
from layerscope.errors import Cancelled, LayerscopeError, LimitExceeded, SourceUnavailable
from layerscope.filesystem.content import open_content
from layerscope.image.blob import OpenFile
from layerscope.image.image import Image
from layerscope.limits import Limits
from layerscope.report.document.builder import build
from layerscope.sources.deferred import Export, exported
from layerscope.sources.files import sieve, spool
from layerscope.sources.source import Request
from layerscope.sources.temporary import NotSieved
from tests.builder import FORMS, WHITEOUT, Archive, BuiltImage, ImageBuilder, docker_legacy
from tests.effort import examples
from tests.threads import no_thread_left

NOISE = random.Random(5).randbytes(63_000)


def sample() -> BuiltImage:
    return (
        ImageBuilder("app:1")
        .layer({"a": NOISE[:20_000], "deep/" * 60 + "file": b"x"}, "RUN one")
        .layer({"a": NOISE[20_000:], "etc/shadow": b"root:x:0:\n"}, "RUN two")
        .layer({"a": WHITEOUT, "c": NOISE[:20_000]}, "RUN three")
        .build()
    )


def request(**options: Any) -> Request:
    return Request(reference="docker:app:1", **{"shelf": Shelf(), "contents": False, **options})


KEPT = request(contents=True, shelf=None)


class Engine:
    """Saves an image in pieces, and counts how often, kept and passing."""

    def __init__(self, data: bytes, asked: Request, size: int = 700) -> None:
        self.data = data
        self.asked = asked
        self.size = size
        self.saves: list[bool] = []
        self.files: list[OpenFile] = []

    def export(self, complete: bool) -> OpenFile:
        self.saves.append(complete)
        data = self.data
        pieces = (data[at : at + self.size] for at in range(0, len(data), self.size))
        keep: Callable[..., OpenFile] = spool if complete else sieve
        self.files.append(keep(pieces, "the save", self.asked, stage="export"))
        return self.files[-1]


def opened(engine: Engine) -> Image:
    export: Export = engine.export
    return exported(export, engine.asked, "docker")[1]


def report(engine: Engine) -> str:
    with opened(engine) as image:
        document: Any = build(analyze(image, limits=engine.asked.limits), files=True)
        for layer in document["layers"]:
            layer["entries"] = list(layer["entries"])
        return json.dumps(document)


@pytest.mark.parametrize("form", ["docker-legacy", "docker-oci", "podman", "kaniko", "oci-archive"])
@pytest.mark.parametrize("size", [64, 512, 700, 1 << 20])
def test_layers_that_pass_give_the_same_report(form: str, size: int) -> None:
    data = FORMS[form].writer([sample()], "none").pack()
    engine = Engine(data, request(), size)
    passing = report(engine)
    assert engine.saves == [False]
    assert len(engine.files[0].holes) == 3
    assert passing == report(Engine(data, KEPT))


@pytest.mark.parametrize("form", ["containerd", "oci-archive"])
@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_compressed_layers_of_a_layout_that_pass_give_the_same_report(
    form: str, compression: str
) -> None:
    data = FORMS[form].writer([sample()], compression).pack()
    engine = Engine(data, request())
    passing = report(engine)
    assert engine.saves == [False]
    assert len(engine.files[0].holes) == 3
    assert passing == report(Engine(data, KEPT))
    assert all(layer["verified"] for layer in json.loads(passing)["layers"])


def test_layers_take_no_room() -> None:
    image = ImageBuilder("app:1").layer({"a": NOISE * 200}, "RUN one").build()
    engine = Engine(docker_legacy([image]).pack(), request(), 1 << 20)
    with opened(engine):
        status = os.fstat(engine.files[0].fd)
        assert status.st_size == len(engine.data) > 12_000_000
        assert status.st_blocks * 512 < 1_000_000


def test_all_text_files_are_searched_as_they_pass() -> None:
    engine = Engine(docker_legacy([sample()]).pack(), request(all_secrets=True))
    with opened(engine) as image:
        analyze(image, secrets="all")
    assert engine.saves == [False]


def test_a_file_that_is_read_after_all_is_exported_again() -> None:
    engine = Engine(docker_legacy([sample()]).pack(), request())
    with opened(engine) as image:
        found = analyze(image)
        (entry,) = [entry for entry in found.tree.layers[2] if entry.path == b"c"]
        content = open_content(entry, found.indexes)
        assert engine.saves == [False]
        assert content.read(0, 1 << 20) == NOISE[:20_000]
    assert engine.saves == [False, True]
    assert all(file.closed for file in engine.files)


def test_an_image_that_changed_since_is_not_mixed_with_the_old_one() -> None:
    engine = Engine(docker_legacy([sample()]).pack(), request())
    with opened(engine) as image:
        found = analyze(image)
        (entry,) = [entry for entry in found.tree.layers[2] if entry.path == b"c"]
        other = ImageBuilder("app:1").layer({"c": NOISE[:20_000]}, "RUN three").build()
        engine.data = docker_legacy([other, other]).pack()
        with pytest.raises(SourceUnavailable, match="changed since it was read"):
            open_content(entry, found.indexes).read(0, 10)


def test_a_layer_whose_tar_has_to_be_compared_is_kept() -> None:
    data = FORMS["oci-archive"].writer([sample()], "gzip").pack()
    engine = Engine(data, request(shelf=Shelf(proves=True)))
    assert report(engine) == report(Engine(data, KEPT))
    assert engine.saves == [False]
    assert not engine.files[0].holes


@pytest.mark.parametrize("form", ["docker-legacy", "oci-archive"])
@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_the_head_of_an_export_keeps_no_layer(form: str, compression: str) -> None:
    data = FORMS[form].writer([sample()], compression).pack()
    engine = Engine(data, request(head=True, shelf=None))
    with opened(engine) as image:
        mine = json.dumps(build(head_of(image, limits=image_limits())))
    with opened(Engine(data, KEPT)) as image:
        assert json.dumps(build(head_of(image, limits=image_limits()))) == mine
    assert engine.saves == [False]
    if form == "oci-archive" or compression == "none":
        assert len(engine.files[0].holes) == 3


def image_limits() -> Limits:
    return Limits()


def broken_layer() -> Archive:
    archive = docker_legacy([sample()])
    layers = [name for name in archive if name.endswith("layer.tar")]
    (name,) = [name for name in layers if b"etc/shadow" in archive[name]]
    content = bytearray(archive[name])
    at = content.index(b"etc/shadow")
    content[at + 200 : at + 300] = b"\xff" * 100
    archive.replace(name, bytes(content))
    return archive


def wrong_digest() -> Archive:
    archive = FORMS["oci-archive"].writer([sample()], "gzip")
    name = max((each for each in archive if "blobs/" in each), key=lambda each: len(archive[each]))
    content = bytearray(archive[name])
    content[9] ^= 1
    archive.replace(name, bytes(content))
    return archive


@pytest.mark.parametrize("make", [broken_layer, wrong_digest])
def test_a_broken_layer_is_the_same_error_as_from_a_kept_archive(
    make: Callable[[], Archive],
) -> None:
    data = make().pack()
    errors = []
    for asked in (request(), KEPT):
        engine = Engine(data, asked)
        with pytest.raises(LayerscopeError) as caught:
            report(engine)
        errors.append((type(caught.value), str(caught.value)))
        assert engine.saves[-1]
    assert errors[0] == errors[1]


def test_the_limits_count_for_layers_that_pass() -> None:
    limits = Limits(members=2)
    engine = Engine(docker_legacy([sample()]).pack(), request(limits=limits))
    with pytest.raises(LimitExceeded):
        report(engine)


@given(data=st.data())
@settings(deadline=None, max_examples=examples(80))
def test_a_mangled_archive_gives_the_same_whether_it_is_kept_or_not(data: st.DataObject) -> None:
    form = data.draw(st.sampled_from(["docker-legacy", "oci-archive", "docker-oci"]))
    compression = data.draw(st.sampled_from(["none", "gzip"]))
    packed = bytearray(FORMS[form].writer([sample()], compression).pack())
    for _ in range(data.draw(st.integers(1, 4))):
        packed[data.draw(st.integers(0, len(packed) - 1))] = data.draw(st.integers(0, 255))
    packed = packed[: data.draw(st.integers(600, len(packed)))]
    results = []
    for asked in (request(), KEPT):
        try:
            results.append(report(Engine(bytes(packed), asked, 5000)))
        except LayerscopeError as error:
            results.append(f"{type(error).__name__}: {error}")
    assert results[0] == results[1]


def test_a_hole_that_no_member_has_is_never_read() -> None:
    data = docker_legacy([sample()]).pack()
    engine = Engine(data, request())

    def shifted(complete: bool) -> OpenFile:
        file = engine.export(complete)
        file.holes = frozenset((offset + 512, size - 512) for offset, size in file.holes)
        return file

    image = exported(shifted, engine.asked, "docker")[1]
    assert engine.saves == [False, True]
    image.close()


@pytest.mark.parametrize("error", [SourceUnavailable("gone"), KeyboardInterrupt()])
@pytest.mark.parametrize("after", [100, 9000, 30_000])
def test_a_stream_that_breaks_off_leaves_no_thread_and_no_file(
    error: BaseException, after: int
) -> None:
    before = len(os.listdir("/proc/self/fd"))
    data = FORMS["oci-archive"].writer([sample()], "gzip").pack()

    def broken() -> Iterator[bytes]:
        yield data[:after]
        raise error

    with no_thread_left(), pytest.raises(type(error)):
        sieve(broken(), "the save", request(), stage="export")
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_stop_ends_the_sieve() -> None:
    data = docker_legacy([sample()]).pack()
    done: list[int] = []
    asked = request(cancelled=lambda: len(done) > 5, progress=lambda _: done.append(1))
    with no_thread_left(), pytest.raises(Cancelled):
        Engine(data, asked).export(False)


def test_a_stream_that_goes_on_after_a_broken_layer_is_not_waited_for() -> None:
    data = broken_layer().pack()

    sent: list[int] = []

    def long() -> Iterator[bytes]:
        yield data
        for number in range(200):
            sent.append(number)
            yield bytes(1 << 20)

    with no_thread_left(), pytest.raises(NotSieved):
        sieve(long(), "the save", request(), stage="export")
    assert len(sent) < 200
