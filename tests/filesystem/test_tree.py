"""The replay of layers, rule by rule: layer.md of opencontainers/image-spec, and how engines fill its gaps."""

from __future__ import annotations

from itertools import permutations

import pytest

from layerscope.layers.entry import CHANGE_NAMES
from tests.builder import (
    OPAQUE,
    WHITEOUT,
    Device,
    Directory,
    Fifo,
    File,
    Hardlink,
    Opaque,
    Symlink,
    Whiteout,
)
from tests.builder.image import Members
from tests.filesystem.replay import Replayed

BASE: Members = {
    "f": b"f",
    "d/": b"",
    "d/a": b"a",
    "d/b": b"b",
    "usr/": b"",
    "usr/lib/": b"",
    "usr/lib/x": b"x",
    "lib": Symlink("usr/lib"),
}


def on_base(*members: tuple[str, object]) -> Replayed:
    return Replayed(BASE, members)  # type: ignore[arg-type]


# The table of what engines do with a second layer


@pytest.mark.parametrize("order", [0, 1])
def test_a_whiteout_hides_only_the_lower_file_of_the_same_name(order: int) -> None:
    members = [("f", WHITEOUT), ("f", b"new")]
    done = on_base(*(members if order == 0 else members[::-1]))
    assert "f" in done.files()
    assert done.lost() == [("f", 0, 1)]
    assert done.codes == ([] if order == 0 else ["whiteout-after-entry"])
    assert done.tree.deleted == [0, 0]
    assert sorted(CHANGE_NAMES[entry.change] for entry in done.tree.layers[1]) == [
        "deleted",
        "modified",
    ]


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_an_opaque_marker_anywhere_hides_lower_children_only(order: tuple[int, ...]) -> None:
    members = [("d", OPAQUE), ("d/", Directory()), ("d/n", b"n")]
    done = on_base(*(members[place] for place in order))
    assert {path for path in done.files() if path.startswith("d/")} == {"d/n"}
    assert done.tree.deleted == [0, 2]
    assert done.codes == []


def test_an_opaque_marker_needs_no_entry_for_its_directory() -> None:
    done = on_base(("d/n", b"n"), ("d", OPAQUE))
    assert {path for path in done.names() if path.startswith("d")} == {"d", "d/n"}
    assert done.names()["d"] == "directory"


def test_an_opaque_marker_at_the_root_hides_all_lower_layers() -> None:
    done = on_base(("", Opaque()), ("n", b"n"))
    assert done.names() == {"n": "file"}
    assert done.codes == ["opaque-root"]
    assert done.tree.deleted == [0, 8]


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_a_directory_whited_out_and_created_again_starts_empty(order: tuple[int, ...]) -> None:
    members = [("d", WHITEOUT), ("d/", Directory()), ("d/n", b"n")]
    done = on_base(*(members[place] for place in order))
    assert {path for path in done.names() if path.startswith("d")} == {"d", "d/n"}
    first = order.index(0) < order.index(1)
    assert done.codes == ["whiteout-and-directory" if first else "whiteout-after-entry"]
    assert done.tree.deleted == [0, 2]


def test_a_whiteout_below_a_lower_symlink_makes_a_directory() -> None:
    done = on_base(("lib/.wh.x", b""), ("lib/y", b"y"))
    names = done.names()
    assert names["lib"] == "implicit"
    assert names["lib/y"] == "file"
    assert names["usr/lib/x"] == "file"
    assert set(done.codes) == {"directory-over-symlink", "whiteout-of-nothing"}


def test_a_file_below_a_lower_symlink_makes_a_directory() -> None:
    done = on_base(("lib/y", b"y"))
    assert done.names()["lib"] == "implicit"
    assert done.codes == ["directory-over-symlink"]


def test_a_directory_over_a_symlink_hides_its_target() -> None:
    done = on_base(("lib/", Directory()))
    assert done.names()["lib"] == "directory"
    assert done.codes == ["directory-over-symlink"]


