"""`--head` reports everything that doesn't need layers, requests no layer, and never guesses what it didn't read."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import layerscope
from layerscope.options import ReadOptions
from layerscope.report.document.builder import build
from layerscope.report.formats.format import Display
from layerscope.report.formats.renderers import RENDERERS
from layerscope.report.schema import schema_text
from tests.builder import COMPRESSIONS, FORMS, ImageBuilder, oci
from tests.cli.conftest import Run, folder, run
from tests.registry.server import Registry
from tests.registry.test_pull import clean_environment
from tests.test_conformance import platforms, sample

__all__ = ["clean_environment", "folder", "run"]

HEAD = ReadOptions(head=True)
SCHEMA = json.loads(schema_text())


@pytest.fixture
def registry() -> Iterator[Registry]:
    with Registry() as served:
        yield served


def head_of(reference: str, options: ReadOptions = HEAD) -> Any:
    with layerscope.read(reference, options) as analysis:
        document: dict[str, Any] = json.loads(json.dumps(build(analysis)))
    jsonschema.Draft202012Validator(SCHEMA).validate(document)
    return document


def test_no_layer_is_requested(registry: Registry) -> None:
    registry.add(sample())
    registry.scheme = "bearer"
    head_of(registry.name())
    config = json.loads(registry.manifests["1"][0])["config"]["digest"]
    assert [path for path in registry.paths("/blobs/") if config not in path] == []
    token = next(at for at, each in enumerate(registry.asked) if each.path.startswith("/token"))
    assert len(registry.asked[token + 1 :]) == 2


def test_an_index_costs_three_requests(registry: Registry) -> None:
    registry.add_layout(oci(platforms(), "gzip", "index"))
    document = head_of(registry.name(), ReadOptions(head=True, platform="linux/arm64"))
    assert document["image"]["platform"] == "linux/arm64"
    assert len(registry.asked) == 3


def test_an_attestation_of_the_index_is_read_and_referrers_are_not_searched(
    registry: Registry,
) -> None:
    registry.add_layout(oci(platforms(), "gzip", "index", attestations=True))
    options = ReadOptions(head=True, platform="linux/arm64")
    with layerscope.read(registry.name(), options) as analysis:
        assert len(analysis.image.attestations) == 1
    assert len(registry.asked) == 5
    assert not registry.paths("/referrers/")


def known(document: dict[str, Any]) -> Any:
    """The values that both `--head` and a full reading know."""
    rows = [
        {key: row[key] for key in ("index", "text", "keyword", "evidence", "layers", "created_by")}
        | {"compressed": row["sizes"]["compressed"]}
        for row in document["instructions"]
    ]
    keys = ("compression", "diff_id", "digest", "index", "instruction", "media_type")
    layers = [
        {key: row[key] for key in keys} | {"compressed": row["sizes"]["compressed"]}
        for row in document["layers"]
    ]
    return {
        "compressed": document["sizes"]["compressed"],
        "config": document["config"],
        "image": document["image"],
        "instructions": rows,
        "layers": layers,
    }


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_known_values_equal_the_full_reading(registry: Registry, compression: str) -> None:
    registry.add(sample(), compression=compression)
    assert known(head_of(registry.name())) == known(head_of(registry.name(), ReadOptions()))


@pytest.mark.parametrize("form", sorted(FORMS))
def test_archives_and_layouts_are_not_scanned_either(form: str, tmp_path: Path) -> None:
    reference = FORMS[form].write([sample()], tmp_path / "image")
    head = head_of(reference)
    assert known(head) == known(head_of(reference, ReadOptions()))
    assert "layers-not-read" in {note["code"] for note in head["notes"]}


def test_a_layer_that_is_not_a_tar_does_not_matter(registry: Registry, tmp_path: Path) -> None:
    """The layers are broken, but they're never read."""
    layout = oci([sample()])
    registry.add_layout(layout)
    for layer in json.loads(registry.manifests["1"][0])["layers"]:
        registry.blobs[layer["digest"]] = b"broken"
    assert head_of(registry.name())["sizes"]["compressed"]


