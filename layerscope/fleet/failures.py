"""The failures of a fleet: those of this scan, and older ones about images that it didn't look at."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from layerscope.errors import LimitExceeded
from layerscope.fleet.tables import table_of
from layerscope.report.paths import clean_text

if TYPE_CHECKING:
    import pyarrow as pa

    from layerscope.fleet.values import Failed

MOST: Final = 2_000_000


class Failures:
    """A failure for each image or layer that couldn't be read, the last one that was met."""

    def __init__(self, before: Iterable[Failed]) -> None:
        self._rows: dict[str, dict[tuple[str, str | None], Failed]] = {}
        self._count = 0
        self._fresh: set[str] = set()
        for each in before:
            self._put(each)

    def _put(self, failed: Failed) -> None:
        rows = self._rows.setdefault(failed.reference, {})
        self._count += (failed.stage, failed.digest) not in rows
        rows[failed.stage, failed.digest] = failed
        if self._count > MOST:
            raise LimitExceeded(
                f"more than {MOST} images and layers can't be read",
                hint="scan them in several fleets",
            )

    def add(self, failed: Failed) -> None:
        """Add a failure of this scan. What an earlier scan said of the image no longer counts."""
        if failed.reference not in self._fresh:
            self.forget(failed.reference)
            self._fresh.add(failed.reference)
        self._put(failed)

    def forget(self, reference: str) -> None:
        """The image can be read now, as far as it is known."""
        if reference not in self._fresh:
            self._count -= len(self._rows.pop(reference, ()))

    def drop(self, references: Iterable[str]) -> None:
        """Forget images that a target no longer names."""
        for each in references:
            self._count -= len(self._rows.pop(each, ()))

    def references(self) -> Iterable[tuple[str, str]]:
        """Each image with a failure, and the target that named it."""
        for reference, rows in self._rows.items():
            yield reference, next(iter(rows.values())).target

    def __len__(self) -> int:
        return self._count

    def table(self) -> pa.Table:
        """All failures as rows, by reference."""
        rows = [
            {
                "reference": clean_text(each.reference),
                "digest": each.digest,
                "stage": each.stage,
                "kind": each.kind,
                "message": clean_text(each.message),
                "target": clean_text(each.target),
            }
            for _, found in sorted(self._rows.items())
            for each in found.values()
        ]
        return table_of("failures", rows)
