"""What `report --json` says of an image, in the words of a fleet's tables."""

from __future__ import annotations

from typing import Any

import layerscope
from layerscope.cache.shelf import Shelf
from layerscope.options import ReadOptions
from layerscope.report.document.builder import build

Rows = dict[str, list[tuple[Any, ...]]]

SIZES = ("compressed", "tar", "content", "overhead", "live", "wasted")
QUERIES = {
    "images": (
        "SELECT reference, digest, platform, created, base, compressed, tar, content, overhead, live, wasted, efficiency"
        " FROM images"
    ),
    "image_layers": (
        'SELECT reference, l."index", l.diff_id, l.digest, l.instruction, l.compressed, l.content, l.live, l.wasted'
        " FROM image_layers l JOIN images USING (image)"
    ),
    "layers": (
        'SELECT reference, i."index", l.tar, l.compressed, l.content, l.entries FROM image_layers i JOIN images USING (image)'
        " JOIN layers l ON l.diff_id = i.diff_id AND l.digest IS NOT DISTINCT FROM i.digest"
    ),
    "instructions": (
        'SELECT reference, s."index", s.keyword, s.text, s.content, s.live, s.wasted, s.compressed'
        " FROM instructions s JOIN images USING (image)"
    ),
    "waste": (
        "SELECT reference, w.kind, w.written_by, w.wasted_by, w.bytes, w.compressed, w.files"
        " FROM waste w JOIN images USING (image)"
    ),
    "advice": (
        "SELECT reference, a.bytes, a.files, a.message FROM advice a JOIN images USING (image)"
    ),
    "image_packages": (
        "SELECT reference, p.type, p.name, p.version, p.content, p.live, p.files, p.installed, p.purl"
        " FROM image_packages p JOIN images USING (image)"
    ),
    "packages": (
        "SELECT reference, p.type, p.name, p.version, sum(p.content) AS content FROM packages p"
        " JOIN (SELECT DISTINCT reference, l.diff_id FROM image_layers l JOIN images USING (image)) USING (diff_id)"
        " GROUP BY ALL"
    ),
    "files": (
        'SELECT reference, i."index", f.path, f.type, f.size FROM image_layers i JOIN images USING (image)'
        " JOIN files f USING (diff_id)"
    ),
}
"""What to ask for each table: rows that begin with the reference of their image."""


def expected(reference: str, shelf: Shelf | None = None) -> Rows:
    """The rows of one image, in no order, from a report that reads the image by itself, or what is not on the shelf."""
    with layerscope.read(reference, ReadOptions(cache=False), shelf=shelf) as analysis:
        document: Any = build(analysis, top=None, files=True)
        entries = [list(row["entries"]) for row in document["layers"]]
    image, sizes, layers = document["image"], document["sizes"], document["layers"]
    packages = document["packages"]["largest"]
    return {
        "images": [
            (
                image["manifest_digest"] or image["config_digest"], image["platform"],
                image["created"], document.get("base", {}).get("name"),
                *(sizes[name] for name in SIZES), document["efficiency"],
            )
        ],
        "image_layers": [
            (
                row["index"], row["diff_id"], row["digest"], row["instruction"],
                *(row["sizes"][name] for name in ("compressed", "content", "live", "wasted")),
            )
            for row in layers
        ],
        "layers": [
            (
                row["index"],
                *(row["sizes"][name] for name in ("tar", "compressed", "content")),
                len(found),
            )
            for row, found in zip(layers, entries, strict=True)
        ],
        "instructions": [
            (
                row["index"], row["keyword"], row["text"],
                *(row["sizes"][name] for name in ("content", "live", "wasted", "compressed")),
            )
            for row in document["instructions"]
        ],
        "waste": [
            tuple(row[name] for name in ("kind", "written_by", "wasted_by", "bytes", "compressed", "files"))
            for row in document["waste_pairs"]
        ],
        "advice": [(row["bytes"], row.get("files"), row["message"]) for row in document["advice"]],
        "image_packages": [
            tuple(
                row[name]
                for name in ("type", "name", "version", "content", "live", "files", "installed", "purl")
            )
            for row in packages
        ],
        "packages": [
            (row["type"], row["name"], row["version"], row["content"])
            for row in packages
            if row["content"]
        ],
        "files": [
            (layer, row["path"], row["type"], row["size"])
            for layer, found in enumerate(entries)
            for row in found
        ],
    }  # fmt: skip
