"""Comparisons of two images, checked against a simple diff of two simple models."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import layerscope
from layerscope.analysis.comparison.compare import Comparison, compare
from layerscope.analysis.comparison.files import FileChange, MergedTree
from layerscope.analysis.comparison.side import Side
from layerscope.analysis.model import WASTE_KINDS
from layerscope.errors import SourceUnavailable
from layerscope.layers.entry import FILE, HARDLINK
from layerscope.report.comparison.document import build as build_comparison
from layerscope.report.document.builder import build
from layerscope.report.document.serialize import dumps
from layerscope.report.saved.report import parse_report
from tests.builder import (
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
    Member,
    Sparse,
    Symlink,
)
from tests.builder.random_stacks import DEEP, image_of, stacks
from tests.effort import examples
from tests.model.union import Stack

THOROUGH = settings(
    max_examples=examples(200), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("comparison")


@contextmanager
def sides(
    folder: Path,
    a: BuiltImage,
    b: BuiltImage,
    form: str = "docker-legacy",
    other: str | None = None,
) -> Iterator[tuple[Side, Side]]:
    """Both images opened and analyzed."""
    first = FORMS[form].write([a], folder / f"a-{form}")
    second = FORMS[other or form].write([b], folder / f"b-{other or form}")
    with layerscope.load(first) as one, layerscope.load(second) as two:
        yield Side.of(layerscope.analyze(one)), Side.of(layerscope.analyze(two))


def compared(folder: Path, a: BuiltImage, b: BuiltImage, **options: Any) -> Comparison:
    with sides(folder, a, b) as (one, two):
        return compare(one, two, **options)


def image(*layers: Any, name: str = "test:1") -> BuiltImage:
    builder = ImageBuilder(name)
    for number, layer in enumerate(layers):
        builder.layer(layer, f"/bin/sh -c step {number}")
    return builder.build()


def changes(comparison: Comparison) -> dict[tuple[str, bytes], FileChange]:
    assert comparison.files is not None
    return {(change.kind, change.path): change for change in comparison.files.changes}


def kinds(comparison: Comparison) -> set[tuple[str, bytes]]:
    return set(changes(comparison))


def check_sums(comparison: Comparison) -> None:
    """Check that the deltas of a comparison add up."""
    a, b = comparison.a, comparison.b
    content = b.sizes.content - a.sizes.content
    assert sum(row.content_delta for row in comparison.layers.rows) == content
    assert sum(row.content_delta for row in comparison.layers.instructions) == content
    positions = [row.a.index for row in comparison.layers.rows if row.a is not None]
    assert positions == list(range(len(a.layers)))
    positions = [row.b.index for row in comparison.layers.rows if row.b is not None]
    assert positions == list(range(len(b.layers)))
    for side, name in ((a, "a"), (b, "b")):
        rows = [getattr(row, name) for row in comparison.layers.instructions]
        found = [row.instruction.index for row in rows if row is not None]
        assert found == list(range(len(side.instructions)))
    files = comparison.files
    if files is None:
        return
    delta = sum(change.delta for change in files.changes)
    assert delta == files.root.delta
    assert delta + files.outside_b - files.outside_a == b.sizes.live - a.sizes.live
    assert files.unplaced_a == files.unplaced_b == 0
    assert sum(total.b_bytes - total.a_bytes for total in files.totals.values()) == delta
    assert sum(total.count for total in files.totals.values()) == len(files.changes)


def check_tree(comparison: Comparison) -> None:
    """Check that each directory of the merged tree is the sum of its listing."""
    assert comparison.files is not None
    tree = MergedTree(comparison.files)
    pending = [tree.root]
    seen = 0
    while pending:
        directory = pending.pop()
        listed = list(tree.listing(directory))
        seen += sum(row.change is not None and row.directory is None for row in listed)
        below = [row for row in listed if row.directory is not None]
        extra_a = sum(row.change.a_bytes for row in below if row.change is not None)
        extra_b = sum(row.change.b_bytes for row in below if row.change is not None)
        assert directory.a_bytes == sum(row.a_bytes for row in listed) + extra_a
        assert directory.b_bytes == sum(row.b_bytes for row in listed) + extra_b
        pending += [row.directory for row in below if row.directory is not None]


def mirrored(comparison: Comparison) -> tuple[Any, ...]:
    """A comparison from A to B, as it must look from B to A."""
    other = {"added": "removed", "removed": "added", "only_a": "only_b", "only_b": "only_a"}
    layers = comparison.layers
    assert comparison.files is not None
    return (
        sorted(
            (
                str(other.get(c.kind, c.kind)),
                c.path_b or b"",
                c.path_a or b"",
                c.b_bytes,
                c.a_bytes,
                c.changed,
            )
            for c in comparison.files.changes
        ),
        sorted(
            (d.path, d.b_bytes, d.a_bytes, d.b_files, d.a_files, d.changes)
            for d in comparison.files.directories
        ),
        sorted(
            (
                other.get(r.status, r.status),
                r.b.index if r.b else -1,
                r.a.index if r.a else -1,
                -r.content_delta,
            )
            for r in layers.rows
        ),
        sorted(
            (
                other.get(r.status, r.status),
                r.b.instruction.index if r.b else -1,
                r.a.instruction.index if r.a else -1,
                -r.content_delta,
            )
            for r in layers.instructions
        ),
        sorted((b, a) for a, b in layers.out_of_order),
        [(row.field, row.name, row.b, row.a, row.known) for row in comparison.settings],
        layers.shared,
        comparison.differs,
    )


def plainly(comparison: Comparison) -> tuple[Any, ...]:
    layers = comparison.layers
    assert comparison.files is not None
    return (
        sorted(
            (str(c.kind), c.path_a or b"", c.path_b or b"", c.a_bytes, c.b_bytes, c.changed)
            for c in comparison.files.changes
        ),
        sorted(
            (d.path, d.a_bytes, d.b_bytes, d.a_files, d.b_files, d.changes)
            for d in comparison.files.directories
        ),
        sorted(
            (r.status, r.a.index if r.a else -1, r.b.index if r.b else -1, r.content_delta)
            for r in layers.rows
        ),
        sorted(
            (
                r.status,
                r.a.instruction.index if r.a else -1,
                r.b.instruction.index if r.b else -1,
                r.content_delta,
            )
            for r in layers.instructions
        ),
        sorted(layers.out_of_order),
        [(row.field, row.name, row.a, row.b, row.known) for row in comparison.settings],
        layers.shared,
        comparison.differs,
    )


# Random pairs


@st.composite
def pairs(draw: st.DrawFn) -> tuple[list[list[Member]], list[list[Member]]]:
    """Two stacks, often with common layers: a shared base, or layers of one in the other."""
    first = draw(stacks())
    own = draw(stacks())
    how = draw(st.sampled_from(["apart", "base", "mixed"]))
    if how == "base":
        own = first[: draw(st.integers(1, len(first)))] + own
    elif how == "mixed":
        own = draw(st.permutations([*first, *own]))
    return first, own


def differences(
    a: Sequence[Sequence[Member]], b: Sequence[Sequence[Member]]
) -> dict[str, set[bytes]]:
    """The differences that a simple diff of the two models finds."""
    trees = []
    for layers in (a, b):
        stack = Stack()
        stack.run(layers)
        trees.append({b"/".join(path): entry for path, entry in stack.tree.items()})
    one, two = trees
    same = one.keys() & two.keys()
    regular = ("file", "hardlink")

    def data(entry: Any) -> bytes:
        return entry.content.data if entry.content is not None else b""

    found: dict[str, set[bytes]] = {"content": set(), "type": set()}
    for path in same:
        left, right = one[path], two[path]
        if left.kind in regular and right.kind in regular:
            if data(left) != data(right):
                found["content"].add(path)
        elif kind_of(left) != kind_of(right):
            found["type"].add(path)
    return found | {"gone": one.keys() - same, "come": two.keys() - same}


def kind_of(entry: Any) -> str:
    """The kind that a container sees. The model calls FIFOs and devices `other`, and keeps their node."""
    node = entry.header[-1] if entry.kind == "other" else None
    kind: str = entry.kind
    return type(node).__name__ if isinstance(node, Fifo | Device) else kind


@THOROUGH
@given(pair=pairs(), form=st.sampled_from(["docker-legacy", "oci-archive"]))
@example(
    pair=([[(f"{DEEP}/a", Fifo())]], [[(f"{DEEP}/a", Device(major=1, minor=3))]]),
    form="docker-legacy",
)
def test_random_pairs_differ_as_a_plain_diff_says(
    folder: Path, pair: tuple[list[list[Member]], list[list[Member]]], form: str
) -> None:
    with sides(folder, image_of(pair[0]), image_of(pair[1]), form) as (a, b):
        there = compare(a, b)
        back = compare(b, a)
        odd = links_to_no_file(a) | links_to_no_file(b)
    check_sums(there)
    check_sums(back)
    check_tree(there)
    assert plainly(back) == mirrored(there)
    expected = differences(*pair)
    assert there.files is not None
    found: dict[str, set[bytes]] = {"gone": set(), "come": set(), "content": set(), "type": set()}
    for change in there.files.changes:
        path_a = (change.path_a or b"").lstrip(b"/")
        path_b = (change.path_b or b"").lstrip(b"/")
        if change.kind in ("removed", "moved"):
            found["gone"].add(path_a)
        if change.kind in ("added", "moved"):
            found["come"].add(path_b)
        regular = change.a is not None and change.a.kind in (FILE, HARDLINK)
        if change.kind == "type" or (change.kind == "content" and regular):
            found[change.kind].add(path_b)
    for kind in ("content", "type"):
        assert found[kind] - odd == expected[kind] - odd
    assert (found["gone"], found["come"]) == (expected["gone"], expected["come"])


def links_to_no_file(side: Side) -> set[bytes]:
    """Hard links without content: to an empty file, or to something that is not a file. The tree can't distinguish them."""
    assert side.files is not None
    return {
        node.path
        for node in side.files.tree.nodes()
        if node.visible
        and node.latest is not None
        and node.latest.kind == HARDLINK
        and node.latest.content is None
    }


