"""The overview of two images as painted lines: the summary, the sizes, and the instructions and places behind them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

from layerscope.report.comparison import explained
from layerscope.report.comparison.cost_words import cost_delta, has_costs
from layerscope.report.comparison.defaults import SIZES
from layerscope.report.comparison.naming import fit_apart
from layerscope.report.comparison.rows import SIDES
from layerscope.report.comparison.totals import more_totals
from layerscope.report.comparison.tree import tree_rows
from layerscope.report.comparison.weight import kinds_that_differ
from layerscope.report.comparison.words import (
    MARKS,
    cache_words,
    count_delta,
    count_rows,
    efficiency_words,
    is_narrowed,
    kind_words,
    legend,
    one_line,
    percent_delta,
    pull_words,
    step_text,
    waste_words,
)
from layerscope.report.escape import fit_start
from layerscope.report.page import wrap
from layerscope.tui.compare.deltas import delta_bar, delta_style, delta_text
from layerscope.tui.paint import Span, cell
from layerscope.units import format_size

if TYPE_CHECKING:
    from layerscope.report.comparison.rows import CausePairRow, ComparisonDocument, KindPairRow
    from layerscope.tui.compare.pair_session import CompareSession

Line = list[Span]
_STEPS: Final = 8
_PLACES: Final = 12
_NOTES: Final = 50
_ADVICE: Final = 10
_LABEL: Final = 14
_WIDEST: Final = 150
_STYLES: Final = {"changed": "modified", "only_a": "removed", "only_b": "added"}


def overview_lines(session: CompareSession, width: int) -> list[Line]:
    """All lines of the overview, at most `width` columns wide; styles are names from `STYLES`."""
    document = session.document
    width = min(width, _WIDEST)
    lines: list[Line] = [[]]
    lines += _paragraph(one_line(document["sentence"]), width)
    lines.append([])
    lines += _sizes(session, width)
    if not document["different"]:
        return [*lines, *_notes(document, width)]
    for title, more in (
        ("Instructions", [] if session.narrowed else _instructions(document, width)),
        ("Where", _places(document, width)),
        ("What follows", _consequences(document, width)),
        ("Why", [] if session.narrowed else _causes(document, width)),
        ("Dead weight", [] if session.narrowed else _dead_weight(document, width)),
        ("Advice", [] if session.narrowed else _advice(document, width)),
    ):
        found = list(more)
        if found:
            lines += [[], [(title, "defined")], *found]
    return [*lines, *_notes(document, width)]


def _paragraph(text: str, width: int, style: str = "", indent: int = 0) -> Iterator[Line]:
    space = " " * indent
    for line in wrap(text, max(20, width - indent - 1)):
        yield [(space, ""), (fit_start(line, width - indent), style)]


def _sizes(session: CompareSession, width: int) -> Iterator[Line]:
    """The two images in columns, with the change and its bar."""
    document = session.document
    column = max(10, min(26, (width - _LABEL - 12 - 11) // 2 - 1))
    bars = min(41, width - _LABEL - 2 * column - 24)
    names = fit_apart([one_line(name) for name in session.names], column - 4)
    heads = [
        cell(f"{letter} {name}", column - 1, right=True) + " "
        for letter, name in zip("AB", names, strict=True)
    ]
    yield [
        (" " * _LABEL, ""),
        (heads[0], "heading"),
        (heads[1], "heading"),
        (f"{'change':>12}", "dim"),
    ]
    narrowed = session.narrowed
    if narrowed is not None:
        placed = narrowed["placed"]
        line = _columns("live", format_size(placed["a"]), format_size(placed["b"]), column)
        line.append(
            (cell(delta_text(placed["delta"]), 12, right=True), delta_style(placed["delta"]))
        )
        share = percent_delta(100 * placed["delta"] / placed["a"] if placed["a"] else None)
        line.append((cell(share, 10, right=True), "dim"))
        yield line
        yield from _counts(count_rows(document), column)
        return
    most = max(abs(document["sizes"][key]["delta"] or 0) for _, key in SIZES)
    for name, key in SIZES:
        pair = document["sizes"][key]
        line = _columns(name, format_size(pair["a"]), format_size(pair["b"]), column)
        line.append((cell(delta_text(pair["delta"]), 12, right=True), delta_style(pair["delta"])))
        line.append((cell(percent_delta(pair["percent"]), 10, right=True) + "  ", "dim"))
        if bars >= 9:
            line += delta_bar(pair["delta"] or 0, most, bars)
        yield line
    yield from _more(document, column)
    efficiency = efficiency_words(document)
    if efficiency is not None:
        one_share, other_share, points = efficiency
        yield [
            *_columns("efficiency", one_share, other_share, column),
            (f"{points or '–':>12}", "dim"),
        ]
    layers = ("layers", document["a"]["layers"], document["b"]["layers"])
    yield from _counts([layers, *count_rows(document)], column)
    a, b = document["a"]["platform"], document["b"]["platform"]
    if a != b:
        yield _columns("platform", one_line(a), one_line(b), column)


def _more(document: ComparisonDocument, column: int) -> Iterator[Line]:
    """The totals besides the sizes."""
    for name, total in more_totals(document):
        line = _columns(name, format_size(total["a"]), format_size(total["b"]), column)
        line.append((cell(delta_text(total["delta"]), 12, right=True), delta_style(total["delta"])))
        yield line


def _counts(rows: Iterable[tuple[str, int, int]], column: int) -> Iterator[Line]:
    for name, one, other in rows:
        delta = count_delta(other - one) if other != one else "–"
        yield [*_columns(name, f"{one:,}", f"{other:,}", column), (f"{delta:>12}", "dim")]


def _columns(name: str, one: str, other: str, column: int) -> Line:
    values = [(cell(each, column - 1, right=True) + " ", "") for each in (one, other)]
    return [(f"  {name:<{_LABEL - 2}}", "dim"), *values]


def _instructions(document: ComparisonDocument, width: int) -> Iterator[Line]:
    """The instructions that moved the most content, in the order of the images."""
    rows = [
        row
        for row in document["instructions"]
        if row["status"] != "same" and (row["layers_a"] or row["layers_b"])
    ]
    by_size = sorted(rows, key=lambda row: -abs(row["sizes"]["content"]["delta"] or 0))
    kept = {id(row) for row in by_size[:_STEPS]}
    most = max([abs(row["sizes"]["content"]["delta"] or 0) for row in rows], default=0)
    bars = 21 if width >= 100 else 0
    for row in rows:
        if id(row) not in kept:
            continue
        delta = row["sizes"]["content"]["delta"]
        mark = MARKS[row["status"]].replace("−", "-")
        numbers = [f"{'' if row[side] is None else row[side]:>4}" for side in SIDES]
        line: Line = [
            (f"  {mark} ", _STYLES[row["status"]]),
            ("".join(numbers) + "  ", "number"),
            (cell(delta_text(delta), 11, right=True) + "  ", delta_style(delta)),
        ]
        if bars:
            line += [*delta_bar(delta or 0, most, bars), ("  ", "")]
        used = 4 + 10 + 13 + (bars + 2 if bars else 0)
        yield [*line, (fit_start(step_text(row), max(1, width - used)), "")]
    if len(rows) > _STEPS:
        yield [(f"    and {len(rows) - _STEPS:,} more: see the layers", "dim")]
    signs = legend(row["status"] for row in rows if id(row) in kept).replace("−", "-")
    if signs:
        yield [(fit_start("    " + signs, width), "dim")]


def _places(document: ComparisonDocument, width: int) -> Iterator[Line]:
    """The directories that differ most."""
    if document["files"] is None:
        return
    rows = tree_rows(document, rows=_PLACES, depth=2)
    most = max([abs(row.delta) for row in rows], default=0)
    bars = 21 if width >= 100 else 13
    costs = width >= 90 and has_costs(document["directories"])
    for level, name, delta, changes, download in rows:
        line: Line = [
            (cell(delta_text(delta), 14, right=True) + "  ", delta_style(delta)),
            *delta_bar(delta, most, bars),
            (f"{changes:>9,}  ", "dim"),
        ]
        room = max(1, width - 16 - bars - 11 - 2 * level)
        if costs:
            line.append((cell(f"download {cost_delta(download)}", 22), "dim"))
            room = max(1, room - 22)
        yield [*line, ("  " * level, ""), (fit_start(name, room), "folder")]


def _causes(document: ComparisonDocument, width: int) -> Iterator[Line]:
    """The causes that changed most."""
    rows = explained.changed_causes(document)[: explained.SHOWN]
    return _pairs([(explained.pair_words(row), row) for row in rows], width)


def _dead_weight(document: ComparisonDocument, width: int) -> Iterator[Line]:
    """The kinds of dead weight that differ."""
    return _pairs(kinds_that_differ(document), width)


def _pairs(rows: Sequence[tuple[str, CausePairRow | KindPairRow]], width: int) -> Iterator[Line]:
    """The change of each row, its bytes in both images, and its words."""
    for words, row in rows:
        delta = row["delta"]
        yield [
            (cell(delta_text(delta), 14, right=True) + "  ", delta_style(delta)),
            (cell(format_size(row["a"]), 10, right=True), ""),
            (" → ", "dim"),
            (cell(format_size(row["b"]), 10), ""),
            ("  ", ""),
            (fit_start(words, max(1, width - 41)), ""),
        ]


def _advice(document: ComparisonDocument, width: int) -> Iterator[Line]:
    """The advice that is new or gone."""
    found = explained.advice_that_differs(document)
    for word, row in [] if found is None else explained.listed(found)[:_ADVICE]:
        for number, line in enumerate(_paragraph(one_line(row["message"]), width - 10)):
            yield [(f"  {word if not number else '':<8}", "dim"), *line]


def _consequences(document: ComparisonDocument, width: int) -> Iterator[Line]:
    narrowed = is_narrowed(document)
    texts = [] if narrowed else [("pull", pull_words(document)), ("cache", cache_words(document))]
    if document["files"] is not None:
        texts.append(("files", kind_words(document["files"])))
        for name, words, pair in (
            ("outside", "outside the path", document["files"]["outside"]),
            ("unplaced", "in no visible file", document["files"]["unplaced"]),
        ):
            if pair["a"] or pair["b"]:
                texts.append((name, f"{delta_text(pair['delta'])} {words}"))
    if not narrowed:
        texts.append(("waste", waste_words(document)))
    for name, text in texts:
        for number, line in enumerate(_paragraph(text, width - 10) if text else ()):
            yield [(f"  {name if not number else '':<8}", "dim"), *line]


def _notes(document: ComparisonDocument, width: int) -> Iterator[Line]:
    if not document["notes"]:
        return
    yield []
    yield [("Notes", "defined")]
    for note in document["notes"][:_NOTES]:
        yield from _paragraph(one_line(note["message"]), width, "", 2)
