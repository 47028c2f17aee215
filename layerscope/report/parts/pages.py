"""Where the pages of the documentation are."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

HOME: Final = "https://example.com/layerscope"
"""The address of the repository, the one that the documentation names."""


def page_uri(page: str, version: str) -> str:
    """The address of a page such as `docs/secrets.md`, in the version that wrote the report."""
    return f"{HOME}/blob/v{quote(version, safe='')}/{quote(page)}"