def test_everything_that_depends_on_layers_is_null(registry: Registry) -> None:
    registry.add(sample())
    document = head_of(registry.name())
    assert document["head"] is True
    for key in ("advice", "efficiency", "largest", "waste", "waste_groups", "waste_pairs"):
        assert document[key] is None, key
    for row in (document["files"], document["wasted_by_kind"]):
        assert set(row.values()) == {None}
    full = [row for row in document["instructions"] if row["layers"]]
    for row in (document, *document["layers"], *full):
        sizes = dict(row["sizes"])
        assert sizes.pop("compressed") is not None
        assert set(sizes.values()) == {None}
    for row in document["layers"]:
        assert not row["indexed"]
        assert not row["verified"]
        assert set(row["changes"].values()) == {None}


def test_a_repeated_layer_is_counted_once_and_noted(registry: Registry) -> None:
    registry.add(sample())
    document = head_of(registry.name())
    assert document["sizes"]["compressed"] < sum(
        row["sizes"]["compressed"] for row in document["layers"]
    )
    assert "layer-repeated" in {note["code"] for note in document["notes"]}


@pytest.mark.parametrize("name", sorted(set(RENDERERS) - {"svg", "json"}))
def test_every_format_shows_the_download_and_no_zero_for_the_unknown(
    registry: Registry, name: str
) -> None:
    registry.add(ImageBuilder("a:1").layer({"a": b"content" * 5000}, "RUN make a").build())
    document = head_of(registry.name())
    out = io.StringIO()
    RENDERERS[name].create(Display()).render(document, out)
    text = out.getvalue()
    assert text
    for word in ("content 0 B", "wasted 0 B", "no byte is wasted", "nothing to do", "0 files"):
        assert word not in text
    if name in ("text", "markdown", "html", "github"):
        assert f"{document['sizes']['compressed']} B" in text


def test_svg_has_nothing_to_draw(registry: Registry, run: Run) -> None:
    registry.add(sample())
    done = run("report", registry.name(), "--head", "-o", "svg=out.svg")
    assert done.returncode == 2
    assert "leave --head out" in done.stderr
    assert not registry.asked


@pytest.mark.parametrize(
    "arguments",
    [
        ("report", "--json", "--files"),
        ("report", "--verify"),
        ("report", "--no-verify"),
        ("check", "--init"),
        ("check", "--max-size", "1GB", "--update", "max_size"),
        ("compare", "app.tar", "--path", "*.so"),
    ],
)
def test_options_that_need_layers_are_refused_before_any_request(
    registry: Registry, run: Run, arguments: tuple[str, ...]
) -> None:
    registry.add(sample())
    command, *rest = arguments
    done = run(command, registry.name(), *rest, "--head")
    assert done.returncode == 2, done.stdout
    assert "--head" in done.stderr
    assert not registry.asked


def test_a_budget_on_compressed_size_is_judged(registry: Registry, run: Run) -> None:
    registry.add(sample())
    fine = run("check", registry.name(), "--head", "--max-compressed-size", "1MB")
    assert (fine.returncode, fine.stderr) == (0, "")
    broken = run("check", registry.name(), "--head", "--max-compressed-size", "10B")
    assert broken.returncode == 1


@pytest.mark.parametrize(
    "rule",
    [
        ("--max-size", "1GB"),
        ("--max-wasted", "1GB"),
        ("--min-efficiency", "0"),
        ("--max-tar-size", "1GB"),
        ("--max-layer-size", "1GB"),
    ],
)
def test_a_budget_that_needs_the_layers_fails_closed(
    registry: Registry, run: Run, rule: tuple[str, str]
) -> None:
    registry.add(sample())
    done = run("check", registry.name(), "--head", *rule)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "unknown" in done.stdout


