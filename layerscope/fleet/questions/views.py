"""Views that several questions share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import duckdb

VIEWS: Final = (
    # A blob by its digest, or by its diff_id where only the tar is known.
    "CREATE TEMP TABLE placed AS SELECT DISTINCT image, coalesce(digest, diff_id) AS blob, stored, diff_id FROM image_layers",
    (
        "CREATE TEMP TABLE blobs AS SELECT blob, any_value(stored) AS stored, any_value(diff_id) AS diff_id, count(*) AS images"
        " FROM placed GROUP BY blob"
    ),
    (
        "CREATE TEMP TABLE named AS SELECT image, min(reference) AS reference, min(repository) AS repository, any_value(created) AS created,"
        " any_value(base) AS base, any_value(base_layers) AS base_layers FROM images GROUP BY image"
    ),
    # The nearest image of the fleet whose layers are the lower layers of another one.
    'CREATE TEMP TABLE tops AS SELECT image, max("index") AS last FROM image_layers GROUP BY image',
    (
        "CREATE TEMP TABLE heads AS SELECT l.chain, min(l.image) AS image FROM image_layers l"
        ' JOIN tops t ON l.image = t.image AND l."index" = t.last WHERE l.chain IS NOT NULL GROUP BY l.chain'
    ),
    (
        'CREATE TEMP TABLE under AS SELECT l.image, h.image AS base_image, l."index" + 1 AS layers FROM image_layers l'
        ' JOIN tops t ON l.image = t.image JOIN heads h ON h.chain = l.chain WHERE l."index" < t.last'
        ' QUALIFY row_number() OVER (PARTITION BY l.image ORDER BY l."index" DESC) = 1'
    ),
)


def prepare(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the views. They are small: a row for each layer of an image at most."""
    for statement in VIEWS:
        connection.execute(statement)
