"""A layer that was read before isn't read again, and the report is identical byte for byte."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet

import layerscope
from layerscope.analysis.reading import read_platforms
from layerscope.cache.shelf import Shelf
from layerscope.errors import FormatError, LimitExceeded
from layerscope.image.image import LOCAL_ENGINE
from layerscope.limits import DEFAULT_LIMITS, Limits
from layerscope.options import ReadOptions
from tests.builder import FORMS, ImageBuilder, digest_of, oci
from tests.cache.reading import document_of, layers_read
from tests.layers.reading import open_descriptors
from tests.test_conformance import CASES, sample


def few(cases: list[tuple[str, str]]) -> list[ParameterSet]:
    """Each form once and each compression once; the other combinations are slow."""
    forms: set[str] = set()
    compressions: set[str] = set()
    made = []
    for form, compression in cases:
        new = form not in forms or compression not in compressions
        made.append(pytest.param(form, compression, marks=() if new else pytest.mark.slow))
        forms.add(form)
        compressions.add(compression)
    return made


COMPRESSED = few([(form, compression) for form, compression in CASES if compression != "none"])


@pytest.mark.parametrize(("form", "compression"), few(CASES))
def test_a_cached_report_equals_the_uncached_one(
    form: str, compression: str, tmp_path: Path
) -> None:
    reference = FORMS[form].write([sample()], tmp_path / "image", compression)
    uncached = document_of(reference, cache=False)
    assert document_of(reference) == uncached
    assert document_of(reference) == uncached
    for verify in ("full", "off"):
        expected = document_of(reference, cache=False, verify=verify)
        assert document_of(reference, verify=verify) == expected


@pytest.mark.parametrize(("form", "compression"), COMPRESSED)
def test_no_compressed_layer_is_read_twice(
    form: str, compression: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reference = FORMS[form].write([sample()], tmp_path / "image", compression)
    document_of(reference)
    with layers_read(monkeypatch) as names:
        document_of(reference)
    assert names == []


def test_a_layer_is_known_in_another_form_of_another_image(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = {"usr/lib": b"library" * 500, "etc/conf": b"conf"}
    one = ImageBuilder("one:1").layer(base, "RUN base").layer({"a": b"1"}, "RUN one").build()
    two = ImageBuilder("two:1").layer(base, "RUN base").layer({"b": b"2"}, "RUN two").build()
    document_of(FORMS["oci-archive"].write([one], tmp_path / "one", "gzip"))
    reference = FORMS["containerd"].write([two], tmp_path / "two", "gzip")
    uncached = document_of(reference, cache=False)
    with layers_read(monkeypatch) as names:
        assert document_of(reference) == uncached
    assert len(names) == 1
    assert digest_of(two.layers[1].compressed("gzip")).rpartition(":")[2] in names[0]


def test_another_compression_of_a_layer_is_read_for_what_its_files_cost(tmp_path: Path) -> None:
    document_of(FORMS["oci-dir"].write([sample()], tmp_path / "gzip", "gzip"), verify="full")
    reference = FORMS["oci-dir"].write([sample()], tmp_path / "zstd", "zstd")
    uncached = document_of(reference, cache=False)
    assert document_of(reference) == uncached


def test_verify_reads_every_layer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reference = FORMS["oci-dir"].write([sample()], tmp_path / "image", "gzip")
    document_of(reference)
    with layers_read(monkeypatch) as names:
        document_of(reference, verify="full")
    assert len(names) == len({layer.diff_id for layer in sample().layers})


def test_a_layer_that_is_not_verified_is_not_cached(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reference = FORMS["oci-dir"].write([sample()], tmp_path / "image", "gzip")
    document_of(reference, verify="off")
    with layers_read(monkeypatch) as names:
        document_of(reference)
    assert names


def test_a_lie_about_a_layer_does_not_affect_another_image(tmp_path: Path) -> None:
    """An archive whose plain layer claims the diff_id of another one doesn't affect that one."""
    honest = ImageBuilder("app:1").layer({"bin/app": b"good" * 100}, "RUN app").build()
    liar = ImageBuilder("app:1").layer({"bin/evil": b"evil" * 100}, "RUN app").build()
    archive = FORMS["docker-legacy"]
    reference = archive.write([liar], tmp_path / "liar.tar")
    data = (tmp_path / "liar.tar").read_bytes()
    lie = data.replace(liar.layers[0].diff_id.encode(), honest.layers[0].diff_id.encode())
    assert lie != data
    (tmp_path / "liar.tar").write_bytes(lie)
    document_of(reference)
    document_of(reference, verify="off")
    good = FORMS["oci-dir"].write([honest], tmp_path / "good", "gzip")
    assert document_of(good) == document_of(good, cache=False)
    assert "bin/evil" not in document_of(good)


def test_a_blob_that_does_not_match_its_digest_is_refused_each_time(tmp_path: Path) -> None:
    """Only verified blobs are cached. A damaged one is an error each time."""
    reference = FORMS["oci-dir"].write([sample()], tmp_path / "image", "gzip")
    blobs = tmp_path / "image" / "blobs" / "sha256"
    digest = digest_of(sample().layers[0].compressed("gzip")).rpartition(":")[2]
    data = bytearray((blobs / digest).read_bytes())
    data[5] ^= 1  # a byte of the header that decompression ignores
    (blobs / digest).write_bytes(bytes(data))
    for _ in range(2):
        with pytest.raises(FormatError, match="digest"):
            document_of(reference)


