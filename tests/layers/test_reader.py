"""Indexing one layer: clean paths, whiteouts, notes, and digests."""

from __future__ import annotations

import dataclasses
import os
import random
import tempfile

import pytest

from layerscope.errors import (
    DigestMismatch,
    FormatError,
    LimitExceeded,
    SourceUnavailable,
    TarError,
)
from layerscope.image.blob import Blob, OpenFile
from layerscope.layers.entry import (
    DIRECTORY,
    FILE,
    HARDLINK,
    METADATA,
    OPAQUE,
    SYMLINK,
    WHITEOUT,
)
from layerscope.layers.reader import StoredLayer, Verify, index_layer
from layerscope.limits import DEFAULT_LIMITS
from tests.builder import (
    COMPRESSIONS,
    Device,
    Directory,
    File,
    Hardlink,
    Member,
    Opaque,
    Symlink,
    Whiteout,
    digest_of,
)
from tests.builder.chunked import estargz
from tests.builder.tar import END, member, tar
from tests.layers.reading import codes, index, members_of
from tests.threads import no_thread_left


def of(*members: Member) -> StoredLayer:
    return index(tar(members, "gnu"))


def rows(found: StoredLayer) -> list[tuple[bytes, int]]:
    return [(entry.path, entry.kind) for entry in members_of(found)]


# Names


@pytest.mark.parametrize(
    ("name", "path", "noted"),
    [
        (b"a", b"a", []),
        (b"./a", b"a", []),
        (b"a/.b", b"a/.b", []),
        (b".hidden", b".hidden", []),
        (b"a//b", b"a/b", []),
        (b"/a", b"a", ["absolute-name"]),
        (b"//a", b"a", ["absolute-name"]),
        (b"../n", b"n", ["parent-name"]),
        (b"a/../../n", b"n", ["parent-name"]),
        (b"/../n", b"n", ["absolute-name", "parent-name"]),
        (b"d\\e", b"d\\e", []),
        (b"C:\\x", b"C:\\x", []),
        (b"caf\xe9", b"caf\xe9", []),
        (b"a.wh.b", b"a.wh.b", []),
        (b"...", b"...", []),
    ],
)
def test_a_name_is_cleaned_and_oddities_get_a_note(
    name: bytes, path: bytes, noted: list[str]
) -> None:
    found = of((name, File(b"x")))
    assert rows(found) == [(path, FILE)]
    assert codes(found) == noted


def test_the_root_as_kaniko_writes_it_is_not_odd() -> None:
    for name in (b"/", b"./", b"//"):
        found = of((name, Directory()), (b"a", File(b"x")))
        assert rows(found)[1] == (b"a", FILE)
        assert codes(found) == []


@pytest.mark.parametrize("name", [b"d/", b"d//", b"./d/", b"d/.", b"d/./", b"d///", b"/d//"])
def test_a_directorys_name_is_cleaned(name: bytes) -> None:
    assert rows(of((name, Directory()))) == [(b"d", DIRECTORY)]


@pytest.mark.parametrize("name", [b"./", b".", b"/", b"//", b"a/..", b".."])
def test_the_root_can_have_an_entry(name: bytes) -> None:
    assert rows(of((name, Directory(mode=0o700)))) == [(b"", DIRECTORY)]


def test_a_root_that_is_not_a_directory_is_left_out() -> None:
    found = of((b"./", File(b"x")), (b".", Symlink("/etc")))
    assert rows(found) == [(b"", METADATA), (b"", METADATA)]
    assert [(note.code, note.count) for note in found.notes] == [("root-no-directory", 2)]


def test_an_empty_name_is_left_out() -> None:
    found = of((b"", File(b"x")), (b"a", File(b"y")))
    assert rows(found) == [(b"a", FILE)]
    assert codes(found) == ["empty-name"]


# Whiteouts


@pytest.mark.parametrize(
    ("name", "path", "kind"),
    [
        (b".wh.f", b"f", WHITEOUT),
        (b"d/.wh.f", b"d/f", WHITEOUT),
        (b"./d/.wh.f", b"d/f", WHITEOUT),
        (b".wh..hidden", b".hidden", WHITEOUT),
        (b".wh....", b"...", WHITEOUT),
        (b".wh..wh..opq", b"", OPAQUE),
        (b"d/.wh..wh..opq", b"d", OPAQUE),
        (b"./d/e/.wh..wh..opq", b"d/e", OPAQUE),
    ],
)
def test_a_whiteout_is_recognized_by_its_name(name: bytes, path: bytes, kind: int) -> None:
    found = of((name, File(b"")))
    assert rows(found) == [(path, kind)]
    assert codes(found) == []


