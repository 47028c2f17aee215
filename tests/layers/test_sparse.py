"""Sparse files in GNU tar's four formats: stored and logical sizes, and maps that lie."""

from __future__ import annotations

import dataclasses
import tracemalloc
from typing import Literal

import pytest

from layerscope.errors import LimitExceeded, TarError
from layerscope.limits import DEFAULT_LIMITS, MIB
from tests.builder import Directory, File, Sparse
from tests.builder.tar import END, extended_raw, member, padded, record, sparse_gnu, tar
from tests.layers.reading import Scan, seek, stream

Form = Literal["gnu", "0.0", "0.1", "1.0"]
FORMS: tuple[Form, ...] = ("gnu", "0.0", "0.1", "1.0")
CHUNKS = ((0, b"a" * 700), (4096, b"b" * 100), (9000, b"c" * 1000))


def both(data: bytes) -> Scan:
    one, other = seek(data), stream(data, (600, 1))
    assert one.facts == other.facts
    assert (one.error is None) == (other.error is None)
    return one


@pytest.mark.parametrize("form", FORMS)
def test_a_sparse_file_has_a_stored_and_a_logical_size(form: Form) -> None:
    data = tar([("d/holes", Sparse(size=10_000, chunks=CHUNKS, form=form)), ("z", File(b"z"))])
    scan = both(data)
    assert scan.error is None
    entry, last = scan.entries
    assert (entry.path, entry.size, last.path) == (b"d/holes", 1800, b"z")
    assert entry.extra is not None
    assert entry.extra.logical_size == 10_000
    assert data[entry.data : entry.data + 1800] == b"a" * 700 + b"b" * 100 + b"c" * 1000
    assert entry.extra.extents[:3] == ((0, 700), (4096, 100), (9000, 1000))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("count", [0, 1, 4, 5, 25, 26, 500])
def test_a_map_with_many_regions_is_read(form: Form, count: int) -> None:
    chunks = tuple((1000 * number, b"q" * 10) for number in range(count))
    data = tar([("holes", Sparse(size=1_000_000, chunks=chunks, form=form)), ("z", File(b"z"))])
    scan = both(data)
    assert scan.error is None
    entry, last = scan.entries
    assert (entry.size, last.path) == (10 * count, b"z")
    assert entry.extra is not None
    assert [pair for pair in entry.extra.extents if pair[1]] == [
        (1000 * number, 10) for number in range(count)
    ]


def test_a_logical_size_of_sixty_gigabytes_is_exact() -> None:
    """Other readers get this size wrong for PAX 1.0."""
    node = Sparse(size=60_000_000_000, chunks=((59_999_999_000, b"x" * 1000),), form="1.0")
    entry = both(tar([("holes", node)])).only()
    assert entry.size == 1000
    assert entry.extra is not None
    assert entry.extra.logical_size == 60_000_000_000


def pax_sparse(
    records: list[tuple[str, str]], data: bytes, name: str = "GNUSparseFile.0/f"
) -> bytes:
    body = b"".join(record(f"GNU.sparse.{key}", value) for key, value in records)
    return extended_raw(body) + member(name, File(data)) + END


