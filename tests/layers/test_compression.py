"""Compression is recognized by its first bytes and undone in bounded pieces. Broken data and bombs are refused."""

from __future__ import annotations

import bz2
import gzip
import lzma
import random
import struct
import subprocess
import sys
import tracemalloc
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from layerscope.errors import FormatError, LimitExceeded, UnsupportedFormat
from layerscope.layers.compression import Decompression, sniff
from layerscope.limits import DEFAULT_LIMITS, MIB, Limits
from tests.builder import COMPRESSIONS, File
from tests.builder.chunked import estargz
from tests.builder.compression import gzip_one, skippable, zstd_one
from tests.builder.tar import tar
from tests.effort import examples
from tests.layers.reading import blob_of, codes, index

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

RANDOM = random.Random(1)
CONTENT = RANDOM.randbytes(3000) * 200
PLAIN = tar([("a", File(CONTENT)), ("b", File(b"b"))])
KIND = {"gzip-members": "gzip", "zstd-frames": "zstd"}


def unpacked(data: bytes, limits: Limits = DEFAULT_LIMITS) -> tuple[bytes, Decompression]:
    with blob_of(data) as blob:
        source = Decompression(blob, sniff(blob), limits)
        return b"".join(source), source


def kind(data: bytes) -> str:
    with blob_of(data) as blob:
        return sniff(blob)


@pytest.mark.parametrize("name", sorted(COMPRESSIONS))
def test_each_compression_gives_the_bytes_back(name: str) -> None:
    packed = COMPRESSIONS[name](PLAIN)
    assert kind(packed) == KIND.get(name, name)
    data, source = unpacked(packed)
    assert data == PLAIN
    assert (source.read, source.produced, source.trailing) == (len(packed), len(PLAIN), 0)


@pytest.mark.parametrize("name", [name for name in sorted(COMPRESSIONS) if name != "none"])
@settings(deadline=None, max_examples=examples(40))
@given(st.lists(st.binary(max_size=3000), min_size=1, max_size=6))
def test_concatenated_members_are_read_as_one(name: str, parts: list[bytes]) -> None:
    data, source = unpacked(b"".join(map(COMPRESSIONS[name], parts)))
    assert data == b"".join(parts)
    assert source.trailing == 0


def test_a_tar_is_recognized_by_its_header_even_if_its_name_looks_like_magic() -> None:
    for magic in (b"\x1f\x8b", b"BZh", b"\x28\xb5\x2f\xfd", b"LZIP", b"\x04\x22\x4d\x18"):
        assert kind(tar([(magic + b"name", File(b"x"))], "gnu")) == "none"


@pytest.mark.parametrize(
    ("magic", "name"),
    [
        (b"\x04\x22\x4d\x18", "lz4"),
        (b"LZIP\x01", "lzip"),
        (b"\x89LZO\0\r\n\x1a\n", "lzop"),
        (b"\x1f\x9d\x90", "compress"),
    ],
)
def test_compressions_that_layers_cannot_have_are_refused_by_name(magic: bytes, name: str) -> None:
    with pytest.raises(UnsupportedFormat, match=f"layer.tar: .*{name}"):
        index(magic + RANDOM.randbytes(600))


@pytest.mark.parametrize(
    "data",
    [RANDOM.randbytes(100), b"\xce\xb2\xcf\x81" + b"x" * 1000, b"PK\x03\x04" * 200],
    ids=["random", "greek", "zip"],
)
def test_what_is_neither_a_tar_nor_compressed_is_refused(data: bytes) -> None:
    with pytest.raises(FormatError, match=r"layer\.tar: ") as caught:
        index(data)
    assert caught.value.exit_code == 4


def test_compressed_data_that_is_not_a_tar_is_refused_as_such() -> None:
    with pytest.raises(FormatError, match="gzip data in it is not a tar"):
        index(gzip_one(b"hello world" * 100))


def test_a_tar_compressed_twice_is_refused() -> None:
    with pytest.raises(FormatError, match="gzip data in it is not a tar"):
        index(gzip_one(gzip_one(PLAIN)))


# Broken and truncated data


@pytest.mark.parametrize("name", [name for name in sorted(COMPRESSIONS) if name != "none"])
@pytest.mark.parametrize("share", [0.001, 0.3, 0.9, 0.999])
def test_a_stream_cut_short_is_refused(name: str, share: float) -> None:
    packed = COMPRESSIONS[name](RANDOM.randbytes(5000))
    cut = packed[: max(int(len(packed) * share), 7)]
    with pytest.raises(FormatError):
        unpacked(cut) if kind(cut) != "none" else index(cut)


