"""The only way to read an image: from a reference and options to its analysis."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from layerscope.analysis.analyze import analyze
from layerscope.analysis.model import Analysis
from layerscope.image.image import Image
from layerscope.image.platform import Platform, naming
from layerscope.options import DEFAULT_OPTIONS, ReadOptions
from layerscope.progress import CancelledCallback, ProgressCallback
from layerscope.sources import open_image


def read(
    reference: str,
    options: ReadOptions = DEFAULT_OPTIONS,
    *,
    progress: ProgressCallback | None = None,
    cancelled: CancelledCallback | None = None,
) -> Analysis:
    """Open the image that `reference` names and analyze it.

    The image stays open so that you can read its files. Use the analysis as a context manager, or close it. After an
    error, nothing stays open. Raises any `LayerscopeError`.
    """
    image = _open(reference, options, progress, cancelled)
    try:
        return _analyze(image, options, progress, cancelled)
    except BaseException:
        image.close()
        raise


@contextmanager
def read_platforms(
    reference: str,
    options: ReadOptions = DEFAULT_OPTIONS,
    *,
    progress: ProgressCallback | None = None,
    cancelled: CancelledCallback | None = None,
) -> Iterator[Platforms]:
    """Open the image that `reference` names for all the platforms of its index.

    Each analysis stays readable until the context ends. Raises any `LayerscopeError`; its message begins with the platform.
    """
    with _open(reference, options, progress, cancelled, every_platform=True) as first:
        siblings = first.siblings
        names = (first.platform,) if siblings is None else siblings.platforms

        def analyses() -> Iterator[Analysis]:
            for number, platform in enumerate(names):
                image = first if siblings is None or number == 0 else siblings.open(number)
                own = replace(options, platform=str(platform) or None)
                with naming(platform):
                    analysis = _analyze(image, own, progress, cancelled)
                yield analysis

        yield Platforms(
            image=first,
            platforms=names,
            absent=() if siblings is None else siblings.absent,
            analyses=analyses(),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Platforms:
    """An image for several platforms. `image` is the first; `analyses` reads one at a time, in the order of `platforms`."""

    image: Image
    platforms: tuple[Platform, ...]
    absent: tuple[Platform, ...]
    analyses: Iterator[Analysis]


def _analyze(
    image: Image,
    options: ReadOptions,
    progress: ProgressCallback | None,
    cancelled: CancelledCallback | None,
) -> Analysis:
    if options.base is not None:
        from layerscope.analysis.budgets.base import on_base

        under = replace(options, tag=None, dockerfile=None)
        with _open(options.base, under, progress, cancelled) as below:
            image = on_base(image, below)
    if options.head:
        from layerscope.analysis.head import head_of

        return head_of(image, limits=options.limits)
    return analyze(
        image,
        verify=options.verify,
        limits=options.limits,
        progress=progress,
        cancelled=cancelled,
    )


def _open(
    reference: str,
    options: ReadOptions,
    progress: ProgressCallback | None,
    cancelled: CancelledCallback | None,
    *,
    every_platform: bool = False,
) -> Image:
    return open_image(
        reference,
        platform=options.platform,
        tag=options.tag,
        pull=options.pull,
        insecure=options.insecure,
        token_servers=options.token_servers,
        dockerfile=options.dockerfile,
        head=options.head,
        every_platform=every_platform,
        limits=options.limits,
        progress=progress,
        cancelled=cancelled,
    )
