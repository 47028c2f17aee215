"""Paths through symlinks, as observed in Docker 20.10 (overlay2), Docker 26 (containerd), podman, and umoci."""

from __future__ import annotations

import pytest

from layerscope.errors import LimitExceeded
from layerscope.filesystem import links
from layerscope.layers.entry import FILE, OPAQUE, SYMLINK, WHITEOUT
from layerscope.layers.entry import Member as TarMember
from layerscope.layers.layer_index import LayerIndex
from tests.builder import OPAQUE as OPAQUE_NODE
from tests.builder import WHITEOUT as WHITEOUT_NODE
from tests.builder import Directory, File, Hardlink, Symlink
from tests.builder.image import Members
from tests.builder.nodes import MemberLike
from tests.filesystem.replay import Replayed

USR: list[MemberLike] = [("usr/", Directory()), ("usr/lib/", Directory())]
LIB: list[MemberLike] = [*USR, ("lib", Symlink("usr/lib"))]
LOWER: Members = {"usr/": b"", "usr/lib/": b"", "usr/lib/low": b"low", "lib": Symlink("usr/lib")}
AGREED: dict[str, tuple[list[MemberLike], set[str]]] = {
    "a file": ([*LIB, ("lib/x", b"x")], {"usr/lib/x"}),
    "a directory without an entry": ([*LIB, ("lib/sub/x", b"x")], {"usr/lib/sub/x"}),
    "a directory": ([*LIB, ("lib/sub/", Directory()), ("lib/sub/x", b"x")], {"usr/lib/sub/x"}),
    "an absolute target": ([*USR, ("lib", Symlink("/usr/lib")), ("lib/x", b"x")], {"usr/lib/x"}),
    "a chain": ([*LIB, ("lib64", Symlink("lib")), ("lib64/x", b"x")], {"usr/lib/x"}),
    "a climb": ([*LIB, ("usr/up", Symlink("../../usr")), ("usr/up/x", b"x")], {"usr/x"}),
    "the root": ([("top", Symlink("/")), ("top/x", b"x")], {"x"}),
    "a hard link": ([*LIB, ("f", b"f"), ("lib/h", Hardlink("f"))], {"f", "usr/lib/h"}),
}


@pytest.mark.parametrize("case", AGREED)
def test_a_file_below_a_symlink_of_its_own_layer_goes_to_the_target(case: str) -> None:
    members, expected = AGREED[case]
    done = Replayed(members)
    kept = {path for path, kind in done.names().items() if kind == "file" or "hard" in kind}
    assert kept == expected
    assert done.codes == []
    assert {entry.path.decode() for entry in done.tree.layers[0]} >= expected
    assert [e.stored_path.decode() for e in done.tree.layers[0]] == [
        str(name).rstrip("/") for name, _ in members
    ]


def test_a_path_and_its_spelling_through_a_link_are_one_path() -> None:
    done = Replayed([*LIB, ("lib/x", b"first"), ("usr/lib/x", b"last")])
    assert done.lost() == [("usr/lib/x", 0, 0)]
    assert done.codes == ["duplicate-entry"]


def test_a_file_through_a_link_replaces_the_lower_file() -> None:
    done = Replayed(LOWER, [*USR, ("lib2", Symlink("usr/lib")), ("lib2/low", b"new")])
    assert done.lost() == [("usr/lib/low", 0, 1)]
    assert done.tree.rewrites == [(done.entry("usr/lib/low"), done.entry("usr/lib/low", 1))]
    assert done.codes == []


def test_a_repeated_link_is_followed() -> None:
    done = Replayed(LOWER, [*LIB, ("lib/x", b"x")])
    assert done.files() == {"lib", "usr/lib/low", "usr/lib/x"}
    assert done.codes == []


@pytest.mark.parametrize("target", ["usr/lib", "nowhere"])
def test_a_link_to_a_directory_of_a_lower_layer_gets_a_note(target: str) -> None:
    """Docker 20.10 and podman refuse it. containerd and umoci create the directory."""
    done = Replayed(LOWER, [("l", Symlink(target)), ("l/x", b"x")])
    assert f"{target}/x" in done.files()
    assert done.codes == ["through-own-symlink"]


def test_a_link_of_a_lower_layer_is_not_followed() -> None:
    done = Replayed(LOWER, [("lib64", Symlink("lib")), ("lib64/x", b"x")])
    assert done.names()["lib"] == "implicit"
    assert "lib/x" in done.files()
    assert set(done.codes) == {"directory-over-symlink", "through-own-symlink"}


@pytest.mark.parametrize(
    "members",
    [
        [("a", Symlink("b")), ("b", Symlink("a")), ("a/x", b"x")],
        [("a", Symlink("a")), ("a/x", b"x")],
        [*((f"a{n}", Symlink(f"a{n + 1}")) for n in range(41)), ("a0/x", b"x")],
    ],
    ids=["circle", "self", "41 links"],
)
def test_a_loop_turns_into_a_directory(members: list[MemberLike]) -> None:
    done = Replayed(members)
    assert done.codes == ["directory-over-symlink"]
    assert sum(path.endswith("/x") for path in done.files()) == 1


def test_forty_links_are_followed() -> None:
    chain: list[MemberLike] = [(f"a{n}", Symlink(f"a{n + 1}")) for n in range(40)]
    done = Replayed([("a40/", Directory()), *chain, ("a0/x", b"x")])
    assert "a40/x" in done.files()


