"""From what the indexes of the layers say of their files to the findings of an image."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import field
from typing import Final, TypeVar

from layerscope.analysis.model import Analysis
from layerscope.analysis.secrets.facts import (
    MOST_FINDINGS,
    MOST_GAPS,
    GapReason,
    SecretFinding,
    SecretGap,
    Secrets,
)
from layerscope.analysis.secrets.texts import find_in_texts
from layerscope.filesystem.entry import Entry, PlacedLayer
from layerscope.layers.entry import FILE
from layerscope.layers.reader import StoredLayer
from layerscope.notes import Notes
from layerscope.records import dataclass
from layerscope.secrets import search
from layerscope.secrets.files import is_known

What = TypeVar("What")
_GONE: Final = frozenset(("deleted", "overwritten", "duplicate_entry"))


def find_secrets(analysis: Analysis, *, everything: bool) -> Secrets | None:
    """All secrets of an image; None if the engine is not installed, unless `everything` is to be searched.

    Raises `SecretsUnavailable` for `everything` without the engine.
    """
    if not search.is_available():
        if everything:
            search.require()
        return None
    image = analysis.image
    files = _InFiles(
        everything=everything,
        owners=[layer.instruction for layer in image.layers],
        gone={(row.layer, row.path) for row in analysis.waste if row.kind in _GONE},
    )
    for placed, stored in zip(analysis.tree.layers, analysis.indexes, strict=True):
        files.take(placed, stored)
    findings = [*find_in_texts(image.config, image.instructions), *files.findings]
    findings.sort(key=_order)
    gaps = sorted(files.gaps, key=lambda gap: (gap.layer, gap.path or b"", gap.reason))
    sure = sum(each.sure for each in findings)
    return Secrets(
        rules=search.version(),
        everything=everything,
        findings=tuple(findings[:MOST_FINDINGS]),
        gaps=tuple(gaps[:MOST_GAPS]),
        files=files.files,
        bytes=files.bytes,
        found=sure,
        doubtful=len(findings) - sure,
        not_searched=len(gaps),
    )


def note_engine(notes: Notes) -> None:
    """Note it if nothing is searched, because the engine is not installed."""
    if not search.is_available():
        notes.add(
            "secrets-not-searched",
            "secrets were not looked for: google-re2 is not installed (pip install google-re2)",
        )


@dataclass(slots=True, kw_only=True)
class _InFiles:
    """Collects what the files of all layers have. `gone` are the files that a later layer removes or replaces."""

    everything: bool
    owners: Sequence[int]
    gone: set[tuple[int, bytes]]
    findings: list[SecretFinding] = field(default_factory=list)
    gaps: set[SecretGap] = field(default_factory=set)
    files: int = 0
    bytes: int = 0

    def take(self, placed: PlacedLayer, stored: StoredLayer | None) -> None:
        """Add what one layer has."""
        number = placed.number
        found = None if stored is None else stored.index.secrets
        if stored is None or found is None:
            reason: GapReason = "no-engine"
            if stored is None:
                reason = "layer-unavailable"
            elif stored.by_table:
                reason = "layer-by-table"
            self.gaps.add(SecretGap(reason=reason, layer=number))
            return
        tally = found.searched if self.everything else found.known
        self.files += tally.files
        self.bytes += tally.bytes
        for entry, hit in self._entries(placed, found.hits):
            self.findings.append(
                SecretFinding(
                    rule=hit.rule,
                    message=search.messages().get(hit.rule, hit.rule),
                    where="file",
                    deleted=(number, entry.path) in self.gone,
                    path=entry.path,
                    layer=number,
                    instruction=self.owners[number],
                    line=hit.line,
                    doubt=hit.doubt,
                )
            )
        for entry, why in self._entries(placed, found.gaps):
            self.gaps.add(SecretGap(reason=why, layer=number, path=entry.path))

    def _entries(
        self, placed: PlacedLayer, rows: Sequence[tuple[int, What]]
    ) -> Iterator[tuple[Entry, What]]:
        """The entry of each row, by the offset of its content, if its file is one to search."""
        known: dict[int, Entry | None] = {}
        for offset, what in rows:
            if offset not in known:
                known[offset] = _entry_at(placed, offset)
            entry = known[offset]
            if entry is not None and (self.everything or is_known(entry.stored_path)):
                yield entry, what


def _entry_at(placed: PlacedLayer, offset: int) -> Entry | None:
    columns = placed.columns
    position = bisect_left(columns.data, offset)
    while position < len(columns) and columns.data[position] == offset:
        if columns.kinds[position] == FILE and columns.sizes[position]:
            return placed.entry(position)
        position += 1
    return None


def _order(finding: SecretFinding) -> tuple[object, ...]:
    """Deleted ones first, and those in doubt last; then by place."""
    return (
        not finding.sure,
        not finding.deleted,
        -1 if finding.layer is None else finding.layer,
        finding.where,
        finding.path or b"",
        finding.line or 0,
        finding.name or "",
        -1 if finding.instruction is None else finding.instruction,
        finding.rule,
    )