def test_a_file_below_a_lower_file_makes_a_directory() -> None:
    done = on_base(("f/child", b"c"))
    assert done.names()["f"] == "implicit"
    assert done.codes == ["directory-over-file"]
    assert done.lost() == [("f", 0, 1)]
    assert done.tree.deleted == [0, 0]


def test_a_file_below_a_file_of_its_own_layer_makes_a_directory() -> None:
    done = Replayed([("f", b"file"), ("f/child", b"c")])
    assert done.names() == {"f": "implicit", "f/child": "file"}
    assert [(note.code, "the same layer" in note.message) for note in done.notes] == [
        ("directory-over-file", True)
    ]
    assert done.lost() == [("f", 0, 0)]


def test_a_link_to_a_lower_file_stores_nothing_and_keeps_it_alive() -> None:
    done = Replayed(BASE, {"h": Hardlink("f")}, {"f": WHITEOUT})
    assert done.codes == ["link-to-lower-layer"]
    assert done.lost() == []
    assert done.entry("f").names == 1
    assert done.entry("h", 1).content is done.entry("f")


@pytest.mark.parametrize("target", ["missing", "h", "later", "d", "", "f/x", "/", "../h"])
def test_a_hard_link_to_anything_but_a_file_is_broken(target: str) -> None:
    done = on_base(("h", Hardlink(target)), ("later", b"x"))
    assert done.codes == ["broken-link"]
    assert done.entry("h", 1).content is None


def test_a_link_to_a_file_that_its_own_layer_whites_out_is_broken() -> None:
    done = on_base(("h", Hardlink("f")), ("f", WHITEOUT))
    assert done.codes == ["broken-link"]
    assert done.lost() == [("f", 0, 1)]


def test_hard_links_in_a_circle_are_broken() -> None:
    done = on_base(("a", Hardlink("b")), ("b", Hardlink("c")), ("c", Hardlink("a")))
    assert done.codes == ["broken-link", "broken-link"]
    assert [done.entry(name, 1).content for name in ("a", "b", "c")] == [None] * 3


def test_symlinks_in_circles_are_only_listed() -> None:
    done = on_base(("a", Symlink("b")), ("b", Symlink("a")), ("self", Symlink("self")))
    assert {"a", "b", "self"} <= done.files()
    assert done.codes == []


def test_a_link_names_its_target_however_it_is_written() -> None:
    for target in ("d/a", "/d/a", "./d//a", "d/x/../a"):
        done = Replayed({"d/a": b"a", "h": Hardlink(target)})
        assert done.entry("h").content is done.entry("d/a")


# Whiteouts


def test_a_whiteout_hides_a_file_and_a_subtree() -> None:
    done = on_base((".wh.f", b""), (".wh.d", b""))
    assert done.files() == {"lib", "usr/lib/x"}
    assert done.lost() == [("d/a", 0, 1), ("d/b", 0, 1), ("f", 0, 1)]
    assert done.tree.deleted == [0, 4]
    assert done.changes(1) == {"f": "deleted", "d": "deleted"}


def test_a_whiteout_of_nothing_does_nothing() -> None:
    done = on_base(("nothing", WHITEOUT), ("d/none", WHITEOUT), ("no/where/x", WHITEOUT))
    assert done.codes == ["whiteout-of-nothing"] * 3
    assert done.tree.deleted == [0, 0]
    assert done.names() == Replayed(BASE).names()


@pytest.mark.parametrize("order", [1, -1])
def test_a_whiteout_below_a_whiteout_adds_nothing(order: int) -> None:
    members = [("d", WHITEOUT), ("d/a", WHITEOUT)]
    done = on_base(*members[::order])
    assert done.codes == []
    assert done.tree.deleted == [0, 3]
    assert done.lost() == [("d/a", 0, 1), ("d/b", 0, 1)]


def test_a_whiteout_removes_an_implicit_directory() -> None:
    done = Replayed({"a/b/c": b"c"}, {"a": WHITEOUT})
    assert done.names() == {}
    assert done.tree.deleted == [0, 1]


