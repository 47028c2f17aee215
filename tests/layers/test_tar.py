"""The scanner reads members as builders write them, and refuses each way to break or abuse the format."""

from __future__ import annotations

import dataclasses
import tracemalloc

import pytest

from layerscope.errors import LimitExceeded, TarError
from layerscope.layers.entry import (
    BLOCK,
    CHARACTER,
    DIRECTORY,
    FIFO,
    FILE,
    HARDLINK,
    OTHER,
    SYMLINK,
)
from layerscope.limits import DEFAULT_LIMITS, MIB
from tests.builder import (
    Device,
    Directory,
    Fifo,
    File,
    Global,
    Hardlink,
    Member,
    Other,
    Raw,
    Symlink,
)
from tests.builder.tar import (
    END,
    Format,
    base256,
    extended,
    extended_raw,
    header,
    long_name,
    member,
    number_field,
    padded,
    record,
    tar,
)
from tests.layers.reading import Scan, seek, stream

FORMS: tuple[Format, ...] = ("pax", "gnu", "ustar")


def both(data: bytes) -> Scan:
    """The scan by seeking and by streaming, which must not differ."""
    one, other = seek(data), stream(data, (700, 1, 513))
    assert one.facts == other.facts
    assert one.notes == other.notes
    assert (one.error is None) == (other.error is None), (one.error, other.error)
    return one


def refused(data: bytes, offset: int, text: str) -> None:
    error = both(data).error
    assert isinstance(error, TarError)
    assert (error.offset, text in str(error)) == (offset, True), str(error)
    assert f"at byte {offset}" in str(error)


# Valid archives


@pytest.mark.parametrize("form", FORMS)
def test_every_kind_of_member_is_recognized(form: Format) -> None:
    members: list[Member] = [
        ("f", File(b"abc")),
        ("d/", Directory()),
        ("s", Symlink("f")),
        ("h", Hardlink("f")),
        ("c", Device(major=1, minor=3)),
        ("b", Device(major=8, minor=1, block=True)),
        ("p", Fifo()),
        ("7", Other(typeflag=b"7", data=b"contiguous")),
        ("V", Other(typeflag=b"V")),
        ("M", Other(typeflag=b"M", data=b"z" * 600)),
        ("D", Other(typeflag=b"D", data=b"Yf\0")),
        ("last", File(b"z")),
    ]
    scan = both(tar(members, form))
    assert scan.error is None
    assert [entry.kind for entry in scan.entries] == [
        FILE, DIRECTORY, SYMLINK, HARDLINK, CHARACTER, BLOCK, FIFO, OTHER, OTHER, OTHER, OTHER, FILE,
    ]  # fmt: skip
    assert [entry.size for entry in scan.entries if entry.kind != FILE] == [0] * 10
    extras = [entry.extra for entry in scan.entries if entry.kind in {CHARACTER, BLOCK}]
    assert [extra.device for extra in extras if extra is not None] == [(1, 3), (8, 1)]


def test_a_v7_directory_is_recognized_by_its_slash() -> None:
    scan = both(tar([("d/", File(overrides={"typeflag": b"\0"})), ("f", File(b"x"))], "v7"))
    assert [(entry.kind, entry.path) for entry in scan.entries] == [
        (DIRECTORY, b"d/"),
        (FILE, b"f"),
    ]


def test_the_data_offset_points_to_the_content() -> None:
    data = tar([("a", File(b"A" * 700)), ("n" * 150, File(b"B" * 10)), ("c", File(b"C"))], "gnu")
    for entry, content in zip(both(data).entries, (b"A" * 700, b"B" * 10, b"C"), strict=True):
        assert data[entry.data : entry.data + entry.size] == content


@pytest.mark.parametrize("form", ["pax", "gnu"])
def test_long_names_and_links_are_read(form: Format) -> None:
    entry = both(tar([("n" * 300, Symlink("t" * 400))], form)).only()
    assert (entry.path, entry.link) == (b"n" * 300, b"t" * 400)


def test_a_ustar_prefix_is_part_of_the_name() -> None:
    path = b"p" * 90 + b"/" + b"q" * 60 + b"/" + b"n" * 90
    assert both(tar([(path, File(b"x"))], "ustar")).only().path == path


