"""For random layer stacks, the report agrees with a simple model of a union filesystem."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import layerscope
from layerscope.report.document.builder import build
from layerscope.report.paths import unescape_path
from tests.builder import (
    FORMS,
    OPAQUE,
    WHITEOUT,
    Device,
    Directory,
    File,
    Hardlink,
    ImageBuilder,
    Member,
    Symlink,
    Whiteout,
    docker_legacy,
)
from tests.builder.nodes import as_bytes
from tests.builder.random_stacks import image_of, stacks
from tests.effort import examples
from tests.model import Expected, check_sums, expect
from tests.model.union import clean

THOROUGH = settings(
    max_examples=examples(400), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("stacks")


def report_of(reference: str) -> dict[str, Any]:
    with layerscope.load(reference) as image:
        document: Any = build(layerscope.analyze(image), files=True, top=None)
        for layer in document["layers"]:
            layer["entries"] = list(layer["entries"])
    loaded: dict[str, Any] = json.loads(json.dumps(document))
    return loaded


def agree(report: dict[str, Any], expected: Expected) -> None:
    """Check a report with one instruction per layer against the model."""
    check_sums(report)
    found = Counter(
        (
            unescape_path(r["path"]),
            r["kind"],
            r["bytes"],
            r["layer"],
            r["written_by"],
            r["wasted_by"],
        )
        for r in report["waste"]
    )
    assert found == Counter(
        (w.path, w.kind, w.bytes, w.layer, w.layer, w.wasted_by) for w in expected.waste
    )
    assert report["wasted_by_kind"] == expected.by_kind
    for layer, sums in zip(report["layers"], expected.layers, strict=True):
        sizes = layer["sizes"]
        assert (sizes["content"], sizes["live"], sizes["wasted"]) == (
            sums.content,
            sums.live,
            sums.wasted,
        )
        assert layer["changes"] == {
            "added": sums.added,
            "modified": sums.modified,
            "deleted": sums.deleted,
        }
    alive = {path for path, data in expected.live_files.items() if data}
    assert {unescape_path(row["path"]) for row in report["largest"]} <= alive
    assert sum(row["bytes"] for row in report["largest"]) == expected.live


@THOROUGH
@given(stack=stacks())
def test_the_report_agrees_with_the_model(stack: list[list[Member]], folder: Path) -> None:
    docker_legacy([image_of(stack)]).write(folder / "image.tar")
    agree(report_of(f"docker-archive:{folder / 'image.tar'}"), expect(stack))


@settings(THOROUGH, max_examples=examples(60))
@given(
    stack=stacks(),
    form=st.sampled_from(sorted(FORMS)),
    compression=st.sampled_from(["none", "gzip-members", "zstd"]),
)
def test_every_form_agrees_with_the_model(
    stack: list[list[Member]], form: str, compression: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("form") / "image"
    agree(report_of(FORMS[form].write([image_of(stack)], path, compression)), expect(stack))


@settings(THOROUGH, max_examples=examples(100))
@given(stack=stacks(most=6), empties=st.lists(st.integers(0, 6), max_size=6), squash=st.booleans())
def test_the_sums_add_up_for_any_history(
    stack: list[list[Member]], empties: list[int], squash: bool, folder: Path
) -> None:
    """The history is too short, missing, or has empty layers anywhere."""
    builder = ImageBuilder("random:1")
    for number, layer in enumerate(stack):
        for _ in range(empties.count(number)):
            builder.empty(f"/bin/sh -c #(nop)  ENV A={number}")
        builder.layer(layer, f"/bin/sh -c {number}", history=not squash or number % 2 == 0)
    docker_legacy([builder.build()]).write(folder / "history.tar")
    report = report_of(f"docker-archive:{folder / 'history.tar'}")
    check_sums(report)
    assert report["wasted_by_kind"] == expect(stack).by_kind


@settings(THOROUGH, max_examples=examples(100))
@given(stack=stacks())
def test_entries_and_counts_add_up(stack: list[list[Member]], folder: Path) -> None:
    docker_legacy([image_of(stack)]).write(folder / "entries.tar")
    report = report_of(f"docker-archive:{folder / 'entries.tar'}")
    counts: Counter[str] = Counter()
    for layer, members in zip(report["layers"], stack, strict=True):
        assert len(layer["entries"]) == len(members)
        counts.update(entry["type"] for entry in layer["entries"])
        changes = Counter(entry["change"] for entry in layer["entries"])
        assert layer["changes"]["added"] <= changes["added"]
        assert layer["changes"]["modified"] <= changes["modified"]
        stored = sum(e["size"] for e in layer["entries"] if e["type"] == "file")
        assert stored == layer["sizes"]["content"]
    assert report["files"] == {
        "regular": counts["file"],
        "directories": counts["directory"],
        "symlinks": counts["symlink"],
        "hardlinks": counts["hardlink"],
        "others": counts["fifo"] + counts["character"] + counts["block"] + counts["other"],
        "whiteouts": counts["whiteout"] + counts["opaque"],
    }


# Second layers that real engines handle differently: the rule, and a note

BASE: list[Member] = [
    ("f", File(b"f1")),
    ("d/", Directory()),
    ("d/a", File(b"a1")),
    ("d/b", File(b"b1")),
    ("usr/lib/x", File(b"x1")),
    ("lib", Symlink("usr/lib")),
]
PLINK = ".wh..wh.plnk/1.2"
SECOND: dict[str, tuple[list[Member], str, set[str]]] = {
    "whiteout, then file": ([("f", WHITEOUT), ("f", File(b"f2"))], "a1 b1 f2 x1", set()),
    "file, then whiteout": (
        [("f", File(b"f2")), ("f", WHITEOUT)],
        "a1 b1 f2 x1",
        {"whiteout-after-entry"},
    ),
    "opaque first": ([("d", OPAQUE), ("d/n", File(b"n2"))], "f1 n2 x1", set()),
    "opaque last": ([("d/n", File(b"n2")), ("d/", Directory()), ("d", OPAQUE)], "f1 n2 x1", set()),
    "opaque alone": ([("d", OPAQUE)], "f1 x1", set()),
    "opaque root": ([("n", File(b"n2")), ("", OPAQUE)], "n2", {"opaque-root"}),
    "folder whited out and made again": (
        [("d", WHITEOUT), ("d/", Directory()), ("d/n", File(b"n2"))],
        "f1 n2 x1",
        {"whiteout-and-directory"},
    ),
    "folder made again, then whited out": (
        [("d/", Directory()), ("d/n", File(b"n2")), ("d", WHITEOUT)],
        "f1 n2 x1",
        {"whiteout-after-entry"},
    ),
    "whiteouts that name no file": (
        [(".wh.", File()), ("d/.wh.", File()), ("d/.wh..", File()), ("d/.wh...", File())],
        "a1 b1 f1 x1",
        {"invalid-whiteout"},
    ),
    "odd whiteouts": (
        [
            ("f", Whiteout(node=File(b"data"))),
            ("d/a", Whiteout(node=Directory())),
            ("d/b", Whiteout(node=Symlink("x"))),
        ],
        "x1",
        {"odd-whiteout"},
    ),
    "AUFS metadata": (
        [(PLINK, File(b"p2")), (".wh..wh.aufs", File(b"q2"))],
        "a1 b1 f1 x1",
        {"aufs-metadata"},
    ),
    "AUFS pseudo-link": (
        [(PLINK, File(b"p2")), ("n", Hardlink(PLINK)), ("m", Hardlink(PLINK))],
        "a1 b1 f1 p2 x1",
        {"aufs-metadata"},
    ),
    "a name twice": (
        [("n", File(b"n2")), ("n", File(b"n3"))],
        "a1 b1 f1 n3 x1",
        {"duplicate-entry"},
    ),
    "through a lower symlink": (
        [("lib/y", File(b"y2")), ("lib/x", WHITEOUT)],
        "a1 b1 f1 x1 y2",
        {"directory-over-symlink"},
    ),
    "whiteout through a lower symlink": (
        [("lib/x", WHITEOUT)],
        "a1 b1 f1 x1",
        {"directory-over-symlink"},
    ),
    "below a lower file": ([("f/n", File(b"n2"))], "a1 b1 n2 x1", {"directory-over-file"}),
    "link to a lower layer, whose name goes": (
        [("n", Hardlink("f")), ("f", File(b"f2"))],
        "a1 b1 f1 f2 x1",
        {"link-to-lower-layer"},
    ),
    "links to nothing": (
        [
            ("n", Hardlink("missing")),
            ("m", Hardlink("m")),
            ("o", Hardlink("later")),
            ("later", File(b"l2")),
            ("p", Hardlink("d")),
            ("f", WHITEOUT),
            ("q", Hardlink("f")),
        ],
        "a1 b1 l2 x1",
        {"broken-link"},
    ),
    "names that climb or are absolute": (
        [("../n", File(b"n2")), ("/m", File(b"m2")), ("d/../o", File(b"o2")), ("./p", File(b"p2"))],
        "a1 b1 f1 m2 n2 o2 p2 x1",
        {"parent-name", "absolute-name"},
    ),
    "whiteouts of nothing": (
        [("g", WHITEOUT), ("g/h", WHITEOUT)],
        "a1 b1 f1 x1",
        {"whiteout-of-nothing"},
    ),
    "a whiteout in a whited-out folder": (
        [("d/a", WHITEOUT), ("d", WHITEOUT), ("d/b", WHITEOUT)],
        "f1 x1",
        set(),
    ),
    "a whiteout below a whited-out file": ([("f/n", WHITEOUT), ("f", WHITEOUT)], "a1 b1 x1", set()),
    "overlayfs's own marks": (
        [
            ("f", Device(major=0, minor=0)),
            ("d/", Directory(xattrs={"trusted.overlay.opaque": b"y"})),
            ("d/n", File(b"n2")),
        ],
        "n2 x1",
        {"overlay-whiteout", "overlay-opaque"},
    ),
    "a file in a folder's place": ([("d", File(b"d2"))], "d2 f1 x1", set()),
    "a folder in a file's place": ([("f/", Directory())], "a1 b1 x1", {"directory-over-file"}),
    "a folder in a link's place": (
        [("lib/", Directory())],
        "a1 b1 f1 x1",
        {"directory-over-symlink"},
    ),
}
EXPECTABLE = {"link-to-lower-layer", "whiteout-of-nothing"}
"""Notes that may come in addition to the one that a case is about."""


@pytest.mark.parametrize("case", SECOND)
def test_a_second_layer_follows_the_rule(case: str, folder: Path) -> None:
    """Every content is two bytes long and unique, so it identifies its file."""
    members, live, codes = SECOND[case]
    docker_legacy([image_of([BASE, members])]).write(folder / "second.tar")
    reference = f"docker-archive:{folder / 'second.tar'}"
    report = report_of(reference)
    check_sums(report)
    layers = [BASE, members]
    found = [stored(layers, unescape_path(r["path"]), r["layer"]) for r in report["largest"]]
    assert sorted(found) == live.encode().split()
    assert report["sizes"]["live"] == 2 * len(found)
    noted = {note["code"] for note in report["notes"]}
    assert codes <= noted <= codes | EXPECTABLE


def stored(layers: list[list[Member]], path: bytes, layer: int) -> bytes:
    """The content of a live path, which must be stored in `layer`."""
    for members in (layers[layer], layers[1 - layer]):
        for name, node in reversed(members):
            if clean(as_bytes(name)) == clean(path) and isinstance(node, File | Hardlink):
                if isinstance(node, Hardlink):
                    return stored(layers, as_bytes(node.target), layer)
                return node.data
    raise AssertionError(f"no layer has {path!r}")
