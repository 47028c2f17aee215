"""The files that tell an image's form."""

from __future__ import annotations

from typing import Final

MANIFEST: Final = "manifest.json"
"""In what `docker save` writes."""
INDEX: Final = "index.json"
LAYOUT: Final = "oci-layout"
"""In an OCI image layout: opencontainers/image-spec image-layout.md."""