def test_a_repeated_whiteout_counts_once() -> None:
    assert on_base(("f", WHITEOUT), ("f", WHITEOUT)).tree.deleted == [0, 1]


def test_a_whiteout_does_not_hide_files_of_its_own_layer() -> None:
    done = Replayed({"d/n": b"n", "d": WHITEOUT, "d/m": b"m"})
    assert done.files() == {"d/n", "d/m"}
    assert done.lost() == []


def test_a_deleted_file_that_returns_is_added() -> None:
    done = Replayed({"f": b"1"}, {"f": WHITEOUT}, {"f": b"2"}, {"f": WHITEOUT}, {"f": b"1"})
    assert done.lost() == [("f", 0, 1), ("f", 2, 3)]
    assert [done.changes(layer)["f"] for layer in range(5)] == [
        "added", "deleted", "added", "deleted", "added",
    ]  # fmt: skip
    assert done.tree.deleted == [0, 1, 0, 1, 0]


def test_whiteouts_of_several_layers_empty_a_directory() -> None:
    done = Replayed({"d/": b"", "d/x": b"1"}, {"d/.wh.x": b"", "d/y": b"2"}, {"d/y": WHITEOUT})
    assert done.files() == set()
    assert done.tree.deleted == [0, 1, 1]


# One kind over another


@pytest.mark.parametrize(
    "node", [File(b"now"), File(b""), Symlink("f"), Hardlink("f"), Fifo(), Device(major=1, minor=3)]
)
def test_anything_but_a_directory_hides_the_subtree(
    node: File | Symlink | Hardlink | Fifo | Device,
) -> None:
    done = on_base(("d", node))
    assert not {path for path in done.names() if path.startswith("d/")}
    assert done.tree.deleted == [0, 2]
    assert done.lost() == [("d/a", 0, 1), ("d/b", 0, 1)]
    assert done.changes(1)["d"] == "modified"


def test_a_directory_over_a_directory_keeps_the_children() -> None:
    done = on_base(("d/", Directory(mode=0o700)))
    assert {"d/a", "d/b"} <= done.files()
    assert done.changes(1) == {"d": "modified"}
    assert done.lost() == []


def test_a_repeated_directory_is_not_a_change() -> None:
    done = on_base(("d/", Directory(mtime=99)), ("usr/", Directory()))
    assert done.changes(1) == {"d": "unchanged", "usr": "unchanged"}


def test_a_file_over_a_symlink_replaces_the_link_alone() -> None:
    done = on_base(("lib", b"file"))
    assert "usr/lib/x" in done.files()
    assert done.changes(1) == {"lib": "modified"}


def test_an_entry_for_the_root_can_modify_it() -> None:
    done = Replayed({"./": Directory(mode=0o755)}, {"./": Directory(mode=0o700), "a": b"a"})
    assert done.changes(1) == {"": "modified", "a": "added"}
    assert done.tree.root.latest is done.entry("", 1)


def test_an_entry_for_an_implicit_directory_is_unchanged() -> None:
    done = Replayed({"d/x": b"x"}, {"d/": Directory()}, {"d/": Directory(mode=0o700)})
    assert [done.changes(layer)["d"] for layer in (1, 2)] == ["unchanged", "modified"]


# Changes


