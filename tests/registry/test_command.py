"""Every command that reads an image can read it from a registry, or says in one line why not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.builder import ImageBuilder, oci
from tests.cli.conftest import Run, folder, run
from tests.registry.server import Registry
from tests.test_conformance import sample

__all__ = ["folder", "run"]


@pytest.fixture
def registry() -> Iterator[Registry]:
    with Registry() as served:
        served.add(sample())
        yield served


@pytest.mark.parametrize(
    "arguments",
    [
        ("report", "--json"),
        ("check", "--max-size", "1GB"),
        ("files",),
        ("compare", "app.tar"),
    ],
)
def test_a_command_reads_an_image_in_a_registry(
    registry: Registry, run: Run, arguments: tuple[str, ...]
) -> None:
    command, *rest = arguments
    done = run(command, registry.name(), *rest, "--quiet")
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    assert done.stdout


def test_a_file_is_extracted_from_a_registry(registry: Registry, run: Run, folder: Path) -> None:
    done = run("extract", registry.name(), "/etc/passwd", "-o", "out")
    assert done.returncode == 0, done.stderr
    (found,) = (path for path in (folder / "out").rglob("*") if path.is_file())
    assert found.read_text() == "root:x:0:0::/root:/bin/bash\n"


def test_the_same_image_compares_as_equal(registry: Registry, run: Run) -> None:
    done = run("compare", registry.name(), registry.name(), "--json", "--quiet")
    assert json.loads(done.stdout)["different"] is False


@pytest.mark.parametrize(
    ("name", "code"),
    [("team/none:1", 3), ("team/app:2", 3), ("Team/App", 2), ("team/app@sha256:0123", 2)],
)
def test_a_missing_image_is_a_one_line_error(
    registry: Registry, run: Run, name: str, code: int
) -> None:
    done = run("report", f"registry:{registry.netloc}/{name}", "--quiet")
    assert done.returncode == code, done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("layerscope: error: ")


def test_export_says_how_to_copy_from_a_registry(registry: Registry, run: Run) -> None:
    done = run("export", registry.name(), "-o", "copy.tar")
    assert done.returncode == 3
    assert "skopeo copy docker://" in done.stderr


def test_a_layer_that_the_other_image_has_is_not_fetched(
    registry: Registry, run: Run, folder: Path
) -> None:
    """The archive comes first, and holds the same blob of the base layer."""
    base = {"base": b"b" * 90_000}
    ours = ImageBuilder("ours:1").layer(base, "RUN base").layer({"a": b"1" * 3000}, "RUN a")
    theirs = ImageBuilder("ours:1").layer(base, "RUN base").layer({"a": b"2" * 3000}, "RUN a")
    registry.add(theirs.build(), "shared")
    oci([ours.build()]).write(folder / "ours.tar")
    done = run("compare", "ours.tar", registry.name("shared"), "--json", "--quiet", "--no-cache")
    assert json.loads(done.stdout)["shared_layers"] == 1
    shared, own = (
        layer["digest"] for layer in json.loads(registry.manifests["shared"][0])["layers"]
    )
    assert not registry.paths(shared)
    assert len(registry.paths(own)) == 1
