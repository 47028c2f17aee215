"""Artifacts stored like an image are named for what they are, and never called damaged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import layerscope
from layerscope.errors import UnsupportedFormat
from layerscope.sources import open_image
from tests.builder import Archive, ImageBuilder, digest_of, encode
from tests.builder.oci import CONFIG, INDEX, LAYER, MANIFEST, add_image

WASM = b"\0asm\x01\0\0\0"
WASM_LAYER = "application/vnd.bytecodealliance.wasm.component.layer.v0+wasm"
CACHE = "application/vnd.buildkit.cacheconfig.v0"
EMPTY = "application/vnd.oci.empty.v1+json"


def layout(listed: dict[str, Any], archive: Archive) -> Archive:
    archive.add_json("oci-layout", {"imageLayoutVersion": "1.0.0"})
    return archive.add_json("index.json", {"schemaVersion": 2, "manifests": [listed]})


def artifact(config: tuple[bytes, str], *layers: tuple[bytes, str], **more: Any) -> Archive:
    archive = Archive()
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": archive.add_blob(*config),
        "layers": [archive.add_blob(data, media_type) for data, media_type in layers],
        **more,
    }
    return layout(archive.add_blob(encode(manifest), MANIFEST), archive)


def wasm(beside: bool) -> Archive:
    """What containerd's oci-tar-builder writes: a config without diff_ids, and a layer that is a module."""
    config = encode({"architecture": "wasm", "os": "wasip1", "rootfs": {"type": "layers"}})
    archive = artifact((config, CONFIG), (WASM, WASM_LAYER))
    if beside:
        entry = {
            "Config": "blobs/" + digest_of(config).replace(":", "/"),
            "RepoTags": ["wasm:1"],
            "Layers": ["blobs/" + digest_of(WASM).replace(":", "/")],
        }
        archive.add_json("manifest.json", [entry])
    return archive


@pytest.mark.parametrize("scheme", ["", "oci-archive:", "docker-archive:"])
def test_a_webassembly_image_is_read_with_a_note(tmp_path: Path, scheme: str) -> None:
    path = wasm(beside=True).write(tmp_path / "wasm.tar")
    with open_image(f"{scheme}{path}") as image:
        analysis = layerscope.analyze(image)
    assert analysis.sizes.content == 0
    told = {note.code: note.message for note in analysis.notes}
    assert "the layer is WebAssembly" in told["layer-not-tar"]
    assert "archive-document-unfit" not in told


def test_a_layer_that_is_not_a_tar_needs_no_diff_id(tmp_path: Path) -> None:
    built = ImageBuilder("x:1").layer({"a": b"abc"}, "COPY a /").build()
    layers = ((WASM, WASM_LAYER), (built.layers[0].tar, LAYER))
    path = artifact((built.config, CONFIG), *layers).write(tmp_path / "mixed.tar")
    with open_image(str(path)) as image:
        assert [layer.diff_id and str(layer.diff_id) for layer in image.layers] == [
            None,
            built.layers[0].diff_id,
        ]
        assert layerscope.analyze(image).sizes.live == 3


def test_a_cosign_signature_is_named(tmp_path: Path) -> None:
    payload = b'{"critical":{}}'
    config = encode({"rootfs": {"type": "layers", "diff_ids": [digest_of(payload)]}})
    layer = (payload, "application/vnd.dev.cosign.simplesigning.v1+json")
    path = artifact((config, CONFIG), layer).write(tmp_path / "x.tar")
    with open_image(str(path)) as image:
        (note,) = [note for note in image.notes if note.code == "layer-not-tar"]
    assert "a cosign signature" in note.message


def buildkit_cache() -> Archive:
    """What `--cache-to type=local` writes: an index that lists layers and the cache's config."""
    archive = Archive()
    listed = [archive.add_blob(b"\x1f\x8b layer", LAYER + "+gzip"), archive.add_blob(b"{}", CACHE)]
    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": listed}
    return layout(archive.add_blob(encode(index), INDEX), archive)


@pytest.mark.parametrize(
    ("archive", "what"),
    [
        (buildkit_cache(), "is a BuildKit cache, not an image"),
        (artifact((b"{}", CACHE), (b"\x1f\x8b", LAYER + "+gzip")), "is a BuildKit cache"),
        (
            artifact((b"{}", "application/vnd.cncf.helm.config.v1+json"), (b"x", LAYER + "+gzip")),
            "is a Helm chart, an artifact with the config",
        ),
        (
            artifact((b"{}", EMPTY), (b"x", "text/plain"), artifactType="application/vnd.me.thing"),
            "is an artifact of type 'application/vnd.me.thing' with the config",
        ),
        (
            artifact((WASM, "application/vnd.wasm.config.v0+json"), (WASM, "application/wasm")),
            "is WebAssembly",
        ),
    ],
)
@pytest.mark.parametrize("form", ["archive", "folder"])
def test_an_artifact_is_refused_and_named_for_what_it_is(
    tmp_path: Path, archive: Archive, what: str, form: str
) -> None:
    path = (archive.write if form == "archive" else archive.write_folder)(tmp_path / "x")
    with pytest.raises(UnsupportedFormat) as caught:
        open_image(str(path))
    assert what in caught.value.message
    assert caught.value.hint
    assert "damaged" not in str(caught.value)


def test_a_signature_is_not_offered_as_a_choice_next_to_its_image(tmp_path: Path) -> None:
    """A layout that `cosign save` writes."""
    built = ImageBuilder("app:1").layer({"a": b"abc"}, "COPY a /").build()
    archive = Archive().add_json("oci-layout", {"imageLayoutVersion": "1.0.0"})
    payload = (b"{}", "application/vnd.dev.cosign.simplesigning.v1+json")
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": archive.add_blob(b'{"rootfs":{}}', CONFIG),
        "layers": [archive.add_blob(*payload)],
    }
    kind = "dev.cosignproject.cosign/"
    image, signature = add_image(archive, built), archive.add_blob(encode(manifest), MANIFEST)
    listed = [
        signature | {"annotations": {"kind": kind + "sigs"}},
        image | {"annotations": {"kind": kind + "image"}},
    ]
    archive.add_json("index.json", {"schemaVersion": 2, "manifests": listed})
    with open_image(str(archive.write(tmp_path / "x.tar"))) as found:
        assert str(found.config_digest) == built.config_digest
