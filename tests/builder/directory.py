"""skopeo's `dir:` form: a manifest and its blobs in one folder, without an index or tags."""

from __future__ import annotations

from collections.abc import Sequence

from tests.builder.archive import Archive
from tests.builder.image import BuiltImage
from tests.builder.oci import add_image, add_index


def directory(
    images: Sequence[BuiltImage], compression: str = "gzip", docker: bool = False
) -> Archive:
    """One image, or a list of several manifests, as `skopeo copy --all` writes it."""
    blobs = Archive()
    described = [add_image(blobs, image, compression, docker) for image in images]
    top = described[0]
    if len(images) > 1:
        platforms = [dict(image.platform) for image in images]
        listed = [one | {"platform": of} for one, of in zip(described, platforms, strict=True)]
        top = add_index(blobs, listed, docker)
    archive = Archive().add("version", b"Directory Transport Version: 1.1\n")
    for path in blobs:
        name = path.rpartition("/")[2]
        if path.endswith(str(top["digest"])[7:]):
            name = "manifest.json"
        elif any(str(one["digest"]).endswith(name) for one in described):
            name += ".manifest.json"
        archive.add(name, blobs[path])
    return archive