@THOROUGH
@given(stack=stacks(), form=st.sampled_from(["docker-legacy", "oci-archive"]))
def test_an_image_does_not_differ_from_itself(
    folder: Path, stack: list[list[Member]], form: str
) -> None:
    built = image_of(stack)
    with sides(folder, built, built, "docker-legacy", form) as (a, b):
        comparison = compare(a, b)
    check_sums(comparison)
    assert comparison.files is not None
    assert comparison.files.changes == ()
    assert comparison.settings == ()
    assert {row.status for row in comparison.layers.rows} <= {"same"}
    assert comparison.layers.transfer.needed.layers == ()
    assert comparison.layers.cache_break is None
    assert not comparison.differs


@THOROUGH
@given(pair=pairs(), form=st.sampled_from(["docker-legacy", "oci-archive"]))
@pytest.mark.slow
def test_a_saved_report_compares_like_its_image(
    folder: Path, pair: tuple[list[list[Member]], list[list[Member]]], form: str
) -> None:
    first = FORMS[form].write([image_of(pair[0])], folder / f"a-{form}")
    second = FORMS[form].write([image_of(pair[1])], folder / f"b-{form}")
    with layerscope.load(first) as one, layerscope.load(second) as two:
        analyses = layerscope.analyze(one), layerscope.analyze(two)
        live = [Side.of(analysis) for analysis in analyses]
        saved = [
            parse_report(dumps(build(analysis, files=True, hashes=True)).encode(), "saved")
            for analysis in analyses
        ]
        documents: list[Any] = [
            build_comparison(compare(a, b))
            for a in (live[0], saved[0])
            for b in (live[1], saved[1])
        ]
    for document in documents:
        for side in ("a", "b"):
            document[side]["saved"] = None
    assert documents[1:] == documents[:1] * 3


