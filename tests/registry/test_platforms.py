"""An image for several platforms gives a report for each, from any source. An error names the broken platform."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from layerscope.report.schema import schema_text
from tests.builder import FORMS, Archive, BuiltImage, ImageBuilder, containerd_store, oci
from tests.cli.conftest import Run, folder, run, run_in
from tests.registry.server import Registry
from tests.registry.test_pull import clean_environment
from tests.test_conformance import platforms, sample

__all__ = ["clean_environment", "folder", "run"]

SCHEMA = json.loads(schema_text("platforms"))
NAMES = ["linux/amd64", "linux/arm64", "linux/arm/v7"]


@pytest.fixture
def registry() -> Iterator[Registry]:
    with Registry() as served:
        yield served


def read(run: Run, reference: str, *options: str) -> dict[str, Any]:
    done = run("report", reference, "--all-platforms", "--json", "--quiet", *options)
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    jsonschema.Draft202012Validator(SCHEMA).validate(document)
    return document


def write(kind: str, layout: Archive, folder: Path) -> str:
    if kind == "oci-dir":
        layout.write_folder(folder / "layout")
        return "oci-dir:layout"
    layout.write(folder / "layout.tar")
    return f"{kind}:layout.tar" if kind else "layout.tar"


def check(document: dict[str, Any]) -> None:
    assert document["kind"] == "platforms"
    reports = document["platforms"]
    assert [row["image"]["platform"] for row in reports] == NAMES
    assert [row["sizes"]["content"] for row in reports] == [1, 2, 3]
    assert document["total"]["layers"] == 3
    assert document["total"]["content"] == 6
    assert document["total"]["compressed"] == sum(row["sizes"]["compressed"] for row in reports)


@pytest.mark.parametrize("layout", ["index", "nested"])
@pytest.mark.parametrize("kind", ["oci-dir", "oci-archive", ""])
def test_each_platform_of_a_layout_is_reported(
    run: Run, folder: Path, kind: str, layout: Any
) -> None:
    stored = oci(platforms(), layout=layout, attestations=True)
    document = read(run, write(kind, stored, folder))
    check(document)
    index = json.loads(stored["index.json"])["manifests"][0]["digest"]
    assert document["image"]["index_digest"] == index


def test_each_platform_of_a_containerd_archive_is_reported(run: Run, folder: Path) -> None:
    containerd_store(platforms()).write(folder / "image.tar")
    check(read(run, "docker-archive:image.tar"))


def test_each_platform_in_a_registry_is_reported(run: Run, registry: Registry) -> None:
    registry.add_layout(oci(platforms(), layout="index", attestations=True))
    check(read(run, registry.name()))
    assert len(registry.paths("/manifests/1$")) == 1


def test_each_report_equals_that_of_its_platform_alone(run: Run, registry: Registry) -> None:
    registry.add_layout(oci(platforms(), layout="index"))
    for row in read(run, registry.name(), "--files")["platforms"]:
        name = row["image"]["platform"]
        done = run("report", registry.name(), "--platform", name, "--json", "--files", "--quiet")
        assert json.loads(done.stdout) == row


def test_heads_of_all_platforms_cost_two_requests_each(run: Run, registry: Registry) -> None:
    registry.add_layout(oci(platforms(), layout="index"))
    document = read(run, registry.name(), "--head")
    assert len(registry.asked) == 1 + 2 * len(NAMES)
    assert {row["head"] for row in document["platforms"]} == {True}
    assert document["total"]["content"] is None
    assert document["total"]["compressed"] > 0


def test_an_image_for_one_platform_is_one_row(run: Run, registry: Registry) -> None:
    registry.add(sample())
    document = read(run, registry.name())
    assert len(document["platforms"]) == 1
    assert document["image"]["index_digest"] is None


@pytest.mark.parametrize("form", ["docker-legacy", "dir"])
def test_a_form_without_an_index_is_one_row(run: Run, folder: Path, form: str) -> None:
    reference = FORMS[form].write([sample()], folder / "image")
    assert len(read(run, reference)["platforms"]) == 1


def test_standard_input_is_read_once_for_all(folder: Path) -> None:
    oci(platforms(), layout="index").write(folder / "layout.tar")
    with (folder / "layout.tar").open("rb") as stream:
        done = run_in(folder, "report", "-", "--all-platforms", "--json", "--quiet", stdin=stream)
    check(json.loads(done.stdout))


def shared() -> list[BuiltImage]:
    """Images for two platforms with one common layer."""
    return [
        ImageBuilder("app:1", architecture=name)
        .layer({"data": b"d" * 5000}, "COPY data /data")
        .layer({"bin": name.encode()}, "RUN make")
        .build()
        for name in ("amd64", "arm64")
    ]


def test_a_layer_that_platforms_share_counts_once_in_the_total(
    run: Run, registry: Registry
) -> None:
    registry.add_layout(oci(shared(), layout="index"))
    document = read(run, registry.name())
    assert document["total"]["layers"] == 3
    assert document["total"]["content"] == 5000 + 10
    assert [row["sizes"]["content"] for row in document["platforms"]] == [5005, 5005]


@pytest.mark.parametrize("number", [0, 1, 2])
@pytest.mark.parametrize("what", ["layer", "config", "manifest"])
def test_a_broken_platform_is_named(run: Run, registry: Registry, number: int, what: str) -> None:
    registry.add_layout(oci(platforms(), layout="index"))
    listed = json.loads(registry.manifests["1"][0])["manifests"][number]
    manifest = json.loads(registry.blobs[listed["digest"]])
    if what == "manifest":
        registry.manifests[listed["digest"]] = (b"{}", listed["mediaType"])
    else:
        broken = manifest["config"] if what == "config" else manifest["layers"][0]
        registry.blobs[broken["digest"]] = b"x" * broken["size"]
    done = run("report", registry.name(), "--all-platforms", "--quiet")
    assert done.returncode == 4, done.stderr
    assert done.stderr.count("\n") == 1
    assert f"error: {NAMES[number]}: " in done.stderr
    assert not done.stdout


def test_a_manifest_that_the_registry_lost_is_named(run: Run, registry: Registry) -> None:
    registry.add_layout(oci(platforms(), layout="index"))
    listed = json.loads(registry.manifests["1"][0])["manifests"][1]
    del registry.manifests[listed["digest"]]
    done = run("report", registry.name(), "--all-platforms", "--quiet")
    assert done.returncode == 4
    assert "error: linux/arm64: " in done.stderr
    assert "is missing" in done.stderr


def test_a_platform_missing_from_the_archive_is_listed(run: Run, folder: Path) -> None:
    layout = oci(platforms(), layout="index")
    index = json.loads(layout["index.json"])["manifests"][0]["digest"]
    listed = json.loads(layout["blobs/" + index.replace(":", "/")])["manifests"]
    layout.remove("blobs/" + listed[1]["digest"].replace(":", "/"))
    reference = write("oci-archive", layout, folder)
    done = run("report", reference, "--all-platforms", "--json")
    assert done.returncode == 3
    (line,) = done.stderr.splitlines()
    assert "1 platform that its source does not have: linux/arm64" in line
    document = json.loads(done.stdout)
    assert document["absent"] == ["linux/arm64"]
    assert [row["image"]["platform"] for row in document["platforms"]] == [NAMES[0], NAMES[2]]
    assert (
        "linux/arm64: the index lists this platform"
        in run("report", reference, "--all-platforms").stdout
    )


@pytest.mark.parametrize("name", ["text", "markdown", "csv"])
@pytest.mark.parametrize("options", [(), ("--head",)])
def test_tables_have_a_row_for_each_platform(
    run: Run, registry: Registry, name: str, options: tuple[str, ...]
) -> None:
    registry.add_layout(oci(platforms(), layout="index"))
    done = run("report", registry.name(), "--all-platforms", "--format", name, *options)
    assert done.returncode == 0, done.stderr
    for platform in NAMES:
        assert sum(platform in line for line in done.stdout.splitlines()) == 1
    if options:
        assert "0 B" not in done.stdout
    else:
        assert "100.0 %" in done.stdout or name == "csv"


def test_rules_are_judged_for_each_platform(run: Run, registry: Registry) -> None:
    registry.add_layout(oci(platforms(), layout="index"))
    document = read(run, registry.name(), "--max-size", "2B")
    assert [row["verdict"]["passed"] for row in document["platforms"]] == [True, True, False]
    text = run("report", registry.name(), "--all-platforms", "--max-size", "2B").stdout
    assert text.count("verdict: pass") == 2
    assert text.count("verdict: fail") == 1


def test_the_baseline_is_for_the_same_platform(run: Run, registry: Registry) -> None:
    registry.add_layout(oci(platforms(), layout="index"), "1")
    registry.add_layout(oci(platforms(), layout="index"), "2")
    rules = ("--max-growth", "0B", "--baseline", registry.name("1"))
    document = read(run, registry.name("2"), *rules)
    assert [row["verdict"]["passed"] for row in document["platforms"]] == [True] * 3
    assert [row["baseline"]["sizes"]["content"] for row in document["platforms"]] == [1, 2, 3]


@pytest.mark.parametrize(
    "options",
    [("--platform", "linux/amd64"), ("--format", "html"), ("--format", "sarif")],
)
def test_options_for_a_single_image_are_refused(
    run: Run, registry: Registry, options: tuple[str, ...]
) -> None:
    done = run("report", registry.name(), "--all-platforms", *options)
    assert done.returncode == 2
    assert "--all-platforms" in done.stderr
    assert not registry.asked


def test_several_images_in_a_layout_need_a_tag(run: Run, folder: Path) -> None:
    images = [
        ImageBuilder(name).layer({"a": name.encode()}, "RUN a").build() for name in ("a:1", "b:1")
    ]
    reference = write("oci-archive", oci(images), folder)
    done = run("report", reference, "--all-platforms")
    assert done.returncode == 2
    assert "--tag" in done.stderr
    document = read(run, reference, "--tag", "b:1")
    assert document["image"]["tags"] == ["b:1"]


def test_two_platforms_of_one_index_are_compared(run: Run, registry: Registry) -> None:
    registry.add_layout(oci(shared(), layout="index", attestations=True))
    name = registry.name()
    both = ("--platform", "linux/amd64", "--platform", "linux/arm64")
    found = json.loads(run("compare", name, name, *both, "--json", "--quiet").stdout)
    assert [found[side]["platform"] for side in "ab"] == ["linux/amd64", "linux/arm64"]
    assert found["shared_layers"] == 1
    assert "different-platforms" in {note["code"] for note in found["notes"]}
