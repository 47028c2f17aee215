"""Words about secrets: where one is, who stored it, and what was not searched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from layerscope.report.words import one_line

if TYPE_CHECKING:
    from layerscope.report.document.secret_types import FindingRow, SecretGapRow

GAPS: Final = {
    "layer-by-table": "was read by its table of contents",
    "layer-unavailable": "is not in the source",
    "no-engine": "was read without the search engine",
    "sparse": "is a sparse file",
    "too-large": "is larger than --limit secret_file_bytes",
    "too-many": "has more findings than are listed",
    "unreadable": "can't be read",
}


def finding_place(row: FindingRow) -> str:
    """`/root/.npmrc:3`, `ENV API_TOKEN`, `label build.key`, or `history`."""
    if "path" in row:
        place = f"{row['path']}:{row['line']}" if "line" in row else row["path"]
        return one_line(place)
    word = {"env": "ENV", "label": "LABEL"}.get(row["where"], row["where"])
    return one_line(f"{word} {row['name']}" if "name" in row else word)


def finding_cause(row: FindingRow) -> str:
    """`layer 3, instruction 7 (Dockerfile:12)`."""
    parts = []
    if "layer" in row:
        parts.append(f"layer {row['layer']}")
    if "instruction" in row:
        parts.append(f"instruction {row['instruction']}")
    cause = ", ".join(parts)
    if "location" in row:
        cause += f" ({one_line(row['location']['file'])}:{row['location']['start_line']})"
    return cause


def gap_sentence(row: SecretGapRow) -> str:
    """`/var/dump.sql (layer 2) is larger than --limit secret_file_bytes`."""
    what = (
        f"{one_line(row['path'])} (layer {row['layer']})"
        if "path" in row
        else f"layer {row['layer']}"
    )
    return f"{what} {GAPS.get(row['reason'], row['reason'])}"
