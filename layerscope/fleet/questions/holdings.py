"""Packages: which hold most bytes, and which are everywhere."""

from __future__ import annotations

from typing import Final

from layerscope.fleet.questions.question import Column, Question

_HELD: Final = (
    "SELECT p.type, p.name, count(DISTINCT p.version) AS versions, sum(p.content)::BIGINT AS content,"
    " sum(p.files)::BIGINT AS files FROM packages p WHERE p.diff_id IN (SELECT diff_id FROM blobs) GROUP BY p.type, p.name"
)
LARGEST: Final = Question(
    key="packages",
    title="Largest packages",
    meaning="What all versions of a package store, each layer counted once.",
    columns=(
        Column("content", "content", "size"),
        Column("versions", "versions", "count"),
        Column("files", "files", "count"),
        Column("type", "type"),
        Column("name", "package"),
    ),
    sql=f"SELECT content, versions, files, type, name FROM ({_HELD}) ORDER BY content DESC, type, name",
    total=f"SELECT count(*) FROM ({_HELD})",
    bar="content",
)
_SPREAD: Final = "SELECT type, name, version, count(DISTINCT image) AS images FROM image_packages WHERE installed GROUP BY type, name, version"
WIDESPREAD: Final = Question(
    key="versions",
    title="Most widespread versions",
    meaning="The number of images in which a version of a package is installed.",
    columns=(
        Column("images", "images", "count"),
        Column("type", "type"),
        Column("name", "package"),
        Column("version", "version"),
    ),
    sql=f"SELECT images, type, name, version FROM ({_SPREAD}) ORDER BY images DESC, type, name, version",
    total=f"SELECT count(*) FROM ({_SPREAD})",
    bar="images",
)
