"""A progress bar on standard error, shown only on a terminal and only for work that takes a while."""

from __future__ import annotations

import os
import sys
import threading
import time
from typing import TextIO

from layerscope.cli.streams import is_terminal, width_of
from layerscope.progress import Progress
from layerscope.report.page import bar
from layerscope.system.console import understands_escapes
from layerscope.units import format_size

PATIENCE = 0.5
"""Seconds before the first bar."""
PAUSE = 0.1

_STAGES = {
    "compare": "comparing",
    "duplicates": "comparing",
    "export": "exporting",
    "images": "putting together",
    "layers": "reading",
    "list": "listing",
    "manifests": "looking at",
    "pull": "pulling",
    "read": "reading",
    "spool": "receiving",
}


_NOUNS = {"images": "image", "list": "image", "manifests": "image"}
_SLOW = ("export", "pull")
"""Stages that show a bar right away, because an engine can be silent for a long time."""


class ProgressBar:
    """Draws the progress that any thread reports; as a context manager, it clears the line at the end."""

    def __init__(self, stream: TextIO | None, *, patience: float = PATIENCE) -> None:
        self._stream = stream
        self._lock = threading.Lock()
        self._next = time.monotonic() + patience
        self._stage = ""
        self._since = time.monotonic()
        self._drawn = False

    def __call__(self, progress: Progress) -> None:
        now = time.monotonic()
        if self._stream is None:
            return
        with self._lock:
            if progress.stage != self._stage:
                self._stage, self._since = progress.stage, now
            if now < self._next and (self._drawn or progress.stage not in _SLOW):
                return
            self._next = now + PAUSE
            self._draw(progress, now - self._since)

    def _draw(self, progress: Progress, seconds: float) -> None:
        assert self._stream is not None
        width = width_of(self._stream) - 1
        parts = [_STAGES.get(progress.stage, progress.stage)]
        if progress.layer is not None and progress.layers:
            noun = _NOUNS.get(progress.stage, "layer")
            parts.append(f"{noun} {progress.layer:,} of {progress.layers:,}")
        elif progress.layer and progress.stage in _NOUNS:
            parts.append(f"image {progress.layer:,}")
        if progress.total:
            parts.append(f"{format_size(progress.done)} of {format_size(progress.total)}")
        elif progress.done:
            parts.append(format_size(progress.done))
        if progress.done and seconds > 0:
            parts.append(f"{format_size(int(progress.done / seconds))}/s")
        text = "  ".join(parts)
        if progress.total:
            columns = min(30, width - len(text) - 4)
            if columns >= 5:
                drawn = bar(min(progress.done, progress.total), progress.total, columns)
                text = f"{drawn.ljust(columns)}  {text}"
        self._write(f"\r\x1b[K{text[:width]}")
        self._drawn = True

    def _write(self, text: str) -> None:
        assert self._stream is not None
        try:
            self._stream.write(text)
            self._stream.flush()
        except (OSError, ValueError):
            self._stream = None

    def __enter__(self) -> ProgressBar:
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            if self._drawn and self._stream is not None:
                self._write("\r\x1b[K")
            self._stream = None


def progress_bar(*, quiet: bool) -> ProgressBar:
    """A bar on standard error, which shows nothing if `quiet` or not on a terminal."""
    stream = sys.stderr
    shows = not quiet and is_terminal(stream) and os.environ.get("TERM") != "dumb"
    return ProgressBar(stream if shows and understands_escapes(stream) else None)
