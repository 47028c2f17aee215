"""A real BuildKit that compresses layers again or rewrites their times, and skopeo, which does so when it copies.

The digests then differ from those in the provenance, but the lines and the base stay.
"""

from __future__ import annotations

import json
import subprocess
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import layerscope

from .engine import need
from .test_lines import LINES, lines, write_context

if TYPE_CHECKING:
    from .containerd import ContainerdEngine

EXPORTS = {
    "plain": "",
    "zstd": "compression=zstd,force-compression=true",
    "estargz": "compression=estargz,force-compression=true,oci-mediatypes=true",
    "uncompressed": "compression=uncompressed,force-compression=true",
    "times": "rewrite-timestamp=true",
    "times and zstd": "rewrite-timestamp=true,compression=zstd,force-compression=true",
}


def export(engine: ContainerdEngine, folder: Path, options: str, *arguments: str) -> Path:
    """Build into an OCI archive with an exporter's options; returns the archive."""
    path = engine.folder / "exported.tar"
    output = ",".join(part for part in (f"type=oci,dest={engine.inside(path)}", options) if part)
    given = ["--output", output, *arguments]
    engine.build(write_context(folder), "exported:1", provenance="max", arguments=given)
    return path


def digests(path: Path) -> tuple[list[str], list[str]]:
    """The digests of the layers in the image's manifest, and those of the last chain in its provenance."""
    with tarfile.open(path) as archive:

        def read(name: str) -> Any:
            file = archive.extractfile(name)
            assert file is not None
            return json.load(file)

        def blob(descriptor: Any) -> Any:
            return read("blobs/" + descriptor["digest"].replace(":", "/"))

        manifests = read("index.json")["manifests"]
        if len(manifests) == 1:
            manifests = blob(manifests[0])["manifests"]
        image, attestation = (blob(each) for each in manifests)
        statement = blob(attestation["layers"][0])
    stored = [layer["digest"] for layer in image["layers"]]
    metadata = statement["predicate"]["metadata"]["https://mobyproject.org/buildkit@v1#metadata"]
    chains = [chain for step in metadata["layers"].values() for chain in step]
    (built,) = {tuple(layer["digest"] for layer in each) for each in chains if len(each) == 6}
    return stored, list(built)


def assert_lines_and_base(path: Path, *, exact: bool) -> None:
    with layerscope.load(str(path)) as image:
        assert lines(image) == LINES
        assert {each.evidence for each in image.instructions} == {"provenance"}
        assert image.base is not None
        assert (image.base.layers, image.base.evidence) == (1, "provenance")
        notes = [note.code for note in image.notes]
        assert notes == ([] if exact else ["provenance-by-order"])
        analysis = layerscope.analyze(image)
    junk = next(row for row in analysis.waste if row.path == b"app/junk")
    blamed = [image.instructions[number].location for number in (junk.written_by, junk.wasted_by)]
    assert [location.start_line for location in blamed if location] == [10, 13]


@pytest.mark.parametrize("name", EXPORTS)
def test_lines_and_base_stay_when_buildkit_changes_the_digests(
    containerd_engine: ContainerdEngine, tmp_path: Path, name: str
) -> None:
    arguments = ["--build-arg", "SOURCE_DATE_EPOCH=1000000000"] if "times" in name else []
    path = export(containerd_engine, tmp_path, EXPORTS[name], *arguments)
    stored, built = digests(path)
    assert (stored == built) is (name == "plain")
    assert_lines_and_base(path, exact=name == "plain")


@pytest.mark.parametrize("form", ["zstd", "gzip"])
def test_lines_and_base_stay_when_skopeo_compresses_the_layers(
    containerd_engine: ContainerdEngine, tmp_path: Path, form: str
) -> None:
    """skopeo also changes the manifests' digests, but not the annotations that refer to them."""
    need("skopeo")
    path = export(containerd_engine, tmp_path, EXPORTS["uncompressed"])
    copy = tmp_path / "copy.tar"
    subprocess.run(
        [
            "skopeo", "copy", "--quiet", "--all", "--insecure-policy",
            "--dest-compress", "--dest-compress-format", form,
            f"oci-archive:{path}", f"oci-archive:{copy}",
        ],
        check=True,
        capture_output=True,
    )  # fmt: skip
    stored, built = digests(copy)
    assert set(stored).isdisjoint(built)
    assert_lines_and_base(copy, exact=False)