def test_a_link_can_change_while_its_directory_is_filled() -> None:
    """The entry below `a` replaces the link that `a` goes through."""
    done = Replayed(
        [
            ("d/", Directory()),
            ("b", Symlink("d")),
            ("a", Symlink("b/..")),
            ("a/y", b"y"),
            ("a/b", Symlink("e/f")),
            ("a/z", b"z"),
        ]
    )
    assert {"y", "e/z"} <= done.files()


# Whiteouts


@pytest.mark.parametrize("order", [1, -1])
def test_a_whiteout_follows_a_symlink_that_precedes_it_in_its_layer(order: int) -> None:
    """The link must come first, because an engine unpacks in tar order."""
    second: list[MemberLike] = [("l", Symlink("usr/lib")), ("l/low", WHITEOUT_NODE)]
    done = Replayed(LOWER, [*USR, *second[::order]])
    assert ("usr/lib/low" in done.files()) is (order == -1)
    assert done.codes == ([] if order == 1 else ["whiteout-of-nothing"])


def test_a_whiteout_follows_a_link_to_a_lower_directory() -> None:
    done = Replayed(LOWER, [("l", Symlink("usr/lib")), ("l/low", WHITEOUT_NODE)])
    assert done.lost() == [("usr/lib/low", 0, 1)]
    assert done.codes == ["through-own-symlink"]


@pytest.mark.parametrize(
    "links",
    [
        [("a", Symlink("a"))],
        [("a", Symlink("b")), ("b", Symlink("a"))],
        [("a", Symlink("a1")), *((f"a{n}", Symlink(f"a{n + 1}")) for n in range(1, 42))],
    ],
    ids=["self", "circle", "42 links"],
)
def test_a_whiteout_below_a_loop_gets_a_note(links: list[MemberLike]) -> None:
    done = Replayed([("a/x", b"x")], [*links, ("a/x", WHITEOUT_NODE)])
    assert "symlink-loop" in done.codes
    assert done.lost() == [("a/x", 0, 1)]


def test_an_opaque_whiteout_follows_a_link() -> None:
    second: list[MemberLike] = [*USR, ("l", Symlink("usr/lib")), ("l", OPAQUE_NODE), ("l/x", b"x")]
    done = Replayed(LOWER, second)
    assert {path for path in done.files() if "/" in path} == {"usr/lib/x"}
    assert done.lost() == [("usr/lib/low", 0, 1)]
    assert done.codes == []


def test_a_whiteout_does_not_follow_a_link_that_became_a_directory() -> None:
    second: list[MemberLike] = [*LIB, ("lib/", Directory()), ("lib/low", WHITEOUT_NODE)]
    done = Replayed(LOWER, second)
    assert "usr/lib/low" in done.files()


# Hard links


@pytest.mark.parametrize("target", ["lib/f", "lib64/f", "abs/f", "/lib/f"])
def test_a_hard_links_target_follows_symlinks(target: str) -> None:
    more: list[MemberLike] = [
        ("lib64", Symlink("lib")),
        ("abs", Symlink("/usr/lib")),
        ("usr/lib/f", b"ff"),
    ]
    done = Replayed([*LIB, *more, ("h", Hardlink(target))])
    assert done.entry("h").content is done.entry("usr/lib/f")
    assert done.codes == []


def test_the_last_name_of_a_hard_links_target_is_not_followed() -> None:
    done = Replayed([("f", b"f"), ("s", Symlink("f")), ("h", Hardlink("s"))])
    assert done.entry("h").content is None
    assert done.codes == []


@pytest.mark.parametrize("name", ["low", "new"])
def test_a_hard_link_through_a_lower_symlink_gets_a_note(name: str) -> None:
    """umoci accepts it, the other engines refuse it."""
    done = Replayed(LOWER, [*USR, ("usr/lib/new", b"new"), ("h", Hardlink(f"lib/{name}"))])
    assert done.entry("h", 1).content is done.entry(f"usr/lib/{name}", int(name == "new"))
    assert done.codes == ["link-to-lower-layer"]
    assert any("symlink" in note.message for note in done.notes)


@pytest.mark.parametrize("target", ["a/x", "lib/none", "lib", "usr/lib", "s/x"])
def test_a_hard_link_through_a_loop_or_to_nothing_is_broken(target: str) -> None:
    loop: list[MemberLike] = [
        ("a", Symlink("b")),
        ("b", Symlink("a")),
        ("s", Symlink("usr/file")),
        ("usr/file", b""),
    ]
    done = Replayed([*LIB, *loop, ("h", Hardlink(target))])
    assert done.entry("h").content is None
    assert done.codes == ([] if target == "lib" else ["broken-link"])


# Bounds


def test_too_many_symlink_lookups_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(links, "MOST_NAMES_IN_ALL", 10_000)
    members: list[MemberLike] = [
        ("l", Symlink("d/../" * 100)),
        *((f"l/{n}", File()) for n in range(100)),
    ]
    with pytest.raises(LimitExceeded, match="10,000 lookups"):
        Replayed(members)


def test_a_path_leads_through_a_link_only_at_or_below_it() -> None:
    def entry(path: bytes, kind: int) -> TarMember:
        return TarMember(path, kind, 0, 0, (0o644, 0, 0), 0, b"t")

    index = LayerIndex.of([entry(b"a/b", SYMLINK), entry(b"a/c", FILE), entry(b"d", OPAQUE)])
    names = links.link_names(index, lambda _: None)
    through = [path for path in (b"a/b", b"a/b/c/d") if links.leads_through(names, path)]
    assert through == [b"a/b", b"a/b/c/d"]
    for path in (b"", b"a", b"a/c/b", b"a/bb", b"d", b"b"):
        assert not links.leads_through(names, path)
    assert links.link_names(LayerIndex.of([entry(b"w", WHITEOUT)]), lambda _: None) == {}
