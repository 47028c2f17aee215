"""The image of a fleet that a person means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from layerscope.errors import AmbiguousImage, ImageNotFound
from layerscope.sources.names import listing

if TYPE_CHECKING:
    import duckdb

_MOST = 20


def image_named(connection: duckdb.DuckDBPyConnection, name: str) -> tuple[str, str]:
    """The image with a reference or digest, or the only one whose reference ends with `name`; and its reference.

    Raises `ImageNotFound`, and `AmbiguousImage` if several images fit.
    """
    for condition in (
        "reference = $name OR reference = 'registry:' || $name",
        "digest = $name OR image = $name",
        "ends_with(reference, '/' || $name)",
    ):
        rows = connection.execute(
            f"SELECT image, min(reference) FROM images WHERE {condition} GROUP BY image"
            f" ORDER BY 2 LIMIT {_MOST}",
            {"name": name},
        ).fetchall()
        if len(rows) > 1:
            raise AmbiguousImage(
                f"{name[:200]!r} fits {len(rows)} images or more: {listing(str(row[1]) for row in rows)}",
                hint="write the whole reference",
            )
        if rows:
            return str(rows[0][0]), str(rows[0][1])
    raise ImageNotFound(
        f"the fleet has no image {name[:200]!r}",
        hint='list the images with `layerscope fleet query DIR "SELECT reference FROM images"`',
    )
