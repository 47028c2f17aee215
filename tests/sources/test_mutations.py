"""However an archive is damaged, it is either read or refused in one line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from layerscope.errors import FormatError, LayerscopeError
from layerscope.sources import open_image
from tests.builder import Archive, ImageBuilder, containerd_store, docker_legacy, encode, oci
from tests.effort import examples

IMAGE = (
    ImageBuilder("app:1")
    .layer({"a": b"one"}, "RUN a")
    .empty("ENV A=b")
    .layer({"b": b"two"}, "RUN b")
    .configure(Env=["A=b"], Labels={"a": "b"})
    .build()
)
WRITERS: list[Callable[[], Archive]] = [
    lambda: docker_legacy([IMAGE]),
    lambda: oci([IMAGE], "gzip", "nested", attestations=True),
    lambda: containerd_store([IMAGE]),
]
MEMBERS = [
    (n, name)
    for n, write in enumerate(WRITERS)
    for name in write()
    if name in ("index.json", "oci-layout") or name.endswith(".json")
]
JUNK: st.SearchStrategy[object] = st.sampled_from(
    [
        None,
        True,
        -1,
        2**63,
        1.5,
        "",
        "\x1b[31m\n",
        "../../etc/passwd",
        "sha256:x",
        [],
        {},
        [[]],
        [{}],
    ]
)


def read(path: str) -> None:
    try:
        open_image(path).close()
    except LayerscopeError as error:
        told, code = str(error), error.exit_code
    else:
        return
    assert code in (2, 3, 4)
    assert "\n" not in told
    assert "\x1b" not in told


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tmp_path_factory.mktemp("mutations") / "x.tar")


@settings(
    max_examples=examples(150),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(write=st.sampled_from(WRITERS), data=st.data())
def test_an_archive_with_changed_bytes_is_read_or_refused(
    path: str, write: Callable[[], Archive], data: st.DataObject
) -> None:
    packed = bytearray(write().pack())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(packed) - 1))
        match data.draw(st.sampled_from(["flip", "cut", "insert", "zero"])):
            case "flip":
                packed[at] ^= data.draw(st.integers(1, 255))
            case "cut":
                del packed[at : at + data.draw(st.integers(1, 2000))]
                packed = packed or bytearray(b"x")
            case "insert":
                packed[at:at] = data.draw(st.binary(max_size=600))
            case _:
                packed[at : at + 512] = bytes(512)
    with open(path, "wb") as file:
        file.write(packed)
    read(path)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path]
    if isinstance(value, dict):
        for key in value:
            found += places(value[key], (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            found += places(item, (*path, index))
    return found


@settings(
    max_examples=examples(300),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(member=st.sampled_from(MEMBERS), junk=JUNK, data=st.data())
def test_a_document_with_changed_values_is_read_or_refused(
    path: str, member: tuple[int, str], junk: object, data: st.DataObject
) -> None:
    writer, name = member
    archive = WRITERS[writer]()
    document = json.loads(archive[name])
    *where, last = data.draw(st.sampled_from(places(document)[1:]))
    inner = document
    for step in where:
        inner = inner[step]
    if data.draw(st.booleans()):
        inner[last] = junk
    else:
        del inner[last]
    archive.replace(name, encode(document)).write(Path(path))
    read(path)


def test_an_archive_cut_anywhere_is_read_or_refused(path: str) -> None:
    packed = docker_legacy([IMAGE]).pack()
    end = packed.index(b'[{"Config"')
    for size in range(0, end, 509):
        with open(path, "wb") as file:
            file.write(packed[:size])
        with pytest.raises(FormatError):
            open_image(path)
