"""What the screens share about two images: the comparison, its document, and the merged tree laid out flat."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from layerscope.report.comparison.document import build
from layerscope.report.comparison.sentence import names
from layerscope.tui.compare.rows import CompareTotals, MergedOutline

if TYPE_CHECKING:
    from layerscope.analysis.comparison.compare import Comparison

Row = Mapping[str, Any]
DIRECTORIES: Final = 200
"""Directories of which the overview chooses."""


class CompareSession:
    """Made by the worker that compares; `outline` and `totals` are None where a side has no file list."""

    def __init__(
        self, comparison: Comparison, cancelled: Callable[[], bool] = lambda: False
    ) -> None:
        """Lays the files out flat. Raises `Cancelled`."""
        self.comparison = comparison
        self.document = build(comparison, top=DIRECTORIES)
        self.names = names(comparison)
        self.outline: MergedOutline | None = None
        self.totals: CompareTotals | None = None
        if comparison.files is not None:
            self.outline = MergedOutline(comparison.files, comparison.pattern, cancelled)
            self.totals = CompareTotals(self.outline)

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
