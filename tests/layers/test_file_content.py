"""Reading a file's content page by page, in plain and compressed layers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import layerscope
from layerscope.analysis.model import Analysis
from layerscope.errors import Cancelled, FormatError, LayerscopeError, UnsupportedFormat
from layerscope.filesystem.content import content_entry, open_content
from layerscope.filesystem.entry import Entry
from layerscope.image.blob import Blob
from layerscope.layers import file_content as contents
from layerscope.layers.entry import Member
from layerscope.layers.file_content import CompressedTar, Content
from tests.builder import FORMS, WHITEOUT, BuiltImage, Device, File, Hardlink, ImageBuilder, Sparse

BIG = bytes(n * 7 % 251 for n in range(251)) * 2789
HOLES = ((3, b"abc"), (1000, b"defg"), (5000, b"z"))


def image() -> BuiltImage:
    return (
        ImageBuilder("t")
        .layer(
            {
                "first": File(b"1" * 300_000),
                "big": File(BIG),
                "link": Hardlink("big"),
                "hole": Sparse(size=6000, chunks=HOLES),
                "only-hole": Sparse(size=50, chunks=()),
                "empty": b"",
                "null": Device(major=1, minor=3),
                "after": b"after",
            },
            "RUN one",
        )
        .layer({"big": WHITEOUT, "after": b"later"}, "RUN two")
        .build()
    )


@contextmanager
def analysed(path: Path, compression: str) -> Iterator[Analysis]:
    reference = FORMS["oci-archive"].write([image()], path / "image.tar", compression)
    with layerscope.load(reference) as opened:
        yield layerscope.analyze(opened)


def entry_of(analysis: Analysis, path: bytes) -> Entry:
    node = analysis.tree.find(path)
    assert node is not None
    entry = node.at_layer(0)
    assert entry is not None
    return entry


@pytest.fixture(params=["none", "gzip", "zstd"])
def analysis(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Analysis]:
    with analysed(tmp_path, request.param) as found:
        yield found


def expanded(size: int) -> bytes:
    data = bytearray(size)
    for begin, part in HOLES:
        data[begin : begin + len(part)] = part
    return bytes(data)


def test_a_deleted_file_is_read_whole(analysis: Analysis) -> None:
    content = open_content(entry_of(analysis, b"big"), analysis.indexes)
    assert content.size == len(BIG)
    assert b"".join(content.pieces(100_000)) == BIG


def test_pages_are_read_in_any_order(analysis: Analysis) -> None:
    content = open_content(entry_of(analysis, b"big"), analysis.indexes)
    for position in (600_000, 0, 262_143, 5, 699_990, 300_000):
        assert content.read(position, 1000) == BIG[position : position + 1000]
    assert content.read(len(BIG), 5) == b""
    assert content.read(-1, 5) == b""


def test_going_back_past_the_cached_pieces_works(
    analysis: Analysis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contents, "KEPT_PIECES", 1)
    content = open_content(entry_of(analysis, b"big"), analysis.indexes)
    assert content.read(600_000, 10) == BIG[600_000:600_010]
    assert content.read(0, 10) == BIG[:10]
    assert content.read(600_000, 10) == BIG[600_000:600_010]


def test_a_hard_link_has_the_content_of_its_target(analysis: Analysis) -> None:
    content = open_content(entry_of(analysis, b"link"), analysis.indexes)
    assert content.read(0, content.size) == BIG


def test_holes_are_filled_with_zeros(analysis: Analysis) -> None:
    content = open_content(entry_of(analysis, b"hole"), analysis.indexes)
    assert content.size == 6000
    whole = expanded(6000)
    assert content.read(0, 6000) == whole
    for position in range(0, 6000, 7):
        assert content.read(position, 1001) == whole[position : position + 1001]
    stored = bytearray(6000)
    for position, piece in content.stored_pieces(2):
        stored[position : position + len(piece)] = piece
    assert bytes(stored) == whole


def test_a_file_that_is_one_hole_is_all_zeros(analysis: Analysis) -> None:
    entry = entry_of(analysis, b"only-hole")
    content = Content(open_content(entry_of(analysis, b"big"), analysis.indexes)._stored, entry)
    assert content.read(0, 100) == bytes(50)
    assert list(content.stored_pieces()) == []


def test_a_hole_of_exabytes_costs_nothing_to_skip(tmp_path: Path) -> None:
    size = 1 << 60
    built = (
        ImageBuilder("t")
        .layer({"x": Sparse(size=size, chunks=((size - 3, b"end"),), form="1.0")}, "RUN x")
        .build()
    )
    with layerscope.load(FORMS["oci-archive"].write([built], tmp_path / "i.tar")) as opened:
        analysis = layerscope.analyze(opened)
        content = open_content(entry_of(analysis, b"x"), analysis.indexes)
        assert content.read(size - 10, 100) == bytes(7) + b"end"


@pytest.mark.parametrize("path", [b"empty", b"null"])
def test_a_file_without_content_cannot_be_opened(analysis: Analysis, path: bytes) -> None:
    entry = entry_of(analysis, path)
    source = content_entry(entry)
    assert source is None or source.size == 0
    if source is None:
        with pytest.raises(UnsupportedFormat):
            open_content(entry, analysis.indexes)


def test_content_in_a_missing_layer_is_an_error(analysis: Analysis) -> None:
    with pytest.raises(UnsupportedFormat, match="layer 0"):
        open_content(entry_of(analysis, b"big"), (None, None))


def test_reading_can_be_canceled(tmp_path: Path) -> None:
    with analysed(tmp_path, "gzip") as analysis:
        content = open_content(
            entry_of(analysis, b"after"), analysis.indexes, cancelled=lambda: True
        )
        with pytest.raises(Cancelled):
            content.read(0, 1)


def test_a_file_longer_than_its_layer_is_an_error(analysis: Analysis) -> None:
    entry = entry_of(analysis, b"after")
    long = Member(b"x", 0, 1 << 40, entry.data, (0o644, 0, 0), 0)
    content = Content(open_content(entry, analysis.indexes)._stored, long)
    with pytest.raises(FormatError):
        content.read((1 << 40) - 10, 10)


def test_a_stream_broken_in_the_middle_is_an_error(tmp_path: Path) -> None:
    with analysed(tmp_path, "gzip") as analysis:
        index = analysis.indexes[0]
        assert index is not None
        blob = index.blob
        assert isinstance(blob, Blob)
        cut = Blob(blob.file, blob.offset, blob.size // 2, blob.name)
        with pytest.raises(LayerscopeError):
            CompressedTar(cut, "gzip").read_at(0, 10_000_000)
