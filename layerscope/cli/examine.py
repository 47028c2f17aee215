"""From a reference to the analysis: the work behind every command that reads an image."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import field, replace
from typing import TYPE_CHECKING

import layerscope
from layerscope.cli.exits import stopping
from layerscope.cli.progress import ProgressBar, progress_bar
from layerscope.cli.streams import tell
from layerscope.options import MIN_DUPLICATE, ReadOptions
from layerscope.progress import RemarkCallback
from layerscope.records import dataclass
from layerscope.system.collector import collector_paused

if TYPE_CHECKING:
    from layerscope.analysis.budgets.dive import DiveNumbers
    from layerscope.analysis.model import Analysis
    from layerscope.cache.shelf import Shelf


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The image to read, and how to read it."""

    reference: str
    options: ReadOptions = field(default_factory=ReadOptions)
    quiet: bool = False

    def given_beside_reference(self) -> list[str]:
        """The options that were given and mean something for an image only, not for a saved report."""
        options = self.options
        given = {
            "--platform": options.platform,
            "--tag": options.tag,
            "--dockerfile": options.dockerfile,
            "--pull": options.pull,
            "--insecure": options.insecure,
            "--token-server": options.token_servers,
            "--head": options.head,
            "--lazy": options.lazy,
            "--verify": options.verify == "full",
            "--no-verify": options.verify == "off",
            "--via": options.via,
            "--no-cache": not options.cache,
            "--no-packages": not options.packages,
            "--no-dead-weight": not options.dead_weight,
            "--no-advice": options.advice.off,
            "--min-saving": options.advice.min_saving is not None,
            "--no-duplicates": not options.duplicates,
            "--min-duplicate": options.min_duplicate != MIN_DUPLICATE,
            "--secrets": options.secrets == "all",
            "--no-secrets": options.secrets == "off",
        }
        return [name for name, value in given.items() if value]


def remarks(*, quiet: bool) -> RemarkCallback | None:
    """Write how an image is read to standard error, a line each."""
    if quiet:
        return None
    return lambda line: tell(f"layerscope: {line}")


def _load_the_rest() -> None:
    """Load the modules that a report needs once the image is read."""
    import layerscope.analysis.analyze
    import layerscope.report.document.builder  # noqa: F401


@contextmanager
def opened(
    choice: Choice, shelf: Shelf | None = None, *, contents: bool = False
) -> Iterator[tuple[Analysis, ProgressBar]]:
    """Read the image with a progress bar if one is wanted, and hold it open. Raises any `LayerscopeError`.

    Images that are read with one `shelf` share their layers. `contents` is for a command that reads files afterwards.
    """
    options = replace(choice.options, contents=contents)
    with collector_paused(), progress_bar(quiet=choice.quiet) as progress:
        analysis = layerscope.read(
            choice.reference,
            options,
            shelf=shelf,
            progress=progress,
            cancelled=stopping.is_set,
            remark=remarks(quiet=choice.quiet),
            meanwhile=_load_the_rest,
        )
        with analysis:
            yield analysis, progress


@dataclass(frozen=True, slots=True)
class Examined:
    """An analysis, and dive's numbers if they were requested and can be known."""

    analysis: Analysis
    dive: DiveNumbers | None


def examine(
    choice: Choice, *, hashes: bool = False, dive: bool = False, shelf: Shelf | None = None
) -> Examined:
    """Read the image and close it. Raises any `LayerscopeError`.

    `hashes` also reads the live contents that nothing else asked for, so that the report can take the place of the
    image; `dive` asks for dive's numbers.
    """
    with opened(choice, shelf) as (analysis, progress):
        if hashes:
            from layerscope.analysis.content_hashes import live_contents, read_contents

            read_contents(
                live_contents(analysis.tree),
                analysis.indexes,
                progress=progress,
                cancelled=stopping.is_set,
            )
        numbers = None
        if dive:
            from layerscope.analysis.budgets.dive import dive_numbers

            numbers = dive_numbers(analysis)
        return Examined(analysis, numbers)
