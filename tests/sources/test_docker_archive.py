"""What `docker save`, podman, and kaniko write, and variations of it that mislead readers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from layerscope.errors import (
    AmbiguousImage,
    FormatError,
    ImageNotFound,
    LimitExceeded,
)
from layerscope.image.image import Image
from layerscope.limits import Limits
from layerscope.sources import open_image
from tests.builder import (
    Archive,
    BuiltImage,
    ImageBuilder,
    Symlink,
    digest_of,
    docker_legacy,
    docker_oci,
    encode,
    kaniko_archive,
    podman,
)

Entry = dict[str, Any]
ONE = ImageBuilder("app:1").layer({"a": b"one"}, "RUN one").layer({"b": b"two"}, "RUN two").build()
TWO = ImageBuilder("app:2", "app:latest").layer({"a": b"one"}, "RUN one").build()
ARM = ImageBuilder("arm:1", architecture="arm64").layer({"a": b"arm"}, "RUN arm").build()


def stored(image: Image) -> list[bytes]:
    return [layer.blob.read_at(0, layer.blob.size) for layer in image.layers if layer.blob]


def opened(path: Path, archive: Archive, **options: Any) -> Image:
    return open_image(str(archive.write(path / "x.tar")), **options)


def changed(image: BuiltImage, change: Callable[[Entry], Any]) -> Archive:
    """A podman archive, which has flat names, with its `manifest.json` changed."""
    archive = podman([image])
    document = json.loads(archive["manifest.json"])
    change(document[0])
    return archive.replace("manifest.json", encode(document))


@pytest.mark.parametrize("write", [docker_legacy, docker_oci, podman])
def test_an_uncompressed_layer_only_has_the_digest_of_its_tar(
    tmp_path: Path, write: Callable[[list[BuiltImage]], Archive]
) -> None:
    with opened(tmp_path, write([ONE])) as image:
        assert stored(image) == [layer.tar for layer in ONE.layers]
        assert image.tags == ("app:1",)
        assert image.source == "docker-archive"
        assert str(image.config_digest) == ONE.config_digest
        assert [str(layer.diff_id) for layer in image.layers] == [
            layer.diff_id for layer in ONE.layers
        ]
        assert [layer.instruction for layer in image.layers] == [0, 1]
        assert {layer.digest for layer in image.layers} in (
            {None},
            {layer.diff_id for layer in image.layers},
        )
        assert not image.notes


def test_the_name_of_a_compressed_layer_gives_its_digest(tmp_path: Path) -> None:
    with opened(tmp_path, kaniko_archive([ONE], "gzip")) as image:
        assert [str(layer.digest) for layer in image.layers] == [
            digest_of(layer.compressed("gzip")) for layer in ONE.layers
        ]
        assert {layer.media_type for layer in image.layers} == {
            "application/vnd.docker.image.rootfs.diff.tar.gzip"
        }


def test_a_layer_used_twice_is_a_link_to_one_blob(tmp_path: Path) -> None:
    twice = ImageBuilder("x:1").layer({"a": b"x"}, "A").layer({"b": b"y"}, "B").build()
    twice = BuiltImage((*twice.layers, twice.layers[0]), twice.config, twice.tags)
    config = json.loads(twice.config)
    config["rootfs"]["diff_ids"].append(twice.layers[0].diff_id)
    config["history"].append({"created_by": "C"})
    twice = BuiltImage(twice.layers, encode(config), twice.tags)
    archive = docker_legacy([twice])
    assert any(isinstance(node, Symlink) for _, node in archive.members)
    with opened(tmp_path, archive) as image:
        blobs = [layer.blob for layer in image.layers]
        assert blobs[0] is not None
        assert blobs[2] is not None
        assert blobs[0].key == blobs[2].key
        assert blobs[0] != blobs[1]


def test_you_must_choose_one_of_several_images(tmp_path: Path) -> None:
    archive = docker_legacy([ONE, TWO])
    with pytest.raises(AmbiguousImage) as caught:
        opened(tmp_path, archive)
    assert caught.value.exit_code == 2
    assert "holds 2 images: 'app:1' (@0), 'app:2', 'app:latest' (@1); choose one with --tag" in str(
        caught.value
    )
    for tag, image in (("app:1", ONE), ("app", TWO), ("2", TWO), ("@0", ONE), ("@1", TWO)):
        with opened(tmp_path, archive, tag=tag) as found:
            assert str(found.config_digest) == image.config_digest
    with open_image(f"docker-archive:{tmp_path}/x.tar:app:2") as found:
        assert found.tags == ("app:2", "app:latest")
    with opened(tmp_path, archive, tag=ONE.config_digest) as found:
        assert found.tags == ("app:1",)
    for tag in ("app:3", "@2", "nope"):
        with pytest.raises(ImageNotFound, match="holds no image"):
            opened(tmp_path, archive, tag=tag)


def test_an_image_named_twice_counts_as_one(tmp_path: Path) -> None:
    archive = podman([ONE])
    (entry,) = json.loads(archive["manifest.json"])
    other = entry | {"RepoTags": ["other:1", "app:1"]}
    archive.replace("manifest.json", encode([entry, other]))
    with opened(tmp_path, archive) as image:
        assert image.tags == ("app:1", "other:1")


def test_one_tag_on_two_images_is_ambiguous(tmp_path: Path) -> None:
    other = BuiltImage(TWO.layers, TWO.config, ("app:1",))
    with pytest.raises(AmbiguousImage, match="holds 2 images"):
        opened(tmp_path, docker_legacy([ONE, other]), tag="app:1")


def test_a_platform_chooses_an_image(tmp_path: Path) -> None:
    archive = docker_legacy([ONE, ARM])
    with opened(tmp_path, archive, platform="linux/arm64") as image:
        assert image.tags == ("arm:1",)
    with pytest.raises(ImageNotFound, match="holds an image for linux/amd64, not for linux/arm64"):
        opened(tmp_path, docker_legacy([ONE]), platform="linux/arm64")


def test_a_layer_count_that_differs_from_the_diff_ids_is_refused(tmp_path: Path) -> None:
    archive = changed(ONE, lambda entry: entry["Layers"].pop())
    with pytest.raises(FormatError, match="names 1 layer, but its config has 2 diff_ids"):
        opened(tmp_path, archive)
    archive = changed(ONE, lambda entry: entry["Layers"].append(entry["Layers"][0]))
    with pytest.raises(FormatError, match="names 3 layers, but its config has 2 diff_ids"):
        opened(tmp_path, archive)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (b"null", "manifest.json names no image"),
        (b"[]", "manifest.json names no image"),
        (b"{}", "manifest.json names no image"),
        (b'{"Config":"x"}', "expected a list, found an object"),
        (b"[1]", "[0]: expected an object, found a number"),
        (b'[{"Layers":[]}]', "[0].Config: is missing"),
        (b'[{"Config":"gone.json","Layers":[]}]', "the config 'gone.json' is missing"),
        (b'[{"Config":"../../etc/passwd","Layers":[]}]', "points outside the archive"),
        (b'[{"Config":"/etc/passwd","Layers":[]}]', "the config '/etc/passwd' is missing"),
        (b'[{"Config":1,"Layers":[]}]', "[0].Config: expected text, found a number"),
        (b'[{"Config":"x","Layers":{}}]', "[0].Layers: expected a list, found an object"),
        (b'[{"Config":"x","Layers":["a"],"layers":["b"]}]', "differ only in case"),
        (b'[{"Config":"x","Config":"y"}]', "the key 'Config' appears twice"),
        (b"[" * 100_000, "is nested 100000 deep"),
        (b'\xef\xbb\xbf[{"Config":"x"}]', "begins with a byte order mark"),
        (b'[{"Config":"x","Size":NaN}]', "NaN is not JSON"),
    ],
)
def test_a_broken_manifest_is_refused_in_one_line(
    tmp_path: Path, document: bytes, message: str
) -> None:
    with pytest.raises(FormatError) as caught:
        opened(tmp_path, podman([ONE]).replace("manifest.json", document))
    assert message in str(caught.value)
    assert caught.value.exit_code == 4
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        ("../../etc/passwd", "points outside the archive"),
        ("/etc/passwd", "the layer '/etc/passwd' is missing"),
        ("gone.tar", "the layer 'gone.tar' is missing"),
        ("manifest.json/../folder", "is not a regular file"),
    ],
)
def test_a_layer_outside_the_archive_is_refused(tmp_path: Path, layer: str, message: str) -> None:
    archive = changed(ONE, lambda entry: entry["Layers"].__setitem__(0, layer))
    archive.add_folder("folder/")
    with pytest.raises(FormatError) as caught:
        opened(tmp_path, archive)
    assert message in str(caught.value)


def test_manifest_keys_match_in_any_case(tmp_path: Path) -> None:
    archive = podman([ONE])
    (entry,) = json.loads(archive["manifest.json"])
    archive.replace("manifest.json", encode([{key.lower(): entry[key] for key in entry}]))
    with opened(tmp_path, archive) as image:
        assert len(image.layers) == 2


@pytest.mark.parametrize("which", ["manifest.json", "config", "layer"])
def test_a_document_or_layer_that_appears_twice_is_refused(tmp_path: Path, which: str) -> None:
    archive = podman([ONE])
    (entry,) = json.loads(archive["manifest.json"])
    name = {"manifest.json": which, "config": entry["Config"], "layer": entry["Layers"][1]}[which]
    archive.add(name, archive[name])
    with pytest.raises(FormatError, match="appears twice"):
        opened(tmp_path, archive)
    archive = podman([ONE]).add("repositories", b"{}").add("repositories", b"{}")
    with opened(tmp_path, archive) as image:
        assert len(image.layers) == 2


@pytest.mark.parametrize("write", [docker_legacy, docker_oci, podman, kaniko_archive])
def test_a_config_named_after_another_digest_gets_a_note(
    tmp_path: Path, write: Callable[[list[BuiltImage]], Archive]
) -> None:
    archive = write([ONE])
    name = next(name for name in archive if ONE.config_digest[7:] in name)
    archive.replace(name, ONE.config + b" ")
    with opened(tmp_path, archive) as image:
        (note,) = [note for note in image.notes if note.code == "config-name-differs"]
        assert note.message.endswith(f"but its name says {ONE.config_digest}")
        assert str(image.config_digest) == digest_of(ONE.config + b" ")
        assert len(image.layers) == len(ONE.layers)


def test_a_config_with_any_other_name_is_accepted(tmp_path: Path) -> None:
    archive = changed(ONE, lambda entry: entry.update(Config="config.json"))
    archive.add("config.json", ONE.config)
    with opened(tmp_path, archive) as image:
        assert str(image.config_digest) == ONE.config_digest


def test_the_size_of_documents_is_bounded(tmp_path: Path) -> None:
    for limits, message, limit in (
        (Limits(manifest_bytes=20), "manifest.json has .* bytes, more than", "manifest_bytes"),
        (Limits(config_bytes=20), "bytes, more than the 20 allowed", "config_bytes"),
        (Limits(layers=1), "names 2 layers, more than the 1 allowed", "layers"),
    ):
        with pytest.raises(LimitExceeded, match=message) as caught:
            opened(tmp_path, docker_legacy([ONE]), limits=limits)
        assert f"--limit {limit}=" in (caught.value.hint or caught.value.remedy)


def test_three_thousand_uses_of_one_layer_are_over_the_limit(tmp_path: Path) -> None:
    archive = changed(ONE, lambda entry: entry.update(Layers=entry["Layers"][:1] * 3000))
    with pytest.raises(LimitExceeded, match="names 3000 layers, more than the 1024 allowed"):
        opened(tmp_path, archive)


def test_an_image_without_layers_is_read(tmp_path: Path) -> None:
    empty = ImageBuilder("none:1").empty("ENV A=b").build()
    archive = podman([empty])
    (entry,) = json.loads(archive["manifest.json"])
    choices: list[list[str] | None] = [[], None]
    for layers in choices:
        archive.replace("manifest.json", encode([entry | {"Layers": layers}]))
        with opened(tmp_path, archive) as image:
            assert image.layers == ()
            assert len(image.instructions) == 1


@pytest.mark.parametrize(
    ("history", "code"),
    [
        (None, None),
        ([], None),
        ([{"created_by": "x"}] * 5, None),
        ([{"created_by": "x"}], None),
        ([{"created_by": "x", "empty_layer": True}] * 2, None),
        ([{"created_by": 3}], "history-malformed"),
        ("x", "history-malformed"),
    ],
)
def test_every_layer_has_an_instruction_whatever_the_history(
    tmp_path: Path, history: object, code: str | None
) -> None:
    builder = ImageBuilder("x:1").layer({"a": b"1"}).layer({"b": b"2"}).top(history=history)
    with opened(tmp_path, podman([builder.build()])) as image:
        owners = [image.instructions[layer.instruction].layers for layer in image.layers]
        assert [index in owner for index, owner in enumerate(owners)] == [True, True]
        if code is not None:
            assert code in {note.code for note in image.notes}


def test_the_index_gives_digests_and_both_documents_give_tags(tmp_path: Path) -> None:
    archive = docker_oci([ONE])
    (entry,) = json.loads(archive["manifest.json"])
    archive.replace("manifest.json", encode([entry | {"RepoTags": ["app:1", "more:1"]}]))
    with opened(tmp_path, archive) as image:
        assert image.manifest_digest is not None
        assert image.tags == ("app:1", "more:1")
        assert image.source == "docker-archive"
    with opened(tmp_path, archive, tag="more:1") as image:
        assert image.tags == ("app:1", "more:1")


def test_an_index_and_a_manifest_that_name_different_images_get_a_note(tmp_path: Path) -> None:
    archive = docker_oci([ONE])
    other = docker_oci([TWO])
    archive.replace("manifest.json", other["manifest.json"])
    for name in other:
        if name not in archive:
            archive.add(name, other[name])
    with opened(tmp_path, archive) as image:
        assert str(image.config_digest) == ONE.config_digest
        (note,) = [note for note in image.notes if note.code == "archive-indexes-disagree"]
        assert "'app:2'" in note.message


def test_the_scheme_chooses_the_form(tmp_path: Path) -> None:
    path = docker_oci([ONE]).write(tmp_path / "both.tar")
    for scheme in ("docker-archive", "oci-archive"):
        with open_image(f"{scheme}:{path}") as image:
            assert image.source == scheme
    path = docker_legacy([ONE]).write(tmp_path / "docker.tar")
    with pytest.raises(FormatError, match=r"has no index\.json; write docker-archive:"):
        open_image(f"oci-archive:{path}")
    with pytest.raises(ImageNotFound, match="no such file: '/nope'"):
        open_image("docker-archive:/nope:app:1")


def test_an_archive_that_changes_while_it_is_read_is_refused(tmp_path: Path) -> None:
    from layerscope.errors import SourceUnavailable

    with opened(tmp_path, podman([ONE])) as image:
        blob = image.layers[0].blob
        assert blob is not None
        with (tmp_path / "x.tar").open("ab") as file:
            file.write(b"more")
        with pytest.raises(SourceUnavailable, match="changed while it was read"):
            blob.check_unchanged()


def test_names_in_messages_are_escaped(tmp_path: Path) -> None:
    archive = changed(ONE, lambda entry: entry.update(Config="\x1b[31mred\n"))
    with pytest.raises(FormatError) as caught:
        opened(tmp_path, archive)
    assert "\x1b" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_layer_name_that_only_looks_like_a_digest_is_not_one(tmp_path: Path) -> None:
    """The v1 ID in `<id>/layer.tar` isn't the digest of anything that is stored."""
    name = hashlib.sha256(b"id").hexdigest()
    archive = changed(ONE, lambda entry: entry["Layers"].__setitem__(0, f"{name}/layer.tar"))
    archive.add(f"{name}/layer.tar", ONE.layers[0].compressed("gzip"))
    with opened(tmp_path, archive) as image:
        assert image.layers[0].digest is None


def test_every_form_is_read_without_writing_to_it(tmp_path: Path) -> None:
    settings: Mapping[str, Any] = {"Env": ["A=b"], "Labels": {"Maintainer": "x", "maintainer": "y"}}
    built = ImageBuilder("x:1").layer({"a": b"1"}, "RUN a").configure(**settings).build()
    path = podman([built]).write(tmp_path / "x.tar")
    path.chmod(0o444)
    before = path.stat()
    with open_image(str(path)) as image:
        assert image.config.env == ("A=b",)
        assert image.config.labels == (("Maintainer", "x"), ("maintainer", "y"))
    assert path.stat().st_mtime_ns == before.st_mtime_ns
    assert [entry.name for entry in tmp_path.iterdir()] == ["x.tar"]
