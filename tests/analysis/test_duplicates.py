"""Duplicates: live content that is stored more than once, and packages that are installed more than once."""

from __future__ import annotations

import hashlib
import os
import stat
import subprocess
import tempfile
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, reject, settings

import layerscope
from layerscope.analysis.analyze import analyze
from layerscope.analysis.duplicates import DuplicateGroup, Duplicates, Others, Unread
from layerscope.analysis.model import Analysis
from layerscope.image.image import LOCAL_ENGINE
from layerscope.limits import Limits
from layerscope.options import ReadOptions
from tests.analysis.images import image_of
from tests.analysis.test_ownership import RELEASE, debian
from tests.builder import FORMS, BuiltImage, File, Hardlink, ImageBuilder, Sparse, Whiteout, oci
from tests.builder.chunked import estargz
from tests.builder.image import Members
from tests.builder.nodes import Member
from tests.builder.random_stacks import stacks
from tests.builder.tools import umoci_unpack
from tests.effort import examples
from tests.model.union import expect
from tests.packages.test_against_tools import PACKED, output, packed

A, B, C = b"a" * 5000, b"b" * 6000, b"c" * 5000


def read(
    image: BuiltImage,
    *,
    form: str = "docker-legacy",
    compression: str = "none",
    least: int = 4096,
    limits: Limits | None = None,
) -> Analysis:
    with tempfile.TemporaryDirectory() as folder:
        reference = FORMS[form].write([image], Path(folder) / "image", compression)
        with layerscope.load(reference) as opened:
            return analyze(opened, min_duplicate=least, limits=limits or Limits())


def duplicates_of(*layers: Members, **options: Any) -> Duplicates:
    found = read(image_of(*layers), **options).facts.duplicates
    assert found is not None
    return found


def rows(found: Duplicates) -> list[tuple[int, int, list[str], tuple[int, ...]]]:
    return [
        (group.bytes, group.copies, [path.decode() for path in group.paths], group.layers)
        for group in found.groups
    ]


def test_the_same_content_under_other_paths_is_a_group_across_layers() -> None:
    found = duplicates_of(
        {"one": A, "two": B, "other": C}, {"three": File(A, mode=0o755, mtime=7), "four": B}
    )
    assert rows(found) == [(6000, 2, ["two", "four"], (0, 1)), (5000, 2, ["one", "three"], (0, 1))]
    assert found.saving == 11_000
    assert found.copies == 2
    assert found.groups[1].hash == hashlib.sha256(A).digest()


def test_all_copies_but_one_can_be_saved() -> None:
    found = duplicates_of({f"copy{number}": A for number in range(14)})
    assert (found.saving, found.copies, found.count) == (13 * 5000, 13, 1)


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_a_compressed_image_has_the_same_duplicates(compression: str) -> None:
    layers = ({"one": A, "hole": Sparse(size=90_000, chunks=((0, A),))}, {"two": A, "three": B})
    plain = duplicates_of(*layers)
    found = duplicates_of(*layers, form="oci-archive", compression=compression)
    assert rows(found) == rows(plain) == [(5000, 2, ["one", "two"], (0, 1))]
    assert [group.hash for group in found.groups] == [group.hash for group in plain.groups]


def test_hard_links_are_one_copy() -> None:
    assert not duplicates_of({"one": A, "two": Hardlink("one")}).groups


def test_a_copy_whose_first_name_is_gone_has_the_path_that_is_left() -> None:
    found = duplicates_of({"one": A, "two": Hardlink("one"), "x": A}, {"one": Whiteout()})
    assert rows(found) == [(5000, 2, ["two", "x"], (0,))]


def test_wasted_content_is_not_counted_again() -> None:
    moved = ({"build/one": A}, {"build": Whiteout(), "app/one": A})
    assert not duplicates_of(*moved).groups
    again = ({"one": A, "two": A}, {"two": File(A, mode=0o755)})
    assert rows(duplicates_of(*again)) == [(5000, 2, ["one", "two"], (0, 1))]


