"""Every local form of an image by name, for tests that check that all of them give the same report."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.builder.archive import Archive
from tests.builder.directory import directory
from tests.builder.docker_archive import (
    containerd_store,
    docker_legacy,
    docker_oci,
    kaniko_archive,
    podman,
)
from tests.builder.image import BuiltImage
from tests.builder.oci import oci

Writer = Callable[[Sequence[BuiltImage], str], Archive]


@dataclass(frozen=True)
class Form:
    """How to write a form, and the scheme of a reference to it.

    `compressing` means that it can store compressed layers. Other forms hold plain tars.
    """

    scheme: str
    writer: Writer
    compressing: bool = False
    prefix: str = ""
    compress: bool = False

    def write(self, images: Sequence[BuiltImage], path: Path, compression: str = "gzip") -> str:
        """Write the images to a file or folder at `path`; returns a reference to it."""
        archive = self.writer(images, compression)
        if self.scheme in ("oci-dir", "dir"):
            archive.write_folder(path)
        else:
            archive.write(path, self.prefix, self.compress)
        return f"{self.scheme}:{path}"


def plain(writer: Callable[[Sequence[BuiltImage]], Archive]) -> Writer:
    return lambda images, _: writer(images)


def reversed_members(images: Sequence[BuiltImage], compression: str) -> Archive:
    return kaniko_archive(images, compression).reverse()


FORMS: Mapping[str, Form] = {
    "docker-legacy": Form("docker-archive", plain(docker_legacy)),
    "docker-legacy-dot": Form("docker-archive", plain(docker_legacy), prefix="./"),
    "docker-legacy-gzipped": Form("docker-archive", plain(docker_legacy), compress=True),
    "docker-oci": Form("docker-archive", plain(docker_oci)),
    "docker-oci-dot": Form("docker-archive", plain(docker_oci), prefix="./"),
    "docker-oci-gzipped": Form("docker-archive", plain(docker_oci), compress=True),
    "containerd": Form("docker-archive", containerd_store, compressing=True),
    "containerd-dot": Form("docker-archive", containerd_store, compressing=True, prefix="./"),
    "podman": Form("docker-archive", plain(podman)),
    "podman-gzipped": Form("docker-archive", plain(podman), compress=True),
    "kaniko": Form("docker-archive", kaniko_archive, compressing=True),
    "kaniko-reversed": Form("docker-archive", reversed_members, compressing=True),
    "oci-archive": Form("oci-archive", oci, compressing=True),
    "oci-archive-dot": Form("oci-archive", oci, compressing=True, prefix="./"),
    "oci-archive-gzipped": Form("oci-archive", oci, compressing=True, compress=True),
    "oci-archive-docker-types": Form(
        "oci-archive", lambda images, how: oci(images, how, docker=True), compressing=True
    ),
    "oci-archive-index": Form(
        "oci-archive",
        lambda images, how: oci(images, how, "index", attestations=True),
        compressing=True,
    ),
    "oci-archive-nested": Form(
        "oci-archive", lambda images, how: oci(images, how, "nested"), compressing=True
    ),
    "oci-dir": Form("oci-dir", oci, compressing=True),
    "dir": Form("dir", directory, compressing=True),
    "docker-dir": Form(
        "dir", lambda images, how: directory(images, how, docker=True), compressing=True
    ),
    "oci-dir-nested": Form(
        "oci-dir",
        lambda images, how: oci(images, how, "nested", attestations=True),
        compressing=True,
    ),
}
