"""The document about several images on one host. Its schema is `schema/images-1.json`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import layerscope
from layerscope.report.comparison.document import side_row, side_size
from layerscope.report.comparison.naming import told_apart
from layerscope.report.document.rows import SCHEMA_VERSION, Document, Row

if TYPE_CHECKING:
    from layerscope.analysis.comparison.table import Table, Weight


def build_table(table: Table) -> Document:
    """The size of each image, what it shares with the others, and every distinct layer once."""
    sides = [row.side for row in table.rows]
    names = told_apart(sides)
    return {
        "images": [
            {
                "image": side_row(row.side, name),
                "shared": _weight(row.shared),
                "sizes": {
                    key: side_size(row.side, key)
                    for key in ("compressed", "content", "live", "overhead", "tar", "wasted")
                },
                "unique": _weight(row.unique),
            }
            for row, name in zip(table.rows, names, strict=True)
        ],
        "kind": "images",
        "layerscope": layerscope.__version__,
        "schema_version": SCHEMA_VERSION,
        "total": _weight(table.total),
    }


def _weight(weight: Weight) -> Row:
    return {
        "compressed": weight.compressed,
        "content": weight.content,
        "layers": weight.layers,
        "tar": weight.tar,
    }
