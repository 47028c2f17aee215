"""The progress of reading an image: what is being read, a bar, and how to stop it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from textual.content import Content
from textual.widgets import Static

from layerscope.errors import LayerscopeError
from layerscope.progress import Progress, ProgressCallback
from layerscope.report.escape import escape
from layerscope.tui.paint import bar
from layerscope.units import format_percent, format_size

_STAGES: Final = {
    "export": "the engine is exporting the image",
    "pull": "the engine is fetching the image",
    "read": "reading the layers",
    "spool": "receiving the image",
}
_COLUMNS: Final = 48
PAUSE: Final = 0.2
"""Seconds between two progress messages, and before the first."""


def seldom(show: Callable[[Progress], object]) -> ProgressCallback:
    """Forward the readers' progress every so often, and at once when a new stage starts."""
    last = time.monotonic()
    stage = "read"

    def report(progress: Progress) -> None:
        nonlocal last, stage
        now = time.monotonic()
        if now - last >= PAUSE or progress.stage != stage:
            last, stage = now, progress.stage
            show(progress)

    return report


def failure(error: Exception) -> LayerscopeError:
    """What went wrong while reading an image, as an error to show. The exit codes match the command line's."""
    if isinstance(error, LayerscopeError):
        return error
    if isinstance(error, MemoryError | OSError):
        message, hint, code = str(error) or "out of memory", None, 3
    elif isinstance(error, RecursionError):
        message, hint, code = "nested too deeply to read", "the image is malformed", 4
    else:
        message, code = f"a bug: {type(error).__name__}: {error}", 70
        hint = "please report it with the output of `layerscope report` under LAYERSCOPE_DEBUG=1"
    failed = LayerscopeError(message, hint=hint)
    failed.exit_code = code
    return failed


class Loading(Static):
    """Four lines that change as reading progresses."""

    def __init__(self, reference: str, *, id: str | None = None) -> None:  # noqa: A002
        self._reference = reference
        super().__init__(self._lines("looking for the image", ""), id=id)

    def _lines(self, stage: str, line: str) -> Content:
        return Content.assemble(
            (escape(self._reference) + "\n", "bold"),
            (stage + "\n", ""),
            (line + "\n", "$primary"),
            ("escape stops", "$foreground 55%"),
        )

    def show(self, progress: Progress) -> None:
        """Show the reader's last message."""
        words = [_STAGES.get(progress.stage, progress.stage)]
        if progress.layer is not None and progress.layers:
            words.append(f"layer {progress.layer} of {progress.layers}")
        line = ""
        if progress.total:
            words.append(f"{format_size(progress.done)} of {format_size(progress.total)}")
            line = bar(progress.done, progress.total, _COLUMNS) + " "
            line += format_percent(progress.done, progress.total)
        elif progress.done:
            words.append(format_size(progress.done))
        self.update(self._lines(" · ".join(words), line), layout=False)
