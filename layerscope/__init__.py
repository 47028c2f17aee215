"""Where a container image's bytes come from, which are wasted, and which instruction is to blame.

    import layerscope

    with layerscope.load("docker-archive:app.tar") as image:
        analysis = layerscope.analyze(image)
    print(analysis.sizes.wasted, [row.path for row in analysis.waste[:10]])

Importing the package is cheap. The code that reads images is loaded by the first call.
"""

from __future__ import annotations

TYPE_CHECKING = (
    False  # `typing` takes longer to load than the rest, before a signal can end a run quietly
)
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Literal

    from layerscope.analysis.comparison.compare import Comparison
    from layerscope.analysis.model import Analysis, Facts
    from layerscope.cache.shelf import Shelf
    from layerscope.image.image import Image
    from layerscope.limits import Limits
    from layerscope.options import ReadOptions, Via
    from layerscope.progress import CancelledCallback, ProgressCallback, RemarkCallback

__version__ = "0.1.0"
__all__ = ["__version__", "analyze", "compare", "load", "read"]


def load(
    reference: str,
    *,
    platform: str | None = None,
    tag: str | None = None,
    pull: bool = False,
    insecure: bool = False,
    token_servers: tuple[str, ...] = (),
    dockerfile: str | None = None,
    via: Via | None = None,
    limits: Limits | None = None,
    progress: ProgressCallback | None = None,
    cancelled: CancelledCallback | None = None,
) -> Image:
    """Open the image that `reference` names, such as `docker:python:3.8`, `oci-dir:layout`, or the path of a tarball.

    `platform` (`os/arch[/variant]`) picks from an index, and `tag` from an archive of several images. `pull` lets an
    engine fetch an image it doesn't have. `insecure` and `token_servers` are for registries, as in `ReadOptions`.
    `dockerfile` is the path of the Dockerfile that built the image, for line numbers if the image has no provenance.
    `via` reads an engine's `store` or an `export`; None takes the store where it can be read.
    The image is a context manager: close it to release its files. Raises `UsageError`, `SourceError`, or `FormatError`,
    which are all `layerscope.errors.LayerscopeError`.
    """
    from layerscope.limits import DEFAULT_LIMITS
    from layerscope.sources import open_image

    return open_image(
        reference,
        platform=platform,
        tag=tag,
        pull=pull,
        insecure=insecure,
        token_servers=token_servers,
        dockerfile=dockerfile,
        via=via,
        limits=limits or DEFAULT_LIMITS,
        progress=progress,
        cancelled=cancelled,
    )


def read(
    reference: str,
    options: ReadOptions | None = None,
    *,
    shelf: Shelf | None = None,
    progress: ProgressCallback | None = None,
    cancelled: CancelledCallback | None = None,
    remark: RemarkCallback | None = None,
    meanwhile: Callable[[], None] | None = None,
) -> Analysis:
    """Open the image that `reference` names and analyze it, as every command does.

    `options` is a `layerscope.options.ReadOptions`. The image stays open so that you can read its files. Use the analysis
    as a context manager, or close it. Reads that are given the same `shelf`, a `layerscope.cache.shelf.Shelf`, read the
    layers that they share once. `remark` takes one line about how the image is read, such as why the cache isn't used, and
    `meanwhile` is called while an engine prepares an export, for work that would otherwise come afterwards.
    Raises any `layerscope.errors.LayerscopeError`.
    """
    from layerscope.analysis.reading import read as run
    from layerscope.options import DEFAULT_OPTIONS

    return run(
        reference,
        options or DEFAULT_OPTIONS,
        shelf=shelf,
        progress=progress,
        cancelled=cancelled,
        remark=remark,
        meanwhile=meanwhile,
    )


def analyze(
    image: Image,
    *,
    verify: Literal["auto", "full", "off"] = "auto",
    limits: Limits | None = None,
    progress: ProgressCallback | None = None,
    cancelled: CancelledCallback | None = None,
) -> Analysis:
    """The facts about an opened image: sizes in bytes, layers, instructions, every wasted file, and notes.

    `verify` says when to check digests: if the bytes are read in full anyway (`auto`), always (`full`), or never (`off`).
    Raises `FormatError` for malformed layers, and `Cancelled`.
    """
    from layerscope.analysis.analyze import analyze as run
    from layerscope.limits import DEFAULT_LIMITS

    return run(
        image,
        verify=verify,
        limits=limits or DEFAULT_LIMITS,
        progress=progress,
        cancelled=cancelled,
    )


def compare(
    a: Image | Analysis | Facts,
    b: Image | Analysis | Facts,
    *,
    path: str | None = None,
    progress: ProgressCallback | None = None,
    cancelled: CancelledCallback | None = None,
) -> Comparison:
    """What changes from `a` to `b`: sizes in bytes, layers, instructions, files, settings, and what a pull transfers.

    Each side is an opened image, its analysis, or a saved report (`layerscope.report.saved.report.read_report`). Images
    must stay open until the call returns. `path` narrows the files to those that match a pattern such as `/usr/lib/**`.
    Raises what `analyze` raises, and `UsageError` for an invalid pattern.
    """
    from layerscope.analysis.comparison.compare import compare as run
    from layerscope.analysis.comparison.side import Side
    from layerscope.analysis.model import Facts
    from layerscope.image.image import Image

    def side_of(one: Image | Analysis | Facts) -> Side:
        if isinstance(one, Image):
            one = analyze(one, progress=progress, cancelled=cancelled)
        if isinstance(one, Side):
            return one
        return Side.of_facts(one) if isinstance(one, Facts) else Side.of(one)

    return run(side_of(a), side_of(b), path=path, progress=progress, cancelled=cancelled)
