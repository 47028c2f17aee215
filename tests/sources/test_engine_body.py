"""The body of an engine's response is the same in whatever pieces it arrives."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from layerscope.sources.engine_answers import OddAnswer
from layerscope.sources.engine_body import unchunked
from layerscope.sources.engine_socket import saving
from tests.effort import seeds
from tests.sources.test_engine_socket import engine, usual


def encoded(body: bytes, choices: random.Random) -> bytes:
    parts = []
    at = 0
    while at < len(body):
        size = choices.choice([1, 2, 15, 16, 300])
        part = body[at : at + size]
        parts += [b"%x" % len(part), choices.choice([b"", b";name=1"]), b"\r\n", part, b"\r\n"]
        at += size
    return b"".join(parts) + b"0\r\n\r\n"


def reader(data: bytes, choices: random.Random) -> Callable[[], bytes]:
    at = 0

    def read() -> bytes:
        nonlocal at
        size = choices.randint(1, choices.choice([2, 50, 1000]))
        at += size
        return data[at - size : at]

    return read


@pytest.mark.parametrize("seed", seeds(200))
def test_chunks_are_joined_in_whatever_pieces_they_arrive(seed: int) -> None:
    choices = random.Random(seed)
    body = choices.randbytes(choices.randint(0, 5000))
    pieces = list(unchunked(reader(encoded(body, choices), choices)))
    assert b"".join(pieces) == body
    assert all(pieces)


@pytest.mark.parametrize("seed", seeds(40))
def test_a_body_that_is_cut_short_is_an_error(seed: int) -> None:
    choices = random.Random(seed)
    data = encoded(choices.randbytes(3000), choices)
    cut = data[: choices.randint(0, len(data) - 5)]
    with pytest.raises(OddAnswer, match="ended its response in the middle"):
        list(unchunked(reader(cut, choices)))


@pytest.mark.parametrize(
    "data", [b"x\r\n", b"\r\n\r\n", b"-1\r\n", b"1" * 2000, b"2\r\nabXX\r\n", b" 2\r\nab\r\n"]
)
def test_a_malformed_chunk_is_an_error(data: bytes) -> None:
    choices = random.Random(1)
    with pytest.raises(OddAnswer):
        list(unchunked(reader(data + b"0\r\n\r\n", choices)))


def test_an_image_is_saved_by_the_name_that_was_chosen(tmp_path: Path) -> None:
    asked: list[str] = []

    def answer(path: str) -> tuple[int, bytes]:
        asked.append(path)
        return (200, b"tar" * 500_000) if path.endswith("/get") else usual()(path)

    with (
        engine(tmp_path, answer) as path,
        saving(path, "app:1", lambda image: image.tags[0], 10) as chunks,
    ):
        assert chunks is not None
        assert b"".join(chunks) == b"tar" * 500_000
    assert asked[-1] == "/v1.41/images/app:1/get"


@pytest.mark.parametrize("changed", [{"version": 500}, {"image": 404}, {"image": b"{"}], ids=str)
def test_what_is_unusual_is_left_to_the_sdk(changed: dict[str, object], tmp_path: Path) -> None:
    with (
        engine(tmp_path, usual(**changed)) as path,
        saving(path, "app:1", lambda image: image.id, 10) as chunks,
    ):
        assert chunks is None


def test_a_refused_save_is_left_to_the_sdk(tmp_path: Path) -> None:
    def answer(path: str) -> tuple[int, bytes]:
        return (500, b"{}") if path.endswith("/get") else usual()(path)

    with (
        engine(tmp_path, answer) as path,
        saving(path, "app:1", lambda image: image.id, 10) as chunks,
    ):
        assert chunks is None


def test_a_missing_socket_is_left_to_the_sdk(tmp_path: Path) -> None:
    with saving(str(tmp_path / "none"), "app:1", lambda image: image.id, 10) as chunks:
        assert chunks is None
