"""The only way to read an image: from a reference and options to its analysis."""

from __future__ import annotations

from dataclasses import replace

from layerscope.analysis.analyze import analyze
from layerscope.analysis.model import Analysis
from layerscope.image.image import Image
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
    except BaseException:
        image.close()
        raise


def _open(
    reference: str,
    options: ReadOptions,
    progress: ProgressCallback | None,
    cancelled: CancelledCallback | None,
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
        limits=options.limits,
        progress=progress,
        cancelled=cancelled,
    )