@pytest.mark.parametrize(
    ("old", "new", "change"),
    [
        (File(b"x"), File(b"x"), "unchanged"),
        (File(b"x"), File(b"xy"), "modified"),
        (File(b"x"), File(b"x", mode=0o600), "modified"),
        (File(b"x"), File(b"x", uid=5), "modified"),
        (File(b"x"), File(b"x", gid=5), "modified"),
        (File(b"x"), File(b"x", mtime=5), "modified"),
        (File(b"x", mtime=5), File(b"x", mtime=5.75), "unchanged"),
        (File(b"x"), File(b"x", xattrs={"user.a": b"1"}), "modified"),
        (File(b""), File(b""), "unchanged"),
        (Symlink("a"), Symlink("a"), "unchanged"),
        (Symlink("a"), Symlink("b"), "modified"),
        (Symlink("a"), Symlink("a", mtime=7), "modified"),
        (Fifo(), Fifo(), "unchanged"),
        (Device(major=1, minor=3), Device(major=1, minor=3), "unchanged"),
        (Device(major=1, minor=3), Device(major=1, minor=4), "modified"),
        (Device(major=1, minor=3), Device(major=1, minor=3, block=True), "modified"),
        (File(b"x"), Symlink("a"), "modified"),
        (Directory(), Directory(mtime=9), "unchanged"),
        (Directory(), Directory(uid=9), "modified"),
    ],
)
def test_headers_decide_what_changed(old: object, new: object, change: str) -> None:
    done = Replayed({"p": old}, {"p": new})
    assert done.changes(1) == {"p": change}


def test_content_of_equal_size_is_compared_later() -> None:
    done = Replayed({"f": b"one"}, {"f": b"two"})
    assert done.tree.rewrites == [(done.entry("f"), done.entry("f", 1))]


def test_a_repeated_hard_link_is_unchanged() -> None:
    done = Replayed({"f": b"x", "h": Hardlink("f")}, {"h": Hardlink("f")})
    assert done.changes(1) == {"h": "unchanged"}
    assert done.tree.rewrites == []
    assert done.entry("f").names == 2


# Several names of one file


def test_content_is_live_as_long_as_it_has_a_name() -> None:
    layers = [{"a": b"data", "b": Hardlink("a"), "c": Hardlink("b")}]
    done = Replayed(*layers, {"a": WHITEOUT}, {"b": b"other"}, {"c": Symlink("x")})
    assert done.lost() == [("a", 0, 3)]
    assert Replayed(*layers, {"a": WHITEOUT}, {"b": b"other"}).lost() == []


def test_rewriting_all_names_of_a_file_wastes_it_once() -> None:
    done = Replayed({"a": b"old", "b": Hardlink("a")}, {"a": b"new", "b": Hardlink("a")})
    assert done.lost() == [("a", 0, 1)]
    assert done.entry("a", 1).names == 2
    assert done.codes == []


def test_rewriting_one_of_two_names_wastes_nothing() -> None:
    done = Replayed({"a": b"old", "b": Hardlink("a")}, {"a": b"new"})
    assert done.lost() == []
    assert (done.entry("a").names, done.entry("a", 1).names) == (1, 1)


def test_removing_a_directory_with_all_names_wastes_the_content_once() -> None:
    done = Replayed({"d/a": b"x", "d/b": Hardlink("d/a")}, {"d": WHITEOUT})
    assert done.lost() == [("d/a", 0, 1)]


def test_hard_links_to_symlinks_and_empty_files_have_no_content() -> None:
    done = Replayed({"s": Symlink("x"), "h": Hardlink("s"), "e": b"", "i": Hardlink("e")})
    assert done.codes == []
    assert done.entry("h").content is done.entry("i").content is None


# One path twice in one layer


def test_the_last_of_two_entries_counts_and_both_are_stored() -> None:
    done = Replayed([("f", b"first"), ("f", b"second!")])
    assert done.codes == ["duplicate-entry"]
    assert done.lost() == [("f", 0, 0)]
    assert done.tree.find(b"f") is not None
    node = done.tree.find(b"f")
    assert node is not None
    assert node.latest is done.entry("f")
    assert done.entry("f").size == 7
    assert done.tree.never_seen == [done.entry("f", which=0)]


def test_a_directory_and_a_file_with_one_name_is_a_duplicate() -> None:
    done = Replayed([("d/", Directory()), ("d/x", b"x"), ("d", b"file")])
    assert done.names() == {"d": "file"}
    assert done.lost() == [("d/x", 0, 0)]
    assert done.codes == ["duplicate-entry"]
    back = Replayed([("d", b"file"), ("d/", Directory()), ("d/x", b"x")])
    assert back.names() == {"d": "directory", "d/x": "file"}
    assert back.lost() == [("d", 0, 0)]
    assert back.codes == ["duplicate-entry"]