def test_a_limit_that_refuses_an_image_refuses_it_from_the_cache(tmp_path: Path) -> None:
    image = ImageBuilder("x:1").layer({"deep/" * 60 + "file": b"x"}, "RUN x").build()
    reference = FORMS["oci-dir"].write([image], tmp_path / "image", "gzip")
    document_of(reference)
    for limits in (Limits(members=0), Limits(extra_bytes=10), Limits(path_bytes=20)):
        with pytest.raises(LimitExceeded) as uncached:
            document_of(reference, limits=limits, cache=False)
        with pytest.raises(LimitExceeded) as cached:
            document_of(reference, limits=limits)
        assert str(cached.value) == str(uncached.value)


def test_a_layer_that_needed_a_higher_limit_is_not_known_under_a_lower_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reference = FORMS["oci-dir"].write([sample()], tmp_path / "image", "gzip")
    document_of(reference, limits=Limits(members=10**8))
    with layers_read(monkeypatch) as names:
        document_of(reference)
    assert names
    with layers_read(monkeypatch) as names:
        document_of(reference, limits=Limits(members=10**8))
    assert names == []


def test_two_images_of_one_run_read_shared_layers_once_without_a_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = FORMS["oci-dir"].write([sample()], tmp_path / "one", "gzip")
    two = FORMS["oci-archive"].write([sample()], tmp_path / "two", "gzip")
    shelf = Shelf()
    options = ReadOptions(cache=False)
    layerscope.read(one, options, shelf=shelf).close()
    with layers_read(monkeypatch) as names:
        layerscope.read(two, options, shelf=shelf).close()
    assert names == []


def test_trailing_bytes_of_a_cached_blob_get_a_note(tmp_path: Path) -> None:
    image = ImageBuilder("x:1").layer({"a": b"a"}, "RUN a").build()
    layer = image.layers[0]
    odd = replace(layer, blob=layer.compressed("gzip") + b"trailing")
    image = replace(image, layers=(odd,))
    reference = FORMS["oci-dir"].write([image], tmp_path / "image", "gzip")
    uncached = document_of(reference, cache=False)
    assert "trailing-bytes" in uncached
    document_of(reference)
    assert document_of(reference) == uncached


def test_a_proven_compressed_layer_serves_an_engine_that_has_its_tar(tmp_path: Path) -> None:
    """Facts about the blob alone, such as its compressed size, don't apply to the engine's layer."""
    image = ImageBuilder("x:1").layer({"a": b"a" * 5000}, "RUN a").build()
    compressed = FORMS["oci-dir"].write([image], tmp_path / "gzip", "gzip")
    shelf = Shelf(proves=True)
    with layerscope.read(compressed, ReadOptions(cache=False), shelf=shelf) as analysis:
        assert analysis.indexes[0] is not None
        assert analysis.indexes[0].index.compressed is not None
    plain = FORMS["docker-oci"].write([image], tmp_path / "plain.tar")
    with layerscope.read(plain, ReadOptions(cache=False)) as analysis:
        layer = replace(analysis.image.layers[0], vouched_by=LOCAL_ENGINE)
        found = shelf.find(layer, verify="auto", limits=DEFAULT_LIMITS)
        assert found is not None
        assert found.stored.index.compressed is None
        assert found.stored.compressed_size is None
        unproven = Shelf()
        layerscope.read(compressed, ReadOptions(cache=False), shelf=unproven).close()
        assert unproven.find(layer, verify="auto", limits=DEFAULT_LIMITS) is None


FIXTURES = sorted((Path(__file__).parents[2] / "fixtures").glob("*.tar*"))


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.name)
def test_the_fixtures_give_the_same_reports_from_the_cache(path: Path) -> None:
    """`full` keeps the plain layers as well, which are read again only if that is as quick."""
    uncached = document_of(str(path), cache=False)
    document_of(str(path), verify="full")
    for _ in range(2):
        assert document_of(str(path)) == uncached


def test_no_descriptor_stays_open(tmp_path: Path, cache_folder: Path) -> None:
    reference = FORMS["oci-dir"].write([sample()], tmp_path / "image", "gzip")
    document_of(reference)
    before = open_descriptors()
    for _ in range(3):
        document_of(reference)
    assert open_descriptors() == before
    assert cache_folder.exists()


def test_each_platform_of_an_index_is_read_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = {"share/doc": b"text" * 900}
    images = [
        ImageBuilder("app:1", architecture=name)
        .layer(shared, "COPY share")
        .layer({"bin/app": name.encode() * 700}, "COPY app")
        .build()
        for name in ("amd64", "arm64")
    ]
    oci(images, "gzip", layout="index").write_folder(tmp_path / "images")
    options = ReadOptions(cache=False)
    with (
        layers_read(monkeypatch) as names,
        read_platforms(f"oci-dir:{tmp_path / 'images'}", options) as found,
    ):
        assert len(list(found.analyses)) == 2
    assert len(names) == 3
