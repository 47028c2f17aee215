"""How a user refers to an image: `docker:NAME`, `oci-dir:PATH:TAG`, a path, `-`, or a bare name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from layerscope.errors import BadReference
from layerscope.patterns import pattern
from layerscope.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable

    from layerscope.sources.source import Source

_SCHEME: Final = pattern(r"([a-z][a-z-]+):(?P<slashes>//)?(?P<target>.*)", re.ASCII | re.DOTALL)
_NAME: Final = pattern(
    r"(?:(?:[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*|\[[0-9a-fA-F:]+\])(?::[0-9]+)?/)?"
    r"[a-z0-9]+(?:[._-]+[a-z0-9]+)*(?:/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*"
    r"(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(?:@[a-z0-9]+:[a-f0-9]{32,128})?|(?:sha256:)?[a-f0-9]{7,64}",
    re.ASCII,
)
_LONGEST_NAME: Final = 512
DRIVE: Final = pattern(r"[A-Za-z]:[\\/]")
"""How an absolute path on Windows begins."""
_REFUSED: Final = {
    "containers-storage": "write podman:NAME",
    "ostree": "skopeo copy it to oci:FOLDER",
    "sif": "skopeo copy it to oci:FOLDER",
    "tarball": "import it with `docker import`",
    "http": "skopeo copy docker://NAME oci-archive:FILE",
    "https": "skopeo copy docker://NAME oci-archive:FILE",
}


@dataclass(frozen=True, slots=True)
class Reference:
    """A parsed reference. `source` is None for a bare one, which can be a path or a name."""

    source: Source | None
    target: str


def parse_reference(text: str, sources: Iterable[Source]) -> Reference:
    """Split a reference into its source and its target; raises `BadReference`.

    Each source has its own schemes. `scheme://` is the same as `scheme:`, so `docker://NAME` means the engine, as in
    dive, and not the registry, as in skopeo.
    """
    if not text or text.isspace():
        raise BadReference("the image reference is empty", hint="name an image, a file or a folder")
    if "\0" in text:
        raise BadReference(f"{text!r} contains a NUL byte")
    match = _SCHEME.fullmatch(text)
    if match is None:
        return Reference(None, text)
    scheme, target = match[1], match["target"]
    for source in sources:
        if scheme in source.schemes:
            if not target:
                raise BadReference(f"{text!r} names no image", hint=f"write {scheme}:NAME")
            return Reference(source, target)
    if scheme in _REFUSED:
        raise BadReference(
            f"{scheme}: is not a source that layerscope knows", hint=_REFUSED[scheme]
        )
    if match["slashes"]:
        known = ", ".join(scheme for source in sources for scheme in source.schemes)
        raise BadReference(
            f"{scheme}:// is not a source that layerscope knows", hint=f"it knows {known}"
        )
    return Reference(None, text)


def looks_like_path(text: str) -> bool:
    """Whether a bare reference can only be a path, because an image name can't look like this."""
    return (
        text.startswith(("/", "./", "../", "~"))
        or text in (".", "..")
        or "\\" in text
        or DRIVE.match(text) is not None
    )


def check_name(name: str, reference: str) -> None:
    """Raise `BadReference` if no image in an engine or a registry can have this name."""
    if len(name) > _LONGEST_NAME or _NAME.fullmatch(name) is None:
        hint = "there is no file or folder with this name either" if name == reference else None
        raise BadReference(f"{name[:200]!r} is not an image name", hint=hint)
