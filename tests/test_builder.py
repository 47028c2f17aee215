"""Other tools read the builder's archives as intended."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from pathlib import Path
from typing import cast

import pytest
from hypothesis import HealthCheck, assume, given, reject, settings

from tests.builder import (
    COMPRESSIONS,
    FORMS,
    OPAQUE,
    WHITEOUT,
    BuiltImage,
    Device,
    Directory,
    Fifo,
    File,
    Hardlink,
    ImageBuilder,
    Sparse,
    Symlink,
    Whiteout,
    buildkit,
    classic,
    digest_of,
    docker_legacy,
    oci,
)
from tests.builder.nodes import Member
from tests.builder.random_stacks import image_of, stacks
from tests.builder.tar import Format, base256, extended, member, record, tar
from tests.builder.tools import run, skopeo, skopeo_copy, umoci_unpack
from tests.effort import examples
from tests.model import expect

LONG = "/".join(["folder" * 5] * 6) + "/" + "name" * 30
SPARSE_FORMS = ("gnu", "0.0", "0.1", "1.0")
MANY_CHUNKS = tuple((at * 8192, bytes([65 + at % 26]) * 512) for at in range(30))


def sample() -> BuiltImage:
    return (
        ImageBuilder("sample:1", "sample:latest")
        .layer(
            {
                "etc/": Directory(),
                "etc/passwd": b"root:x:0:0::/root:/bin/sh\n",
                "etc/old": b"old",
                "usr/": Directory(),
                "usr/lib/": Directory(),
                "usr/lib/a": File(b"a" * 2000, mode=0o755, uid=1, gid=2, mtime=1700000000),
                "usr/lib/b": Hardlink("usr/lib/a"),
                "lib": Symlink("usr/lib"),
            },
            **classic.copy("/", "ADD"),
        )
        .empty(**classic.meta('CMD ["sh"]'))
        .layer({"etc/old": WHITEOUT, "etc/new": b"new"}, **buildkit.run("rm /etc/old"))
        .layer({"usr/lib/": OPAQUE, "usr/lib/c": b"c"}, **buildkit.copy("c", "/usr/lib/c"))
        .configure(Env=["PATH=/bin"], Cmd=["sh"])
        .build()
    )


@pytest.mark.parametrize("form", ["pax", "gnu", "ustar"])
def test_members_read_back_by_tarfile(form: Format) -> None:
    name = LONG if form != "ustar" else "a" * 100 + "/" + "b" * 90
    members: list[Member] = [
        (name, File(b"x" * 700, mode=0o4755, uid=1000, gid=50, mtime=1700000000, uname="u")),
        ("d/", Directory(mode=0o1777)),
        ("s", Symlink("../target")),
        ("h", Hardlink(name if form != "ustar" else "d/x")),
        ("c", Device(major=1, minor=3)),
        ("b", Device(major=8, minor=1, block=True)),
        ("p", Fifo()),
    ]
    with tarfile.open(fileobj=io.BytesIO(tar(members, form))) as archive:
        found = archive.getmembers()
        first = found[0]
        assert [m.type for m in found] == [b"0", b"5", b"2", b"1", b"3", b"4", b"6"]
        assert (first.name, first.size, first.mode) == (name, 700, 0o4755)
        assert (first.uid, first.gid, first.mtime, first.uname) == (1000, 50, 1700000000, "u")
        assert found[2].linkname == "../target"
        assert (found[4].devmajor, found[4].devminor) == (1, 3)
        assert cast("io.BufferedReader", archive.extractfile(first)).read() == b"x" * 700


def test_large_numbers_and_long_links_read_back() -> None:
    owner = File(uid=3_000_000, gid=2_097_152, mtime=1700000000)
    forms: tuple[Format, ...] = ("pax", "gnu")
    for form in forms:
        data = tar([("f", owner), ("l", Symlink("t" * 300))], form)
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            first, link = archive.getmembers()
            assert (first.uid, first.gid) == (3_000_000, 2_097_152)
            assert link.linkname == "t" * 300
    assert base256(-512, 12) == b"\xff" * 10 + b"\xfe\x00"


def test_a_pax_records_length_includes_itself() -> None:
    assert record("path", "a") == b"9 path=a\n"
    assert record("path", "ab") == b"11 path=ab\n"
    assert record("path", "a" * 90) == b"99 path=" + b"a" * 90 + b"\n"
    assert record("path", "a" * 91) == b"101 path=" + b"a" * 91 + b"\n"


def test_xattrs_and_times_go_into_pax() -> None:
    node = File(b"x", mtime=1.5, xattrs={"security.capability": b"\x01\x00\xff"})
    with tarfile.open(fileobj=io.BytesIO(tar([("f", node)]))) as archive:
        (found,) = archive.getmembers()
    value = found.pax_headers["SCHILY.xattr.security.capability"]
    assert value.encode("utf-8", "surrogateescape") == b"\x01\x00\xff"
    assert found.mtime == 1.5


@pytest.mark.parametrize("form", SPARSE_FORMS)
@pytest.mark.parametrize("chunks", [(), ((0, b"a" * 512), (10240, b"b" * 512)), MANY_CHUNKS])
def test_sparse_files_expand_in_gnu_tar(
    form: str, chunks: tuple[tuple[int, bytes], ...], tmp_path: Path
) -> None:
    whole = bytearray(400_000)
    for offset, part in chunks:
        whole[offset : offset + len(part)] = part
    node = Sparse(size=len(whole), chunks=chunks, form=form)  # type: ignore[arg-type]
    path = tmp_path / "sparse.tar"
    path.write_bytes(tar([("folder/f", node), ("after", File(b"x"))]))
    run("tar", "-xf", path, "-C", tmp_path)
    assert (tmp_path / "folder/f").read_bytes() == whole
    assert (tmp_path / "after").read_bytes() == b"x"


def test_sparse_stores_only_its_chunks() -> None:
    stored = tar([("f", Sparse(size=2**30, chunks=((4096, b"abcd"),)))], end=b"")
    assert len(stored) == 1024


def test_odd_members_are_written_as_specified() -> None:
    odd: list[Member] = [
        ("d/x", WHITEOUT),
        ("d/.wh.y", WHITEOUT),
        ("d/", OPAQUE),
        (b"\xe9/", OPAQUE),
        ("z", Whiteout(node=File(b"data"))),
        ("h", Hardlink("f", header_size=9)),
        ("f", File(b"12345", overrides={"size": b"00000000000\0"}, pax={"size": "5"})),
        ("f", File(b"again")),
    ]
    with tarfile.open(fileobj=io.BytesIO(tar(odd)), errors="surrogateescape") as archive:
        found = archive.getmembers()
    names = [m.name for m in found]
    assert names[:3] == ["d/.wh.x", "d/.wh.y", "d/.wh..wh..opq"]
    assert names[3] == "\udce9/.wh..wh..opq"
    rest = [(m.name, m.size) for m in found[4:]]
    assert rest == [(".wh.z", 4), ("h", 9), ("f", 5), ("f", 5)]


def test_global_headers_and_broken_checksums_are_written() -> None:
    assert extended({"comment": "c"}, b"g")[156:157] == b"g"
    broken = member("f", File(overrides={"checksum": b"0000000\0"}))
    with pytest.raises(tarfile.ReadError):
        tarfile.open(fileobj=io.BytesIO(broken)).close()


@pytest.mark.parametrize("name", COMPRESSIONS)
def test_compressions_decompress_with_their_tool(name: str, tmp_path: Path) -> None:
    data = tar([("f", File(bytes(range(256)) * 40))])
    stored = COMPRESSIONS[name](data)
    path = tmp_path / "blob"
    path.write_bytes(stored)
    tool = {"gzip": "gzip", "zstd": "zstd", "xz": "xz", "bzip2": "bzip2"}.get(
        name.split("-", maxsplit=1)[0]
    )
    if tool is None:
        assert stored == data
    else:
        assert run(tool, "-dc", path).stdout == data
    if name == "gzip-members":
        assert stored.count(b"\x1f\x8b\x08") > 5


def test_estargz_is_a_gzip_of_its_tar_with_a_footer() -> None:
    image = ImageBuilder().layer({"f": b"data"}, stargz=True).build()
    (layer,) = image.layers
    assert layer.blob is not None
    assert gzip.decompress(layer.blob) == layer.tar
    offset = int(layer.blob[-51:][16:32], 16)
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(layer.blob[offset:]))) as archive:
        assert archive.getnames() == ["stargz.index.json"]


SKOPEO_REFUSES = {
    "oci-archive-dot": "./ in front of the names",
    "oci-archive-docker-types": "media types in index.json that are not OCI's",
}


@pytest.mark.parametrize("name", [name for name in FORMS if name not in SKOPEO_REFUSES])
def test_skopeo_reads_every_form(name: str, tmp_path: Path) -> None:
    image = sample()
    form = FORMS[name]
    path = tmp_path / "image"
    reference = form.write([image], path).replace("oci-dir:", "oci:")
    if form.compress:  # skopeo 1.9 fails on any gzipped docker-archive
        path.write_bytes(gzip.decompress(path.read_bytes()))
    if form.scheme not in ("docker-archive", "dir"):
        reference += ":latest"
    inspected = skopeo("inspect", "--config", "--raw", reference)
    assert inspected == image.config


@pytest.mark.parametrize("name", ["docker-legacy", "podman", "kaniko", "containerd", "docker-oci"])
def test_skopeo_copies_the_layers_unharmed(name: str, tmp_path: Path) -> None:
    image = sample()
    reference = FORMS[name].write([image], tmp_path / "image")
    skopeo_copy(reference, f"oci:{tmp_path / 'out'}:x")
    manifest = json.loads(skopeo("inspect", "--raw", f"oci:{tmp_path / 'out'}:x"))
    found = []
    for layer in manifest["layers"]:
        blob = tmp_path / "out/blobs" / layer["digest"].replace(":", "/")
        found.append(digest_of(gzip.decompress(blob.read_bytes())))
    assert found == [layer.diff_id for layer in image.layers]


def test_an_archive_can_have_several_images_and_duplicate_layers(tmp_path: Path) -> None:
    one = ImageBuilder("one:1").layer({"a": b"1"}).layer({"a": b"1"}).build()
    two = ImageBuilder("two:1").layer({"a": b"1"}).build()
    archive = docker_legacy([one, two])
    links = [node for _, node in archive.members if isinstance(node, Symlink)]
    assert len(links) == 1
    archive.write(tmp_path / "both.tar")
    for image in (one, two):
        reference = f"docker-archive:{tmp_path / 'both.tar'}:{image.tags[0]}"
        assert skopeo("inspect", "--config", "--raw", reference) == image.config


def test_platforms_are_chosen_from_the_index(tmp_path: Path) -> None:
    images = [
        ImageBuilder("app:1", architecture="amd64").layer({"a": b"amd64"}).build(),
        ImageBuilder("app:1", architecture="arm64").layer({"a": b"arm64"}).build(),
        ImageBuilder("app:1", architecture="arm", variant="v7").layer({"a": b"arm"}).build(),
    ]
    oci(images, layout="index", attestations=True).write_folder(tmp_path / "out")
    for image in images:
        options = ["--override-arch", image.platform["architecture"]]
        if "variant" in image.platform:
            options += ["--override-variant", image.platform["variant"]]
        found = skopeo(*options, "inspect", "--config", "--raw", f"oci:{tmp_path / 'out'}:1")
        assert found == image.config


def test_umoci_unpacks_what_was_built(tmp_path: Path) -> None:
    oci([sample()]).write_folder(tmp_path / "layout")
    root = umoci_unpack(tmp_path / "layout", "latest", tmp_path / "bundle")
    assert root is not None
    assert files_below(root) == {
        b"/etc/passwd": b"root:x:0:0::/root:/bin/sh\n",
        b"/etc/new": b"new",
        b"/usr/lib/c": b"c",
    }
    assert (root / "lib").readlink() == Path("usr/lib")


def files_below(root: Path) -> dict[bytes, bytes]:
    top = bytes(root)
    found = {}
    for path in root.rglob("*"):
        if path.is_file() and not path.is_symlink():
            found[bytes(path).removeprefix(top)] = path.read_bytes()
    return found


@settings(
    max_examples=examples(60),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
@given(stack=stacks())
def test_the_model_agrees_with_umoci(
    stack: list[list[Member]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """If umoci accepts the image, and unless it has a quirk, it unpacks the same files as the model."""
    expected = expect(stack)
    assume(not expected.disputed)
    folder = tmp_path_factory.mktemp("umoci")
    oci([image_of(stack)]).write_folder(folder / "layout")
    root = umoci_unpack(folder / "layout", "1", folder / "bundle")
    if root is None:
        reject()
    assert files_below(root) == expected.live_files
