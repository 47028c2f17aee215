"""Random layer stacks: the report says what a plain model of a union filesystem says."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import layerscope
from layerscope.report.document import build
from layerscope.report.paths import unescape_path
from tests.builder import FORMS, ImageBuilder, Member, docker_legacy
from tests.builder.random_stacks import image_of, stacks
from tests.model import Expected, check_sums, expect

THOROUGH = settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("stacks")


def report_of(reference: str) -> dict[str, Any]:
    with layerscope.load(reference) as image:
        document = build(layerscope.analyze(image), files=True, top=None)
        for layer in document["layers"]:
            layer["entries"] = list(layer["entries"])
    loaded: dict[str, Any] = json.loads(json.dumps(document))
    return loaded


def agree(report: dict[str, Any], expected: Expected) -> None:
    """Hold a report of one instruction a layer to the model."""
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
def test_the_report_is_what_the_model_says(stack: list[list[Member]], folder: Path) -> None:
    docker_legacy([image_of(stack)]).write(folder / "image.tar")
    agree(report_of(f"docker-archive:{folder / 'image.tar'}"), expect(stack))


@settings(THOROUGH, max_examples=60)
@given(
    stack=stacks(),
    form=st.sampled_from(sorted(FORMS)),
    compression=st.sampled_from(["none", "gzip-members", "zstd"]),
)
def test_so_it_is_in_every_form(
    stack: list[list[Member]], form: str, compression: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("form") / "image"
    agree(report_of(FORMS[form].write([image_of(stack)], path, compression)), expect(stack))


@settings(THOROUGH, max_examples=100)
@given(stack=stacks(most=6), empties=st.lists(st.integers(0, 6), max_size=6), squash=st.booleans())
def test_the_sums_close_whatever_the_history(
    stack: list[list[Member]], empties: list[int], squash: bool, folder: Path
) -> None:
    """History shorter than the layers, absent, or with empty layers anywhere."""
    builder = ImageBuilder("random:1")
    for number, layer in enumerate(stack):
        for _ in range(empties.count(number)):
            builder.empty(f"/bin/sh -c #(nop)  ENV A={number}")
        builder.layer(layer, f"/bin/sh -c {number}", history=not squash or number % 2 == 0)
    docker_legacy([builder.build()]).write(folder / "history.tar")
    report = report_of(f"docker-archive:{folder / 'history.tar'}")
    check_sums(report)
    assert report["wasted_by_kind"] == expect(stack).by_kind


@settings(THOROUGH, max_examples=100)
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
