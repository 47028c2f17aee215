"""The comparison as text: how large the difference is, which instruction made it, and in which directories."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TextIO

from layerscope.report.comparison import explained, secrets
from layerscope.report.comparison.cost_words import cost_delta, has_costs, sum_of_deltas
from layerscope.report.comparison.defaults import DEPTH, ROWS, SIZES
from layerscope.report.comparison.naming import fit_apart
from layerscope.report.comparison.package_words import (
    STATUS_WORDS,
    package_words,
    packages_that_differ,
    packages_words,
)
from layerscope.report.comparison.totals import more_totals
from layerscope.report.comparison.tree import tree_rows
from layerscope.report.comparison.weight import weight_words
from layerscope.report.comparison.words import (
    MARKS,
    cache_words,
    change_details,
    count_delta,
    count_rows,
    efficiency_words,
    elsewhere_words,
    is_narrowed,
    kind_words,
    legend,
    measure,
    measure_word,
    narrowed_files,
    one_line,
    percent_delta,
    pull_words,
    setting_words,
    step_text,
    waste_words,
)
from layerscope.report.escape import cell_width, escape, fit_end, fit_start, pad
from layerscope.report.page import Page, Span
from layerscope.units import format_delta, format_size

if TYPE_CHECKING:
    from layerscope.report.comparison.rows import (
        ComparisonDocument,
        CostedPairRow,
        MaybePairRow,
        PairRow,
    )
    from layerscope.report.formats.format import Display

SETTINGS = 40
NOTES = 12

_STYLES = {"added": "", "removed": "", "unknown": "dim"}


class ComparisonText:
    """Writes a comparison as text for a page of `display.width` columns."""

    def __init__(self, display: Display) -> None:
        self._display = display

    def render(self, document: ComparisonDocument, out: TextIO) -> None:
        page = self._display.page(out)
        rows = ROWS if self._display.rows is None else self._display.rows
        page.paragraph(one_line(document["sentence"]), indent=2)
        page.gap()
        _overview(page, document)
        if is_narrowed(document):
            _where(page, document, rows)
            _changes(page, document, rows)
        elif document["different"] or document["config"] or document["changes"]:
            _instructions(page, document)
            _consequences(page, document)
            _packages(page, document, rows)
            _dead_weight(page, document)
            explained.text(page, document, rows)
            secrets.text(page, document, rows)
            _where(page, document, rows)
            _changes(page, document, rows)
            _settings(page, document)
        _notes(page, document)


class _Columns:
    """The two sides in columns, and the difference."""

    def __init__(self, page: Page, a: str, b: str) -> None:
        self._page = page
        self.roomy = page.width >= 52
        self._change = 14 if self.roomy else 11
        self._gap = " " * (2 if self.roomy else 1)
        self._share = 9 if page.width >= 60 else 0
        self._label = 12 if self.roomy else 10
        used = self._label + 2 + len(self._gap) + self._change + self._share
        column = max(8, min(28, (page.width - used) // 2))
        fitted = fit_apart([one_line(a), one_line(b)], column - 2)
        names = [f"{letter} {name}" for letter, name in zip("AB", fitted, strict=True)]
        self._width = min(column, max(12, *(cell_width(name) for name in names)))
        page.line(
            " " * (self._label + 2),
            (pad(names[0], self._width, right=True), "title"),
            self._gap,
            (pad(names[1], self._width, right=True), "title"),
            pad("change", self._change, right=True),
        )

    def line(self, name: str, one: str, other: str, change: str, more: str = "") -> None:
        self._page.line(
            "  ",
            pad(fit_start(name, self._label), self._label),
            pad(fit_start(one, self._width), self._width, right=True),
            self._gap,
            pad(fit_start(other, self._width), self._width, right=True),
            pad(fit_start(change, self._change), self._change, right=True),
            pad(more, self._share, right=True) if self._share else "",
        )

    def sizes(self, name: str, pair: PairRow | MaybePairRow, percent: float | None) -> None:
        self.line(
            name,
            format_size(pair["a"]),
            format_size(pair["b"]),
            "–" if pair["delta"] is None else format_delta(pair["delta"]),
            percent_delta(percent),
        )

    def count(self, name: str, one: int, other: int) -> None:
        self.line(name, f"{one:,}", f"{other:,}", count_delta(other - one))


class _Deltas:
    """The change of each row, with that of the compressed bytes in a second column where it is known."""

    def __init__(self, page: Page, rows: Sequence[CostedPairRow]) -> None:
        self._page = page
        self._shown = len(rows)
        self._costs = page.width >= 64 and has_costs(rows)
        self.width = 15 + 12 * self._costs
        if self._costs:
            titles = pad("change", 11, right=True) + pad("download", 12, right=True)
            page.line("  ", (titles, "dim"))

    def spans(self, delta: int, download: int | None) -> list[Span]:
        text = pad(format_delta(delta), 11, right=True)
        more = pad(cost_delta(download), 12, right=True) if self._costs else ""
        return ["  ", text, (more, "dim"), "  "]

    def others(self, number: int, rows: Sequence[CostedPairRow]) -> None:
        """Sum up the rows that are not shown, `number` of them."""
        if number and self._shown:
            delta = sum(row["delta"] for row in rows)
            spans = self.spans(delta, sum_of_deltas(rows))
            self._page.line(*spans, (f"in {number:,} others", "dim"))


def _overview(page: Page, document: ComparisonDocument) -> None:
    a, b = document["a"], document["b"]
    columns = _Columns(page, a["name"], b["name"])
    narrowed = narrowed_files(document)
    if narrowed is not None:
        placed = narrowed["placed"]
        share = 100 * placed["delta"] / placed["a"] if placed["a"] else None
        columns.sizes("live", placed, share)
        for count in count_rows(document):
            columns.count(*count)
        return
    for name, key in SIZES:
        pair = document["sizes"][key]
        columns.sizes(name, pair, pair["percent"])
    for name, total in more_totals(document):
        columns.sizes(name, total, None)
    efficiency = efficiency_words(document)
    if efficiency is not None:
        one, other, points = efficiency
        points = points if columns.roomy else points.removesuffix(" points")
        columns.line("efficiency", one, other, points or "0")
    columns.count("layers", a["layers"], b["layers"])
    for count in count_rows(document):
        columns.count(*count)
    if a["platform"] != b["platform"]:
        columns.line("platform", one_line(a["platform"]), one_line(b["platform"]), "")


def _instructions(page: Page, document: ComparisonDocument) -> None:
    """The instructions that differ: one row for each that stores bytes, and a count of the others."""
    rows = document["instructions"]
    different = [row for row in rows if row["status"] != "same"]
    shown = [row for row in different if row["layers_a"] or row["layers_b"]]
    if not different:
        return
    page.gap()
    wide = page.width >= 84
    sizes = 26 if wide else 0
    room = max(10, page.width - 16 - sizes - 12)
    head: list[Span] = ["  ", pad("", 2), pad("A", 4, right=True), pad("B", 5, right=True), "   "]
    head.append(pad("instruction", room))
    if wide:
        word = measure_word(document)
        head += [pad(f"{word} A", 13, right=True), pad(f"{word} B", 13, right=True)]
    page.line(("".join(str(span) for span in head) + pad("change", 12, right=True), "head"))
    for row in shown:
        size = row["sizes"][measure(document)]
        spans: list[Span] = [
            "  ",
            (pad(MARKS[row["status"]], 2), "head"),
            pad("" if row["a"] is None else str(row["a"]), 4, right=True),
            pad("" if row["b"] is None else str(row["b"]), 5, right=True),
            "   ",
            pad(fit_start(step_text(row), room), room),
        ]
        if wide:
            spans += [
                pad(_size(size["a"], row["a"]), 13, right=True),
                pad(_size(size["b"], row["b"]), 13, right=True),
            ]
        change = "–" if size["delta"] is None else format_delta(size["delta"])
        page.line(*spans, pad(change, 12, right=True))
    quiet = len(different) - len(shown)
    if quiet:
        page.line(" " * 16, (f"and {quiet} that store nothing", "dim"))
    same = len(rows) - len(different)
    if same:
        page.line("  ", pad(MARKS["same"], 14), (f"{same} more are the same", "dim"))
    if shown:
        page.paragraph(legend(row["status"] for row in shown), indent=16)


def _size(size: int | None, index: int | None) -> str:
    return "" if index is None else format_size(size)


def _consequences(page: Page, document: ComparisonDocument) -> None:
    page.gap()
    page.paragraph(pull_words(document), indent=9, head=("pull   ", "head"))
    cache = cache_words(document)
    if cache:
        page.paragraph(cache, indent=9, head=("cache  ", "head"))
    waste = waste_words(document)
    if waste:
        page.paragraph(waste, indent=9, head=("waste  ", "head"))


def _dead_weight(page: Page, document: ComparisonDocument) -> None:
    words = weight_words(document)
    if words:
        page.gap()
        page.paragraph(words, indent=15, head=("dead weight  ", "head"))


def _packages(page: Page, document: ComparisonDocument, rows: int) -> None:
    packages = packages_that_differ(document)
    if packages is None:
        return
    page.gap()
    page.paragraph(packages_words(packages), indent=12, head=("packages  ", "head"))
    shown, others = packages["changes"][:rows], packages["changes"][rows:]
    deltas = _Deltas(page, shown)
    for row in shown:
        page.line(
            *deltas.spans(row["delta"], row["compressed"]["delta"]),
            (pad(STATUS_WORDS[row["status"]], 11), "dim"),
            fit_start(package_words(row), page.width - deltas.width - 11),
        )
    cut = [packages["rest"]] if "rest" in packages else []
    deltas.others(len(others) + sum(row["count"] for row in cut), [*others, *cut])


def _where(page: Page, document: ComparisonDocument, rows: int) -> None:
    files = document["files"]
    if files is None or not rows or not any(row["delta"] for row in document["directories"]):
        return
    depth = DEPTH if files["depth"] is None else files["depth"]
    table = tree_rows(document, rows=rows, depth=depth)
    page.gap()
    page.line("  ", ("where", "head"))
    deltas = _Deltas(page, document["directories"])
    for row in table:
        text = "  " * row.level + escape(row.name)
        tail = f"  {row.changes:,} differ" if row.changes else ""
        room = page.width - deltas.width - len(tail)
        name = pad(fit_start(text, room), min(room, 50))
        page.line(*deltas.spans(row.delta, row.download), name, (tail, "dim"))
    for words, pair in elsewhere_words(files):
        page.line(*deltas.spans(pair["delta"], pair["compressed"]["delta"]), (words, "dim"))


def _changes(page: Page, document: ComparisonDocument, rows: int) -> None:
    files = document["files"]
    if files is None:
        return
    words = kind_words(files)
    if not words:
        return
    page.gap()
    page.paragraph(words, indent=9, head=("files  ", "head"))
    listed = [row for row in document["changes"] if row["path"] is not None]
    shown = listed[:rows]
    deltas = _Deltas(page, shown)
    for row in shown:
        details = change_details(row)
        start: list[Span] = [
            *deltas.spans(row["delta"], row["compressed"]["delta"]),
            (f"{MARKS[row['kind']]} ", _STYLES.get(row["kind"], "head")),
        ]
        room = page.width - deltas.width - 2
        path = escape(row["path"])
        if details and cell_width(path) + cell_width(details) + 2 <= room:
            page.line(*start, path, "  ", (details, "dim"))
        else:
            page.line(*start, fit_end(path, room))
            if details:
                page.paragraph(details, indent=deltas.width + 4)
    cut = [row for row in document["changes"] if row["path"] is None]
    left = len(listed) - len(shown) + sum(row["count"] for row in cut)
    deltas.others(left, [*listed[rows:], *cut])
    if shown:
        page.paragraph(legend(row["kind"] for row in shown), indent=15)


def _settings(page: Page, document: ComparisonDocument) -> None:
    settings = document["config"]
    if not settings:
        return
    page.gap()
    page.line("  ", ("configuration", "head"))
    for row in settings[:SETTINGS]:
        mark, name, value = setting_words(row)
        start = f"{mark} {name}"
        if cell_width(start) + cell_width(value) + 6 <= page.width:
            page.line("    ", start, "  ", value)
        else:
            page.line("    ", fit_start(start, page.width - 4))
            page.paragraph(value, indent=8)
    if settings[SETTINGS:]:
        page.line("    ", (f"and {len(settings) - SETTINGS} more", "dim"))


def _notes(page: Page, document: ComparisonDocument) -> None:
    notes = document["notes"]
    if not notes:
        return
    page.gap()
    for note in notes[:NOTES]:
        page.paragraph(one_line(note["message"]), indent=8, head=("note  ", "dim"))
