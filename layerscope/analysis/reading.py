"""The one way to read an image: from a reference and options to its analysis."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from layerscope.analysis.model import Analysis
from layerscope.cache.opened import open_shelf
from layerscope.cache.shelf import Shelf
from layerscope.errors import FormatError, SourceError
from layerscope.image.image import Image
from layerscope.image.platform import Platform, naming
from layerscope.layers.split_blob import SplitBlob
from layerscope.options import DEFAULT_OPTIONS, ReadOptions
from layerscope.progress import CancelledCallback, ProgressCallback, RemarkCallback
from layerscope.records import dataclass
from layerscope.sources import open_image


def read(
    reference: str,
    options: ReadOptions = DEFAULT_OPTIONS,
    *,
    shelf: Shelf | None = None,
    progress: ProgressCallback | None = None,
    cancelled: CancelledCallback | None = None,
    remark: RemarkCallback | None = None,
    meanwhile: Callable[[], None] | None = None,
) -> Analysis:
    """Open the image that `reference` names and analyze it.

    The image stays open so that you can read its files. Use the analysis as a context manager, or close it. After an
    error, nothing stays open. Reads that share a `shelf` read the layers that they share once. `meanwhile` is called while
    an engine prepares an export. Raises any `LayerscopeError`.
    """
    if shelf is None:
        shelf = open_shelf(cache=options.cache, remark=remark)
    run = _Run(shelf, progress, cancelled, remark, meanwhile)
    image = run.open(reference, options)
    try:
        return run.analyze(image, options)
    except (FormatError, SourceError) as error:
        image.close()
        if not _is_from_store(image) or options.via is not None:
            raise
        if remark is not None:
            remark(f"reading an export, not the store of the engine: {error.message}")
    except BaseException:
        image.close()
        raise
    return read(
        reference,
        replace(options, via="export"),
        shelf=shelf,
        progress=progress,
        cancelled=cancelled,
        remark=remark,
    )


def _is_from_store(image: Image) -> bool:
    """Whether layers are put together from an engine's store, and an export has them too."""
    return any(isinstance(layer.blob, SplitBlob) for layer in image.layers)


@contextmanager
def read_platforms(
    reference: str,
    options: ReadOptions = DEFAULT_OPTIONS,
    *,
    progress: ProgressCallback | None = None,
    cancelled: CancelledCallback | None = None,
    remark: RemarkCallback | None = None,
) -> Iterator[Platforms]:
    """Open the image that `reference` names for all the platforms of its index.

    Each analysis stays readable until the context ends. Raises any `LayerscopeError`; its message begins with the platform.
    """
    run = _Run(open_shelf(cache=options.cache, remark=remark), progress, cancelled, remark)
    with run.open(reference, options, every_platform=True) as first:
        siblings = first.siblings
        names = (first.platform,) if siblings is None else siblings.platforms

        def analyses() -> Iterator[Analysis]:
            for number, platform in enumerate(names):
                image = first if siblings is None or number == 0 else siblings.open(number)
                own = replace(options, platform=str(platform) or None)
                with naming(platform):
                    analysis = run.analyze(image, own)
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


@dataclass(frozen=True, slots=True)
class _Run:
    """What several images of one run share."""

    shelf: Shelf
    progress: ProgressCallback | None
    cancelled: CancelledCallback | None
    remark: RemarkCallback | None
    meanwhile: Callable[[], None] | None = None

    def open(self, reference: str, options: ReadOptions, *, every_platform: bool = False) -> Image:
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
            contents=options.contents or options.lazy or options.verify != "auto",
            all_secrets=options.secrets == "all",
            limits=options.limits,
            shelf=None if options.verify == "full" else self.shelf,
            progress=self.progress,
            cancelled=self.cancelled,
            remark=self.remark,
            meanwhile=self.meanwhile,
            via=options.via,
        )

    def analyze(self, image: Image, options: ReadOptions) -> Analysis:
        from layerscope.analysis.analyze import analyze  # loaded while an engine prepares an export

        if options.base is not None:
            from layerscope.analysis.budgets.base import on_base

            under = replace(options, tag=None, dockerfile=None)
            with self.open(options.base, under) as below:
                image = on_base(image, below)
        if options.head:
            from layerscope.analysis.head import head_of

            return head_of(image, limits=options.limits)
        analysis = analyze(
            image,
            verify=options.verify,
            lazy=options.lazy,
            limits=options.limits,
            packages=options.packages,
            dead_weight=options.dead_weight,
            duplicates=options.duplicates,
            min_duplicate=options.min_duplicate,
            secrets=options.secrets,
            known=self.shelf,
            progress=self.progress,
            cancelled=self.cancelled,
        )
        return self._keeping_hashes(replace(analysis, advising=options.advice))

    def _keeping_hashes(self, analysis: Analysis) -> Analysis:
        """The analysis, with an image that keeps the hashes of contents that are read until it is closed."""
        from layerscope.analysis.analyze import keeps_hashes

        image = analysis.image
        if not keeps_hashes(image):
            return analysis

        from layerscope.analysis.content_hashes import read_hashes

        def keep() -> None:
            for layer, hashes in read_hashes(analysis.tree):
                self.shelf.add_hashes(image.layers[layer], hashes)

        keep()
        return replace(analysis, image=replace(image, closers=(keep, *image.closers)))