@pytest.mark.parametrize("folder", [b"", b"d/"])
@pytest.mark.parametrize("name", [b".wh.", b".wh..", b".wh..."])
def test_a_whiteout_that_names_no_file_is_refused(folder: bytes, name: bytes) -> None:
    found = of((folder + name, File(b"")), (b"a", File(b"x")))
    assert rows(found) == [(b"a", FILE)]
    assert codes(found) == ["invalid-whiteout"]
    assert found.notes[0].path == folder + name


@pytest.mark.parametrize(
    "node", [File(b"data"), Directory(), Symlink("x"), Hardlink("x"), Device()]
)
def test_a_whiteout_can_have_any_type(
    node: File | Directory | Symlink | Hardlink | Device,
) -> None:
    found = of((b"d/.wh.f", node))
    assert rows(found) == [(b"d/f", WHITEOUT)]
    assert codes(found) == ["odd-whiteout"]
    assert members_of(found)[0].size == 0


@pytest.mark.parametrize(
    "name", [b".wh..wh.aufs", b".wh..wh.orph/x", b"d/.wh..wh.plnk/1.2", b".wh..wh.x"]
)
def test_aufs_metadata_is_not_part_of_the_filesystem(name: bytes) -> None:
    for node in (File(b"data"), Hardlink("x"), Directory()):
        found = of((name, node))
        assert rows(found) == [(name, METADATA)]
        assert codes(found) == ["aufs-metadata"]


def test_a_member_below_a_whiteouts_name_is_left_out() -> None:
    found = of((b".wh.d/x", File(b"data")))
    assert rows(found) == [(b".wh.d/x", METADATA)]
    assert codes(found) == ["under-whiteout"]


def test_a_character_device_0_0_is_a_whiteout() -> None:
    found = of((b"d/f", Device(major=0, minor=0)), (b"tty", Device(major=4, minor=0)))
    assert [kind for _, kind in rows(found)][:1] == [WHITEOUT]
    assert members_of(found)[1].kind != WHITEOUT
    assert codes(found) == ["overlay-whiteout"]
    blocks = of((b"d/f", Device(major=0, minor=0, block=True)))
    assert members_of(blocks)[0].kind != WHITEOUT


@pytest.mark.parametrize("key", ["trusted.overlay.opaque", "user.overlay.opaque"])
def test_an_overlay_attribute_makes_a_directory_opaque(key: str) -> None:
    found = of((b"d/", Directory(xattrs={key: b"y"})))
    assert sorted(rows(found)) == [(b"d", DIRECTORY), (b"d", OPAQUE)]
    assert codes(found) == ["overlay-opaque"]
    assert codes(of((b"d/", Directory(xattrs={key: b"n"})))) == []
    assert rows(of((b"d", File(b"x", xattrs={key: b"y"})))) == [(b"d", FILE)]


# eStargz


def test_the_table_of_an_estargz_layer_is_not_a_file() -> None:
    made = estargz(tar([("a", File(b"content")), ("d/.no.prefetch.landmark", File(b"mine"))]))
    found = index(made.blob)
    files = [entry.path for entry in members_of(found) if entry.kind == FILE]
    assert files == [b"a", b"d/.no.prefetch.landmark"]
    assert sum(entry.kind == METADATA for entry in members_of(found)) == 2


@pytest.mark.parametrize("compression", ["none", "zstd", "gzip"])
@pytest.mark.parametrize("name", [".prefetch.landmark", "./.no.prefetch.landmark"])
def test_a_landmark_is_recognized_without_a_table(name: str, compression: str) -> None:
    """A zstd:chunked layer keeps its table outside the tar."""
    found = index(COMPRESSIONS[compression](tar([("a", File(b"x")), (name, File(b"\x0f"))])))
    assert [kind for _, kind in rows(found)] == [FILE, METADATA]


@pytest.mark.parametrize("content", [b"x", b"", b"\x0f\x0f"])
@pytest.mark.parametrize("compression", ["none", "zstd"])
def test_a_file_with_only_the_name_of_a_landmark_is_a_file(
    content: bytes, compression: str
) -> None:
    made = COMPRESSIONS[compression](tar([(b".no.prefetch.landmark", File(content))]))
    assert rows(index(made)) == [(b".no.prefetch.landmark", FILE)]


# A table of contents appended to an unchanged tar


def appended_table(content: bytes = b'{"version":1}', name: str = "stargz.index.json") -> bytes:
    return tar([("a", File(b"x"))]) + tar([(name, File(content))])