def test_a_saved_head_is_read_back(registry: Registry, run: Run, folder: Path) -> None:
    registry.add(sample())
    assert run("report", registry.name(), "--head", "-o", "json=head.json").returncode == 0
    again = run("report", "head.json", "--json")
    assert json.loads(again.stdout) == json.loads((folder / "head.json").read_text())
    assert run("check", "head.json", "--max-compressed-size", "1MB").returncode == 0
    assert run("check", "head.json", "--max-size", "1GB").returncode == 1


def test_a_head_that_claims_to_know_is_refused(registry: Registry, run: Run, folder: Path) -> None:
    registry.add(sample())
    run("report", registry.name(), "--head", "-o", "json=head.json")
    document = json.loads((folder / "head.json").read_text())
    (folder / "lie.json").write_text(json.dumps(document | {"waste": []}))
    del document["head"]
    (folder / "bare.json").write_text(json.dumps(document))
    for name in ("lie.json", "bare.json"):
        done = run("report", name)
        assert done.returncode == 2, done.stdout
        assert done.stderr.count("\n") == 1


def two(registry: Registry) -> tuple[str, str]:
    base = ImageBuilder("a:1").layer({"base": b"b" * 9000}, "RUN base")
    registry.add(base.layer({"a": b"1"}, "RUN make").build(), "1")
    base = ImageBuilder("a:1").layer({"base": b"b" * 9000}, "RUN base")
    registry.add(base.layer({"a": bytes(range(256)) * 100}, "RUN make").build(), "2")
    return registry.name("1"), registry.name("2")


def test_two_heads_are_compared(registry: Registry, run: Run) -> None:
    a, b = two(registry)
    found = json.loads(run("compare", a, b, "--head", "--json").stdout)
    jsonschema.Draft202012Validator(json.loads(schema_text("comparison"))).validate(found)
    assert found["shared_layers"] == 1
    assert found["sizes"]["compressed"]["delta"] > 0
    assert found["sizes"]["content"] == {"a": None, "b": None, "delta": None, "percent": None}
    assert found["efficiency"]["delta"] is None
    assert found["transfer"]["needed"]["layers"] == [1]
    assert found["files"] is None
    assert not [path for path in registry.paths("/blobs/") if "/manifests/" in path]
    assert len(registry.asked) == 4


@pytest.mark.parametrize("name", ["text", "markdown", "html", "csv", "github"])
def test_a_comparison_of_heads_names_what_grew_to_pull(
    registry: Registry, run: Run, name: str
) -> None:
    a, b = two(registry)
    done = run("compare", a, b, "--head", "--format", name)
    assert done.returncode == 0, done.stderr
    assert "0.0 %" not in done.stdout
    assert "RUN make" in done.stdout


def test_a_head_is_compared_with_an_image_that_was_read(registry: Registry, run: Run) -> None:
    a, b = two(registry)
    run("report", a, "--head", "-o", "json=a.json")
    found = json.loads(run("compare", "a.json", b, "--json").stdout)
    assert found["sizes"]["content"]["a"] is None
    assert found["sizes"]["content"]["b"] == 9000 + 25600
    assert found["different"] is True


def test_heads_of_several_images_are_one_table(registry: Registry, run: Run) -> None:
    a, b = two(registry)
    found = json.loads(run("compare", a, b, a, "--head", "--json").stdout)
    jsonschema.Draft202012Validator(json.loads(schema_text("images"))).validate(found)
    assert found["total"]["content"] is None
    assert found["total"]["compressed"] > 0
    assert {row["sizes"]["wasted"] for row in found["images"]} == {None}


def test_the_baseline_of_a_head_is_a_head(registry: Registry, run: Run) -> None:
    a, b = two(registry)
    done = run("check", b, "--head", "--max-growth", "1GB", "--baseline", a)
    assert done.returncode == 1
    assert "unknown" in done.stdout


@pytest.mark.parametrize("command", ["report", ""])
def test_the_bare_command_reports_the_head(registry: Registry, run: Run, command: str) -> None:
    registry.add(sample())
    done = run(*filter(None, [command]), registry.name(), "--head")
    assert done.returncode == 0, done.stderr
    assert "download" in done.stdout