# Files


def test_every_kind_of_change_is_recognized(folder: Path) -> None:
    a = image(
        {
            "same": b"same",
            "gone": b"gone",
            "longer": b"long",
            "other": b"1111",
            "chmod": File(b"chmod", mode=0o644),
            "touched": File(b"touched", mtime=1),
            "link": Symlink("same"),
            "device": Device(major=1, minor=3),
            "turned": b"file",
            "old/name": b"moved content",
            "folder/": Directory(mode=0o755, mtime=1),
        }
    )
    b = image(
        {
            "same": b"same",
            "come": b"come!",
            "longer": b"longer",
            "other": b"2222",
            "chmod": File(b"chmod", mode=0o755, uid=7),
            "touched": File(b"touched", mtime=2),
            "link": Symlink("come"),
            "device": Device(major=1, minor=5),
            "turned/inner": b"i",
            "new/name": b"moved content",
            "folder/": Directory(mode=0o700, mtime=2),
        }
    )
    comparison = compared(folder, a, b)
    check_sums(comparison)
    found = changes(comparison)
    assert found.keys() == {
        ("removed", b"/gone"),
        ("added", b"/come"),
        ("content", b"/longer"),
        ("content", b"/other"),
        ("metadata", b"/chmod"),
        ("metadata", b"/touched"),
        ("metadata", b"/folder"),
        ("content", b"/link"),
        ("content", b"/device"),
        ("type", b"/turned"),
        ("added", b"/turned/inner"),
        ("removed", b"/old"),
        ("added", b"/new"),
        ("moved", b"/new/name"),
    }
    assert found["metadata", b"/chmod"].changed == ("mode", "uid")
    assert found["metadata", b"/touched"].changed == ("mtime",)
    assert found["metadata", b"/folder"].changed == ("mode",)
    assert found["moved", b"/new/name"].path_a == b"/old/name"
    assert found["content", b"/longer"].delta == 2
    assert comparison.files is not None
    assert comparison.files.only_times == 1


