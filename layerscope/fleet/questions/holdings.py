"""Packages: which hold most bytes, and which are everywhere."""

from __future__ import annotations

from typing import Final

from layerscope.fleet.questions.question import Column, Question

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
    sql="SELECT sum(content)::BIGINT AS content, count(DISTINCT version) AS versions, sum(files)::BIGINT AS files, type, name"
    " FROM packages WHERE diff_id IN (SELECT diff_id FROM blobs) GROUP BY type, name",
    order="content DESC, type, name",
    bar="content",
)
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
    sql="SELECT images, type, name, version FROM versions",
    order="images DESC, type, name, version",
    total="SELECT count(*) FROM versions",
    bar="images",
)