def test_names_can_be_any_bytes() -> None:
    names = [b"\xe9\xff", "é".encode(), "e\u0301".encode(), b"a\nb", b"\x1b[2J", b"a\\b", b"C:\\x"]
    scan = both(tar([(name, File(b"")) for name in names], "gnu"))
    assert [entry.path for entry in scan.entries] == names
    scan = both(tar([(name, File(b"", pax={"path": name})) for name in names], "pax"))
    assert [entry.path for entry in scan.entries] == names


def test_large_numbers_are_read_from_base_256() -> None:
    node = File(b"x", uid=1 << 31, gid=1 << 32, mtime=-77)
    entry = both(tar([("a", node)], "gnu")).only()
    assert (entry.uid, entry.gid, entry.mtime) == (1 << 31, 1 << 32, -77)


def test_attributes_belong_to_the_member_after_them() -> None:
    scan = both(tar([("a", File(b"x", xattrs={"user.k": b"v\0"})), ("b", File(b"y"))], "pax"))
    assert [entry.xattrs for entry in scan.entries] == [((b"user.k", b"v\0"),), ()]


def test_a_pax_size_overrides_a_smaller_or_larger_one() -> None:
    data = b"A" * 600
    large = extended({"size": "600"}, b"x") + member("a", File(data, overrides={"size": b"0"}))
    small = extended({"size": "0"}, b"x") + member(
        "b", File(b"", overrides={"size": b"%011o\0" % 600})
    )
    scan = both(large + small + member("c", File(b"c")) + END)
    assert [(entry.path, entry.size) for entry in scan.entries] == [
        (b"a", 600),
        (b"b", 0),
        (b"c", 1),
    ]


def test_a_pax_header_is_about_the_file_and_not_the_long_name_between() -> None:
    data = extended({"size": "3"}, b"x") + long_name(b"L" * 200, b"L") + member("a", File(b"abc"))
    entry = both(data + END).only()
    assert (entry.path, entry.size) == (b"L" * 200, 3)


def test_a_long_name_overrides_a_pax_path() -> None:
    data = long_name(b"gnu", b"L") + extended({"path": "pax"}, b"x") + member("a", File(b""))
    assert both(data + END).only().path == b"gnu"


def test_a_second_pax_header_replaces_the_first() -> None:
    data = extended({"path": "one", "uid": "5"}, b"x") + extended({"gid": "6"}, b"x")
    entry = both(data + member("a", File(b"")) + END).only()
    assert (entry.path, entry.uid, entry.gid) == (b"a", 0, 6)


def test_a_name_in_a_global_header_is_ignored() -> None:
    members: list[Member] = [
        ("", Global(pax={"path": "evil", "size": "9", "linkpath": "x"})),
        ("a", File(b"abc")),
    ]
    scan = both(tar(members))
    assert (scan.only().path, scan.only().size, scan.codes) == (b"a", 3, ["pax-global-name"])


def test_a_harmless_global_header_gets_no_note() -> None:
    scan = both(tar([("", Global(pax={"comment": "commit"})), ("a", File(b"abc"))]))
    assert (scan.only().path, scan.codes) == (b"a", [])


def test_a_global_header_cuts_a_name_off_from_its_member() -> None:
    data = long_name(b"long", b"L") + extended({"comment": "c"}, b"g") + member("a", File(b""))
    scan = both(data + END)
    assert (scan.only().path, scan.codes) == (b"a", ["pax-global-between"])


@pytest.mark.parametrize(
    "target", [Hardlink("f", header_size=700), Hardlink("f", header_size=1 << 40)]
)
def test_a_size_on_a_link_is_ignored(target: Hardlink) -> None:
    scan = both(tar([("f", File(b"x")), ("h", target), ("z", File(b"z"))], "gnu"))
    assert [(entry.path, entry.size) for entry in scan.entries] == [(b"f", 1), (b"h", 0), (b"z", 1)]
    assert scan.codes == ["size-on-link"]


@pytest.mark.parametrize("typeflag", [b"2", b"3", b"4", b"5", b"6"])
def test_a_size_on_a_member_without_data_is_ignored(typeflag: bytes) -> None:
    block = File(b"", overrides={"typeflag": typeflag, "size": b"00000001000\0"})
    scan = both(tar([("odd", block), ("z", File(b"z"))]))
    assert [entry.path for entry in scan.entries] == [b"odd", b"z"]
    assert scan.codes == ["size-without-data"]


