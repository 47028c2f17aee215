"""The true numbers for cases that dive 0.13.1 counts wrongly, and for one that it counts correctly."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import layerscope
from layerscope.report.document.builder import build
from tests.builder import (
    OPAQUE,
    WHITEOUT,
    Directory,
    File,
    Hardlink,
    ImageBuilder,
    Symlink,
    classic,
    docker_legacy,
    oci,
)
from tests.model import check_sums, expect

Layer = Mapping[str, Any]
THREE: Layer = {"d/": Directory(), "d/a": b"a" * 1000, "d/b": b"b" * 2000}
ONE: Layer = {"f": b"x" * 1000}


@pytest.fixture
def report(tmp_path: Path) -> Any:
    """Makes the report of a stack of layers, and checks its sums and the model's numbers."""

    def make(*layers: Layer) -> dict[str, Any]:
        builder = ImageBuilder("case:1")
        for number, layer in enumerate(layers):
            builder.layer(layer, **classic.run(f"step {number}"))
        image = builder.build()
        docker_legacy([image]).write(tmp_path / "image.tar")
        found = report_of(f"docker-archive:{tmp_path / 'image.tar'}")
        expected = expect([layer.members for layer in image.layers])
        assert (found["sizes"]["content"], found["sizes"]["live"]) == (
            expected.content,
            expected.live,
        )
        assert found["wasted_by_kind"] == expected.by_kind
        return found

    return make


def report_of(reference: str) -> dict[str, Any]:
    with layerscope.load(reference) as image:
        document: Any = build(layerscope.analyze(image), files=True)
        for layer in document["layers"]:
            layer["entries"] = list(layer["entries"])
    check_sums(document)
    loaded: dict[str, Any] = json.loads(json.dumps(document))
    return loaded


def kinds(found: dict[str, Any]) -> dict[str, int]:
    return {kind: size for kind, size in found["wasted_by_kind"].items() if size}


def blame(found: dict[str, Any]) -> list[tuple[str, int, int, int]]:
    return [(r["path"], r["bytes"], r["written_by"], r["wasted_by"]) for r in found["waste"]]


def test_the_same_file_in_two_layers_is_wasted_once(report: Any) -> None:
    found = report(ONE, ONE)
    assert kinds(found) == {"identical_rewrite": 1000}
    assert found["efficiency"] == 0.5
    assert blame(found) == [("/f", 1000, 0, 1)]


def test_different_content_overwrites(report: Any) -> None:
    assert kinds(report(ONE, {"f": b"y" * 1000})) == {"overwritten": 1000}


@pytest.mark.parametrize(
    ("change", "names"),
    [
        ({"mode": 0o755}, ["mode"]),
        ({"uid": 7}, ["uid"]),
        ({"gid": 7}, ["gid"]),
        ({"mtime": 60}, ["mtime"]),
        ({"xattrs": {"user.a": b"1"}}, ["xattrs"]),
        ({"mode": 0o600, "uid": 1, "gid": 1, "mtime": 9}, ["mode", "uid", "gid", "mtime"]),
    ],
)
def test_a_copy_for_metadata_only_names_what_changed(
    report: Any, change: dict[str, Any], names: list[str]
) -> None:
    found = report(ONE, {"f": File(b"x" * 1000, **change)})
    assert kinds(found) == {"metadata_only": 1000}
    assert found["waste"][0]["changed"] == names


def test_of_three_copies_two_are_wasted(report: Any) -> None:
    found = report(ONE, ONE, ONE)
    assert found["sizes"]["wasted"] == 2000
    assert sorted(blame(found)) == [("/f", 1000, 0, 1), ("/f", 1000, 1, 2)]


def test_a_file_removed_later_is_deleted(report: Any) -> None:
    found = report(ONE, {"f": WHITEOUT})
    assert kinds(found) == {"deleted": 1000}
    assert found["efficiency"] == 0


def test_a_directory_removed_later_wastes_all_its_files(report: Any) -> None:
    found = report(THREE, {"d": WHITEOUT})
    assert kinds(found) == {"deleted": 3000}
    assert blame(found) == [("/d/b", 2000, 0, 1), ("/d/a", 1000, 0, 1)]


def test_an_opaque_directory_wastes_the_lower_files(report: Any) -> None:
    found = report(THREE, {"d/": Directory(), "d": OPAQUE, "d/new": b"n" * 500})
    assert kinds(found) == {"deleted": 3000}
    assert found["sizes"]["live"] == 500


def test_a_symlink_over_a_directory_wastes_its_files(report: Any) -> None:
    assert kinds(report(THREE, {"d": Symlink("e")})) == {"deleted": 3000}


def test_a_directory_removed_twice_wastes_both_versions(report: Any) -> None:
    found = report(
        {"d/": Directory(), "d/a": b"a" * 1000, "d/b": b"b" * 2000, "keep": b"k" * 500},
        {"d": WHITEOUT},
        {"d/": Directory(), "d/a": b"c" * 1000},
        {"d": WHITEOUT},
    )
    assert found["sizes"]["content"] == 4500
    assert kinds(found) == {"deleted": 4000}
    assert sorted(blame(found)) == [
        ("/d/a", 1000, 0, 1),
        ("/d/a", 1000, 2, 3),
        ("/d/b", 2000, 0, 1),
    ]


