"""Reading any bytes ends in entries or in a `FormatError`. The counts are fixed, so it takes only seconds.

A failure names the number and seed: `mutated(number, seed)` always gives the same bytes again.
"""

from __future__ import annotations

import random
import tempfile
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from layerscope.analysis.waste import settle_rewrites, settle_waste, total_by_kind
from layerscope.errors import FormatError
from layerscope.filesystem.tree import FileTree
from layerscope.image.blob import Blob, OpenFile
from layerscope.layers.compression import Decompression
from layerscope.layers.entry import FILE, METADATA
from layerscope.layers.pax import parse_records
from layerscope.layers.reader import StoredLayer, index_layer
from layerscope.limits import MIB, Limits
from layerscope.notes import Notes
from tests.builder import COMPRESSIONS
from tests.builder.random_stacks import stacks
from tests.builder.tar import BLOCK, tar
from tests.effort import examples, seeds
from tests.fuzz.mutations import KEYS, VALUES, archive, mend, mutated, spoil
from tests.layers.reading import blob_of, seek, stream

LIMITS = Limits(ratio=200, ratio_from=4 * MIB)
SEEDS = seeds(8)


@pytest.mark.random
@pytest.mark.parametrize("seed", SEEDS)
def test_a_mutated_tar_is_read_or_refused(seed: int) -> None:
    for number in range(700):
        data = mutated(number, seed)
        one = seek(data)
        other = stream(data, (number % 1500 + 1,))
        assert (one.error is None) == (other.error is None), (seed, number)
        assert one.notes == other.notes, (seed, number)
        for entry in one.entries:
            assert 0 <= entry.size <= len(data)
            assert entry.data + entry.size <= len(data), (seed, number)


@pytest.mark.random
@pytest.mark.parametrize("seed", SEEDS)
def test_a_mutated_stream_is_read_or_refused(seed: int) -> None:
    """Compressed layers in which bytes are changed, removed, inserted, or doubled."""
    for number in range(250):
        source = random.Random(f"{seed}/{number}")
        name = source.choice([name for name in COMPRESSIONS if name != "none"])
        packed = bytearray(COMPRESSIONS[name](bytes(archive(source))))
        for _ in range(source.randint(1, 4)):
            spoil(packed, source)
        with blob_of(bytes(packed)) as blob:
            with suppress(FormatError):
                index_layer(blob, digest=None, diff_id=None, verify="off", limits=LIMITS)
            kind = name.partition("-")[0]
            source_ = Decompression(blob, kind, LIMITS)
            try:
                produced = sum(map(len, source_))
            except FormatError:
                continue
            assert (source_.produced, source_.read) == (produced, len(packed)), (seed, number)


@pytest.mark.random
@pytest.mark.parametrize("seed", SEEDS)
def test_the_sums_of_mutated_layers_add_up(seed: int) -> None:
    """Replays the layers that can be read: sums add up, and nothing is wasted twice."""
    source = random.Random(f"stacks/{seed}")
    for _ in range(60):
        layers = [mutated(source.randrange(100_000), seed) for _ in range(source.randint(1, 5))]
        replay([data for data in layers if seek(data).error is None])


@settings(deadline=None, max_examples=examples(150))
@given(stacks())
def test_random_stacks_are_replayed(layers: list[list[tuple[str, object]]]) -> None:
    replay([tar(members) for members in layers])  # type: ignore[arg-type]


def replay(layers: list[bytes]) -> None:
    with tempfile.TemporaryFile() as file:
        places = []
        for data in layers:
            places.append((file.tell(), len(data)))
            file.write(data)
        file.flush()
        handle = OpenFile(file.fileno(), "stack")
        notes = Notes()
        tree = FileTree(notes)
        indexes: list[StoredLayer] = []
        for number, (offset, size) in enumerate(places):
            blob = Blob(handle, offset, size, f"layer {number}")
            found = index_layer(blob, digest=None, diff_id=None, verify="auto", limits=LIMITS)
            indexes.append(found)
            tree.apply(found.index)
        settle_rewrites(tree.rewrites, indexes)
        waste = settle_waste(tree.losses, indexes, list(range(len(layers))))
    lost = [id(loss.content) for loss in tree.losses]
    assert len(lost) == len(set(lost))
    contents = [
        entry
        for entry in tree.entries()
        if entry.kind == FILE or (entry.kind == METADATA and entry.content is not None)
    ]
    live = sum(entry.size for entry in contents if entry.names)
    wasted = sum(row.bytes for row in waste)
    assert live + wasted == sum(entry.size for entry in contents)
    assert sum(total_by_kind(waste).values()) == wasted
    reached: dict[int, int] = {}
    for node in tree.nodes():
        latest = node.latest
        if node.visible and latest is not None and latest.content is not None:
            reached[id(latest.content)] = reached.get(id(latest.content), 0) + 1
        if node.visible and node.parent is not None:
            assert node.parent.visible
    assert {id(entry): entry.names for entry in contents if entry.names} == reached
    assert all(count >= 0 for count in tree.deleted)


@settings(deadline=None, max_examples=examples(400))
@given(st.binary(min_size=BLOCK, max_size=BLOCK), st.binary(max_size=2000))
def test_a_header_of_any_bytes_is_read_or_refused(block: bytes, rest: bytes) -> None:
    """Random fields with a correct checksum."""
    data = bytearray(block)
    mend(data, 0)
    one, other = seek(bytes(data) + rest), stream(bytes(data) + rest, (100,))
    assert (one.error is None) == (other.error is None)


records = st.lists(
    st.tuples(
        st.sampled_from((*KEYS, b"", b"k=", b"\0")) | st.binary(max_size=5),
        st.sampled_from(VALUES) | st.binary(max_size=10),
        st.sampled_from((0, 0, 0, 0, 1, -1)),
    ),
    max_size=5,
)


@settings(deadline=None, max_examples=examples(400))
@given(records, st.binary(max_size=4))
def test_records_of_any_bytes_are_read_or_refused(
    rows: list[tuple[bytes, bytes, int]], rest: bytes
) -> None:
    body = b""
    for key, value, lie in rows:
        line = b" " + key + b"=" + value + b"\n"
        length = len(line) + 2
        body += b"%d" % (length + lie) + line
    try:
        found = parse_records(body + rest, 0)
    except FormatError:
        return
    assert found.size is None or found.size >= 0