def test_content_with_several_names_counts_once(folder: Path) -> None:
    a = image({"b/first": b"x" * 100, "c/second": Hardlink("b/first")})
    b = image({"c/second": b"x" * 100, "d/third": Hardlink("c/second")})
    comparison = compared(folder, a, b)
    check_sums(comparison)
    found = changes(comparison)
    assert found["hardlink", b"/c/second"].delta == 100
    assert found["moved", b"/d/third"].path_a == b"/b/first"
    assert found["moved", b"/d/third"].delta == -100
    assert comparison.files is not None
    by_path = {each.path: each for each in comparison.files.directories}
    assert (by_path[b"/b"].a_bytes, by_path[b"/c"].a_bytes, by_path[b"/c"].b_bytes) == (100, 0, 100)


def test_moved_files_are_paired_by_base_name_first(folder: Path) -> None:
    a = image({"a/x": b"content", "b/y": b"content"})
    b = image({"c/y": b"content", "d/x": b"content", "e/z": b"content"})
    comparison = compared(folder, a, b)
    moved = {(c.path_a, c.path_b) for c in changes(comparison).values() if c.kind == "moved"}
    assert moved == {(b"/a/x", b"/d/x"), (b"/b/y", b"/c/y")}
    assert ("added", b"/e/z") in kinds(comparison)


def test_empty_files_never_move(folder: Path) -> None:
    comparison = compared(folder, image({"a": b""}), image({"b": b""}))
    assert kinds(comparison) == {("removed", b"/a"), ("added", b"/b")}


