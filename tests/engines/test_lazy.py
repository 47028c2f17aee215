"""Layers with tables of contents as their real writers make them, read lazily from a real registry."""

from __future__ import annotations

import gzip
import json
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import layerscope
from layerscope.options import ReadOptions
from layerscope.report.document.builder import build
from tests.builder import ImageBuilder, oci
from tests.builder.chunked import Chunked
from tests.builder.tools import absent
from tests.engines.registry import DistributionRegistry, running
from tests.registry.test_lazy import BASE, TOP, compared
from tests.registry.test_pull import clean_environment

from .gotools import ToolError, built_from
from .test_recompressed import EXPORTS, export

if TYPE_CHECKING:
    from .containerd import ContainerdEngine

__all__ = ["clean_environment"]

pytestmark = pytest.mark.engine
FULL = ReadOptions(cache=False)
LAZY = ReadOptions(cache=False, lazy=True)
SOURCE = Path(__file__).parent / "tables" / "main.go"
MODULES = {
    "github.com/containerd/stargz-snapshotter/estargz": "v0.16.3",
    "github.com/containers/storage": "v1.57.2",
}
TAGS = "exclude_graphdriver_btrfs"


@pytest.fixture(scope="session")
def writer() -> Path:
    """The program that packs a tar with the libraries of the builders; it is built once."""
    try:
        return built_from(SOURCE, MODULES, TAGS)
    except ToolError as error:
        absent(f"the writer of tables cannot be built: {str(error)[-300:]}")


def packed(writer: Path, form: str, tar: bytes, folder: Path) -> Chunked:
    (folder / "layer.tar").write_bytes(tar)
    done = subprocess.run(
        [writer, form, folder / "layer.tar", folder / "layer"], capture_output=True, check=True
    )
    blob = (folder / "layer").read_bytes()
    inner = gzip.decompress(blob) if form.startswith("estargz") else tar
    return Chunked(inner, blob, json.loads(done.stdout))


def report(reference: str, options: ReadOptions) -> dict[str, Any]:
    """The report with all entries and hashes, which reads every live content."""
    with layerscope.read(reference, options) as analysis:
        document: Any = build(analysis, files=True, hashes=True)
        for layer in document["layers"]:
            layer["entries"] = list(layer["entries"])
        found: dict[str, Any] = json.loads(json.dumps(document))
        return found


@pytest.mark.parametrize("form", ["estargz", "estargz-shared", "estargz-lossless", "zstd-chunked"])
def test_a_layer_of_a_real_writer_gives_the_numbers_of_the_full_reading(
    writer: Path, tmp_path: Path, form: str
) -> None:
    builder = ImageBuilder("app:1.0")
    for number, members in enumerate((BASE, TOP)):
        # All writers but the lossless one refuse a name that occurs twice.
        listed: Any = members
        kept = listed if form == "estargz-lossless" else dict(listed)
        tar = ImageBuilder().layer(kept).build().layers[0].tar
        builder.chunked_layer(packed(writer, form, tar, tmp_path), f"RUN step {number}")
    oci([builder.build()]).write_folder(tmp_path / "layout")
    with running(DistributionRegistry(tmp_path / "registry")) as registry:
        source = f"oci:{tmp_path / 'layout'}:1.0"
        reference = registry.push(source, "team/app:1", "--preserve-digests")
        full, lazy = (report(reference, options) for options in (FULL, LAZY))
        log = (registry.folder / "log").read_text()
    known = form == "zstd-chunked"
    assert compared(lazy, tar_is_known=known) == compared(full, tar_is_known=known)
    assert not any(row["verified"] for row in lazy["layers"])
    assert '" 206 ' in log


def test_what_buildkit_exports_as_estargz_is_read_by_its_tables(
    containerd_engine: ContainerdEngine, tmp_path: Path
) -> None:
    path = export(containerd_engine, tmp_path, EXPORTS["estargz"])
    full, lazy = (report(f"oci-archive:{path}", options) for options in (FULL, LAZY))
    assert compared(lazy) == compared(full)
    assert not any(row["verified"] for row in lazy["layers"])
    assert lazy["sizes"]["tar"] is not None


def test_what_buildah_pushes_as_zstd_chunked_is_read_by_its_tables(tmp_path: Path) -> None:
    if shutil.which("buildah") is None:
        absent("buildah is not installed")
    plain = {name: node for name, node in BASE.items() if not name.startswith(("dev", "bin"))}
    image = ImageBuilder("app:1.0").layer(plain, "RUN a").layer({"b": b"b" * 5000}, "RUN b")
    oci([image.build()]).write_folder(tmp_path / "layout")
    (tmp_path / "docker").mkdir()
    (tmp_path / "docker" / "config.json").write_text("{}")
    stores = ["--root", str(tmp_path / "root"), "--runroot", str(tmp_path / "run")]
    buildah = ["buildah", *stores, "--storage-driver", "vfs"]
    subprocess.run(
        [*buildah, "pull", "--quiet", f"oci:{tmp_path / 'layout'}:1.0"],
        check=True,
        capture_output=True,
        text=True,
    )
    listed = subprocess.run(
        [*buildah, "images", "--quiet"], check=True, capture_output=True, text=True
    )
    with running(DistributionRegistry(tmp_path / "registry")) as registry:
        target = f"docker://{registry.host}/team/app:1"
        options = ["--tls-verify=false", "--format", "oci", "--compression-format", "zstd:chunked"]
        subprocess.run(
            [*buildah, "push", "--quiet", *options, listed.stdout.split()[0], target],
            check=True,
            capture_output=True,
            text=True,
        )
        reference = f"registry:{registry.host}/team/app:1"
        full, lazy = (report(reference, each) for each in (FULL, LAZY))
    assert not any(row["verified"] for row in lazy["layers"])
    known = lazy["sizes"]["tar"] is not None
    assert compared(lazy, tar_is_known=known) == compared(full, tar_is_known=known)
