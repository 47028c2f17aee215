"""Checks the sums in a report, using only the JSON document."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

ADDITIVE = ("tar", "content", "overhead", "live", "wasted")
KINDS = ("deleted", "overwritten", "metadata_only", "identical_rewrite", "duplicate_entry")
Report = Mapping[str, Any]


def check_sums(report: Report) -> None:
    """Fail if a sum in the report doesn't add up."""
    layers, instructions, image = report["layers"], report["instructions"], report["sizes"]
    for row in (report, *layers, *instructions):
        sizes = row["sizes"]
        assert sizes["content"] + sizes["overhead"] == sizes["tar"]
        assert sizes["live"] + sizes["wasted"] == sizes["content"]
        assert min(sizes[key] for key in ADDITIVE) >= 0
    for rows in (layers, instructions):
        for key in ADDITIVE:
            assert sum(row["sizes"][key] for row in rows) == image[key], key
    check_blame(report)
    check_compressed(layers, image["compressed"])
    check_costs(report)
    content = image["content"]
    assert report["efficiency"] == (image["live"] / content if content else 1)


def check_blame(report: Report) -> None:
    """Check that each layer has one instruction, and each wasted byte a kind, a layer, and two instructions."""
    layers, instructions, waste = report["layers"], report["instructions"], report["waste"]
    assert [row["index"] for row in layers] == list(range(len(layers)))
    assert [row["index"] for row in instructions] == list(range(len(instructions)))
    owned = [(at, row["index"]) for row in instructions for at in row["layers"]]
    assert sorted(owned) == [(row["index"], row["instruction"]) for row in layers]
    assert set(report["wasted_by_kind"]) == set(KINDS)
    assert sum(report["wasted_by_kind"].values()) == report["sizes"]["wasted"]
    assert sum(row["bytes"] for row in waste) == report["sizes"]["wasted"]
    if any(row["path"] is None for row in waste):
        return
    assert tally(waste, "kind") == positive(report["wasted_by_kind"])
    assert tally(waste, "layer") == positive({r["index"]: r["sizes"]["wasted"] for r in layers})
    written = {row["index"]: row["sizes"]["wasted"] for row in instructions}
    assert tally(waste, "written_by") == positive(written)
    assert [row["bytes"] for row in waste] == sorted((r["bytes"] for r in waste), reverse=True)


def check_compressed(layers: Iterable[Report], total: int | None) -> None:
    """Check that a blob counts once, no matter how often it appears in the image."""
    blobs = {(row["digest"] or row["diff_id"]): row["sizes"]["compressed"] for row in layers}
    if None in blobs.values():
        assert total is None
    else:
        assert total == sum(blobs.values())


def check_costs(report: Report) -> None:
    """Check that what a pull transfers is divided among live content, wasted content, and the rest, everywhere."""
    image, waste = report["sizes"], report["waste"]
    parts = [f"compressed_{part}" for part in ("live", "wasted", "overhead")]
    rows = [report, *report["layers"], *report["instructions"]]
    for row in rows:
        values = [row["sizes"].get(part) for part in parts]
        if None not in values:
            assert min(values) >= 0
            assert sum(values) == row["sizes"]["compressed"]
    if image.get("compressed_live") is None:
        return
    for key in ("compressed", *parts):
        assert sum(row["sizes"][key] for row in report["instructions"]) == image[key], key
    for key in ("waste", "waste_groups", "waste_pairs"):
        assert sum(row["compressed"] for row in report[key]) == image["compressed_wasted"], key
    if any(row["path"] is None for row in waste):
        return
    stored = {row["index"]: row["sizes"]["compressed_wasted"] for row in report["instructions"]}
    assert positive(tally(waste, "written_by", "compressed")) == positive(stored)
    for layer in report["layers"]:
        if "entries" in layer:
            assert (
                sum(row["compressed"] for row in layer["entries"]) <= layer["sizes"]["compressed"]
            )


def tally(rows: Iterable[Report], key: str, size: str = "bytes") -> dict[Any, int]:
    sums: Counter[Any] = Counter()
    for row in rows:
        sums[row[key]] += row[size]
    return dict(sums)


def positive(sums: Mapping[Any, int]) -> dict[Any, int]:
    return {key: value for key, value in sums.items() if value}
