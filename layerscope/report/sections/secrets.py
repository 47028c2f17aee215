"""Secrets: where they are, by which rule, and who stored them, but never which they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from layerscope.report.words import one_line
from layerscope.units import count, format_size

if TYPE_CHECKING:
    from layerscope.report.document.secret_types import FindingRow, SecretGapRow, SecretsRow

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


def secrets_sentence(secrets: SecretsRow) -> str:
    """`3 secrets, and 2 findings in doubt, in 120 files of 3.4 MB and the configuration`."""
    found = count(secrets["found"], "secret") if secrets["found"] else "no secret"
    doubt = (
        f", and {count(secrets['doubtful'], 'finding')} in doubt," if secrets["doubtful"] else ""
    )
    which = "text" if secrets["everything"] else "well-known"
    files = f"{count(secrets['files'], f'{which} file')} ({format_size(secrets['bytes'])})"
    return f"{found}{doubt} in the configuration and {files}"


def deleted_first(
    rows: Sequence[FindingRow],
) -> tuple[list[FindingRow], list[FindingRow], list[FindingRow]]:
    """The sure findings that were deleted, the other sure ones, and those in doubt."""
    sure = [row for row in rows if row["confidence"] == "high"]
    return (
        [row for row in sure if row["deleted"]],
        [row for row in sure if not row["deleted"]],
        [row for row in rows if row["confidence"] != "high"],
    )
