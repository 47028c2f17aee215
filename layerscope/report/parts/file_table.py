"""Lists of files in the text report."""

from __future__ import annotations

from collections.abc import Sequence

from layerscope.report.escape import cell_width, escape, fit_end, pad
from layerscope.report.page import Page
from layerscope.units import format_size


def remainder(page: Page, size: int) -> None:
    if size > 0:
        page.line("  ", pad(format_size(size), 10, right=True), "  ", ("in others", "dim"))


def file_table(page: Page, rows: Sequence[tuple[int, str, str, str]]) -> None:
    """Size, path, number of files, and cause. On a narrow page the cause gets its own line."""
    paths = [escape(path) for _, path, _, _ in rows]
    counts = max(cell_width(row[2]) for row in rows)
    causes = max(cell_width(row[3]) for row in rows)
    beside = 14 + (counts + 2 if counts else 0)
    wanted = max(cell_width(path) for path in paths)
    below = page.width - beside - causes - 2 < min(wanted, 30)
    room = page.width - beside - (0 if below else causes + 2)
    room = max(8, min(room, wanted))
    for (size, _, count, cause), path in zip(rows, paths, strict=True):
        spans = ["  ", pad(format_size(size), 10, right=True), "  ", pad(fit_end(path, room), room)]
        if counts:
            spans += ["  ", pad(count, counts, right=True)]
        if below:
            page.line(*spans)
            page.paragraph(cause, indent=16)
        else:
            page.line(*spans, "  ", cause)
