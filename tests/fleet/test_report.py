"""The report on a fleet: its sums are those of the images, and every format says the same."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import layerscope
from layerscope.cli.main import main
from layerscope.fleet.formats.html import _drawing
from layerscope.fleet.questions.growth import GROWTH
from layerscope.options import ReadOptions
from tests.builder import BuiltImage, ImageBuilder
from tests.fleet.inline import write_fleet
from tests.fleet.served import FleetRegistry
from tests.fleet.world import again, fill, make

Ask = Callable[[Path, str], list[dict[str, Any]]]


def on(below: BuiltImage, name: str, content: bytes) -> BuiltImage:
    builder = ImageBuilder(created="2025-03-04T00:00:00Z")
    for layer in below.layers:
        again(builder, layer)
    return builder.layer({name: content}, f"COPY {name} /").build()


@pytest.fixture
def fleet(registry: FleetRegistry, tmp_path: Path) -> Path:
    """Two bases, two images on the first one, one on the second, and one alone, which also has a second name."""
    fat = ImageBuilder(created="2024-01-01T00:00:00Z").layer({"usr/fat": b"fat" * 90000}).build()
    slim = ImageBuilder(created="2024-02-01T00:00:00Z").layer({"usr/slim": b"slim" * 200}).build()
    alone = ImageBuilder(created="someday").layer({"a": b"x" * 300, "b": b"x" * 300}).build()
    for image, repository, tag in (
        (fat, "base/os", "fat"),
        (slim, "base/os", "slim"),
        (on(fat, "one", b"1" * 900), "web/one", "1"),
        (on(fat, "two", b"2" * 900), "web/two", "1"),
        (on(slim, "three", b"1" * 900), "web/three", "1"),
        (alone, "lab/alone", "1"),
        (alone, "lab/alone", "latest"),
    ):
        registry.push(image, repository, tag)
    write_fleet(tmp_path / "fleet", f"registry:{registry.netloc}")
    return tmp_path / "fleet"


def document(folder: Path, capfd: pytest.CaptureFixture[str], *arguments: str) -> Any:
    capfd.readouterr()
    assert main(["fleet", *arguments, str(folder), "--json"]) == 0
    return json.loads(capfd.readouterr().out)


def stored(registry: FleetRegistry, repository: str, tag: str) -> dict[str, int]:
    """The bytes of each blob of an image."""
    body, _ = registry.manifests[registry.repositories[repository][tag]]
    return {layer["digest"]: layer["size"] for layer in json.loads(body)["layers"]}


def test_sums_count_each_blob_once_and_once_per_image(
    fleet: Path, registry: FleetRegistry, capfd: pytest.CaptureFixture[str]
) -> None:
    found = document(fleet, capfd, "report")["summary"]
    images = [
        stored(registry, name, tag)
        for name, tags in registry.repositories.items()
        for tag in tags
        if (name, tag) != ("lab/alone", "latest")
    ]
    every = {digest: size for image in images for digest, size in image.items()}
    assert (found["images"], found["names"], found["repositories"]) == (6, 7, 5)
    assert found["layers"] == len(every) == 6
    assert found["stored"] == sum(every.values())
    assert found["referenced"] == sum(sum(image.values()) for image in images)
    contents = [270000, 800, 900, 900, 900, 300, 300]
    assert found["files"]["bytes"] == sum(contents)
    assert found["files"]["bytes_once"] == 270000 + 800 + 900 + 900 + 300
    assert (found["files"]["copies"], found["files"]["contents"]) == (7, 5)
    assert found["files"]["unknown_bytes"] == 0


def test_images_are_counted_on_the_base_with_the_same_layers(
    fleet: Path, registry: FleetRegistry, capfd: pytest.CaptureFixture[str]
) -> None:
    rows = {row["base"]: row for row in document(fleet, capfd, "report")["bases"]["rows"]}
    fat = rows[registry.reference("base/os", "fat")]
    size = sum(stored(registry, "base/os", "fat").values())
    assert (fat["images"], fat["stored"], fat["carried"]) == (2, size, 2 * size)
    assert fat["evidence"] == "same layers"
    assert fat["created"] == "2024-01-01"
    assert rows[registry.reference("base/os", "slim")]["images"] == 1


def test_an_image_that_shares_no_layer_is_listed_once_with_its_names(
    fleet: Path, registry: FleetRegistry, capfd: pytest.CaptureFixture[str]
) -> None:
    rows = document(fleet, capfd, "report")["lonely"]["rows"]
    assert [(row["reference"], row["names"]) for row in rows] == [
        (registry.reference("lab/alone", "1"), 2)
    ]


def test_growth_adds_up_to_what_is_stored(fleet: Path, capfd: pytest.CaptureFixture[str]) -> None:
    found = document(fleet, capfd, "report")
    rows = found["growth"]["rows"]
    assert [(row["month"], row["images"]) for row in rows] == [
        (None, 1),
        ("2024-01", 1),
        ("2024-02", 1),
        ("2025-03", 3),
    ]
    assert sum(row["stored"] for row in rows) == found["summary"]["stored"]


def test_duplicates_are_all_copies_but_one(fleet: Path, capfd: pytest.CaptureFixture[str]) -> None:
    rows = document(fleet, capfd, "report")["duplicates"]["rows"]
    assert [(row["saving"], row["size"], row["copies"], row["layers"]) for row in rows] == [
        (900, 900, 2, 2),
        (300, 300, 2, 1),
    ]


@pytest.mark.slow
def test_waste_and_advice_are_the_sums_of_the_reports(
    registry: FleetRegistry, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    fill(registry, make(20, 4, 50))
    write_fleet(tmp_path / "world", f"registry:{registry.netloc}")
    found = document(tmp_path / "world", capfd, "report", "--top", "1000")
    kinds: dict[str, int] = {}
    wasted = packages = 0
    for reference in registry.references():
        with layerscope.read(reference, ReadOptions(cache=False)) as analysis:
            wasted += analysis.sizes.wasted
            for kind, size in analysis.wasted_by_kind.items():
                kinds[kind] = kinds.get(kind, 0) + size
            assert analysis.facts.packages is not None
            packages += sum(row.installed for row in analysis.facts.packages.rows)
    assert wasted
    assert found["summary"]["wasted"] == wasted
    told = {row["kind"]: row["bytes"] for row in found["waste_by_kind"]["rows"]}
    assert told == {kind: size for kind, size in kinds.items() if size}
    assert sum(row["wasted"] for row in found["waste_by_repository"]["rows"]) == wasted
    assert sum(row["wasted"] for row in found["waste_by_instruction"]["rows"]) == wasted
    assert sum(row["images"] for row in found["versions"]["rows"]) == packages


def test_a_node_pulls_only_the_layers_it_does_not_have(
    fleet: Path, registry: FleetRegistry, capfd: pytest.CaptureFixture[str]
) -> None:
    capfd.readouterr()
    words = ["web/two:1", "--have", "web/one:1", "--have", "lab/alone:1", "--json"]
    assert main(["fleet", "pull", str(fleet), *words]) == 0
    found = json.loads(capfd.readouterr().out)
    one, two = stored(registry, "web/one", "1"), stored(registry, "web/two", "1")
    assert found["total"] == sum(two.values())
    assert found["transfer"] == sum(size for digest, size in two.items() if digest not in one)
    assert [row["present"] for row in found["layers"]] == [True, False]
    assert main(["fleet", "pull", str(fleet), "web/nothing:1"]) == 3
    assert main(["fleet", "pull", str(fleet), "1"]) == 3
    assert "the fleet has no image" in capfd.readouterr().err


def test_another_base_saves_its_difference_once_per_image(
    fleet: Path, registry: FleetRegistry, capfd: pytest.CaptureFixture[str]
) -> None:
    capfd.readouterr()
    assert main(["fleet", "rebase", str(fleet), "base/os:fat", "base/os:slim", "--json"]) == 0
    found = json.loads(capfd.readouterr().out)
    fat = sum(stored(registry, "base/os", "fat").values())
    slim = sum(stored(registry, "base/os", "slim").values())
    assert found["images"] == 2
    assert found["referenced_saving"] == 2 * (fat - slim)
    assert found["freed"] == fat
    assert main(["fleet", "rebase", str(fleet), "base/os:fat", "base/os:fat"]) == 2


def test_every_format_has_every_question_that_has_an_answer(
    fleet: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    from layerscope.fleet.document import QUESTIONS

    found = document(fleet, capfd, "report")
    paths = [tmp_path / name for name in ("r.txt", "r.md", "r.html", "r.json")]
    outputs = [word for path in paths for word in ("-o", str(path))]
    assert main(["fleet", "report", str(fleet), *outputs]) == 0
    assert json.loads(paths[3].read_text()) == found
    for question in QUESTIONS:
        for path in paths[:3]:
            assert (question.title in path.read_text()) == bool(found[question.key]["rows"])
    page = paths[2].read_text()
    assert "<script src" not in page
    assert "default-src 'none'" in page
    assert "http://" not in page.replace("http://www.w3.org", "")


def test_a_narrow_text_report_keeps_the_end_of_names(
    fleet: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    capfd.readouterr()
    assert main(["fleet", "report", str(fleet)]) == 0
    lines = capfd.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    assert any(line.endswith("base/os:fat") for line in lines)


def test_months_without_images_leave_room_in_the_chart() -> None:
    rows = [
        {"month": month, "images": 1, "stored": stored}
        for month, stored in ((None, 900), ("2024-01", 100), ("2024-02", 50), ("2025-03", 25))
    ]
    drawing = _drawing(GROWTH, {"growth": {"rows": rows}})
    first, second, third = (column["x"] for column in drawing["columns"])
    assert third - first == 14 * (second - first)
    assert [column["height"] for column in drawing["columns"]] == [120, 60, 30]
    assert drawing["width"] == 24 * (second - first)
    far = [{**rows[1], "month": "0001-01"}, *rows[1:]]
    drawing = _drawing(GROWTH, {"growth": {"rows": far}})
    assert drawing["columns"][-1]["x"] == 2 + 3 * (second - first)


@pytest.mark.slow
def test_hostile_text_is_escaped_in_every_format(
    registry: FleetRegistry, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    evil = "RUN \x1b[31m<script>alert(1)</script> | `x` ::error::\u202e"
    image = (
        ImageBuilder(created="\x1b]0;evil\x07").layer({"a": b"a" * 99}, evil).layer({"a": b"b"}, evil).build()
    )  # fmt: skip
    registry.push(image, "evil/app", "1")
    write_fleet(tmp_path / "evil", f"registry:{registry.netloc}")
    for name in ("text", "markdown", "html"):
        capfd.readouterr()
        assert main(["fleet", "report", str(tmp_path / "evil"), "--format", name]) == 0
        shown = capfd.readouterr().out
        assert "\x1b" not in shown
        assert "\u202e" not in shown
        assert name == "text" or "<script>alert" not in shown
    assert main(["fleet", "query", str(tmp_path / "evil"), "SELECT text, created FROM instructions JOIN images USING (image)"]) == 0  # fmt: skip
    shown = capfd.readouterr().out
    assert "\x1b" not in shown
    assert not any(line.startswith("::") for line in shown.splitlines())
