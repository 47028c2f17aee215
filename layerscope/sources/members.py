"""The files by which an image's form is known."""

from __future__ import annotations

from typing import Final

MANIFEST: Final = "manifest.json"
"""Of what `docker save` writes."""
INDEX: Final = "index.json"
LAYOUT: Final = "oci-layout"
"""Of an OCI image layout: opencontainers/image-spec image-layout.md."""
