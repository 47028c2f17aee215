"""A layer's index doesn't depend on how its bytes are read: by seeking, or in pieces of any length."""

from __future__ import annotations

import hashlib
import os
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from layerscope.errors import TarError
from layerscope.image.blob import Blob, OpenFile
from layerscope.layers.reader import index_layer
from layerscope.layers.window import SeekWindow, StreamWindow, Window, fingerprint_at
from layerscope.limits import DEFAULT_LIMITS
from tests.builder import COMPRESSIONS, File
from tests.builder.tar import END, member, number_field
from tests.effort import examples
from tests.fuzz.mutations import archive, mutated
from tests.layers.reading import blob_of, codes, facts, index, members_of, pieces, seek, stream

cuts = st.lists(st.sampled_from((1, 2, 3, 100, 511, 512, 513, 1000, 5000)), min_size=1, max_size=5)


@settings(deadline=None, max_examples=examples(300))
@given(st.integers(0, 1 << 32), cuts)
def test_seeking_and_streaming_give_the_same(seed: int, lengths: list[int]) -> None:
    data = mutated(seed)
    one, other = seek(data), stream(data, lengths)
    if one.error is None or other.error is None:
        assert one.error is other.error is None, (one.error, other.error)
        assert one.end == other.end
    else:
        assert type(one.error) is type(other.error)
    shared = min(len(one.entries), len(other.entries))
    assert abs(len(one.entries) - len(other.entries)) <= (one.error is not None)
    assert one.facts[:shared] == other.facts[:shared]
    assert one.notes == other.notes


@settings(deadline=None, max_examples=examples(60))
@given(st.integers(0, 1 << 32), st.sampled_from(sorted(COMPRESSIONS)))
def test_an_index_is_the_same_from_every_compression(seed: int, compression: str) -> None:
    data = bytes(archive(random.Random(seed)))
    plain = index(data)
    full = index(data, verify="full")
    packed = index(COMPRESSIONS[compression](data))
    for other in (full, packed):
        assert [facts(each) for each in members_of(other)] == [
            facts(each) for each in members_of(plain)
        ]
        assert other.notes == plain.notes
        assert other.tar_size == plain.tar_size == len(data)


@settings(deadline=None, max_examples=examples(100))
@given(st.binary(max_size=3000), cuts, st.data())
def test_both_windows_show_the_same_bytes(
    data: bytes, lengths: list[int], draw: st.DataObject
) -> None:
    with blob_of(data) as blob:
        windows: list[Window] = [SeekWindow(blob), StreamWindow(pieces(data, lengths))]
        position = 0
        for _ in range(8):
            position += draw.draw(st.integers(0, 600))
            count = draw.draw(st.integers(0, 1500))
            for window in windows:
                window.move(position, count)
                offset = position - window.start
                shown = window.data[offset : offset + count] if offset >= 0 else b""
                assert shown == data[position : position + count]


@settings(deadline=None, max_examples=examples(100))
@given(st.binary(min_size=1, max_size=3000), cuts, st.data())
def test_both_windows_give_the_same_fingerprints(
    data: bytes, lengths: list[int], draw: st.DataObject
) -> None:
    start = draw.draw(st.integers(0, len(data)))
    size = draw.draw(st.integers(0, len(data) - start))
    window = StreamWindow(pieces(data, lengths))
    with blob_of(data) as blob:
        assert window.fingerprint(start, size) == fingerprint_at(blob, start, size)


@pytest.mark.parametrize("start", [0, 50, 99, 100, 200])
def test_a_fingerprint_beyond_the_end_is_refused(start: int) -> None:
    data = bytes(100)
    with pytest.raises(TarError, match="the tar ends"):
        StreamWindow(pieces(data, (7,))).fingerprint(start, 101)
    with blob_of(data) as blob, pytest.raises(TarError, match="the tar ends"):
        fingerprint_at(blob, start, 101)


def test_content_is_skipped_if_the_blob_is_seekable(tmp_path: Path) -> None:
    size = 1 << 40
    head = member("a", File(b"", overrides={"size": number_field(size, 12, "gnu")}), "gnu")
    tail = member("b", File(b"b")) + END
    path = tmp_path / "huge.tar"
    with path.open("wb") as file:
        file.write(head)
        file.seek(size, os.SEEK_CUR)
        file.write(tail)
    with path.open("rb") as file:
        blob = Blob(
            OpenFile(file.fileno(), "huge.tar"), 0, len(head) + size + len(tail), "huge.tar"
        )
        before = bytes_read()
        found = index_layer(blob, digest=None, diff_id=None, verify="auto", limits=DEFAULT_LIMITS)
        assert bytes_read() - before < 100_000
    assert [(entry.path, entry.size) for entry in members_of(found)] == [(b"a", size), (b"b", 1)]
    assert found.tar_size == blob.size


def bytes_read() -> int:
    text = Path("/proc/self/io").read_text()
    return int(text.split("rchar:")[1].split()[0])


def test_pieces_of_one_byte_are_joined_once() -> None:
    """Reading a megabyte from a stream of single bytes copies each byte a few times, not half a million times."""
    count = 0

    def single() -> object:
        nonlocal count
        for _ in range(300_000):
            count += 1
            yield b"x"

    window = StreamWindow(single())  # type: ignore[arg-type]
    window.move(0, 300_000)
    assert count == 300_000
    assert window.data == b"x" * 300_000


def test_notes_of_a_layer_do_not_depend_on_the_path() -> None:
    data = bytes(archive(random.Random(3))) + b"rest" + bytes(508)
    assert codes(index(data)) == codes(index(data, verify="full"))
    assert "data-after-end" in codes(index(data))


def test_a_compressed_layer_knows_the_sha256_of_every_file() -> None:
    contents = {"small": b"a", "large": random.Random(4).randbytes(300_000)}
    layer = b"".join(member(name, File(data)) for name, data in contents.items()) + END
    found = {
        each.path.decode(): each.fingerprint
        for each in members_of(index(COMPRESSIONS["gzip"](layer)))
    }
    assert found == {name: hashlib.sha256(data).digest() for name, data in contents.items()}
