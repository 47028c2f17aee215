"""Compares two sides and collects everything that changes between them."""

from __future__ import annotations

from collections.abc import Iterator

from layerscope.analysis.comparison.configuration import SettingRow, compare_settings
from layerscope.analysis.comparison.explained import (
    AdviceComparison,
    CausePair,
    compare_advice,
    compare_causes,
)
from layerscope.analysis.comparison.files import FileComparison
from layerscope.analysis.comparison.glob import compile_glob
from layerscope.analysis.comparison.layers import LayerComparison, compare_layers
from layerscope.analysis.comparison.packages import (
    PackageComparison,
    compare_packages,
    package_notes,
)
from layerscope.analysis.comparison.secrets import SecretComparison, compare_secrets
from layerscope.analysis.comparison.side import Side
from layerscope.analysis.comparison.walk import compare_files
from layerscope.notes import Note
from layerscope.progress import CancelledCallback, ProgressCallback
from layerscope.records import dataclass
from layerscope.units import count, format_size


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What changes from `a` to `b`. `files` is None if a side has no file list. `pattern` narrows the files.

    `packages`, `secrets`, `causes`, and `advice` are None if those of a side are unknown.
    """

    a: Side
    b: Side
    layers: LayerComparison
    files: FileComparison | None
    settings: tuple[SettingRow, ...]
    pattern: str | None
    notes: tuple[Note, ...]
    packages: PackageComparison | None = None
    secrets: SecretComparison | None = None
    causes: tuple[CausePair, ...] | None = None
    advice: AdviceComparison | None = None

    @property
    def reads_all(self) -> bool:
        """Whether the layers of both sides were read, so that more than their compressed sizes is known."""
        return not (self.a.head or self.b.head)

    @property
    def differs(self) -> bool:
        """Whether anything is known to differ, not counting names, tags, and sources.

        With a pattern, only the files that it matches count.
        """
        changed = self.files is not None and any(
            change.kind != "unknown" for change in self.files.changes
        )
        if self.pattern is not None and self.files is not None:
            return changed
        one, other = self.a.sizes.compressed, self.b.sizes.compressed
        return (
            any(row.status != "same" for row in self.layers.rows)
            or any(row.status != "same" for row in self.layers.instructions)
            or any(row.known for row in self.settings)
            or (one is not None and other is not None and one != other)
            or changed
        )


def compare(
    a: Side,
    b: Side,
    *,
    path: str | None = None,
    progress: ProgressCallback | None = None,
    cancelled: CancelledCallback | None = None,
) -> Comparison:
    """Compare two sides. `path` is a pattern that narrows the files.

    The images of both sides must be open, since contents of equal size are compared by hash. Raises `UsageError` for an
    invalid pattern, `SourceError`, and `Cancelled`.
    """
    matches = compile_glob(path) if path is not None else None
    layers = compare_layers(a, b)
    files = compare_files(a, b, matches=matches, progress=progress, cancelled=cancelled)
    settings = compare_settings(a, b)
    return Comparison(
        a=a,
        b=b,
        layers=layers,
        files=files,
        settings=settings,
        pattern=path,
        notes=tuple(_notes(a, b, layers, files, settings)),
        packages=compare_packages(a, b),
        secrets=compare_secrets(a, b),
        causes=compare_causes(a.explained, b.explained, apart=(a.base is None) == (b.base is None)),
        advice=compare_advice(a.explained, b.explained, _aligned(layers)),
    )


def _aligned(layers: LayerComparison) -> frozenset[tuple[int, int]]:
    """The indices of the instructions that correspond."""
    return frozenset(
        (row.a.instruction.index, row.b.instruction.index)
        for row in layers.instructions
        if row.a is not None and row.b is not None
    )


def _notes(
    a: Side,
    b: Side,
    layers: LayerComparison,
    files: FileComparison | None,
    settings: tuple[SettingRow, ...],
) -> Iterator[Note]:
    if a.platform != b.platform:
        yield Note(
            "different-platforms",
            f"the images are for different platforms: A for {a.platform}, B for {b.platform}",
        )
    for side, name in ((a, "A"), (b, "B")):
        if side.head:
            yield Note(
                "layers-not-read",
                f"no layer of {name} was read (--head), so its files, and all sizes but the compressed ones, are unknown",
            )
            continue
        if side.files is None:
            yield Note(
                "no-file-list",
                f"the saved report of {name} has no file list, so files are not compared; "
                "save it with `layerscope report --json --files`",
            )
        if any(not layer.indexed for layer in side.layers):
            missing = sum(not layer.indexed for layer in side.layers)
            yield Note(
                "layers-not-read",
                f"{missing} of the layers of {name} {'is' if missing == 1 else 'are'} not in its source: their files and sizes are left out",
            )
    yield from package_notes(a, b)
    yield from _recompressed(layers)
    if files is not None:
        unknown = files.totals["unknown"].count
        if unknown:
            yield Note(
                "content-unknown",
                f"{count(unknown, 'file')} {'has' if unknown == 1 else 'have'} the same size on both sides, but a saved report doesn't have their content",
            )
    hidden = sum(not row.known for row in settings)
    if hidden:
        yield Note(
            "settings-hidden",
            f"{hidden} settings look like secrets and are masked in a saved report, so they may or may not differ",
        )


def _recompressed(layers: LayerComparison) -> Iterator[Note]:
    """Note layers with the same diff_id but different blobs. Engines that know only the blob's digest pull them again."""
    again = [
        row.b
        for row in layers.rows
        if row.status == "same"
        and row.a is not None
        and row.b is not None
        and row.a.digest is not None
        and row.b.digest is not None
        and row.a.digest != row.b.digest
        and None not in (row.a.sizes.compressed, row.b.sizes.compressed)
    ]
    if again:
        size = sum(layer.sizes.compressed or 0 for layer in again)
        yield Note(
            "layers-recompressed",
            f"{len(again)} shared layers are compressed differently in B: an engine that knows a layer only by its blob "
            f"pulls these {format_size(size)} again",
        )
