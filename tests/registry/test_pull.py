"""An image in a registry gives the same report as in an archive, with any authorization and index."""

from __future__ import annotations

import base64
import json
import random
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import layerscope
from layerscope.errors import BadReference, ImageNotFound, LayerscopeError, LimitExceeded
from layerscope.limits import DEFAULT_LIMITS
from tests.builder import COMPRESSIONS, ImageBuilder, buildkit, encode, oci
from tests.registry.server import Registry
from tests.test_conformance import neutral, report_of, sample

LAYERS = "/blobs/"


@pytest.fixture(autouse=True)
def clean_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    for name in ("REGISTRY_AUTH_FILE", "CONTAINERS_REGISTRIES_CONF"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def registry() -> Iterator[Registry]:
    with Registry() as served:
        yield served


def log_in(registry: Registry, tmp_path: Path, user: str = "me", password: str = "pa:ss") -> None:
    registry.user = (user, password)
    folder = tmp_path / "docker"
    folder.mkdir(exist_ok=True)
    auth = base64.b64encode(f"{user}:{password}".encode()).decode()
    (folder / "config.json").write_text(json.dumps({"auths": {registry.netloc: {"auth": auth}}}))


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_a_registry_gives_the_report_of_the_archive(
    registry: Registry, tmp_path: Path, compression: str
) -> None:
    layout = oci([sample()], compression)
    layout.write(tmp_path / "image.tar")
    registry.add_layout(layout)
    found = report_of(registry.name())
    expected = report_of(f"oci-archive:{tmp_path / 'image.tar'}")
    assert neutral(found) == neutral(expected)
    assert [row["sizes"]["compressed"] for row in found["layers"]] == (
        [row["sizes"]["compressed"] for row in expected["layers"]]
    )
    assert found["image"]["source"] == "registry"


def test_each_blob_is_fetched_once(registry: Registry) -> None:
    registry.add(sample())
    with layerscope.load(registry.name()) as image:
        layerscope.analyze(image)
    blobs = registry.paths(LAYERS)
    assert len(blobs) == len(set(blobs))
    assert len(registry.paths("/manifests/1")) == 1


def image_config(registry: Registry) -> str:
    """The digest of the added image's config."""
    digest: str = json.loads(registry.manifests["1"][0])["config"]["digest"]
    return digest


def test_nothing_but_the_config_is_fetched_before_layers_are_read(registry: Registry) -> None:
    registry.add(sample())
    with layerscope.load(registry.name()):
        assert not registry.paths(LAYERS + "(?!" + image_config(registry) + ")")


def test_an_index_is_followed_to_the_platform(registry: Registry) -> None:
    images = [
        ImageBuilder("app:1", architecture=name)
        .layer({"arch": name.encode()}, **buildkit.copy("a", "/"))
        .build()
        for name in ("amd64", "arm64", "s390x")
    ]
    registry.add_layout(oci(images, "gzip", "index", attestations=True))
    with layerscope.load(registry.name(), platform="linux/s390x") as image:
        assert image.platform.architecture == "s390x"
        assert layerscope.analyze(image).sizes.content == len("s390x")
        assert len(image.attestations) == 1
    with pytest.raises(ImageNotFound, match=r"amd64.*arm64.*s390x"):
        layerscope.load(registry.name(), platform="linux/riscv64")


def test_an_image_can_be_named_by_digest(registry: Registry) -> None:
    digest = registry.add(sample())
    with layerscope.load(registry.name(digest)) as image:
        assert str(image.manifest_digest) == digest


def test_a_missing_tag_exits_with_3(registry: Registry) -> None:
    registry.add(sample())
    with pytest.raises(ImageNotFound, match="MANIFEST_UNKNOWN") as caught:
        layerscope.load(registry.name("2"))
    assert caught.value.exit_code == 3


@pytest.mark.parametrize("scheme", ["basic", "bearer"])
def test_docker_login_is_enough(registry: Registry, tmp_path: Path, scheme: str) -> None:
    registry.add(sample())
    registry.scheme = scheme
    log_in(registry, tmp_path)
    with layerscope.load(registry.name()) as image:
        assert layerscope.analyze(image).sizes.content > 0


@pytest.mark.parametrize("scheme", ["basic", "bearer"])
def test_without_a_login_the_error_says_how(registry: Registry, scheme: str) -> None:
    registry.add(sample())
    registry.scheme = scheme
    registry.user = ("me", "secret")
    with pytest.raises(LayerscopeError, match="docker login") as caught:
        layerscope.load(registry.name())
    assert caught.value.exit_code == 3


def test_an_anonymous_token_is_requested_once(registry: Registry) -> None:
    registry.add(sample())
    registry.scheme = "bearer"
    with layerscope.load(registry.name()) as image:
        layerscope.analyze(image)
    assert len(registry.paths("^/token")) == 1


def test_an_expired_token_is_requested_again(registry: Registry) -> None:
    registry.add(sample())
    registry.scheme = "bearer"
    with layerscope.load(registry.name()) as image:
        registry.token = "another-token"
        assert layerscope.analyze(image).sizes.content > 0
    assert len(registry.paths("^/token")) == 2


def test_a_credential_helper_is_used(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry.add(sample())
    registry.scheme = "basic"
    registry.user = ("me", "from-helper")
    program = tmp_path / "bin" / "docker-credential-tests"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\necho \'{"Username":"me","Secret":"from-helper"}\'\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(program.parent), prepend=":")
    (tmp_path / "docker").mkdir()
    (tmp_path / "docker" / "config.json").write_text(
        json.dumps({"credHelpers": {registry.netloc: "tests"}})
    )
    with layerscope.load(registry.name()) as image:
        assert image.layers


def test_podmans_login_is_enough(registry: Registry, tmp_path: Path) -> None:
    registry.add(sample())
    registry.scheme = "basic"
    registry.user = ("me", "x")
    folder = tmp_path / "run" / "containers"
    folder.mkdir(parents=True)
    auth = base64.b64encode(b"me:x").decode()
    (folder / "auth.json").write_text(
        json.dumps({"auths": {f"{registry.netloc}/team": {"auth": auth}}})
    )
    with layerscope.load(registry.name()) as image:
        assert image.layers


def test_a_mirror_is_tried_first(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry.add(sample())
    config = tmp_path / "registries.conf"
    config.write_text(
        '[[registry]]\nprefix = "registry.example/team"\nlocation = "registry.example/team"\n'
        f'[[registry.mirror]]\nlocation = "{registry.netloc}/team"\ninsecure = true\n'
    )
    monkeypatch.setenv("CONTAINERS_REGISTRIES_CONF", str(config))
    with layerscope.load("registry:registry.example/team/app:1") as image:
        assert image.layers


def test_a_bare_name_is_found_in_its_registry(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry.add(sample())
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere.sock")
    monkeypatch.setenv("CONTAINER_HOST", "unix:///nowhere.sock")
    with layerscope.load(f"{registry.netloc}/team/app:1") as image:
        assert image.source == "registry"


@pytest.mark.parametrize("name", ["UPPER/case", "a b", "x:y:z", "a/../b", "", "host:99999999/x y"])
def test_an_invalid_registry_name_is_a_usage_error(name: str) -> None:
    with pytest.raises(BadReference):
        layerscope.load(f"registry:{name}")


def test_content_is_read_back_from_a_spooled_blob(registry: Registry) -> None:
    registry.add(sample())
    with layerscope.load(registry.name()) as image:
        analysis = layerscope.analyze(image)
        blob = image.layers[0].blob
        assert blob is not None
        whole = blob.read_at(0, blob.size)
        assert whole[:2] == b"\x1f\x8b"
        assert blob.read_at(10, 20) == whole[10:30]
        assert analysis.sizes.content > 0


def large(registry: Registry) -> list[bytes]:
    """An image of two layers that are larger than what is kept in memory; returns the blobs."""
    source = random.Random(3)
    builder = ImageBuilder("app:1")
    for name in ("a", "b"):
        builder.layer({name: source.randbytes(2_000_000)}, f"RUN {name}")
    image = builder.build()
    registry.add(image)
    return [layer.compressed("gzip") for layer in image.layers]


def test_copies_of_blobs_stay_within_their_limit(registry: Registry) -> None:
    first, second = large(registry)
    limits = replace(DEFAULT_LIMITS, spool_bytes=3_000_000)
    with layerscope.load(registry.name(), limits=limits) as image:
        layerscope.analyze(image)
        a, b = (layer.blob for layer in image.layers)
        assert a is not None
        assert b is not None
        registry.asked.clear()
        for _ in range(3):
            assert a.read_at(5, 50) == first[5:55]
        assert len(registry.asked) == 1
        assert b.read_at(5, 50) == second[5:55]
        assert a.read_at(7, 50) == first[7:57]
        assert len(registry.asked) == 3


def test_a_blob_that_never_fits_is_refused_with_the_limit(registry: Registry) -> None:
    large(registry)
    limits = replace(DEFAULT_LIMITS, spool_bytes=1000)
    with layerscope.load(registry.name(), limits=limits) as image:
        layerscope.analyze(image)
        blob = image.layers[0].blob
        assert blob is not None
        with pytest.raises(LimitExceeded, match="spool_bytes"):
            blob.read_at(0, 10)


@pytest.mark.parametrize("api", [True, False], ids=["referrers API", "fallback tag"])
def test_provenance_that_was_pushed_separately_names_the_lines(
    registry: Registry, api: bool
) -> None:
    layout = oci([sample()], "gzip", "index", attestations=True)
    index = json.loads(layout["index.json"])["manifests"][0]
    listed = json.loads(layout["blobs/" + index["digest"].replace(":", "/")])["manifests"]
    registry.add_layout(layout)
    image, attestation = listed
    registry.manifests["1"] = registry.manifests[image["digest"]]
    answer = encode(
        {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.index.v1+json",
            "manifests": [
                attestation,
                {**attestation, "annotations": {}, "artifactType": "x/sbom"},
            ],
        }
    )
    if api:
        registry.referrers[image["digest"]] = answer
    else:
        tag = image["digest"].replace(":", "-")
        registry.manifests[tag] = answer, "application/vnd.oci.image.index.v1+json"
    with layerscope.load(registry.name()) as opened:
        assert len(opened.attestations) == 1


def test_unreadable_referrers_get_a_note(registry: Registry) -> None:
    digest = registry.add(sample())
    registry.referrers[digest] = b"<html>"
    with layerscope.load(registry.name()) as image:
        assert "attestation-unreadable" in {note.code for note in image.notes}
