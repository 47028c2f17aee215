"""A header in the middle of a long run reads the same whether headers are decoded together or one by one.

A layer that can be sought is read in batches, and a compressed one header by header.
"""

from __future__ import annotations

import gzip
import random
from dataclasses import replace

import pytest

from layerscope.errors import FormatError
from layerscope.image.blob import OpenFile
from layerscope.layers.header_batch import MOST_HEADERS, HeaderBatch
from layerscope.layers.reader import index_layer
from layerscope.layers.split_blob import SplitBlob
from layerscope.limits import DEFAULT_LIMITS, Limits
from tests.builder import Device, Directory, File, Hardlink, Member, Opaque, Symlink, Whiteout
from tests.builder.chunked import tar_split
from tests.builder.tar import END, Format, base256, member, tar
from tests.layers.reading import Fact, blob_of, facts, index

Result = tuple[list[Fact], list[tuple[str, bytes | None]], str | None]


def usual(count: int, folder: str = "usr") -> list[Member]:
    source = random.Random(folder)
    members: list[Member] = [(f"{folder}/", Directory(mtime=7))]
    for number in range(count):
        data = bytes(source.randrange(0, 3000))
        members.append(
            (f"{folder}/file{number}", File(data, mtime=number, uid=number % 3, mode=0o755))
        )
    return members


def read(data: bytes, limits: Limits = DEFAULT_LIMITS) -> Result:
    try:
        stored = index(data, verify="off", limits=limits)
    except FormatError as error:
        return [], [], str(error).partition(": ")[2]
    notes = [(note.code, note.path) for note in stored.notes]
    return [facts(each) for each in stored.index.members()], notes, None


class NoContents:
    """A folder that nothing is read from."""

    def open(self, name: bytes) -> OpenFile:
        raise AssertionError(name)

    def close(self) -> None:
        return


def read_split(lines: bytes, limits: Limits) -> Result:
    """What is read where an engine keeps headers and contents apart."""
    with blob_of(gzip.compress(lines, 1)) as stored:
        blob = SplitBlob("layer.tar", stored, NoContents(), limits)
        layer = index_layer(blob, digest=None, diff_id=None, verify="off", limits=limits)
    notes = [(note.code, note.path) for note in layer.notes]
    return [facts(each) for each in layer.index.members()], notes, None


def same(data: bytes, limits: Limits = DEFAULT_LIMITS, *, ended: bool = True) -> Result:
    """What is read, which must not depend on how."""
    batched, single = read(data, limits), read(gzip.compress(data, 1), limits)
    assert batched == single
    if batched[2] is None and ended:
        lines = tar_split(data)
        assert read_split(lines, limits) == single
        assert read_split(lines.replace(b'{"type"', b'{ "type"'), limits) == single
    return batched


ODD: dict[str, list[Member]] = {
    "a whiteout": [("usr/gone", Whiteout())],
    "an opaque whiteout": [("usr", Opaque())],
    "many whiteouts": [(f"usr/lib/gone{number}", Whiteout()) for number in range(9)],
    "whiteouts that begin with a dot": [("./usr/.wh.a", File(b"")), ("./.wh.top", File(b""))],
    "a whiteout with a content": [("usr/.wh.full", File(b"x"))],
    "whiteouts that are no files": [
        ("usr/.wh.l", Symlink("there")),
        ("usr/.wh.h", Hardlink("usr/file2")),
        ("usr/.wh.d", Directory()),
    ],
    "a whiteout with a link name": [("usr/.wh.n", File(b"", overrides={"linkname": b"there"}))],
    "whiteouts of nothing": [(f"usr/.wh.{name}", File(b"")) for name in ("", ".", "..")],
    "whiteouts below whiteouts": [
        ("usr/.wh.a/b", File(b"")),
        ("usr/.wh.a/.wh.c", File(b"")),
        ("usr/b/.wh..wh.plnk/c", File(b"")),
        ("usr/.wh..wh.aufs", File(b"")),
        ("usr/.hidden/.wh.d", File(b"")),
        ("usr//.wh.e", File(b"")),
    ],
    "a hidden file": [("usr/.hidden", File(b"x")), (".top", File(b"y"))],
    "a name that climbs": [("usr/../etc/passwd", File(b"x"))],
    "an absolute name": [("/usr/bin", Directory())],
    "a doubled slash": [("usr//bin", File(b"x"))],
    "a file with a slash at the end": [("usr/file/", File(b"x"))],
    "an empty name": [("", File(b"x"))],
    "a long name": [("usr/" + "n" * 180, File(b"x"))],
    "a name in two fields": [("p" * 90 + "/" + "n" * 80, File(b"x"))],
    "a name beyond ASCII": [("usr/\u00fc", File(b"x"))],
    "links": [("usr/link", Symlink("file1")), ("usr/hard", Hardlink("usr/file2"))],
    "a link with a size": [("usr/hard", Hardlink("usr/file2", header_size=9))],
    "a device": [("dev/null", Device(1, 3))],
    "attributes": [("usr/cap", File(b"x", xattrs={"security.capability": b"\x01\x02"}))],
    "a time in the past": [("usr/old", File(b"x", mtime=-5))],
    "a large owner": [("usr/big", File(b"x", uid=3_000_000))],
    "a link name on a file": [("usr/odd", File(b"x", overrides={"linkname": b"there"}))],
    "a name with bytes after its end": [("n", File(b"x", overrides={"name": b"a\0b"}))],
    "a size in base-256": [("usr/256", File(b"abc", overrides={"size": base256(3, 12)}))],
    "a size with spaces": [("usr/sp", File(b"abc", overrides={"size": b"         3 \0"}))],
    "a time in base-256": [("usr/256", File(b"abc", overrides={"mtime": base256(-9, 12)}))],
    "a time with spaces": [("usr/sp", File(b"abc", overrides={"mtime": b"         3 \0"}))],
    "an old kind of file": [("usr/old", File(b"x", overrides={"typeflag": b"\0"}))],
    "a signed checksum": [("usr/s", File(b"x", overrides={"checksum": b"  12345\0"}))],
}
BROKEN: dict[str, list[Member]] = {
    "a size with an 8": [("usr/8", File(b"", overrides={"size": b"00000000008\0"}))],
    "a size with an underscore": [("usr/_", File(b"", overrides={"size": b"0000000_001\0"}))],
    "a negative size": [("usr/-", File(b"", overrides={"size": b"-0000000001\0"}))],
    "a size that is cut off": [("usr/x", File(b"", overrides={"size": b"00000000001x"}))],
    "a time with a 9": [("usr/9", File(b"", overrides={"mtime": b"00000000009\0"}))],
    "a time with a sign": [("usr/+", File(b"", overrides={"mtime": b"+0000000001\0"}))],
    "an owner that is no number": [("usr/o", File(b"", overrides={"uid": b"root\0\0\0\0"}))],
    "devices that are no numbers": [("usr/d", File(b"", overrides={"devmajor": b"junk\0\0\0\0"}))],
    "a wrong checksum": [("usr/c", File(b"", overrides={"checksum": b"012345\0 "}))],
}


