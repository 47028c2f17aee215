"""Bases, images that share nothing, and contents that are stored again."""

from __future__ import annotations

from typing import Final

from layerscope.fleet.questions.question import Column, Question

_BASES: Final = (
    "SELECT coalesce(n.base, b.reference, 'layer ' || substr(f.diff_id, 1, 19)) AS base,"
    " CASE WHEN n.base IS NOT NULL THEN 'named' WHEN b.reference IS NOT NULL THEN 'same layers' ELSE 'first layer' END AS evidence,"
    " CASE WHEN n.base IS NOT NULL THEN n.base_layers ELSE coalesce(u.layers, 1) END AS layers, n.image, b.created"
    " FROM named n LEFT JOIN under u USING (image) LEFT JOIN named b ON b.image = u.base_image"
    ' JOIN image_layers f ON f.image = n.image AND f."index" = 0'
)
_BASE_BLOBS: Final = (
    "SELECT DISTINCT x.base, x.image, coalesce(l.digest, l.diff_id) AS blob, l.stored"
    f' FROM ({_BASES}) x JOIN image_layers l ON l.image = x.image AND l."index" < x.layers'
)
_BASE_ROWS: Final = (
    f"SELECT x.base, min(x.evidence) AS evidence, count(DISTINCT x.image) AS images, min(x.created) AS created,"
    " any_value(s.stored) AS stored, any_value(s.carried) AS carried"
    f" FROM ({_BASES}) x JOIN (SELECT base, sum(carried)::BIGINT AS carried, sum(stored)::BIGINT AS stored"
    f" FROM (SELECT base, blob, sum(stored) AS carried, any_value(stored) AS stored FROM ({_BASE_BLOBS}) GROUP BY base, blob)"
    " GROUP BY base) s USING (base) GROUP BY x.base"
)
BASES: Final = Question(
    key="bases",
    title="Base images",
    meaning="What images are built on: the base that they name, or the nearest image in the fleet with the same lower layers. "
    "Stored counts each layer of a base once, carried once for each image.",
    columns=(
        Column("images", "images", "count"),
        Column("stored", "stored", "size"),
        Column("carried", "carried", "size"),
        Column("created", "created"),
        Column("evidence", "known by"),
        Column("base", "base", "path"),
    ),
    sql=f"SELECT images, stored, carried, substr(created, 1, 10) AS created, evidence, base FROM ({_BASE_ROWS})",
    order="carried DESC, base",
    bar="carried",
)
_LONELY: Final = (
    "SELECT p.image, sum(p.stored)::BIGINT AS stored FROM placed p JOIN blobs b USING (blob)"
    " GROUP BY p.image HAVING max(b.images) = 1"
)
LONELY: Final = Question(
    key="lonely",
    title="Images that share no layer",
    meaning="Removing one of these frees all that it stores.",
    columns=(
        Column("stored", "stored", "size"),
        Column("names", "names", "count"),
        Column("created", "created"),
        Column("reference", "image", "path"),
    ),
    sql=f"SELECT l.stored, count(*) AS names, substr(min(i.created), 1, 10) AS created, min(i.reference) AS reference"
    f" FROM ({_LONELY}) l JOIN images i USING (image) GROUP BY l.image, l.stored",
    order="stored DESC, reference",
    bar="stored",
)
DUPLICATES: Final = Question(
    key="duplicates",
    title="Contents that are stored again",
    meaning="The same content in several places, in different layers or in one. Saving is all but one copy, uncompressed.",
    columns=(
        Column("saving", "saving", "size"),
        Column("size", "one copy", "size"),
        Column("copies", "copies", "count"),
        Column("layers", "layers", "count"),
        Column("path", "for example", "path"),
    ),
    sql="SELECT size * (copies - 1) AS saving, size, copies, layers, path, hash FROM repeated",
    order="saving DESC, hash",
    total="SELECT repeated FROM content_sums",
    bar="saving",
)