def told(fields: str, size: int = 100, count: str | None = None) -> list[tuple[str, str]]:
    blocks = count if count is not None else str(len(fields.split(",")) // 2)
    return [("size", str(size)), ("numblocks", blocks), ("name", "f"), ("map", fields)]


@pytest.mark.parametrize(
    ("fields", "count"),
    [
        ("10,5,0,5", None),
        ("0,5,4,5", None),
        ("0,5,200,5", None),
        ("0,5,98,5", None),
        ("0,5", None),
        ("0,5,10,6", None),
        ("0,5,10", "1"),
        ("0,5,10,5", "3"),
        ("0,5,10,5", ""),
        ("0,5,10,5", "-2"),
        ("0,5,10,x", None),
        ("0,5,10,", None),
        ("0,-5,10,15", None),
        ("-5,5,10,5", None),
        ("9223372036854775807,5,10,5", None),
        ("0,5,9223372036854775808,5", None),
    ],
)
def test_a_map_that_lies_is_refused(fields: str, count: str | None) -> None:
    assert isinstance(both(pax_sparse(told(fields, count=count), b"x" * 10)).error, TarError)


def test_a_valid_map_is_read() -> None:
    entry = both(pax_sparse(told("0,5,10,5"), b"x" * 10)).only()
    assert (entry.path, entry.size) == (b"f", 10)


@pytest.mark.parametrize("size", ["-1", "x", "9223372036854775808", "14"])
def test_a_size_that_lies_is_refused(size: str) -> None:
    records = [("size", size), *told("0,5,10,5")[1:]]
    assert isinstance(both(pax_sparse(records, b"x" * 10)).error, TarError)


@pytest.mark.parametrize(
    "records",
    [
        [("major", "2"), ("minor", "0"), *told("0,5,10,5")],
        [("major", "1"), ("minor", "1"), *told("0,5,10,5")],
        [("realsize", "100"), ("name", "f")],
    ],
)
def test_an_unknown_version_is_a_plain_file(records: list[tuple[str, str]]) -> None:
    entry = both(pax_sparse(records, b"x" * 10)).only()
    assert (entry.path, entry.size) == (b"GNUSparseFile.0/f", 10)


def leading(text: bytes, data: bytes = b"", size: int = 100) -> bytes:
    records = [("major", "1"), ("minor", "0"), ("name", "f"), ("realsize", str(size))]
    return pax_sparse(records, padded(text) + data)


@pytest.mark.parametrize(
    "text",
    [
        b"2\n0\n5\n4\n5\n",
        b"1\n0\n",
        b"1\n0\nx\n",
        b"-1\n",
        b"x\n",
        b"\n",
        b"1" * 600,
        b"99999999999999999999\n",
        b"100\n0\n5\n",
    ],
)
def test_a_leading_map_that_lies_is_refused(text: bytes) -> None:
    assert both(leading(text, b"x" * 10)).error is not None


def test_a_leading_map_can_span_blocks() -> None:
    pairs = [(10 * number, 1) for number in range(300)]
    text = b"300\n" + b"".join(b"%d\n%d\n" % pair for pair in pairs)
    data = leading(text, b"x" * 300, size=5000)
    entry = both(data).only()
    assert entry.size == 300
    assert data[entry.data : entry.data + 300] == b"x" * 300


def test_a_map_on_a_directory_is_refused() -> None:
    body = b"".join(record(f"GNU.sparse.{key}", value) for key, value in told("0,5,10,5"))
    assert isinstance(both(extended_raw(body) + member("d/", Directory()) + END).error, TarError)


def old(table: list[tuple[int, int]], data: bytes, size: int = 10_000) -> bytes:
    return sparse_gnu(b"f", Sparse(size=size), table, data) + END


@pytest.mark.parametrize(
    ("table", "size"),
    [
        ([(100, 10), (0, 10)], 10_000),
        ([(0, 10), (5, 10)], 10_000),
        ([(0, 10), (9_995, 10)], 10_000),
        ([(0, 10)], 10_000),
        ([(0, 20)], 5),
        ([(0, 10), (100, 10), (200, 10)], 10_000),
    ],
)
def test_an_old_map_that_lies_is_refused(table: list[tuple[int, int]], size: int) -> None:
    assert isinstance(both(old(table, b"x" * 20, size)).error, TarError)


def test_an_old_map_cut_short_is_refused() -> None:
    table = [(1000 * number, 10) for number in range(60)]
    data = old(table, b"x" * 600, 100_000)
    assert both(data).error is None
    for length in (512, 700, 1024, 1536):
        assert isinstance(both(data[:length]).error, TarError)


def test_a_sparse_header_of_another_format_is_refused() -> None:
    data = member("f", File(b"x" * 10, overrides={"typeflag": b"S"}), "ustar")
    assert isinstance(both(data + END).error, TarError)


def test_the_number_of_regions_is_limited() -> None:
    limits = dataclasses.replace(DEFAULT_LIMITS, sparse_extents=100)
    for form in FORMS:
        chunks = tuple((1000 * number, b"q") for number in range(130))
        data = tar([("holes", Sparse(size=1_000_000, chunks=chunks, form=form))])
        assert both(data).error is None
        error = seek(data, limits).error
        assert isinstance(error, LimitExceeded)
        assert "100" in str(error)


@pytest.mark.parametrize("count", [b"1000001", b"999999", b"9223372036854775807"])
def test_a_map_that_claims_millions_of_regions_costs_nothing(count: bytes) -> None:
    data = leading(count + b"\n0\n1\n", b"x")
    tracemalloc.start()
    error = both(data).error
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert error is not None
    assert peak < MIB


def test_the_name_of_a_sparse_file_is_limited() -> None:
    limits = dataclasses.replace(DEFAULT_LIMITS, path_bytes=100)
    for length in (100, 101):
        records = [*told("0,5,10,5"), ("name", "n" * length)]
        scan = seek(pax_sparse(records, b"x" * 10, "x"), limits)
        if length == 100:
            assert scan.only().path == b"n" * 100
        else:
            assert isinstance(scan.error, LimitExceeded)
            assert "101 bytes" in str(scan.error)
