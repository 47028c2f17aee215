"""Builds images in memory, in the form and dialect of every builder.

    image = ImageBuilder("app:1").layer({"etc/a": b"x"}, **classic.run("make a")).build()
    docker_legacy([image]).write(path)
    FORMS["oci-archive"].write([image], path, "zstd")

Nothing here uses layerscope, so a bug in the reader can't hide behind the same bug in the writer.
"""

from tests.builder.archive import Archive
from tests.builder.compression import COMPRESSIONS
from tests.builder.dialects import buildah, buildkit, classic
from tests.builder.docker_archive import (
    containerd_store,
    docker_legacy,
    docker_oci,
    kaniko_archive,
    podman,
)
from tests.builder.forms import FORMS, Form
from tests.builder.image import BuiltImage, BuiltLayer, ImageBuilder, digest_of, encode
from tests.builder.nodes import (
    OPAQUE,
    WHITEOUT,
    Device,
    Directory,
    Fifo,
    File,
    Global,
    Hardlink,
    Member,
    Node,
    Opaque,
    Other,
    Raw,
    Sparse,
    Symlink,
    Whiteout,
)
from tests.builder.oci import oci

__all__ = [
    "COMPRESSIONS",
    "FORMS",
    "OPAQUE",
    "WHITEOUT",
    "Archive",
    "BuiltImage",
    "BuiltLayer",
    "Device",
    "Directory",
    "Fifo",
    "File",
    "Form",
    "Global",
    "Hardlink",
    "ImageBuilder",
    "Member",
    "Node",
    "Opaque",
    "Other",
    "Raw",
    "Sparse",
    "Symlink",
    "Whiteout",
    "buildah",
    "buildkit",
    "classic",
    "containerd_store",
    "digest_of",
    "docker_legacy",
    "docker_oci",
    "encode",
    "kaniko_archive",
    "oci",
    "podman",
]
