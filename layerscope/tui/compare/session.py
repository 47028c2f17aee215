"""What the screens share about two images: the comparison, its document, and the merged tree laid out flat."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from layerscope.report.comparison.document import build
from layerscope.report.comparison.sentence import names
from layerscope.tui.compare.rows import CompareTotals, MergedOutline

if TYPE_CHECKING:
    from layerscope.analysis.comparison.compare import Comparison

Row = Mapping[str, Any]
DIRECTORIES: Final = 200
"""Directories of which the overview chooses."""


@dataclass(frozen=True, slots=True)
class MergedFiles:
    """The files of both images as one tree, and what its rows show."""

    outline: MergedOutline
    totals: CompareTotals


class CompareSession:
    """Made by the worker that compares; `merged` is None if a side has no list of files."""

    def __init__(
        self, comparison: Comparison, cancelled: Callable[[], bool] = lambda: False
    ) -> None:
        """Lays the files out flat. Raises `Cancelled`."""
        self.comparison = comparison
        self.document = build(comparison, top=DIRECTORIES)
        self.names = names(comparison)
        self.merged: MergedFiles | None = None
        if comparison.files is not None:
            outline = MergedOutline(comparison.files, comparison.pattern, cancelled)
            self.merged = MergedFiles(outline, CompareTotals(outline))

    @property
    def missing_files(self) -> str:
        """Which side has no file list, in words; "" where both have one."""
        sides = ((self.comparison.a, "A"), (self.comparison.b, "B"))
        missing = [name for side, name in sides if side.files is None]
        return " and ".join(missing)

    @property
    def contentless(self) -> str:
        """Which side is a saved report, in words; "" where both are images."""
        sides = ((self.comparison.a, "A"), (self.comparison.b, "B"))
        return " and ".join(name for side, name in sides if side.saved)