def test_saving_and_wasted_together_never_exceed_the_content() -> None:
    analysis = read(image_of({"one": A, "two": A}, {"two": File(A, mode=0o755), "three": A}))
    found = analysis.facts.duplicates
    assert found is not None
    assert found.saving == 10_000
    assert analysis.sizes.wasted == 5000
    assert analysis.sizes.content - analysis.sizes.wasted - found.saving == 5000


def test_a_smaller_content_counts_only_if_the_least_size_says_so() -> None:
    layer = {"one": b"s" * 4095, "two": b"s" * 4095, "three": b"t" * 4096, "four": b"t" * 4096}
    assert [group.bytes for group in duplicates_of(layer).groups] == [4096]
    assert [group.bytes for group in duplicates_of(layer, least=4095).groups] == [4096, 4095]
    assert not duplicates_of({"one": b"", "two": b""}, least=0).groups


def test_files_of_zeros_are_duplicates_and_sparse_files_only_with_the_same_holes() -> None:
    zeros = bytes(8192)
    assert rows(duplicates_of({"one": zeros, "two": zeros})) == [(8192, 2, ["one", "two"], (0,))]
    sparse = Sparse(size=90_000, chunks=((0, A),))
    other = Sparse(size=90_000, chunks=((10_240, A),))
    found = duplicates_of({"one": sparse, "two": sparse, "three": other, "four": A})
    assert [(group.paths, group.bytes) for group in found.groups] == [((b"one", b"two"), 5000)]


def test_content_beyond_the_bound_is_reported_and_the_saving_unknown() -> None:
    layer = {"big1": B, "big2": B, "one": A, "two": A, "alone": b"z" * 7000}
    analysis = read(image_of(layer), limits=Limits(duplicate_bytes=12_000))
    found = analysis.facts.duplicates
    assert found is not None
    assert rows(found) == [(6000, 2, ["big1", "big2"], (0,))]
    assert found.unread == Unread(files=2, bytes=10_000)
    assert found.saving is None
    assert found.known_saving == 6000
    (note,) = [note for note in analysis.notes if note.code == "duplicates-unread"]
    assert "2 files with 10.0 kB" in note.message
    assert "--limit duplicate_bytes=N" in note.message


def test_the_bound_does_not_matter_where_contents_are_hashed_anyway() -> None:
    layer = {"one": A, "two": A}
    none = Limits(duplicate_bytes=0)
    found = duplicates_of(layer, form="oci-archive", compression="gzip", limits=none)
    assert found.saving == 5000


def test_only_contents_of_equal_size_are_read() -> None:
    layer = {"one": A, "two": A, "alone": b"z" * 7000}
    assert duplicates_of(layer, limits=Limits(duplicate_bytes=10_000)).unread is None


def test_contents_that_differ_in_the_middle_are_not_read_whole() -> None:
    found = duplicates_of({"one": A, "other": C}, limits=Limits(duplicate_bytes=0))
    assert (found.unread, found.groups) == (None, ())


@pytest.mark.parametrize("place", [0, 2000, 4999])
def test_contents_that_are_equal_in_the_middle_alone_stay_apart(place: int) -> None:
    other = A[:place] + b"!" + A[place + 1 :]
    assert not duplicates_of({"one": A, "other": other}).groups


def test_where_the_cache_keeps_hashes_all_contents_of_equal_size_are_hashed(tmp_path: Path) -> None:
    reference = FORMS["docker-legacy"].write([image_of({"one": A, "two": C})], tmp_path / "image")
    with layerscope.load(reference) as opened:
        own = tuple(replace(layer, vouched_by=LOCAL_ENGINE) for layer in opened.layers)
        for layers, hashed in ((opened.layers, False), (own, True)):
            analysis = analyze(replace(opened, layers=layers))
            marks = [entry.fingerprint for entry in analysis.tree.entries()]
            assert (None not in marks) is hashed