def test_a_repeated_directory_is_not_a_duplicate() -> None:
    done = Replayed([("d/", Directory()), ("d/x", b"x"), ("d/", Directory(mode=0o700))])
    assert done.codes == []
    assert done.files() == {"d/x"}


def test_duplicates_compare_with_the_layers_below() -> None:
    done = Replayed({"f": b"x"}, [("f", b"other"), ("f", b"x")])
    assert done.lost() == [("f", 0, 1), ("f", 1, 1)]
    assert [entry.change for entry in done.tree.layers[1]][-1] == done.entry("f", 1).change
    assert done.changes(1) == {"f": "unchanged"}
    node = done.tree.find(b"f")
    assert node is not None
    assert node.latest is not None
    assert node.latest.previous is done.entry("f")


def test_a_duplicate_of_a_parent_removes_the_path() -> None:
    done = Replayed({"d/": b"", "d/x": b"1"}, [("d/x", b"2"), ("d", b"file")])
    assert done.tree.deleted == [0, 1]
    again = Replayed({"d/": b"", "d/x": b"1"}, [("d/x", b"2"), ("d", b"file"), ("d/x", b"3")])
    assert again.tree.deleted == [0, 0]


# Entries that are not part of the filesystem


def test_aufs_metadata_can_be_linked_to() -> None:
    kept_at = ".wh..wh.plnk/1.2"
    members: Members = {kept_at: b"data", "f": Hardlink(kept_at)}
    done = Replayed(members)
    assert done.names() == {"f": f"hardlink to {kept_at}"}
    kept = done.tree.layers[0][0]
    assert done.entry("f").content is kept
    assert kept.names == 1
    assert Replayed(members, {"f": WHITEOUT}).lost() == [(kept_at, 0, 1)]


def test_implicit_directories_are_not_counted() -> None:
    done = Replayed({"a/b/c": b"c", "a/b/d": b"d"}, {"a/b": WHITEOUT})
    assert done.names() == {"a": "implicit"}
    assert done.tree.deleted == [0, 2]


# Lookup


def test_find_returns_visible_and_deleted_paths() -> None:
    done = on_base(("d/e/f/g", b"g"), (".wh.f", b""))
    tree = done.tree
    for path in (b"", b"d", b"d/a", b"d/e", b"d/e/f", b"d/e/f/g", b"f", b"usr/lib/x"):
        node = tree.find(path)
        assert node is not None
        assert node.path == path
    for path in (b"x", b"d/x", b"d/a/x", b"d/e/f/g/h", b"nowhere/at/all"):
        assert tree.find(path) is None
    gone = tree.find(b"f")
    assert gone is not None
    assert not gone.visible


def test_nodes_come_parents_first_and_include_deleted_ones() -> None:
    done = on_base((".wh.d", b""))
    seen: set[bytes] = {b""}
    for node in done.tree.nodes():
        assert node.parent is not None
        assert node.parent.path in seen
        seen.add(node.path)
    assert {b"d", b"d/a", b"d/b", b"f"} <= seen


def test_a_node_knows_its_entry_after_each_layer() -> None:
    layers: list[Members] = [
        {"d/f": b"0"},
        {"x": b"x"},
        {"d/f": b"2"},
        {"d": WHITEOUT},
        {"y": b"y"},
        {"d/f": b"5"},
        [("d/f", b"6"), ("d/f", b"6b")],
        {"d": Whiteout(), "d/f": b"7"},
        {"d": OPAQUE},
    ]
    done = Replayed(*layers)
    node = done.tree.find(b"d/f")
    assert node is not None
    stood = [node.at_layer(layer) for layer in range(-1, 10)]
    assert [None if entry is None else entry.layer for entry in stood] == [
        None, 0, 0, 2, None, None, 5, 6, 7, None, None,
    ]  # fmt: skip
    assert stood[7] is done.entry("d/f", 6)
