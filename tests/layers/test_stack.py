"""Indexing all layers of an image: each blob is read once, and the first error is reported."""

from __future__ import annotations

import dataclasses
import random
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from layerscope.cache.shelf import Shelf
from layerscope.errors import Cancelled, FormatError, LimitExceeded
from layerscope.image.blob import Blob, OpenFile
from layerscope.image.digest import Digest
from layerscope.image.image import LOCAL_ENGINE, Layer
from layerscope.layers.reader import StoredLayer
from layerscope.layers.stack import index_stack
from layerscope.limits import DEFAULT_LIMITS
from layerscope.progress import Progress
from tests.builder import COMPRESSIONS, File, Member
from tests.builder.tar import tar
from tests.layers.reading import members_of

TAR = "application/vnd.oci.image.layer.v1.tar"


@contextmanager
def stack_of(*contents: bytes | None) -> Iterator[tuple[Layer, ...]]:
    """Layers with these blobs, all in one file. Equal bytes are one blob."""
    places: dict[bytes, int] = {}
    with tempfile.TemporaryFile() as file:
        for data in contents:
            if data is not None and data not in places:
                places[data] = file.tell()
                file.write(data)
        file.flush()
        handle = OpenFile(file.fileno(), "image.tar")
        yield tuple(
            Layer(
                index=number,
                diff_id=None,
                digest=None if data is None else Digest.of(data),
                media_type=TAR,
                size=0 if data is None else len(data),
                blob=None
                if data is None
                else Blob(handle, places[data], len(data), f"layer {number}"),
                instruction=0,
            )
            for number, data in enumerate(contents)
        )


def paths(found: StoredLayer | None) -> list[bytes]:
    assert found is not None
    return [entry.path for entry in members_of(found)]


def layer(name: str, compression: str = "none") -> bytes:
    members: list[Member] = [(name, File(name.encode() * 300)), ("z", File(b""))]
    return COMPRESSIONS[compression](tar(members))


def test_results_are_in_layer_order() -> None:
    packed = [layer(f"f{number}", name) for number, name in enumerate(sorted(COMPRESSIONS) * 2)]
    with stack_of(*packed) as layers:
        found = index_stack(layers, verify="auto", limits=DEFAULT_LIMITS)
    assert [paths(one)[0] for one in found] == [
        f"f{number}".encode() for number in range(len(packed))
    ]


def test_a_missing_layer_has_no_index() -> None:
    with stack_of(layer("a"), None, layer("b", "gzip")) as layers:
        found = index_stack(layers, verify="auto", limits=DEFAULT_LIMITS)
    assert found[1] is None
    assert (paths(found[0])[0], paths(found[2])[0]) == (b"a", b"b")


def test_an_artifact_is_not_read() -> None:
    with stack_of(layer("a"), b"\0asm, no tar at all") as layers:
        wasm = dataclasses.replace(layers[1], media_type="application/wasm")
        found = index_stack((layers[0], wasm), verify="auto", limits=DEFAULT_LIMITS)
    assert found[1] is None


@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_one_layer_a_thousand_times_is_read_once(compression: str) -> None:
    data = layer("a", compression)
    told: list[Progress] = []
    with stack_of(*[data] * 1000) as layers:
        found = index_stack(layers, verify="auto", limits=DEFAULT_LIMITS, progress=told.append)
    assert len(found) == 1000
    assert told[-1].done == told[-1].total == len(data)
    assert all(one is found[0] for one in found)


def test_members_of_repeated_layers_count_each_time() -> None:
    limits = dataclasses.replace(DEFAULT_LIMITS, members=100)
    with (
        stack_of(*[layer("a")] * 51) as layers,
        pytest.raises(LimitExceeded, match="100 members in all layers"),
    ):
        index_stack(layers, verify="auto", limits=limits)


@pytest.mark.parametrize("broken", [(4,), (1, 6), (0, 1, 2, 3)])
def test_the_first_broken_layer_is_reported_whichever_thread_is_first(
    broken: tuple[int, ...],
) -> None:
    packed = [layer(f"f{number}", "gzip") for number in range(8)]
    for number in broken:
        packed[number] = packed[number][: -9 - number]
    told = set()
    with stack_of(*packed) as layers:
        for _ in range(30):
            with pytest.raises(FormatError) as caught:
                index_stack(layers, verify="auto", limits=DEFAULT_LIMITS)
            told.add(str(caught.value))
    assert len(told) == 1
    assert int(told.pop().split()[1].rstrip(":")) in broken


@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_indexing_can_be_canceled(compression: str) -> None:
    packed = [layer(f"f{number}", compression) for number in range(4)]
    with stack_of(*packed) as layers, pytest.raises(Cancelled):
        index_stack(layers, verify="auto", limits=DEFAULT_LIMITS, cancelled=lambda: True)


def test_progress_reaches_the_size_of_all_blobs() -> None:
    told: list[Progress] = []
    packed = [layer("a"), layer("b", "gzip"), layer("c", "zstd")]
    with stack_of(*packed) as layers:
        index_stack(layers, verify="auto", limits=DEFAULT_LIMITS, progress=told.append)
    assert told[-1].done == told[-1].total == sum(map(len, packed))
    assert [step.done for step in told] == sorted(step.done for step in told)


@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_progress_names_the_current_layer(compression: str) -> None:
    told: list[Progress] = []
    size = 3 << 20
    packed = [
        COMPRESSIONS[compression](
            tar([(f"f{number}", File(random.Random(number).randbytes(size)))])
        )
        for number in range(3)
    ]
    with stack_of(*packed, packed[0]) as layers:
        index_stack(layers, verify="auto", limits=DEFAULT_LIMITS, progress=told.append)
    assert {step.layers for step in told} == {3}
    seen = [step.layer or 0 for step in told]
    assert seen == sorted(seen)
    assert seen[0] == 1
    assert seen[-1] == 3 or (compression == "gzip" and 1 <= seen[-1] < 3), "several at once"


def private_layer(compression: str) -> bytes:
    """A layer with a package database and a secret."""
    return COMPRESSIONS[compression](
        tar(
            [
                ("var/lib/dpkg/status", File(b"Package: a\nStatus: install ok installed\n\n")),
                ("root/.netrc", File(b"machine a login b password 8zK1qLw0\n")),
            ]
        )
    )


@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_only_bytes_that_pass_are_looked_into_unasked(compression: str) -> None:
    with stack_of(private_layer(compression)) as layers:
        (found,) = index_stack(
            layers, verify="auto", limits=DEFAULT_LIMITS, documents=False, secrets="off"
        )
    assert found is not None
    passed = compression == "gzip"
    assert (bool(found.index.documents), found.index.secrets is not None) == (passed, passed)


def test_a_layer_that_is_kept_for_others_is_looked_into_unasked() -> None:
    shelf = Shelf()
    diff_id = Digest.of(private_layer("none"))
    with stack_of(private_layer("none")) as (layer,):
        vouched = dataclasses.replace(layer, digest=None, diff_id=diff_id, vouched_by=LOCAL_ENGINE)
        index_stack(
            (vouched,),
            verify="auto",
            limits=DEFAULT_LIMITS,
            known=shelf,
            documents=False,
            secrets="off",
        )
        known = shelf.find(vouched, verify="auto", limits=DEFAULT_LIMITS)
    assert known is not None
    index = known.stored.index
    assert index.documents
    assert index.secrets is not None
    assert index.secrets.hits
