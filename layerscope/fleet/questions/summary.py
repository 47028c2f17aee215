"""What a fleet stores in all, and how much of it is shared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import duckdb


def summary(connection: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """The sums, in bytes and counts.

    `stored` counts each blob once, and `referenced` once for each image that has it. `files` sums up the contents of
    regular files that aren't empty: all copies in all layers, and each content once.
    """
    names, images, repositories, wasted, content = _row(
        connection,
        "SELECT (SELECT count(*) FROM images), count(*), (SELECT count(DISTINCT repository) FROM images),"
        " coalesce(sum(wasted), 0), coalesce(sum(content), 0)"
        " FROM (SELECT image, any_value(wasted) AS wasted, any_value(content) AS content FROM images GROUP BY image)",
    )
    layers, stored, referenced, shared = _row(
        connection,
        "SELECT count(*), coalesce(sum(stored), 0), coalesce(sum(stored * images), 0),"
        " coalesce(sum(CASE WHEN images > 1 THEN stored ELSE 0 END), 0) FROM blobs",
    )
    contents, once, copies, total = _row(
        connection,
        "SELECT contents, once, copies, total FROM content_sums",
    )
    unhashed = _row(
        connection,
        "SELECT coalesce(sum(content), 0) FROM (SELECT diff_id, any_value(content) AS content FROM layers GROUP BY diff_id)",
    )[0]
    failures = _row(connection, "SELECT count(DISTINCT reference) FROM failures")[0]
    return {
        "content": content,
        "failed": failures,
        "files": {
            "bytes": total,
            "bytes_once": once,
            "contents": contents,
            "copies": copies,
            "sharing": _ratio(total, once),
            "unique_percent": _percent(contents, copies),
            "unknown_bytes": max(0, unhashed - total),
        },
        "images": images,
        "layers": layers,
        "names": names,
        "referenced": referenced,
        "repositories": repositories,
        "shared": shared,
        "sharing": _ratio(referenced, stored),
        "stored": stored,
        "wasted": wasted,
    }


def _row(connection: duckdb.DuckDBPyConnection, sql: str) -> tuple[int, ...]:
    return tuple(int(value) for value in connection.execute(sql).fetchall()[0])


def _ratio(whole: int, once: int) -> float | None:
    return round(whole / once, 4) if once else None


def _percent(part: int, whole: int) -> float | None:
    return round(100 * part / whole, 2) if whole else None