@pytest.mark.parametrize("name", ["gzip", "zstd", "xz", "bzip2"])
def test_flipped_bits_are_refused_or_change_nothing(name: str) -> None:
    content = RANDOM.randbytes(4000)
    packed = COMPRESSIONS[name](content)
    if name == "zstd":
        packed = zstd.compress(content, options={zstd.CompressionParameter.checksum_flag: 1})
    refused = 0
    for at in range(0, len(packed), 37):
        broken = bytearray(packed)
        broken[at] ^= 0x10
        with blob_of(bytes(broken)) as blob:
            try:
                assert b"".join(Decompression(blob, name, DEFAULT_LIMITS)) == content
            except FormatError:
                refused += 1
    assert refused > 100


def test_a_wrong_gzip_checksum_is_refused() -> None:
    packed = gzip_one(PLAIN)
    for broken in (packed[:-8] + bytes(4) + packed[-4:], packed[:-4] + bytes(4)):
        with pytest.raises(FormatError, match="broken gzip data"):
            unpacked(broken)


# Data after the end


@pytest.mark.parametrize("count", [1, 15, 16, 17, 511, 4096, 700_000])
def test_zeros_after_gzip_data_are_padding(count: int) -> None:
    data, source = unpacked(gzip_one(PLAIN) + bytes(count))
    assert (data == PLAIN, source.trailing) == (True, 0)
    data, source = unpacked(gzip_one(PLAIN) + bytes(count) + gzip_one(b"more"))
    assert (data == PLAIN + b"more", source.trailing) == (True, 0)


@pytest.mark.parametrize(
    "rest",
    [b"g", b"garbage" * 100, b"\x1f", b"\0\0\0x", RANDOM.randbytes(600_000)],
    ids=["letter", "text", "half-a-magic", "zeros-and-a-letter", "random"],
)
@pytest.mark.parametrize("name", ["gzip", "zstd", "xz", "bzip2"])
def test_bytes_after_the_compressed_data_get_a_note(name: str, rest: bytes) -> None:
    found = index(COMPRESSIONS[name](PLAIN) + rest)
    assert codes(found) == ["trailing-bytes"]
    assert str(len(rest.lstrip(b"\0"))) in found.notes[0].message
    assert found.compressed_size == len(COMPRESSIONS[name](PLAIN)) + len(rest)
    assert found.tar_size == len(PLAIN)


def test_an_estargz_layer_is_read_to_its_end() -> None:
    made = estargz(tar([("a", File(CONTENT)), ("b", File(b"b"))]))
    assert unpacked(made.blob)[0] == made.tar


# Many empty members and frames


@pytest.mark.slow
def test_a_million_empty_gzip_members_are_read() -> None:
    data, source = unpacked(gzip_one(b"") * 1_000_000)
    assert (data, source.trailing) == (b"", 0)


@pytest.mark.slow
def test_a_hundred_thousand_empty_frames_are_read() -> None:
    assert unpacked(zstd_one(b"") * 100_000)[0] == b""
    assert unpacked(zstd_one(b"x") + skippable(b"s") * 100_000 + zstd_one(b"y"))[0] == b"xy"


def test_a_skippable_frame_can_come_first() -> None:
    packed = skippable(b"table", 15) + zstd_one(PLAIN)
    assert kind(packed) == "zstd"
    assert unpacked(packed)[0] == PLAIN


def test_a_skippable_frame_that_lies_about_its_length_is_refused() -> None:
    with pytest.raises(FormatError, match="cut short"):
        unpacked(zstd_one(PLAIN) + struct.pack("<II", 0x184D2A50, 0xFFFFFFF0) + b"x")


def test_a_zstd_window_over_the_limit_is_refused() -> None:
    options: dict[int, int] = {
        zstd.CompressionParameter.window_log: 31,
        zstd.CompressionParameter.enable_long_distance_matching: 1,
    }
    packer = zstd.ZstdCompressor(options=options)
    with pytest.raises(FormatError, match="--limit zstd_window_log=N"):
        unpacked(packer.compress(PLAIN) + packer.flush())
    # 2^31 in the frame header alone: a window descriptor of exponent 21, then nothing that would need it.
    with pytest.raises(FormatError, match="--limit zstd_window_log=N"):
        unpacked(b"\x28\xb5\x2f\xfd\x00" + bytes((21 << 3,)) + b"\x01\0\0")


def test_an_xz_dictionary_over_the_limit_is_refused() -> None:
    filters = [{"id": lzma.FILTER_LZMA2, "dict_size": 512 * MIB}]
    packed = lzma.compress(PLAIN, filters=filters)
    with pytest.raises(FormatError, match="--limit zstd_window_log=N"):
        unpacked(packed)


