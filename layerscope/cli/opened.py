"""An image that stays open while its files are read, and its analysis."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import layerscope
from layerscope.cli.exits import stopping
from layerscope.cli.progress import progress_bar

if TYPE_CHECKING:
    from layerscope.analysis.model import Analysis
    from layerscope.cli.examine import Choice
    from layerscope.progress import ProgressCallback


@contextmanager
def opened(choice: Choice) -> Iterator[tuple[Analysis, ProgressCallback]]:
    """Read the image with a progress bar, and hold it open. Raises any `LayerscopeError`."""
    with (
        progress_bar(quiet=choice.quiet) as progress,
        layerscope.load(
            choice.reference,
            platform=choice.platform,
            tag=choice.tag,
            pull=choice.pull,
            limits=choice.limits,
            progress=progress,
            cancelled=stopping.is_set,
        ) as image,
    ):
        analysis = layerscope.analyze(
            image,
            verify=choice.verify,
            limits=choice.limits,
            progress=progress,
            cancelled=stopping.is_set,
        )
        yield analysis, progress