def test_a_hard_link_keeps_content_alive(report: Any) -> None:
    pair = {"a": b"x" * 1000, "b": Hardlink("a")}
    for name in pair:
        found = report(pair, {name: WHITEOUT})
        assert kinds(found) == {}
        assert found["efficiency"] == 1
    assert kinds(report(pair, {"a": WHITEOUT, "b": WHITEOUT})) == {"deleted": 1000}
    assert kinds(report(pair, {"a": WHITEOUT}, {}, {"b": WHITEOUT})) == {"deleted": 1000}


def test_the_size_in_a_hard_links_header_does_not_count(report: Any) -> None:
    found = report({"a": b"x" * 1000, "b": Hardlink("a", header_size=1000), "c": b"after"})
    assert found["sizes"]["content"] == 1005
    assert kinds(found) == {}
    assert [row["size"] for row in found["layers"][0]["entries"]] == [1000, 0, 5]


def test_removing_a_directory_without_an_entry_wastes_its_files(report: Any) -> None:
    found = report({"ko-app/a": b"a" * 1500, "ko-app/sub/b": b"b" * 2500}, {"ko-app": WHITEOUT})
    assert kinds(found) == {"deleted": 4000}


def test_a_whiteout_of_nothing_hides_nothing_else(report: Any) -> None:
    found = report(
        {"m": b"m" * 700, "n": b"n" * 800, "z": b"z"},
        {"a/missing": WHITEOUT, "m": WHITEOUT, "n": WHITEOUT},
    )
    assert kinds(found) == {"deleted": 1500}
    assert any(note["path"] == "/a/missing" for note in found["notes"])


def test_a_repeated_empty_directory_is_not_waste(report: Any) -> None:
    found = report({"d/": Directory()}, {"d/": Directory()}, {"d/": Directory(mode=0o700)})
    assert found["waste"] == []
    assert [layer["changes"]["modified"] for layer in found["layers"]] == [0, 0, 1]


def test_a_repeated_layer_counts_each_time(report: Any, tmp_path: Path) -> None:
    """In the archive, the second one is a symlink to the first."""
    layer = {"f": b"x" * 1234}
    found = report(layer, layer)
    assert [row["sizes"]["content"] for row in found["layers"]] == [1234, 1234]
    assert found["layers"][0]["sizes"]["tar"] == found["layers"][1]["sizes"]["tar"] > 1234
    assert kinds(found) == {"identical_rewrite": 1234}
    image = ImageBuilder("case:1").layer(layer, "RUN a").layer(layer, "RUN b").build()
    oci([image]).write_folder(tmp_path / "layout")
    stored = report_of(f"oci-dir:{tmp_path / 'layout'}")["sizes"]["compressed"]
    assert stored == len(image.layers[0].compressed("gzip"))


def test_a_symlink_with_another_target_is_modified(report: Any) -> None:
    found = report({"l": Symlink("a")}, {"l": Symlink("b")}, {"l": Symlink("b")})
    assert [row["entries"][0]["change"] for row in found["layers"]] == [
        "added",
        "modified",
        "unchanged",
    ]
    assert [row["changes"]["modified"] for row in found["layers"]] == [0, 1, 0]


def test_a_base_of_several_layers_keeps_its_own_waste(report: Any) -> None:
    found = report(ONE, {"f": b"y" * 1000}, {"app": b"app"})
    assert [row["sizes"]["wasted"] for row in found["layers"]] == [1000, 0, 0]
    assert [row["sizes"]["wasted"] for row in found["instructions"]] == [1000, 0, 0]


def test_an_image_of_one_layer_or_of_nothing_is_efficient(report: Any) -> None:
    assert report(ONE)["efficiency"] == 1
    assert report({})["efficiency"] == 1
    assert report({"d/": Directory(), "l": Symlink("d")})["efficiency"] == 1


@pytest.mark.parametrize("compression", ["none", "gzip", "xz", "bzip2", "zstd"])
def test_an_oci_archives_layers_are_in_the_manifests_order(
    compression: str, tmp_path: Path
) -> None:
    builder = ImageBuilder("order:1")
    for number in range(9):
        builder.layer({f"f{number}": b"x" * number, "same": bytes([number])}, f"RUN step {number}")
    image = builder.build()
    oci([image], compression).reverse().write(tmp_path / "image.tar", "./")
    found = report_of(f"oci-archive:{tmp_path / 'image.tar'}")
    assert [row["diff_id"] for row in found["layers"]] == [layer.diff_id for layer in image.layers]
    assert [row["text"] for row in found["instructions"]] == [f"RUN step {n}" for n in range(9)]
    assert [row["sizes"]["wasted"] for row in found["layers"]] == [1] * 8 + [0]


def test_a_global_header_and_an_empty_blob_are_harmless(tmp_path: Path) -> None:
    from tests.builder import Global

    image = (
        ImageBuilder("git:1")
        .layer([("g", Global(pax={"comment": "a commit"})), ("f", b"data")], "ADD archive")
        .build()
    )
    archive = docker_legacy([image]).add("empty", b"")
    archive.write(tmp_path / "image.tar")
    found = report_of(f"docker-archive:{tmp_path / 'image.tar'}")
    assert found["sizes"]["live"] == 4
    assert [row["path"] for row in found["layers"][0]["entries"]] == ["/f"]