def test_sparse_files_with_different_holes_differ(folder: Path) -> None:
    chunks = ((0, b"x" * 512),)
    a = image({"s": Sparse(size=10_000, chunks=chunks)})
    b = image({"s": Sparse(size=20_000, chunks=chunks)})
    assert kinds(compared(folder, a, b)) == {("content", b"/s")}
    assert kinds(compared(folder, a, a)) == set()


def test_different_xattrs_are_a_metadata_change(folder: Path) -> None:
    a = image({"f": File(b"f", xattrs={"user.x": b"1"})})
    b = image({"f": File(b"f", xattrs={"user.x": b"2"})})
    assert changes(compared(folder, a, b))["metadata", b"/f"].changed == ("xattrs",)


def test_only_the_final_filesystem_counts(folder: Path) -> None:
    a = image({"d/one": b"1", "d/two": b"22", "f": b"f"}, {"d": WHITEOUT, "f": b"g"})
    b = image({"f": b"g"})
    comparison = compared(folder, a, b)
    assert kinds(comparison) == set()
    assert comparison.layers.shared == 0
    opaque = image({"d/one": b"1", "d/two": b"22"}, [("d", OPAQUE), ("d/one", b"1")])
    assert kinds(compared(folder, opaque, image({"d/one": b"1"}))) == set()


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("/usr", {b"/usr/lib/a.so", b"/usr/lib/x/b.so", b"/usr/bin/c"}),
        ("/usr/lib/**", {b"/usr/lib/a.so", b"/usr/lib/x/b.so"}),
        ("*.so", {b"/usr/lib/a.so", b"/usr/lib/x/b.so"}),
        ("/usr/*/*.so", {b"/usr/lib/a.so"}),
        ("/usr/**/*.so", {b"/usr/lib/a.so", b"/usr/lib/x/b.so"}),
        ("[!c]", {b"/usr/lib/x/b.so", b"/d"}),
        ("/?", {b"/d"}),
        ("/nothing", set()),
        ("lib/x", {b"/usr/lib/x/b.so"}),
    ],
)
def test_a_pattern_narrows_the_files(folder: Path, pattern: str, expected: set[bytes]) -> None:
    files = {"usr/lib/a.so": b"1", "usr/lib/x/b.so": b"22", "usr/bin/c": b"333", "d": b"4444"}
    comparison = compared(folder, image({}), image(files), path=pattern)
    check_sums(comparison)
    found = {path for kind, path in kinds(comparison)}
    assert {path for path in found if path[1:].decode() in files} == expected
    assert comparison.files is not None
    lost = sum(len(data) for name, data in files.items() if b"/" + name.encode() not in expected)
    assert comparison.files.outside_b == lost


def test_equal_content_is_read_only_where_sizes_agree(folder: Path) -> None:
    a = image({"same-size": b"1234", "other-size": b"12", "gone": b"1" * 9}, {"base": b"base"})
    b = image({"same-size": b"4321", "other-size": b"123", "come": b"1" * 8}, {"base": b"base"})
    with sides(folder, a, b) as (one, two):
        compare(one, two)
    for side in (one, two):
        assert side.files is not None
        read = {entry.path for entry in side.files.tree.entries() if entry.fingerprint is not None}
        assert read == {b"same-size"}


def test_a_closed_image_is_refused(folder: Path) -> None:
    with sides(folder, image({"f": b"1"}), image({"f": b"2"})) as (one, two):
        pass
    with pytest.raises(SourceUnavailable, match="open"):
        compare(one, two)


def test_deep_paths_and_large_directories_are_compared(folder: Path) -> None:
    deep = "/".join(["d"] * 3000)
    a = image({f"{deep}/f": b"1", **{f"many/{n}": b"x" for n in range(2000)}})
    b = image({f"{deep}/f": b"22", **{f"many/{n}": b"y" for n in range(2000)}})
    comparison = compared(folder, a, b)
    check_sums(comparison)
    assert comparison.files is not None
    assert comparison.files.totals["content"].count == 2001


