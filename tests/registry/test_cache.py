"""A registry is asked for no layer that was read before, wherever it was read."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

import layerscope
from layerscope.cli.main import main
from layerscope.errors import FormatError
from layerscope.options import ReadOptions
from tests.builder import FORMS, BuiltImage, ImageBuilder, digest_of
from tests.cache.reading import document_of, layers_read
from tests.registry.server import Registry
from tests.test_conformance import sample

BASE = {"usr/lib": b"library" * 5000, "etc/conf": b"conf"}


@pytest.fixture(autouse=True)
def clean_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


@pytest.fixture
def registry() -> Iterator[Registry]:
    with Registry() as served:
        yield served


def release(top: bytes) -> BuiltImage:
    return ImageBuilder("app:1").layer(BASE, "FROM base").layer({"app": top * 3000}, "COPY").build()


def blobs_fetched(registry: Registry) -> list[str]:
    """The digests of the layers that were asked for since the last look."""
    configs = {
        json.loads(body).get("config", {}).get("digest") for body, _ in registry.manifests.values()
    }
    found = [path.rpartition("/")[2] for path in registry.paths("/blobs/")]
    registry.asked.clear()
    return [digest for digest in found if digest not in configs]


@pytest.mark.parametrize("compression", ["none", "gzip", "zstd"])
def test_a_second_report_fetches_no_layer(registry: Registry, compression: str) -> None:
    registry.add(sample(), compression=compression)
    uncached = document_of(registry.name(), cache=False)
    assert document_of(registry.name()) == uncached
    blobs_fetched(registry)
    assert document_of(registry.name()) == uncached
    assert blobs_fetched(registry) == []


def test_a_changed_top_layer_is_all_that_is_fetched(registry: Registry) -> None:
    registry.add(release(b"one"), "1")
    document_of(registry.name("1"))
    blobs_fetched(registry)
    changed = release(b"two")
    registry.add(changed, "2")
    expected = document_of(registry.name("2"), cache=False)
    blobs_fetched(registry)
    assert document_of(registry.name("2")) == expected
    assert blobs_fetched(registry) == [digest_of(changed.layers[1].compressed("gzip"))]


@pytest.mark.parametrize("form", ["oci-archive", "oci-dir", "containerd", "dir"])
def test_a_layer_of_a_file_is_not_fetched(registry: Registry, tmp_path: Path, form: str) -> None:
    registry.add(sample())
    document_of(FORMS[form].write([sample()], tmp_path / "image", "gzip"))
    uncached = document_of(registry.name(), cache=False)
    blobs_fetched(registry)
    assert document_of(registry.name()) == uncached
    assert blobs_fetched(registry) == []


def test_a_layer_of_a_registry_is_not_decompressed_in_a_file(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry.add(sample())
    document_of(registry.name())
    reference = FORMS["oci-archive"].write([sample()], tmp_path / "image", "gzip")
    with layers_read(monkeypatch) as names:
        document_of(reference)
    assert names == []


def test_a_plain_layer_that_is_known_compressed_costs_its_first_bytes(
    registry: Registry, tmp_path: Path
) -> None:
    """They say that it is plain, which its media type only claims."""
    noise = random.Random(7).randbytes(9000)
    image = ImageBuilder("app:1").layer({"a": noise}, "A").layer({"b": noise[::-1]}, "B").build()
    registry.add(image, compression="none")
    document_of(FORMS["oci-dir"].write([image], tmp_path / "image", "gzip"), verify="full")
    uncached = document_of(registry.name(), cache=False)
    blobs_fetched(registry)
    assert document_of(registry.name()) == uncached
    ranges = [each.headers.get("range") for each in registry.asked if "/blobs/" in each.path]
    assert ranges[1:] == ["bytes=0-511"] * 2


def test_another_compression_of_a_known_layer_is_fetched_once(
    registry: Registry, tmp_path: Path
) -> None:
    """What its files cost in compressed bytes is only in the blob itself."""
    registry.add(release(b"one"), compression="zstd")
    document_of(FORMS["oci-dir"].write([release(b"one")], tmp_path / "image", "gzip"))
    uncached = document_of(registry.name(), cache=False)
    blobs_fetched(registry)
    assert document_of(registry.name()) == uncached
    assert len(blobs_fetched(registry)) == 2
    assert document_of(registry.name()) == uncached
    assert blobs_fetched(registry) == []


def test_a_content_is_fetched_when_it_is_asked_for(registry: Registry) -> None:
    from layerscope.filesystem.content import open_content

    registry.add(release(b"one"))
    document_of(registry.name())
    blobs_fetched(registry)
    with layerscope.read(registry.name()) as analysis:
        assert blobs_fetched(registry) == []
        node = analysis.tree.find(b"app")
        assert node is not None
        assert node.latest is not None
        content = open_content(node.latest, analysis.indexes)
        assert content.read(0, 3) == b"one"
    assert blobs_fetched(registry) == [digest_of(release(b"one").layers[1].compressed("gzip"))]


def test_a_blob_of_another_digest_is_not_kept(registry: Registry) -> None:
    """What the registry sends under a digest has to have it; the right blob is fetched next time."""
    image = release(b"one")
    registry.add(image)
    digest = digest_of(image.layers[1].compressed("gzip"))
    right = registry.blobs[digest]
    wrong = bytearray(right)
    wrong[5] ^= 1
    registry.blobs[digest] = bytes(wrong)
    with pytest.raises(FormatError, match="digest"):
        document_of(registry.name())
    registry.blobs[digest] = right
    assert document_of(registry.name()) == document_of(registry.name(), cache=False)


def test_verify_fetches_every_layer(registry: Registry) -> None:
    registry.add(release(b"one"))
    document_of(registry.name())
    blobs_fetched(registry)
    document_of(registry.name(), verify="full")
    assert len(blobs_fetched(registry)) == 2


def test_a_comparison_fetches_shared_layers_once_without_a_cache(
    registry: Registry, capfd: pytest.CaptureFixture[str]
) -> None:
    from layerscope.cli.main import main

    registry.add(release(b"one"), "1")
    registry.add(release(b"two"), "2")
    assert main(["compare", registry.name("1"), registry.name("2"), "--no-cache", "--json"]) == 0
    fetched = blobs_fetched(registry)
    assert len(fetched) == len(set(fetched)) == 3
    cold = capfd.readouterr().out
    assert main(["compare", registry.name("1"), registry.name("2"), "--json"]) == 0
    assert main(["compare", registry.name("1"), registry.name("2"), "--json"]) == 0
    assert capfd.readouterr().out == cold * 2
    assert len(blobs_fetched(registry)) == 3


def test_a_library_call_without_a_cache_leaves_it_alone(
    registry: Registry, cache_folder: Path
) -> None:
    registry.add(release(b"one"))
    layerscope.read(registry.name(), ReadOptions(cache=False)).close()
    assert not cache_folder.exists()


def test_a_lazy_report_does_not_depend_on_what_was_read_before(registry: Registry) -> None:
    image = ImageBuilder("app:1").layer({"a": b"a" * 900, "b": b"b"}, "RUN a", stargz=True).build()
    registry.add(image)
    expected = document_of(registry.name(), lazy=True, cache=False)
    document_of(registry.name())
    assert document_of(registry.name(), lazy=True) == expected
    assert document_of(registry.name()) == document_of(registry.name(), cache=False)


def test_check_reads_what_the_baseline_shares_once(registry: Registry) -> None:
    noise = random.Random(1).randbytes(50_000)
    below = ImageBuilder("app:1").layer({"base": noise}, "RUN base")
    registry.add(below.build(), "old")
    registry.add(below.layer({"more": b"more"}, "RUN more").build(), "new")
    former = ("--max-growth", "1kB", "--baseline", registry.name("old"))
    assert main(["check", registry.name("new"), "--no-cache", *former]) == 0
    large = [blob for blob, data in registry.blobs.items() if len(data) > 40_000]
    assert len(large) == 1
    assert len(registry.paths(large[0])) == 1
