"""The rows of one image, made of the same rows as its report."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, Any

from layerscope.analysis.grouping import WasteSummary
from layerscope.fleet.tables import table_of
from layerscope.layers.layer_index import values
from layerscope.report.document.advice_rows import advice_rows
from layerscope.report.document.image_rows import image_row, instruction_row, layer_row, sizes_row
from layerscope.report.document.package_rows import packages_row
from layerscope.report.document.waste_rows import pair_rows
from layerscope.report.paths import clean_text

if TYPE_CHECKING:
    import pyarrow as pa

    from layerscope.analysis.model import Analysis
    from layerscope.fleet.values import LayerPlace

    Rows = Iterator[dict[str, Any]]

_SIZES = ("compressed", "tar", "content", "overhead", "live", "wasted")


def image_columns(analysis: Analysis) -> dict[str, object]:
    """The columns of `images` that are the same for each of the image's names."""
    row = image_row(analysis.image)
    sizes = sizes_row(analysis.sizes)
    base = analysis.image.base
    return {
        "digest": row["manifest_digest"] or row["config_digest"],
        "platform": row["platform"],
        "created": row["created"],
        "base": None if base is None or base.name is None else clean_text(base.name),
        "base_layers": None if base is None else base.layers,
        "layers": len(analysis.layers),
        "source": row["source"],
        "config_digest": row["config_digest"],
        "efficiency": analysis.sizes.efficiency,
        **_picked(sizes, _SIZES),
    }


def image_tables(
    analysis: Analysis, image: str, places: Sequence[LayerPlace], *, owns: AbstractSet[str]
) -> dict[str, pa.Table]:
    """The rows of the tables that belong to one image, and those of `packages` for the layers it `owns`."""
    rows: dict[str, Rows] = {
        "image_layers": _layers(analysis, places),
        "image_packages": _image_packages(analysis),
        "instructions": _instructions(analysis),
        "waste": _waste(analysis),
        "advice": _advice(analysis),
    }
    tables = {
        name: table_of(name, ({"image": image, **row} for row in each))
        for name, each in rows.items()
    }
    if owns:
        tables["packages"] = table_of("packages", _packages(analysis, owns))
    return tables


def chains(diff_ids: Sequence[str | None]) -> list[str | None]:
    """The ChainID of each layer (opencontainers/image-spec config.md): what tells a layer on what is below it.

    It is None from the first layer without a diff_id on.
    """
    found: list[str | None] = []
    chain: str | None = None
    for number, diff_id in enumerate(diff_ids):
        if diff_id is None or (number and chain is None):
            chain = None
        elif number == 0:
            chain = diff_id
        else:
            chain = "sha256:" + hashlib.sha256(f"{chain} {diff_id}".encode()).hexdigest()
        found.append(chain)
    return found


def _picked(row: Mapping[str, object], names: Sequence[str]) -> dict[str, object]:
    return {name: row[name] for name in names}


def _layers(analysis: Analysis, places: Sequence[LayerPlace]) -> Rows:
    rows = [layer_row(each, None) for each in analysis.layers]
    stacked = chains([row["diff_id"] for row in rows])
    for row, chain, place in zip(rows, stacked, places, strict=True):
        yield {
            "index": row["index"],
            "diff_id": row["diff_id"],
            "digest": row["digest"],
            "instruction": row["instruction"],
            "chain": chain,
            "media_type": row["media_type"],
            "stored": place.size,
            **_picked(row["sizes"], ("compressed", "content", "live", "wasted")),
        }


def _instructions(analysis: Analysis) -> Rows:
    for each in analysis.instructions:
        row = instruction_row(each, show_args=False)
        yield {
            "index": row["index"],
            "keyword": row["keyword"],
            "text": row["text"],
            "empty": row["empty"],
            **_picked(row["sizes"], _SIZES),
        }


def _waste(analysis: Analysis) -> Rows:
    for row in pair_rows(WasteSummary(analysis.waste)):
        yield {
            "kind": row["kind"],
            "written_by": row["written_by"],
            "wasted_by": row["wasted_by"],
            "bytes": row["bytes"],
            "compressed": row.get("compressed"),
            "files": row["files"],
        }


def _advice(analysis: Analysis) -> Rows:
    for row in advice_rows(analysis, WasteSummary(analysis.waste)):
        given: Mapping[str, Any] = {**row}
        yield {
            "rule": given.get("rule") or given.get("kind"),
            "bytes": given["bytes"],
            "compressed": given.get("compressed"),
            "files": given.get("files"),
            "message": given["message"],
            "instruction": given.get("instruction"),
            "diff_id": _layer_of(analysis, given.get("written_by"), given.get("instruction")),
        }


def _layer_of(analysis: Analysis, *instructions: int | None) -> str | None:
    """The diff_id of the first layer of the first of these instructions that has one."""
    for number in instructions:
        layers = () if number is None else analysis.instructions[number].instruction.layers
        for layer in layers:
            diff_id = analysis.layers[layer].diff_id
            if diff_id is not None:
                return str(diff_id)
    return None


def _image_packages(analysis: Analysis) -> Rows:
    packages = analysis.facts.packages
    if packages is None:
        return
    for row in packages_row(packages, None)["largest"]:
        diff_id = analysis.layers[row["layer"]].diff_id
        yield {
            "diff_id": None if diff_id is None else str(diff_id),
            "type": row["type"],
            "name": row["name"],
            "version": row["version"],
            "content": row["content"],
            "live": row["live"],
            "wasted": row["wasted"],
            "files": row["files"],
            "installed": row["installed"],
            "purl": row["purl"],
            "path": row["path"],
        }


def _packages(analysis: Analysis, owns: AbstractSet[str]) -> Rows:
    """What each package stores in each layer: the content of the file versions that it owns there."""
    ownership = analysis.ownership
    if ownership is None:
        return
    told: set[str] = set()
    for layer, placed, owners in zip(
        analysis.layers, analysis.tree.layers, ownership.owners, strict=True
    ):
        diff_id = str(layer.diff_id)
        if diff_id not in owns or diff_id in told:
            continue
        told.add(diff_id)
        sums: dict[int, list[int]] = {}
        for owner, size in zip(owners, values(placed.columns.sizes), strict=True):
            if owner >= 0 and size:
                found = sums.setdefault(owner, [0, 0])
                found[0] += size
                found[1] += 1
        for owner, (content, files) in sorted(sums.items()):
            package = ownership.packages[owner].package
            yield {
                "diff_id": diff_id,
                "type": package.type,
                "name": clean_text(package.full_name),
                "version": clean_text(package.version),
                "content": content,
                "files": files,
            }