@pytest.mark.parametrize("compression", ["none", "gzip", "gzip-members"])
@pytest.mark.parametrize("size", [0, 5, 512, 3_000_000])
def test_an_appended_table_of_contents_gets_no_note(size: int, compression: str) -> None:
    data = appended_table(b"t" * size)
    found = index(COMPRESSIONS[compression](data))
    assert (rows(found), codes(found)) == ([(b"a", FILE)], [])
    assert found.tar_size == len(data)


@pytest.mark.parametrize(
    "data",
    [
        appended_table(name="stargz.index"),
        appended_table() + b"x",
        appended_table() + appended_table(),
        appended_table()[:-2000],
        tar([("a", File(b"x"))]) + b"\0" + tar([("stargz.index.json", File(b"{}"))]),
        tar([("a", File(b"x"))]) + b"stargz.index.json".ljust(512, b"\0"),
    ],
)
@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_data_that_only_looks_like_an_appended_table_gets_a_note(
    data: bytes, compression: str
) -> None:
    assert codes(index(COMPRESSIONS[compression](data))) == ["data-after-end"]


# Data after the end marker


@pytest.mark.parametrize(
    ("rest", "count"),
    [(b"", None), (bytes(100_000), None), (b"rest", 4), (bytes(3_000_000) + b"x", 3_000_001)],
)
@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_bytes_after_the_end_marker_get_a_note(
    rest: bytes, count: int | None, compression: str
) -> None:
    data = tar([("a", File(b"x"))]) + rest
    found = index(COMPRESSIONS[compression](data))
    assert found.tar_size == len(data)
    assert rows(found) == [(b"a", FILE)]
    assert codes(found) == ([] if count is None else ["data-after-end"])
    if count is not None:
        assert found.notes[0].message.startswith(f"{count} bytes ")


def test_a_second_tar_after_the_first_gets_a_note_and_is_not_read() -> None:
    found = index(tar([("a", File(b"x"))]) + tar([("b", File(b"y"))]))
    assert (rows(found), codes(found)) == ([(b"a", FILE)], ["data-after-end"])


# Errors


def test_an_error_names_the_layer_and_the_offset() -> None:
    data = bytearray(tar([("a", File(b"x")), ("b", File(b"y"))]))
    data[1024] ^= 1
    for packed in (bytes(data), COMPRESSIONS["gzip"](bytes(data))):
        with pytest.raises(TarError, match=r"^layer\.tar: .*at byte 1024") as caught:
            index(packed)
        assert caught.value.offset == 1024


def test_the_number_of_members_is_limited() -> None:
    limits = dataclasses.replace(DEFAULT_LIMITS, members=10)
    members: list[Member] = [(f"f{number}", File(b"")) for number in range(10)]
    assert len(index(tar(members), limits=limits).index) == 10
    for odd in (b"", b".wh.", b"z"):
        with pytest.raises(LimitExceeded, match=r"layer\.tar: more than 10 members"):
            index(tar([(odd, File(b"")), *members], "gnu"), limits=limits)


def test_a_file_that_changes_while_it_is_read_is_refused() -> None:
    data = tar([("a", File(b"x"))])
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.flush()
        blob = Blob(OpenFile(file.fileno(), "app.tar"), 0, len(data), "layer.tar")
        file.write(b"more")
        file.flush()
        with pytest.raises(SourceUnavailable, match=r"app\.tar changed"):
            index_layer(blob, digest=None, diff_id=None, verify="auto", limits=DEFAULT_LIMITS)


# Digests


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_the_blob_is_compared_with_its_digest_and_the_tar_only_on_demand(compression: str) -> None:
    data = tar([("a", File(b"x"))])
    packed = COMPRESSIONS[compression](data)
    digest, diff_id, wrong = digest_of(packed), digest_of(data), digest_of(b"other")
    assert index(packed, digest=digest, diff_id=diff_id, verify="full").verified
    assert index(packed, digest=digest, diff_id=diff_id).verified
    assert index(packed, digest=digest, diff_id=wrong).verified
    assert not index(packed, digest=wrong, diff_id=wrong, verify="off").verified
    for verify in ("auto", "full"):
        with pytest.raises(DigestMismatch, match="digest") as caught:
            index(packed, digest=wrong, diff_id=diff_id, verify=verify)
        assert str(caught.value).count("sha256:") == 2
    with pytest.raises(DigestMismatch, match="diff_id"):
        index(packed, digest=digest, diff_id=wrong, verify="full")