# Settings


def configured(**settings: Any) -> BuiltImage:
    return ImageBuilder("test:1").layer({"f": b"f"}, "/bin/sh -c f").configure(**settings).build()


def test_settings_that_differ_are_listed_without_secrets(folder: Path) -> None:
    a = configured(
        Env=["PATH=/bin", "OLD=1", "API_TOKEN=hunter2", "URL=https://me:hunter2@host/"],
        Cmd=["a", "--password=hunter2"],
        Labels={"x": "1"},
        ExposedPorts={"80/tcp": {}},
        User="root",
    )
    b = configured(
        Env=["PATH=/usr/bin", "NEW=1", "API_TOKEN=hunter3", "URL=https://me:hunter3@host/"],
        Cmd=["a", "--password=hunter3"],
        Labels={"x": "2"},
        ExposedPorts={"81/tcp": {}},
        User="app",
        WorkingDir="/app",
        Volumes={"/data": {}},
    )
    comparison = compared(folder, a, b)
    rows = {(row.field, row.name): (row.a, row.b) for row in comparison.settings}
    assert rows == {
        ("env", "PATH"): ("/bin", "/usr/bin"),
        ("env", "OLD"): ("1", None),
        ("env", "NEW"): (None, "1"),
        ("env", "API_TOKEN"): ("***", "***"),
        ("env", "URL"): ("https://me:***@host/", "https://me:***@host/"),
        ("cmd", ""): ('["a", "--password=***"]', '["a", "--password=***"]'),
        ("labels", "x"): ("1", "2"),
        ("exposed_ports", "80/tcp"): ("", None),
        ("exposed_ports", "81/tcp"): (None, ""),
        ("user", ""): ("root", "app"),
        ("working_dir", ""): (None, "/app"),
        ("volumes", "/data"): (None, ""),
    }
    assert "hunter" not in json.dumps(build_comparison(comparison))


def test_a_masked_value_in_a_saved_report_is_unknown(folder: Path) -> None:
    a = configured(Env=["API_TOKEN=hunter2", "PATH=/bin"])
    b = configured(Env=["API_TOKEN=hunter2", "PATH=/usr/bin"])
    reference = FORMS["docker-legacy"].write([a], folder / "a")
    other = FORMS["docker-legacy"].write([b], folder / "b")
    with layerscope.load(reference) as one, layerscope.load(other) as two:
        text = dumps(build(layerscope.analyze(one), files=True, hashes=True))
        assert "hunter2" not in text
        comparison = compare(parse_report(text.encode(), "saved"), Side.of(layerscope.analyze(two)))
    assert [(row.name, row.known) for row in comparison.settings] == [
        ("API_TOKEN", False),
        ("PATH", True),
    ]
    assert [note.code for note in comparison.notes] == ["settings-hidden"]


# The whole


def test_platforms_are_compared_with_a_note(folder: Path) -> None:
    a = ImageBuilder("test:1", architecture="amd64").layer({"f": b"1"}, "/bin/sh -c f").build()
    b = ImageBuilder("test:1", architecture="arm64").layer({"f": b"2"}, "/bin/sh -c f").build()
    comparison = compared(folder, a, b)
    assert [note.code for note in comparison.notes] == ["different-platforms"]
    assert ("platform", "linux/amd64", "linux/arm64") in [
        (row.field, row.a, row.b) for row in comparison.settings
    ]


def test_images_without_layers_can_be_compared(folder: Path) -> None:
    empty = ImageBuilder("test:1").build()
    full = image({"f": b"12345"})
    there = compared(folder, empty, full)
    check_sums(there)
    assert kinds(there) == {("added", b"/f")}
    assert there.layers.cache_break is not None
    assert there.layers.cache_break.reason == "added"
    back = compared(folder, full, empty)
    check_sums(back)
    assert back.layers.transfer.needed.layers == ()
    nothing = compared(folder, empty, empty)
    check_sums(nothing)
    assert not nothing.differs


