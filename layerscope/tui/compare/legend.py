"""What the signs in the lists of two images mean: only those that a list uses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from layerscope.report.comparison.words import legend, setting_words
from layerscope.tui.compare.merged_outline import (
    ADDED,
    CONTENT,
    HARDLINKED,
    MARKS,
    METADATA,
    MOVED_AWAY,
    MOVED_HERE,
    REMOVED,
    TYPE,
    UNKNOWN,
)

if TYPE_CHECKING:
    from layerscope.report.comparison.rows import ComparisonDocument
    from layerscope.tui.compare.merged_outline import CompareTotals

_GAP: Final = "   "
_FILES: Final = {
    ADDED: "only in B",
    REMOVED: "only in A",
    CONTENT: "other content",
    METADATA: "other metadata only",
    TYPE: "other type",
    MOVED_AWAY: "moved from here",
    MOVED_HERE: "moved to here",
    HARDLINKED: "counted at another hard link",
    UNKNOWN: "content not known",
}
_SETTINGS: Final = {
    "+": "only in B",
    "−": "only in A",
    "~": "other value",
    "?": "hidden in a saved report",
}


def pair_legend(document: ComparisonDocument) -> str:
    """The signs between instructions. `=` is explained too, since a list can show only equal ones."""
    found = {row["status"] for row in document["instructions"]}
    same = ["= same"] if "same" in found else []
    rest = legend(found).replace("−", "-")
    return _GAP.join([*same, *([rest] if rest else [])])


def setting_legend(document: ComparisonDocument) -> str:
    """The signs before settings."""
    found = {setting_words(row)[0] for row in document["config"]}
    return _GAP.join(f"{mark} {words}" for mark, words in _SETTINGS.items() if mark in found)


def file_legend(totals: CompareTotals) -> str:
    """The signs before files."""
    found = set(totals.marks)
    return _GAP.join(f"{MARKS[mark]} {words}" for mark, words in _FILES.items() if mark in found)