def test_the_tar_is_compared_with_its_diff_id_if_the_image_names_no_digest_of_the_blob() -> None:
    data = tar([("a", File(b"x"))])
    packed = COMPRESSIONS["gzip"](data)
    assert index(packed, diff_id=digest_of(data)).verified
    assert not index(packed).verified
    with pytest.raises(DigestMismatch, match="diff_id"):
        index(packed, diff_id=digest_of(b"other"))


def test_a_plain_layer_is_verified_only_on_demand() -> None:
    data = tar([("a", File(b"x"))])
    own, wrong = digest_of(data), digest_of(b"other")
    assert not index(data, digest=own, diff_id=own).verified
    assert index(data, digest=own, diff_id=own, verify="full").verified
    assert not index(data, digest=wrong, diff_id=wrong).verified
    for digest, diff_id in ((wrong, wrong), (None, wrong), (wrong, None)):
        with pytest.raises(DigestMismatch):
            index(data, digest=digest, diff_id=diff_id, verify="full")


@pytest.mark.parametrize("verify", ["auto", "full"])
def test_a_plain_layer_has_one_digest_whatever_it_is_called(verify: Verify) -> None:
    data = tar([("a", File(b"x"))])
    own, wrong = digest_of(data), digest_of(b"other")
    for digest, diff_id in ((own, wrong), (wrong, own)):
        with pytest.raises(DigestMismatch, match="uncompressed") as caught:
            index(data, digest=digest, diff_id=diff_id, verify=verify)
        assert str(caught.value).count("sha256:") == 2
    assert not index(data, digest=own, diff_id=wrong, verify="off").verified


def test_hashing_beside_covers_every_byte_and_leaves_no_thread_behind() -> None:
    source = random.Random(5)
    data = tar([("a", File(source.randbytes(3_000_000)))])
    packed = COMPRESSIONS["gzip"](data)
    with no_thread_left():
        assert index(packed, digest=digest_of(packed)).verified
        for broken in (packed + b"x", packed[:-1] + b"x"):
            with pytest.raises(FormatError):
                index(broken, digest=digest_of(packed))
        with pytest.raises(FormatError, match="cut short"):
            index(packed[:-200_000], digest=digest_of(packed))


def test_the_digest_covers_bytes_after_the_compressed_data() -> None:
    data = tar([("a", File(b"x"))]) + b"rest"
    packed = COMPRESSIONS["gzip"](data) + b"trailing"
    found = index(packed, digest=digest_of(packed), diff_id=digest_of(data))
    assert found.verified
    assert codes(found) == ["data-after-end", "trailing-bytes"]


def test_tar_and_compressed_sizes_are_known() -> None:
    data = tar([("a", File(b"x" * 5000))])
    assert (index(data).tar_size, index(data).compressed_size) == (len(data), None)
    packed = COMPRESSIONS["zstd"](data)
    assert (index(packed).tar_size, index(packed).compressed_size) == (len(data), len(packed))
    assert index(data, verify="full").compressed_size is None


def test_contents_are_hashed_while_they_are_decompressed() -> None:
    data = tar([("a", File(b"x")), ("b", File(b"x")), ("c", File(b"y")), ("d", File(b""))])
    one, two, three, none = (
        entry.fingerprint for entry in members_of(index(COMPRESSIONS["gzip"](data)))
    )
    assert one is not None
    assert one == two != three
    assert none is None
    assert all(entry.fingerprint is None for entry in members_of(index(data)))


def test_no_file_descriptors_leak() -> None:
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        index(COMPRESSIONS["gzip"](tar([("a", File(b"x"))])))
        with pytest.raises(FormatError):
            index(b"junk" * 300)
    assert len(os.listdir("/proc/self/fd")) == before


def test_hard_links_and_symlinks_keep_their_targets_as_written() -> None:
    found = of((b"a", Symlink("../../x")), (b"b", Hardlink("/a//c")))
    assert [(entry.kind, entry.link) for entry in members_of(found)] == [
        (SYMLINK, b"../../x"),
        (HARDLINK, b"/a//c"),
    ]


def test_an_opaque_marker_of_any_type_counts() -> None:
    found = of((b"d", Opaque()), (b"e/.wh..wh..opq", Directory()))
    assert rows(found) == [(b"d", OPAQUE), (b"e", OPAQUE)]
    assert codes(found) == ["odd-whiteout"]


def test_a_built_whiteout_is_recognized() -> None:
    assert rows(of((b"d/f", Whiteout()))) == [(b"d/f", WHITEOUT)]


def test_an_end_marker_ends_the_members() -> None:
    assert rows(index(member("a", File(b"x")) + END)) == [(b"a", FILE)]