@pytest.mark.parametrize("length", [1, 512, 700])
def test_a_hard_link_can_carry_data(length: int) -> None:
    data = member("f", File(b"x" * length))
    data += member("h", Hardlink("f", header_size=length)) + padded(b"x" * length)
    scan = both(data + member("z", File(b"z")) + END)
    assert [(entry.path, entry.size) for entry in scan.entries] == [
        (b"f", length),
        (b"h", 0),
        (b"z", 1),
    ]
    assert scan.codes == ["size-on-link", "link-with-data"]


def test_a_bad_header_after_a_sized_link_is_not_its_data() -> None:
    broken = bytearray(member("z", File(b"z")))
    broken[0] ^= 1
    for size in (512, 1024, 1 << 30):
        data = (
            member("h", Hardlink("f", header_size=size)) + bytes(broken) + member("y", File(b"y"))
        )
        error = both(data + END).error
        if size == 1024:
            assert error is None
        else:
            assert isinstance(error, TarError)
            assert error.offset == 512


# The end of an archive


@pytest.mark.parametrize("end", [b"", bytes(512), bytes(1024), bytes(10240)])
def test_the_end_marker_can_be_missing(end: bytes) -> None:
    scan = both(member("a", File(b"x")) + end)
    assert scan.only().path == b"a"
    assert scan.end == 1024


def test_the_last_padding_can_be_missing() -> None:
    assert both(member("a", File(b"x"))[:513]).only().size == 1
    assert both(member("a", File(b"x"))[:700]).only().size == 1


def test_an_empty_tar_has_no_members() -> None:
    assert both(b"").facts == both(END).facts == []


@pytest.mark.parametrize("length", [1, 100, 511])
def test_half_a_header_is_refused(length: int) -> None:
    refused(
        member("a", File(b"x")) + member("b", File(b""))[:length],
        1024,
        f"{length} bytes of a header",
    )
    refused(member("a", File(b"x")) + bytes(length), 1024, f"{length} bytes of a header")


@pytest.mark.parametrize("length", [1, 100, 511])
def test_half_an_end_marker_is_refused(length: int) -> None:
    refused(member("a", File(b"x")) + bytes(512 + length), 1536, "of its end marker")


def test_a_lone_zero_block_does_not_hide_what_follows() -> None:
    refused(
        member("a", File(b"x")) + bytes(512) + member("b", File(b"")) + END, 1024, "one zero block"
    )


@pytest.mark.parametrize("kept", [512, 600, 1023])
def test_a_body_cut_short_is_refused(kept: int) -> None:
    data = member("a", File(b"y" * 2000))[:kept]
    for scan in (seek(data), stream(data, (100,))):
        assert scan.entries == []
        assert isinstance(scan.error, TarError)
        assert "the tar ends" in str(scan.error)


def test_a_bad_checksum_in_the_middle_is_refused_with_its_offset() -> None:
    data = bytearray(tar([("a", File(b"x")), ("b", File(b"y")), ("c", File(b"z"))]))
    data[1024] ^= 1
    scan = both(bytes(data))
    assert [entry.path for entry in scan.entries] == [b"a"]
    refused(bytes(data), 1024, "checksum")


def test_data_that_is_not_a_tar_is_refused_at_its_first_byte() -> None:
    refused(b"no tar, but long enough to be taken for one" * 20, 0, "checksum")


# Numbers that lie


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("size", b"-0000000001\0"),
        ("size", b"0000000000x\0"),
        ("size", b"00 00000001\0"),
        ("size", base256(1 << 70, 12)),
        ("size", base256(-512, 12)),
        ("mode", b"999999 \0"),
        ("uid", b"\x00\xff\0\0\0\0\0\0"),
        ("mtime", b"yesterday\0\0\0"),
        ("devmajor", b"junk\0\0\0\0"),
    ],
)
def test_junk_in_a_number_is_refused(field: str, value: bytes) -> None:
    data = member("a", File(b"x")) + member("b", File(b"", overrides={field: value})) + END
    refused(data, 1024, "")


@pytest.mark.parametrize("size", [(1 << 63) - 1, 8 << 30, 10_000])
def test_a_size_beyond_the_end_is_refused_without_memory(size: int) -> None:
    data = member("a", File(b"", overrides={"size": number_field(size, 12, "gnu")}), "gnu")
    tracemalloc.start()
    error = both(data + bytes(512)).error
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert isinstance(error, TarError)
    assert peak < 4 * MIB


