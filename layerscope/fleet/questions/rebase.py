"""What changes if every image on one base moves to another base that the fleet has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from layerscope.errors import UsageError
from layerscope.fleet.questions.find import image_named

if TYPE_CHECKING:
    import duckdb

Blobs = dict[str, int]


def rebase(connection: duckdb.DuckDBPyConnection, old: str, new: str) -> dict[str, Any]:
    """The images whose lower layers are those of `old`, and what is stored and referenced before and after the move.

    An image's own layers are counted as they are, since nobody knows what a new build would store. Raises
    `ImageNotFound`, `AmbiguousImage`, and `UsageError`.
    """
    base, old_name = image_named(connection, old)
    other, new_name = image_named(connection, new)
    if base == other:
        raise UsageError(f"{old!r} and {new!r} are the same image", hint="name two bases")
    moved = _above(connection, base)
    old_blobs, new_blobs = _blobs(connection, base), _blobs(connection, other)
    before = after = 0
    for image in moved:
        own = _blobs(connection, image)
        kept = {blob: size for blob, size in own.items() if blob not in old_blobs}
        before += sum(own.values())
        after += sum({**kept, **new_blobs}.values())
    freed = _only_of(connection, old_blobs, {base, *moved})
    return {
        "freed": sum(freed.values()),
        "images": len(moved),
        "new": new_name,
        "new_size": sum(new_blobs.values()),
        "old": old_name,
        "old_size": sum(old_blobs.values()),
        "referenced_after": after,
        "referenced_before": before,
        "referenced_saving": before - after,
    }


def _above(connection: duckdb.DuckDBPyConnection, base: str) -> list[str]:
    """The images that have all layers of a base below their own."""
    return [
        image
        for (image,) in connection.execute(
            'WITH top AS (SELECT chain, "index" FROM image_layers WHERE image = $base ORDER BY "index" DESC LIMIT 1)'
            " SELECT DISTINCT l.image FROM image_layers l, top WHERE l.chain = top.chain AND l.image != $base"
            ' AND EXISTS (SELECT 1 FROM image_layers u WHERE u.image = l.image AND u."index" > top."index")',
            {"base": base},
        ).fetchall()
    ]


def _blobs(connection: duckdb.DuckDBPyConnection, image: str) -> Blobs:
    return dict(
        connection.execute(
            "SELECT DISTINCT coalesce(digest, diff_id), stored FROM image_layers WHERE image = $image",
            {"image": image},
        ).fetchall()
    )


def _only_of(connection: duckdb.DuckDBPyConnection, blobs: Blobs, images: set[str]) -> Blobs:
    """The blobs that no other image has, so that a registry can remove them once these images are gone."""
    needed = {
        blob
        for (blob,) in connection.execute(
            "SELECT DISTINCT coalesce(digest, diff_id) FROM image_layers"
            " WHERE coalesce(digest, diff_id) IN (SELECT unnest($blobs)) AND image NOT IN (SELECT unnest($images))",
            {"blobs": list(blobs), "images": sorted(images)},
        ).fetchall()
    }
    return {blob: size for blob, size in blobs.items() if blob not in needed}
