"""What a node transfers to get an image, if it has other images already."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from layerscope.fleet.questions.find import image_named

if TYPE_CHECKING:
    import duckdb


def pull(
    connection: duckdb.DuckDBPyConnection, wanted: str, present: Sequence[str]
) -> dict[str, Any]:
    """The layers of the image `wanted`, those that the images in `present` have marked, and the bytes that are left.

    Engines compare blobs by their digests, so a layer in another compression is transferred again. Raises
    `ImageNotFound` and `AmbiguousImage`.
    """
    image, reference = image_named(connection, wanted)
    names = [image_named(connection, each) for each in present]
    here: set[str] = set()
    for each, _ in names:
        here.update(
            blob
            for (blob,) in connection.execute(
                "SELECT DISTINCT coalesce(digest, diff_id) FROM image_layers WHERE image = $image",
                {"image": each},
            ).fetchall()
        )
    layers = []
    seen: set[str] = set()
    for index, blob, stored in connection.execute(
        'SELECT "index", coalesce(digest, diff_id), stored FROM image_layers WHERE image = $image ORDER BY "index"',
        {"image": image},
    ).fetchall():
        layers.append(
            {
                "digest": blob,
                "index": index,
                "present": blob in here or blob in seen,
                "stored": stored,
            }
        )
        seen.add(blob)
    total = sum({row["digest"]: row["stored"] for row in layers}.values())
    missing = sum(row["stored"] for row in layers if not row["present"])
    return {
        "have": [name for _, name in names],
        "image": reference,
        "layers": layers,
        "present": total - missing,
        "total": total,
        "transfer": missing,
    }