def test_a_negative_size_cannot_turn_the_scanner_back() -> None:
    data = member("a", File(b"x")) + member(
        "b", File(b"", overrides={"size": base256(-1024, 12)}), "gnu"
    )
    refused(data + END, 1024, "-1024 bytes")
    refused(extended({"size": "-1024"}, b"x") + member("b", File(b"")) + END, 512, "-1024 bytes")


# Extension headers


@pytest.mark.parametrize("typeflag", [b"x", b"g", b"L", b"K"])
@pytest.mark.parametrize("size", [MIB + 1, 8 << 30, (1 << 63) - 1])
def test_a_large_extension_header_is_refused_before_it_is_read(typeflag: bytes, size: int) -> None:
    data = extended_raw(b"", typeflag, size=size)
    tracemalloc.start()
    error = both(data).error
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert isinstance(error, LimitExceeded)
    assert str(size) in str(error)
    assert peak < MIB


def test_an_extension_header_cut_short_is_refused() -> None:
    refused(extended_raw(b"", size=1000), 512, "1000 bytes before an extension header does")
    refused(extended_raw(b"12 path=abc\n" * 10)[:600], 512, "32 bytes before")


@pytest.mark.parametrize("end", [b"", END])
@pytest.mark.parametrize(
    "block", [extended({"path": "p"}, b"x"), long_name(b"n", b"L"), long_name(b"n", b"K")]
)
def test_an_extension_header_without_a_member_is_refused(block: bytes, end: bytes) -> None:
    refused(block + end, len(block), "no member after it")


def test_a_global_header_needs_no_member() -> None:
    assert both(extended({"comment": "c"}, b"g") + END).error is None


def test_stacked_extension_headers_are_limited() -> None:
    limit = DEFAULT_LIMITS.pending_headers
    one = long_name(b"n" * 10, b"L")
    assert both(one * limit + member("a", File(b"")) + END).error is None
    error = both(one * 1000 + member("a", File(b"")) + END).error
    assert isinstance(error, LimitExceeded)
    assert str(limit) in str(error)


def test_the_total_size_of_extension_headers_is_limited() -> None:
    one = extended({"comment": "c" * 400_000}, b"x")
    assert both(one * 2 + member("a", File(b"")) + END).error is None
    assert isinstance(both(one * 3 + member("a", File(b"")) + END).error, LimitExceeded)


def test_a_million_pax_keys_are_refused() -> None:
    body = b"".join(record(f"k{number}", "v") for number in range(200_000))
    assert isinstance(both(extended_raw(body)).error, LimitExceeded)
    body = b"".join(record(f"k{number}", "v") for number in range(80_000))
    assert both(extended_raw(body) + member("a", File(b"")) + END).only().path == b"a"


@pytest.mark.parametrize("body", [b"garbage", b"12 path=abc", b"\0" * 30, b"14 path=a\0b12\n"])
def test_malformed_pax_is_refused(body: bytes) -> None:
    refused(extended_raw(body) + member("a", File(b"")) + END, 512, "PAX record")
    refused(extended_raw(body, b"g") + member("a", File(b"")) + END, 512, "PAX record")


def test_a_name_over_the_limit_is_refused() -> None:
    limits = dataclasses.replace(DEFAULT_LIMITS, path_bytes=1000)
    fine = tar([("n" * 1000, Symlink("t" * 1000))], "gnu")
    assert seek(fine, limits).only().path == b"n" * 1000
    for broken in (tar([("n" * 1001, File(b""))]), tar([("n", Symlink("t" * 1001))], "gnu")):
        error = seek(broken, limits).error
        assert isinstance(error, LimitExceeded)
        assert "1001 bytes" in str(error)
        assert "1000 allowed" in str(error)


def test_raw_zeros_between_members_are_refused() -> None:
    members: list[Member] = [("a", File(b"x")), ("", Raw(bytes(512))), ("b", File(b"y"))]
    refused(tar(members), 1024, "one zero block")


def test_a_header_without_a_checksum_is_refused() -> None:
    refused(header({"name": b"a", "checksum": b""}), 0, "checksum")