def test_a_rebuild_breaks_the_cache_at_the_changed_instruction(folder: Path) -> None:
    def build_of(requirements: str, tag: str) -> BuiltImage:
        return (
            ImageBuilder(tag)
            .layer({"base": b"b" * 1000}, "/bin/sh -c #(nop) ADD file:" + "a" * 64 + " in / ")
            .empty('/bin/sh -c #(nop)  CMD ["sh"]')
            .layer({"lib/flask": requirements.encode()}, f"/bin/sh -c pip install {requirements}")
            .layer({"app.py": File(b"app", mtime=len(requirements))}, "/bin/sh -c make app")
            .build()
        )

    comparison = compared(folder, build_of("flask==2.0", "app:1"), build_of("flask==2.10", "app:2"))
    check_sums(comparison)
    layers = comparison.layers
    assert [row.status for row in layers.rows] == ["same", "changed", "changed"]
    assert [row.status for row in layers.instructions] == ["same", "same", "changed", "changed"]
    assert layers.shared == 1
    assert layers.transfer.needed.layers == (1, 2)
    assert layers.cache_break is not None
    assert layers.cache_break.reason == "instruction"
    assert layers.cache_break.b is not None
    assert layers.cache_break.b.instruction.index == 2
    assert kinds(comparison) == {("content", b"/lib/flask"), ("metadata", b"/app.py")}


def test_waste_is_compared_by_kind(folder: Path) -> None:
    a = image({"f": b"1" * 100}, {"f": WHITEOUT})
    b = image({"f": b"1" * 100}, {"f": b"2" * 100})
    document = build_comparison(compared(folder, a, b))
    assert document["wasted_by_kind"]["deleted"] == {"a": 100, "b": 0, "delta": -100}
    assert document["wasted_by_kind"]["overwritten"] == {"a": 0, "b": 100, "delta": 100}
    assert document["wasted_by_kind"].keys() == set(WASTE_KINDS)


def test_a_missing_layer_has_unknown_sizes(folder: Path) -> None:
    with sides(folder, image({"f": b"1"}), image({"f": b"1"}, {"g": b"2"})) as (one, two):
        layers = (two.layers[0], replace(two.layers[1], indexed=False))
        comparison = compare(one, replace(two, layers=layers))
    assert "layers-not-read" in [note.code for note in comparison.notes]
    row = build_comparison(comparison)["layers"][1]
    assert row["sizes"]["content"] == {"a": None, "b": None, "delta": None}
    assert comparison.layers.transfer.needed.tar is None


def test_the_library_takes_images_and_analyses(folder: Path) -> None:
    a = FORMS["docker-legacy"].write([image({"f": b"1"})], folder / "a")
    b = FORMS["docker-legacy"].write([image({"f": b"2"})], folder / "b")
    with layerscope.load(a) as one, layerscope.load(b) as two:
        of_images = layerscope.compare(one, two)
        of_analyses = layerscope.compare(layerscope.analyze(one), layerscope.analyze(two))
    assert plainly(of_images) == plainly(of_analyses)
    assert of_images.differs


def test_recompressed_layers_get_a_note(folder: Path) -> None:
    built = image({"f": b"f" * 5000})
    first = FORMS["oci-archive"].write([built], folder / "gzip", "gzip")
    second = FORMS["oci-archive"].write([built], folder / "zstd", "zstd")
    with layerscope.load(first) as one, layerscope.load(second) as two:
        comparison = layerscope.compare(one, two)
    assert [row.status for row in comparison.layers.rows] == ["same"]
    assert [note.code for note in comparison.notes] == ["layers-recompressed"]
    assert comparison.differs
