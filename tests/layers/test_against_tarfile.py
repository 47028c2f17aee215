"""Archives written by the standard library's tarfile are read as it reads them."""

from __future__ import annotations

import io
import math
import tarfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from layerscope.layers.entry import FILE
from layerscope.layers.tar import _KINDS
from tests.effort import examples
from tests.layers.reading import seek, stream

FORMATS = (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT)
TYPES = (
    tarfile.REGTYPE,
    tarfile.AREGTYPE,
    tarfile.LNKTYPE,
    tarfile.SYMTYPE,
    tarfile.CHRTYPE,
    tarfile.BLKTYPE,
    tarfile.DIRTYPE,
    tarfile.FIFOTYPE,
)

parts = st.binary(min_size=1, max_size=30).map(lambda raw: raw.replace(b"\0", b"0"))
names = st.lists(parts, min_size=1, max_size=8).map(
    lambda words: b"/".join(words).decode("utf-8", "surrogateescape")
)
times = st.one_of(
    st.integers(-(1 << 33), 1 << 34),
    st.floats(-1e9, 1e10, allow_nan=False).map(lambda value: round(value, 3)),
)


@st.composite
def infos(draw: st.DrawFn) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(draw(names))
    info.type = draw(st.sampled_from(TYPES))
    info.mode = draw(st.integers(0, 0o7777))
    info.uid = draw(st.sampled_from((0, 1000, 8**7 - 1, 8**7, 1 << 31)))
    info.gid = draw(st.sampled_from((0, 50, 1 << 31)))
    info.mtime = draw(times)
    data = b""
    if info.type == tarfile.AREGTYPE:
        # A file of the old type whose name ends in a slash is a directory, which has no data.
        info.name = info.name.rstrip("/") or "x"
    if info.type in {tarfile.REGTYPE, tarfile.AREGTYPE}:
        data = draw(st.binary(max_size=1200))
    elif info.type in {tarfile.LNKTYPE, tarfile.SYMTYPE}:
        info.linkname = draw(names)
    elif info.type in {tarfile.CHRTYPE, tarfile.BLKTYPE}:
        info.devmajor, info.devminor = draw(st.integers(0, 255)), draw(st.integers(0, 255))
    info.size = len(data)
    return info, data


def written(rows: list[tuple[tarfile.TarInfo, bytes]], form: int) -> tuple[bytes, list[bytes]]:
    """The archive, and the contents of the members that its format supports."""
    out = io.BytesIO()
    kept = []
    with tarfile.TarFile(
        fileobj=out, mode="w", format=form, encoding="utf-8", errors="surrogateescape"
    ) as archive:
        for info, data in rows:
            try:
                archive.addfile(info, io.BytesIO(data))
            except (ValueError, UnicodeEncodeError):
                continue
            kept.append(data)
    return out.getvalue(), kept


@pytest.mark.parametrize("form", FORMATS, ids=["ustar", "gnu", "pax"])
@settings(deadline=None, max_examples=examples(150))
@given(st.lists(infos(), max_size=6))
def test_entries_equal_tarfiles(form: int, rows: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    data, contents = written(rows, form)
    with tarfile.open(
        fileobj=io.BytesIO(data), encoding="utf-8", errors="surrogateescape"
    ) as archive:
        theirs = archive.getmembers()
    scan = seek(data)
    assert scan.error is None
    assert len(scan.entries) == len(theirs) == len(contents)
    for entry, member, content in zip(scan.entries, theirs, contents, strict=True):
        assert entry.path.rstrip(b"/") == raw(member.name).rstrip(b"/")
        assert entry.kind == _KINDS[member.type[0]] or entry.path.endswith(b"/")
        assert entry.owner == (member.mode, member.uid, member.gid)
        assert entry.mtime == math.floor(member.mtime)
        assert entry.link == raw(member.linkname)
        if entry.kind == FILE:
            assert data[entry.data : entry.data + entry.size] == content
            assert entry.data == member.offset_data
    assert stream(data, (333, 1, 4096)).facts == scan.facts


def raw(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape")
