"""The compressed bytes of each member: exact if gzip members end with files, prorated otherwise, with exact sums."""

from __future__ import annotations

import gzip
import hashlib
import random
from array import array
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from layerscope.image.digest import Digest
from layerscope.layers.costs import Checkpoints, member_costs
from layerscope.layers.index_bytes import from_bytes, to_bytes
from layerscope.layers.reader import StoredLayer, Verify, index_layer
from layerscope.limits import DEFAULT_LIMITS
from tests.builder import COMPRESSIONS, Directory, File, Hardlink, Symlink
from tests.builder.compression import gzip_one
from tests.builder.nodes import Member
from tests.builder.tar import END, member, tar
from tests.effort import examples
from tests.layers.reading import blob_of, index


def costs(stored: StoredLayer) -> dict[bytes, int]:
    assert stored.index.compressed is not None
    return dict(zip(stored.index.each_path(), stored.index.compressed.tolist(), strict=True))


def mixed(source: random.Random, size: int) -> bytes:
    """Content that compresses well, badly, or not at all."""
    kind = source.randrange(3)
    if kind == 0:
        return source.randbytes(size)
    if kind == 1:
        words = [source.randbytes(6).hex().encode() for _ in range(200)]
        text = b" ".join(source.choices(words, k=size // 10 + 1))
        return text[:size]
    parts = b"".join(source.randbytes(100) + bytes(300) for _ in range(size // 400 + 1))
    return parts[:size]


def gzip_by_member(files: Sequence[Member]) -> bytes:
    """A layer with a gzip member for each file and its header."""
    return b"".join(gzip_one(member(*each)) for each in files) + gzip_one(END)


def test_each_file_with_its_own_gzip_member_costs_that_member() -> None:
    source = random.Random(2)
    files = [(f"f{number}", File(mixed(source, source.randint(0, 90_000)))) for number in range(40)]
    stored = index(gzip_by_member(files))
    found = costs(stored)
    for name, node in files:
        assert found[name.encode()] == len(gzip_one(member(name, node)))


@pytest.mark.parametrize("size", [100_000, 1_000_000])
def test_prorated_costs_are_within_five_percent_of_the_exact_ones(size: int) -> None:
    source = random.Random(3)
    files = [
        (f"f{number}", File(mixed(source, source.randint(size, 2 * size)))) for number in range(12)
    ]
    exact = costs(index(gzip_by_member(files)))
    prorated = costs(index(gzip_one(tar(files))))
    for name, _ in files:
        path = name.encode()
        assert prorated[path] == pytest.approx(exact[path], rel=0.05)


@pytest.mark.parametrize("name", [name for name in sorted(COMPRESSIONS) if name != "none"])
@settings(deadline=None, max_examples=examples(25))
@given(seed=st.integers(0, 2**32), sizes=st.lists(st.integers(0, 60_000), max_size=12))
def test_the_costs_and_the_rest_add_up_to_the_blob(name: str, seed: int, sizes: list[int]) -> None:
    source = random.Random(seed)
    members: list[Member] = [
        ("d/", Directory()),
        *((f"d/{number}", File(mixed(source, size))) for number, size in enumerate(sizes)),
        ("l", Symlink("d")),
        ("d/.wh..wh..opq", File(b"")),
        *((f"h{number}", Hardlink(f"d/{number}")) for number in range(len(sizes[:3]))),
    ]
    blob = COMPRESSIONS[name](tar(members, "pax"))
    stored = index(blob)
    compressed = stored.index.compressed
    assert compressed is not None
    assert len(compressed) == len(stored.index)
    assert min(compressed) >= 0
    assert sum(compressed) <= len(blob)
    assert stored.compressed_size == len(blob)
    assert from_bytes(to_bytes(stored.index)) == stored.index
    # The members reach to within the end marker and its padding: little of the blob is left.
    assert len(blob) - sum(compressed) < 1500 + len(blob) // 3


def test_an_uncompressed_layer_has_no_costs() -> None:
    stored = index(tar([("a", File(b"a" * 2000))]))
    assert stored.index.compressed is None
    assert from_bytes(to_bytes(stored.index)) == stored.index


def test_the_index_of_the_tar_alone_says_nothing_about_the_blob() -> None:
    data = tar([("a", File(b"a" * 2000)), ("b", File(b"b"))])
    plain = index(gzip_one(data)).index.of_tar()
    assert plain.compressed is None
    assert list(plain.members()) == list(index(gzip_one(data)).index.members())


def test_bytes_after_the_archive_belong_to_no_member() -> None:
    data = tar([("a", File(random.Random(4).randbytes(50_000)))])
    behind = gzip.compress(random.Random(5).randbytes(200_000)) + b"\xff" * 100
    trailed = index(gzip_one(data) + behind)
    assert costs(trailed)[b"a"] == pytest.approx(50_000, rel=0.03)
    assert trailed.compressed_size == len(gzip_one(data) + behind)


@given(
    steps=st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 5000)), max_size=200),
    sizes=st.lists(st.integers(0, 9000), max_size=50),
    most=st.integers(4, 50),
)
@settings(deadline=None, max_examples=examples(200))
def test_sums_are_exact_even_with_few_checkpoints(
    steps: list[tuple[int, int]], sizes: list[int], most: int
) -> None:
    checkpoints = Checkpoints(most)
    unpacked = stored = 0
    for more, less in steps:
        unpacked, stored = unpacked + more, stored + less
        checkpoints.add(unpacked, stored)
    checkpoints.finish(unpacked, stored)
    assert len(checkpoints.unpacked) <= most + 1
    assert checkpoints.unpacked[-1] == unpacked
    data, at = array("q"), 0
    for size in sizes:
        data.append(at + 512)
        at += 512 + size + (-size % 512)
    found = member_costs(data, array("q", sizes), checkpoints)
    assert min(found, default=0) >= 0
    assert sum(found) <= stored
    if sizes and at >= unpacked:
        assert sum(found) == checkpoints.stored[-1]


def test_a_member_that_is_left_out_is_not_charged_to_the_next_one() -> None:
    source = random.Random(9)
    noise = source.randbytes(30_000)
    for name, node in (
        ("", File(noise)),
        ("a/.wh...", File(noise)),
        ("a/.wh.gone", File(noise)),
        ("dir", Directory()),
    ):
        before, after = ("b", File(b"b" * 2000)), ("c", File(source.randbytes(4000)))
        files: list[Member] = [before, (name, node), after]
        found = costs(index(gzip_by_member(files)))
        assert found[b"c"] == pytest.approx(len(gzip_one(member(*after))), abs=2), name


def test_the_data_of_an_unknown_kind_is_not_charged_to_the_next_member() -> None:
    source = random.Random(10)
    odd = bytearray(member("v", File(source.randbytes(20_000))))
    odd[156:157] = b"V"
    odd[148:156] = b" " * 8
    odd[148:156] = b"%06o\0 " % sum(odd[:512])
    last = member("c", File(source.randbytes(4000)))
    found = costs(index(gzip_one(bytes(odd)) + gzip_one(last) + gzip_one(END)))
    assert found[b"c"] == len(gzip_one(last))


def test_costs_do_not_depend_on_which_thread_is_faster() -> None:
    source = random.Random(8)
    files = [
        (f"f{number}", File(mixed(source, source.choice((300, 40_000, 400_000)))))
        for number in range(120)
    ]
    plain = tar(files)
    modes: list[tuple[bool, Verify]] = [
        (False, "auto"),
        (False, "full"),
        (True, "full"),
        (True, "full"),
    ]
    for stored in (gzip_one(plain), COMPRESSIONS["zstd"](plain)):
        seen = set()
        for ahead, verify in modes:
            with blob_of(stored) as blob:
                found = index_layer(
                    blob,
                    digest=named(stored),
                    diff_id=named(plain),
                    verify=verify,
                    limits=DEFAULT_LIMITS,
                    ahead=ahead,
                )
            assert found.index.compressed is not None
            seen.add(bytes(found.index.compressed))
        assert len(seen) == 1


def named(data: bytes) -> Digest:
    return Digest.parse(f"sha256:{hashlib.sha256(data).hexdigest()}", "a test")