def test_a_zstd_frame_with_a_dictionary_is_refused() -> None:
    dictionary = zstd.ZstdDict(b"some raw content " * 10, is_raw=True)
    trained = zstd.train_dict([RANDOM.randbytes(40) * 8 for _ in range(200)], 2000)
    packed = zstd.compress(PLAIN, zstd_dict=trained)
    assert dictionary.dict_id == 0 != trained.dict_id
    with pytest.raises(FormatError, match="broken zstd data"):
        unpacked(packed)


# Bombs


LOW = Limits(ratio=100, ratio_from=4 * MIB)


@pytest.mark.parametrize("name", ["gzip", "zstd", "xz", "bzip2"])
@pytest.mark.slow
def test_bombs_are_refused_in_bounded_memory(name: str) -> None:
    packed = COMPRESSIONS[name](bytes(64 * MIB))
    assert len(packed) < 100_000
    tracemalloc.start()
    with pytest.raises(LimitExceeded, match="over the 100:1 allowed") as caught:
        unpacked(packed, LOW)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert caught.value.hint is not None
    assert peak < 16 * MIB


@pytest.mark.parametrize("name", ["zstd", "xz", "bzip2"])
@pytest.mark.slow
def test_nested_bombs_stop_at_the_default_limit(name: str) -> None:
    """Kilobytes that expand to gigabytes, in many members, stop at the first gigabyte."""
    one = COMPRESSIONS[name](bytes(64 * MIB))
    lengths: list[int] = []
    with blob_of(one * 40) as blob, pytest.raises(LimitExceeded):
        lengths.extend(map(len, Decompression(blob, name, DEFAULT_LIMITS)))
    assert max(lengths) <= MIB
    assert sum(lengths) <= DEFAULT_LIMITS.ratio_from


@pytest.mark.slow
def test_a_bomb_does_not_grow_the_process() -> None:
    """A new interpreter reads a bomb of 9 GB in the memory that a small one takes."""
    program = (
        "import sys, tempfile, bz2\n"
        "from layerscope.errors import LimitExceeded\n"
        "from layerscope.image.blob import Blob, OpenFile\n"
        "from layerscope.layers.reader import index_layer\n"
        "from layerscope.limits import DEFAULT_LIMITS\n"
        "one = bz2.compress(bytes(64 << 20))\n"
        "file = tempfile.TemporaryFile(); file.write(one * 140); file.flush()\n"
        "blob = Blob(OpenFile(file.fileno(), 'bomb'), 0, len(one) * 140, 'bomb')\n"
        "def peak(): return int(open('/proc/self/status').read().split('VmHWM:')[1].split()[0])\n"
        "start = peak()\n"
        "try:\n"
        "    index_layer(blob, digest=None, diff_id=None, verify='auto', limits=DEFAULT_LIMITS)\n"
        "except LimitExceeded: pass\n"
        "else: sys.exit('read on')\n"
        "print(peak() - start)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    # An all-zero tar ends at its first block, but what follows the end marker is still read and measured.
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 256 * 1024


def test_honest_data_that_compresses_well_is_read() -> None:
    assert len(unpacked(gzip_one(bytes(50 * MIB)))[0]) == 50 * MIB
    assert len(unpacked(zstd_one(bytes(200 * MIB)))[0]) == 200 * MIB


def test_data_decompresses_as_in_the_standard_library() -> None:
    packed = gzip_one(PLAIN) + gzip_one(b"x")
    assert unpacked(packed)[0] == gzip.decompress(packed)
    assert unpacked(bz2.compress(PLAIN))[0] == PLAIN
    assert unpacked(lzma.compress(PLAIN))[0] == PLAIN
    deflated = zlib.compressobj(9, zlib.DEFLATED, 31)
    assert unpacked(deflated.compress(PLAIN) + deflated.flush())[0] == PLAIN


@pytest.mark.parametrize("name", ["zstd", "xz"])
def test_too_many_empty_frames_are_refused_with_the_limit_to_raise(name: str) -> None:
    data = COMPRESSIONS[name](PLAIN[:10_000]) + COMPRESSIONS[name](b"") * 300
    with pytest.raises(LimitExceeded, match=f"101 {name} frames for 10000 bytes") as caught:
        unpacked(data, Limits(frames=100))
    assert "--limit frames=N" in (caught.value.hint or "")
    assert unpacked(data, Limits(frames=400))[0] == PLAIN[:10_000]


@pytest.mark.parametrize("name", ["gzip", "zstd"])
def test_frames_that_each_contain_a_file_are_not_limited(name: str) -> None:
    parts = [PLAIN[at : at + 512] for at in range(0, 100_000, 512)]
    data = b"".join(map(COMPRESSIONS[name], parts))
    assert unpacked(data, Limits(frames=20))[0] == b"".join(parts)
