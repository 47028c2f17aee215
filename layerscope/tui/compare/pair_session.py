"""What the screens share about two images: the comparison, its document, and the flat merged tree."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from layerscope.records import dataclass
from layerscope.report.comparison.document import build
from layerscope.report.comparison.sentence import names
from layerscope.report.comparison.words import narrowed_files
from layerscope.tui.compare.merged_outline import CompareTotals, MergedOutline

if TYPE_CHECKING:
    from layerscope.analysis.comparison.compare import Comparison
    from layerscope.report.comparison.rows import ComparedFilesRow

DIRECTORIES: Final = 200
"""How many directories the overview picks from."""


@dataclass(frozen=True, slots=True)
class MergedFiles:
    """The files of both images as one tree, and what its rows show."""

    outline: MergedOutline
    totals: CompareTotals


class CompareSession:
    """Created by the worker that compares. `merged` is None if a side has no list of files."""

    def __init__(
        self, comparison: Comparison, cancelled: Callable[[], bool] = lambda: False
    ) -> None:
        """Flatten the files into one tree. Raises `Cancelled`."""
        self.comparison = comparison
        self.document = build(comparison, top=DIRECTORIES)
        self.names = names(comparison)
        self.merged: MergedFiles | None = None
        if comparison.files is not None:
            outline = MergedOutline(comparison.files, comparison.pattern, cancelled)
            self.merged = MergedFiles(outline, CompareTotals(outline))

    @property
    def narrowed(self) -> ComparedFilesRow | None:
        """The files, if `--path` narrows them and everything shown next to them."""
        return narrowed_files(self.document)

    @property
    def missing_files(self) -> str:
        """Which side has no file list, in words; "" if both have one."""
        sides = ((self.comparison.a, "A"), (self.comparison.b, "B"))
        missing = [name for side, name in sides if side.files is None]
        return " and ".join(missing)

    @property
    def contentless(self) -> str:
        """Which side is a saved report, in words; "" if both are images."""
        sides = ((self.comparison.a, "A"), (self.comparison.b, "B"))
        return " and ".join(name for side, name in sides if side.saved)
