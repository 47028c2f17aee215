"""From a reference to the analysis: the work behind every command that reads an image."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import layerscope
from layerscope.cli.exits import stopping
from layerscope.cli.progress import ProgressBar, progress_bar
from layerscope.limits import DEFAULT_LIMITS, Limits

if TYPE_CHECKING:
    from layerscope.analysis.budgets.dive import DiveNumbers
    from layerscope.analysis.model import Analysis
    from layerscope.image.image import Image


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The image that is asked for, and how it is to be read."""

    reference: str
    platform: str | None
    tag: str | None
    pull: bool
    quiet: bool
    limits: Limits
    dockerfile: str | None = None
    verify: Literal["auto", "full", "off"] = "auto"

    def given_beside_reference(self) -> list[str]:
        """The options that say how an image is found and read, as far as they are given."""
        given = {
            "--platform": self.platform,
            "--tag": self.tag,
            "--dockerfile": self.dockerfile,
            "--pull": self.pull,
            "--limit": self.limits != DEFAULT_LIMITS,
            "--verify": self.verify == "full",
            "--no-verify": self.verify == "off",
        }
        return [name for name, value in given.items() if value]


@contextmanager
def collector_paused() -> Iterator[None]:
    """Spare the garbage collector the records of an image, of which none is garbage, while they are made and after."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


@dataclass(frozen=True, slots=True)
class Examined:
    """An analysis, and dive's numbers where they were asked for and can be known."""

    analysis: Analysis
    dive: DiveNumbers | None


def examine(
    choice: Choice, *, hashes: bool = False, base: str | None = None, dive: bool = False
) -> Examined:
    """Read the image with a progress bar where one is wanted. Raises any `LayerscopeError`.

    `hashes` also reads the live contents that nothing else asked for, so that the report can stand for the image; `base`
    names the image that it stands on, and `dive` asks for dive's numbers.
    """
    with (
        collector_paused(),
        progress_bar(quiet=choice.quiet) as progress,
        _loaded(choice, progress) as image,
    ):
        if base is not None:
            from layerscope.analysis.budgets.base import on_base

            under = replace(choice, reference=base, tag=None, dockerfile=None)
            with _loaded(under, progress) as below:
                image = on_base(image, below)
        analysis = layerscope.analyze(
            image,
            verify=choice.verify,
            limits=choice.limits,
            progress=progress,
            cancelled=stopping.is_set,
        )
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


def _loaded(choice: Choice, progress: ProgressBar) -> Image:
    return layerscope.load(
        choice.reference,
        platform=choice.platform,
        tag=choice.tag,
        pull=choice.pull,
        dockerfile=choice.dockerfile,
        limits=choice.limits,
        progress=progress,
        cancelled=stopping.is_set,
    )