def test_other_files_that_look_equal_to_a_fast_hash_stay_apart(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The hash is one whose collisions nobody can construct, and no other one decides."""
    monkeypatch.setattr("xxhash.xxh3_128_digest", lambda _: bytes(16))
    assert not duplicates_of({"one": A, "other": C}).groups


def chunked(folder: Path, edit: Callable[[list[dict[str, Any]]], object] | None = None) -> str:
    """A reference to an image whose layers have tables of contents."""
    builder = ImageBuilder("app:1")
    for layer in image_of({"one": A, "two": A}, {"three": A}).layers:
        builder.chunked_layer(estargz(layer.tar, edit=edit), "RUN step")
    oci([builder.build()]).write(folder / "image.tar")
    return f"oci-archive:{folder / 'image.tar'}"


@pytest.mark.parametrize("lazy", [False, True])
def test_a_table_of_contents_knows_the_hashes_too(tmp_path: Path, lazy: bool) -> None:
    options = ReadOptions(lazy=lazy, cache=False)
    with layerscope.read(chunked(tmp_path), options) as analysis:
        found = analysis.facts.duplicates
        assert found is not None
        assert (found.saving, found.unread) == (10_000, None)


def test_without_digests_in_the_table_the_saving_is_unknown(tmp_path: Path) -> None:
    def strip(entries: list[dict[str, Any]]) -> None:
        for entry in entries:
            entry.pop("digest", None)

    options = ReadOptions(lazy=True, cache=False)
    with layerscope.read(chunked(tmp_path, strip), options) as analysis:
        found = analysis.facts.duplicates
        assert found is not None
        assert (found.saving, found.unread) == (None, Unread(files=3, bytes=15_000))
        (note,) = [each for each in analysis.notes if each.code == "duplicates-unread"]
        assert "has no digest for them" in note.message


def test_no_duplicates_leaves_them_out(tmp_path: Path) -> None:
    reference = FORMS["docker-legacy"].write([image_of({"one": A, "two": A})], tmp_path / "image")
    options = ReadOptions(duplicates=False, cache=False)
    with layerscope.read(reference, options) as analysis:
        assert analysis.facts.duplicates is None


def npm(folder: str, version: str, size: int) -> dict[str, bytes]:
    package = f'{{"name": "lodash", "version": "{version}"}}'.encode()
    return {
        f"{folder}/node_modules/lodash/package.json": package,
        f"{folder}/node_modules/lodash/index.js": bytes([size % 251]) * size,
    }


def python(folder: str, version: str, size: int) -> dict[str, bytes]:
    info = f"{folder}/numpy-{version}.dist-info"
    return {
        f"{info}/METADATA": f"Name: numpy\nVersion: {version}\n".encode(),
        f"{info}/RECORD": b"numpy/core.so,,\n",
        f"{folder}/numpy/core.so": bytes([size % 251]) * size,
    }


def packages_of(*layers: Members) -> list[tuple[str, tuple[str, ...], int, int, list[str]]]:
    packages = duplicates_of(*layers).packages
    assert packages is not None
    return [
        (
            f"{each.type}:{each.name}",
            each.versions,
            each.copies,
            each.saving,
            [place.decode() for place in each.places],
        )
        for each in packages
    ]


def test_a_package_in_two_environments_is_named_with_its_places() -> None:
    site = "lib/python3.11/site-packages"
    found = packages_of(
        python(f"venv/{site}", "1.26.0", 900), python(f"other/{site}", "1.26.0", 900)
    )
    places = [f"{env}/{site}/numpy-1.26.0.dist-info" for env in ("venv", "other")]
    assert found == [("pypi:numpy", ("1.26.0",), 2, 900, places)]


def test_all_copies_but_the_newest_could_go() -> None:
    (row,) = packages_of(
        npm("a", "4.17.20", 3000), npm("b", "4.17.21", 1000), npm("c", "4.9.0", 2000)
    )
    assert row[:3] == ("npm:lodash", ("4.17.20", "4.17.21", "4.9.0"), 3)
    bodies = 3000 + 2000
    documents = len(b'{"name": "lodash", "version": "4.17.20"}') * 2 - 2
    assert row[3] == bodies + documents


def test_an_upgraded_package_and_packages_in_programs_are_not_duplicates() -> None:
    old = {**RELEASE, **debian(("tool", "1", ("usr/bin/tool",))), "usr/bin/tool": A}
    new = {**debian(("tool", "2", ("usr/bin/tool",))), "usr/bin/tool": B}
    assert packages_of(old, new) == []


def test_builds_for_two_architectures_are_two_packages() -> None:
    status = b"".join(
        b"Package: libc6\nStatus: install ok installed\nArchitecture: %b\nMulti-Arch: same\nVersion: 2\n\n"
        % each
        for each in (b"amd64", b"i386")
    )
    layer = {**RELEASE, "var/lib/dpkg/status": status}
    for each in ("amd64", "i386"):
        layer[f"var/lib/dpkg/info/libc6:{each}.list"] = f"/lib/{each}/libc.so\n".encode()
        layer[f"lib/{each}/libc.so"] = A
    assert packages_of(layer) == []


def test_sums_close_with_the_groups_that_a_saved_report_cut_off() -> None:
    group = DuplicateGroup(hash=bytes(32), bytes=10, copies=3, paths=(b"a",) * 3, layers=(0,))
    found = Duplicates(
        least=1, groups=(group,), rest=Others(groups=2, copies=5, saving=7, compressed=None)
    )
    assert (found.saving, found.count, found.copies) == (27, 3, 2 + 3)


# Against other tools


def counted(root: Path, least: int) -> list[tuple[int, int, str]]:
    """What `find`, `stat`, and `sha256sum` say: size, number of inodes, and hash of each content in several inodes."""
    inodes: dict[tuple[int, int], Path] = {}
    for folder, _, names in os.walk(root):
        for name in names:
            path = Path(folder, name)
            status = path.lstat()
            if stat.S_ISREG(status.st_mode) and status.st_size >= least:
                inodes.setdefault((status.st_dev, status.st_ino), path)
    if not inodes:
        return []
    joined = b"".join(os.fsencode(path) + b"\0" for path in inodes.values())
    listed = subprocess.run(
        ["xargs", "-0", "sha256sum", "-z"], input=joined, stdout=subprocess.PIPE, check=True
    ).stdout
    copies: defaultdict[str, list[int]] = defaultdict(list)
    for line in filter(None, listed.split(b"\0")):
        mark, _, where = line.partition(b"  ")
        copies[mark.decode()].append(os.stat(where).st_size)
    return sorted((sizes[0], len(sizes), mark) for mark, sizes in copies.items() if len(sizes) > 1)


def told(analysis: Analysis) -> list[tuple[int, int, str]]:
    found = analysis.facts.duplicates
    assert found is not None
    assert found.saving == sum(group.bytes * (group.copies - 1) for group in found.groups)
    return sorted((group.bytes, group.copies, group.hash.hex()) for group in found.groups)


@pytest.mark.slow
def test_the_duplicates_are_those_that_sha256sum_finds_in_an_unpacked_root(tmp_path: Path) -> None:
    paths = [Path(line) for name in PACKED for line in output("dpkg", "-L", name).splitlines()]
    members = packed(path for path in paths if path.is_absolute())
    own = [
        name for name, node in members.items() if isinstance(node, File) and len(node.data) >= 4096
    ]
    copies = {f"srv/{number}": File(members[name].data) for number, name in enumerate(own[:60])}
    deleted = {f"srv/{number}": Whiteout() for number in range(0, 60, 3)}
    linked = {"srv/new": File(b"n" * 9000), "srv/z": Hardlink("srv/new"), "x": File(b"n" * 9000)}
    image = image_of(members, copies, deleted, linked)
    oci([image]).write_folder(tmp_path / "layout")
    root = umoci_unpack(tmp_path / "layout", "1", tmp_path / "bundle")
    assert root is not None
    expected = counted(root, 4096)
    assert len(expected) >= 30
    for form, compression in (("docker-legacy", "none"), ("oci-archive", "gzip")):
        assert told(read(image, form=form, compression=compression)) == expected


@pytest.mark.slow
@settings(
    max_examples=examples(40),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
@given(stack=stacks())
def test_any_stack_has_the_duplicates_of_its_unpacked_root(
    stack: list[list[Member]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    assume(not expect(stack).disputed)
    folder = tmp_path_factory.mktemp("umoci")
    image = image_of(*stack)
    oci([image]).write_folder(folder / "layout")
    root = umoci_unpack(folder / "layout", "1", folder / "bundle")
    if root is None:
        reject()
    assert told(read(image, least=1)) == counted(root, 1)