@pytest.mark.parametrize("form", ["pax", "gnu"])
@pytest.mark.parametrize("what", ODD)
def test_an_odd_member_in_a_long_run_is_read_as_if_it_were_alone(what: str, form: Format) -> None:
    data = tar(usual(40) + ODD[what] + usual(40, "var"), form)
    members, _, error = same(data)
    if what == "a signed checksum":
        assert error is not None
        return
    assert error is None
    assert {b"usr/file39", b"var", b"var/file39"} <= {member[0] for member in members}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_member_in_a_long_run_is_refused_with_its_offset(what: str) -> None:
    before = tar(usual(40), end=b"")
    _, _, error = same(before + tar(BROKEN[what] + usual(40, "var")))
    assert error is not None
    assert str(len(before)) in error


def test_a_size_beyond_the_end_in_a_long_run_is_refused_with_its_offset() -> None:
    before = tar(usual(40), end=b"")
    far: list[Member] = [("usr/far", File(b"", overrides={"size": b"77777777777\0"}))]
    _, _, error = read(before + tar(far + usual(40, "var")))
    assert error is not None
    assert f"within the 8589934591 bytes of 'usr/far' at byte {len(before)}" in error


def test_names_that_all_begin_with_a_dot_and_a_slash_are_cleaned() -> None:
    plain = usual(60)
    dotted: list[Member] = [("./", Directory())]
    dotted += [(f"./{name!s}", node) for name, node in plain]
    ends: list[Member] = [("./usr/.wh.gone", File(b"")), ("./.profile", File(b"x"))]
    members, notes, error = same(tar([*dotted, *ends]))
    assert error is None
    assert notes == []
    assert [each[0] for each in members] == [
        b"",
        *(str(name).rstrip("/").encode() for name, _ in plain),
        b"usr/gone",
        b".profile",
    ]


def test_long_runs_are_read_in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[int] = []
    run = HeaderBatch.run

    def counted(batch: HeaderBatch, position: int, most: int) -> int:
        before = len(batch.columns)
        after = run(batch, position, most)
        taken.append(len(batch.columns) - before)
        return after

    monkeypatch.setattr(HeaderBatch, "run", counted)
    count = 2 * MOST_HEADERS + 100
    members, _, error = same(tar([(f"usr/{n}", File(b"x" * (n % 700))) for n in range(count)]))
    assert error is None
    assert len(members) == count
    assert sum(taken) > count - 20


@pytest.mark.parametrize("most", [1, 39, 81, 82, 83])
def test_the_limit_on_members_counts_those_in_batches(most: int) -> None:
    data = tar(usual(40) + usual(40, "var"))
    _, _, error = same(data, replace(DEFAULT_LIMITS, members=most))
    assert (error is None) == (most >= 82)


def test_a_run_that_is_cut_short_in_a_content_is_refused() -> None:
    data = tar(usual(60), end=b"") + member("usr/last", File(bytes(100)))[:-480] + b""
    _, _, error = read(data)
    assert error is not None
    assert "within the 100 bytes of 'usr/last'" in error


def test_random_mixtures_read_the_same_in_batches_and_one_by_one() -> None:
    source = random.Random(9)
    for _ in range(25):
        members = usual(source.randrange(5, 200))
        for _ in range(source.randrange(12)):
            members[source.randrange(1, len(members)) : 0] = source.choice(list(ODD.values()))[:1]
        form: Format = source.choice(["pax", "gnu"])
        end = source.choice([b"", END])
        same(tar(members, form, end=end), ended=bool(end))
