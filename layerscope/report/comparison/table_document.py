"""The document about several images on one host. Its schema is `schema/images-1.json`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import layerscope
from layerscope.report.comparison.document import side_row, side_size
from layerscope.report.comparison.naming import told_apart
from layerscope.report.document.defaults import SCHEMA_VERSION

if TYPE_CHECKING:
    from layerscope.analysis.comparison.side import Side
    from layerscope.analysis.comparison.table import Table, Weight
    from layerscope.report.comparison.rows import ImagesDocument, WeightRow
    from layerscope.report.document.rows import MaybeSizesRow


def build_table(table: Table) -> ImagesDocument:
    """The size of each image, what it shares with the others, and every distinct layer once."""
    sides = [row.side for row in table.rows]
    names = told_apart(sides)
    return {
        "images": [
            {
                "image": side_row(row.side, name),
                "shared": _weight(row.shared),
                "sizes": _sizes(row.side),
                "unique": _weight(row.unique),
            }
            for row, name in zip(table.rows, names, strict=True)
        ],
        "kind": "images",
        "layerscope": layerscope.__version__,
        "schema_version": SCHEMA_VERSION,
        "total": _weight(table.total),
    }


def _weight(weight: Weight) -> WeightRow:
    return {
        "compressed": weight.compressed,
        "content": weight.content,
        "layers": weight.layers,
        "tar": weight.tar,
    }


def _sizes(side: Side) -> MaybeSizesRow:
    return {
        "compressed": side_size(side, "compressed"),
        "content": side_size(side, "content"),
        "live": side_size(side, "live"),
        "overhead": side_size(side, "overhead"),
        "tar": side_size(side, "tar"),
        "wasted": side_size(side, "wasted"),
    }
