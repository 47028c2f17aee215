"""The comparison as GitHub Markdown, for a pull request or a job summary. It says so if sections don't fit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, TextIO

from layerscope.report.comparison import explained, secrets
from layerscope.report.comparison.cost_words import cost_delta, has_costs, sum_of_deltas
from layerscope.report.comparison.defaults import DEPTH, ROWS, SIZES
from layerscope.report.comparison.naming import fit_apart
from layerscope.report.comparison.package_words import (
    STATUS_WORDS,
    packages_that_differ,
    packages_words,
    versions_words,
)
from layerscope.report.comparison.rows import SIDES
from layerscope.report.comparison.totals import more_totals
from layerscope.report.comparison.tree import tree_rows
from layerscope.report.comparison.weight import kinds_that_differ
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
    percent_delta,
    pull_words,
    setting_words,
    step_text,
    waste_words,
)
from layerscope.report.parts.secret_words import finding_place
from layerscope.report.parts.sheet import LIMIT, code, prose
from layerscope.units import format_delta, format_size

if TYPE_CHECKING:
    from layerscope.report.comparison.rows import ComparisonDocument, CostedPairRow
    from layerscope.report.formats.format import Display

INSTRUCTIONS = 40
SETTINGS = 40
MARKER = "<!-- layerscope compare -->"
"""The first line, by which a comment can be found again."""


class ComparisonMarkdown:
    """Writes one comment of fewer than `LIMIT` bytes."""

    def __init__(self, display: Display) -> None:
        self._rows = ROWS if display.rows is None else display.rows

    def render(self, document: ComparisonDocument, out: TextIO) -> None:
        sections = [
            _title(document),
            _overview(document),
            *([] if is_narrowed(document) else [_instructions(document), _consequences(document)]),
            *([] if is_narrowed(document) else [_causes(document)]),
            *([] if is_narrowed(document) else [_packages(document, self._rows)]),
            *([] if is_narrowed(document) else [_dead_weight(document)]),
            *([] if is_narrowed(document) else [_advice(document, self._rows)]),
            *([] if is_narrowed(document) else [_secrets(document, self._rows)]),
            _where(document, self._rows),
            _files(document, self._rows),
            *([] if is_narrowed(document) else [_settings(document)]),
            _notes(document),
        ]
        left = LIMIT - 200
        cut = 0
        for section in sections:
            left -= len(section.encode())
            if left < 0:
                left += len(section.encode())
                cut += 1
                continue
            out.write(section)
        if cut:
            out.write(f"\n*{cut} more sections did not fit here.*\n")


def _table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table. A title that ends in `>` marks a column of numbers."""
    head = " | ".join(title.removesuffix(">") for title in titles)
    rule = "|".join("--:" if title.endswith(">") else ":--" for title in titles)
    body = "".join(f"| {' | '.join(row)} |\n" for row in rows)
    return f"\n| {head} |\n|{rule}|\n{body}"


def _folded(title: str, text: str) -> str:
    return f"\n<details><summary>{title}</summary>\n{text}\n</details>\n"


def _title(document: ComparisonDocument) -> str:
    a, b = (code(document[side]["name"]) for side in SIDES)
    return f"{MARKER}\n### layerscope: {a} → {b}\n\n{prose(document['sentence'])}\n"


def _overview(document: ComparisonDocument) -> str:
    rows = []
    names = [
        f"{letter} {code(name, 60)}"
        for letter, name in zip(
            "AB", fit_apart([document[side]["name"] for side in SIDES], 60), strict=True
        )
    ]
    titles = ("", f"{names[0]}>", f"{names[1]}>", "change>")
    counts = [
        (f"**{name}**", f"{one:,}", f"{other:,}", count_delta(other - one))
        for name, one, other in count_rows(document)
    ]
    narrowed = narrowed_files(document)
    if narrowed is not None:
        placed = narrowed["placed"]
        sizes = (format_size(placed["a"]), format_size(placed["b"]), format_delta(placed["delta"]))
        return _table(titles, [("**live**", *sizes), *counts])
    for name, key in SIZES:
        pair = document["sizes"][key]
        delta = pair["delta"]
        change = "–" if delta is None else f"{format_delta(delta)} {percent_delta(pair['percent'])}"
        rows.append((f"**{name}**", format_size(pair["a"]), format_size(pair["b"]), change.strip()))
    for name, total in more_totals(document):
        delta = total["delta"]
        change = "–" if delta is None else format_delta(delta)
        rows.append((f"**{name}**", format_size(total["a"]), format_size(total["b"]), change))
    efficiency = efficiency_words(document)
    if efficiency is not None:
        one, other, points = efficiency
        rows.append(("**efficiency**", one, other, points or "0"))
    layers = document["a"]["layers"], document["b"]["layers"]
    rows.append(
        ("**layers**", f"{layers[0]:,}", f"{layers[1]:,}", count_delta(layers[1] - layers[0]))
    )
    return _table(titles, [*rows, *counts])


def _instructions(document: ComparisonDocument) -> str:
    different = [row for row in document["instructions"] if row["status"] != "same"]
    shown = [row for row in different if row["layers_a"] or row["layers_b"]]
    if not different:
        return ""
    rows = []
    for row in shown[:INSTRUCTIONS]:
        size = row["sizes"][measure(document)]
        rows.append(
            (
                MARKS[row["status"]],
                *("" if row[side] is None else str(row[side]) for side in SIDES),
                code(step_text(row)),
                *("" if row[side] is None else format_size(size[side]) for side in SIDES),
                "–" if size["delta"] is None else format_delta(size["delta"]),
            )
        )
    left = len(different) - len(rows)
    more = f"\n*and {left} more, in the JSON*\n" if left else ""
    more += f"\n{legend(row['status'] for row in shown[:INSTRUCTIONS])}\n" if shown else ""
    word = measure_word(document)
    titles = ("", "A>", "B>", "instruction", f"{word} A>", f"{word} B>", "change>")
    return f"\n**Instructions**\n{_table(titles, rows)}{more}"


def _consequences(document: ComparisonDocument) -> str:
    parts = [
        ("pull", pull_words(document)),
        ("cache", cache_words(document)),
        ("waste", waste_words(document)),
    ]
    lines = (f"- **{name}**: {prose(words)}\n" for name, words in parts if words)
    return "\n" + "".join(lines)


def _packages(document: ComparisonDocument, rows: int) -> str:
    packages = packages_that_differ(document)
    if packages is None:
        return ""
    costs = has_costs(packages["changes"][:rows])
    table = [
        (
            format_delta(row["delta"]),
            *_download(row["compressed"]["delta"], costs),
            STATUS_WORDS[row["status"]],
            code(f"{row['type']} {row['name']}"),
            prose(versions_words(row)),
            format_size(row["a"]),
            format_size(row["b"]),
        )
        for row in packages["changes"][:rows]
    ]
    others = packages["changes"][rows:]
    cut = [packages["rest"]] if "rest" in packages else []
    left = len(others) + sum(row["count"] for row in cut)
    if left:
        table.append((*_others([*others, *cut], costs), "", f"*in {left:,} others*", "", "", ""))
    titles = (*_changes(costs), "", "package", "version", "content A>", "content B>")
    return _folded(f"Packages: {packages_words(packages)}", _table(titles, table))


def _causes(document: ComparisonDocument) -> str:
    """The causes that changed, the three largest in the title."""
    rows = explained.changed_causes(document)
    if not rows:
        return ""
    table = [
        (change, prose(words), one, other)
        for change, words, one, other in explained.table_rows(rows)
    ]
    left = rows[explained.LISTED :]
    if left:
        delta = format_delta(sum(row["delta"] for row in left))
        table.append((delta, f"*in {len(left):,} others*", "", ""))
    title = f"Causes: {prose(explained.causes_words(document))}"
    return _folded(title, _table(("change>", "cause", "content A>", "content B>"), table))


def _dead_weight(document: ComparisonDocument) -> str:
    """Every kind of dead weight that differs."""
    rows = kinds_that_differ(document)
    if not rows:
        return ""
    table = [
        (format_delta(row["delta"] or 0), words, format_size(row["a"]), format_size(row["b"]))
        for words, row in rows
    ]
    total = document["dead_weight"]["total"]
    title = f"Dead weight: {format_size(total['a'])} → {format_size(total['b'])}"
    return _folded(title, _table(("change>", "kind", "A>", "B>"), table))


def _advice(document: ComparisonDocument, rows: int) -> str:
    found = explained.advice_that_differs(document)
    if found is None:
        return ""
    every = explained.listed(found)
    table = [(word, prose(row["message"]), code(row["rule"])) for word, row in every[:rows]]
    if every[rows:]:
        table.append(("", f"*and {len(every) - rows:,} more*", ""))
    words = f"Advice: {explained.advice_words(found)}"
    return _folded(words, _table(("", "what to do", "rule"), table))


def _secrets(document: ComparisonDocument, rows: int) -> str:
    found = secrets.secrets_that_differ(document)
    if found is None:
        return ""
    every = secrets.listed(found)
    table = [
        (word, code(finding_place(row)), code(row["rule"]), secrets.doubt(row))
        for word, row in every[:rows]
    ]
    if every[rows:]:
        table.append(("", f"*and {len(every) - rows:,} others*", "", ""))
    words = f"Secrets: {secrets.secrets_words(found)}"
    return _folded(words, _table(("", "secret", "rule", ""), table))


def _where(document: ComparisonDocument, rows: int) -> str:
    files = document["files"]
    if files is None or not rows or not any(row["delta"] for row in document["directories"]):
        return ""
    depth = DEPTH if files["depth"] is None else files["depth"]
    costs = has_costs(document["directories"])
    table = [
        (
            format_delta(row.delta),
            *_download(row.download, costs),
            "&nbsp;&nbsp;" * row.level + code(row.name),
            f"{row.changes:,}",
        )
        for row in tree_rows(document, rows=rows, depth=depth)
    ]
    for words, pair in elsewhere_words(files):
        download = _download(pair["compressed"]["delta"], costs)
        table.append((format_delta(pair["delta"]), *download, f"*{words}*", ""))
    titles = (*_changes(costs), "directory", "files that differ>")
    return f"\n**Where**\n{_table(titles, table)}"


def _changes(costs: bool) -> tuple[str, ...]:
    return ("change>", "download>") if costs else ("change>",)


def _download(delta: int | None, costs: bool) -> tuple[str, ...]:
    """The cell of the column of downloads, if the table has one."""
    return (cost_delta(delta),) if costs else ()


def _others(rows: Sequence[CostedPairRow], costs: bool) -> tuple[str, ...]:
    """The first cells of a row that sums up what a table doesn't list."""
    delta = format_delta(sum(row["delta"] for row in rows))
    return delta, *_download(sum_of_deltas(rows), costs)


def _files(document: ComparisonDocument, rows: int) -> str:
    files = document["files"]
    words = kind_words(files) if files is not None else ""
    if not words:
        return ""
    listed = [row for row in document["changes"] if row["path"] is not None]
    cut = [row for row in document["changes"] if row["path"] is None]
    costs = has_costs(listed[:rows])
    table = [
        (
            format_delta(row["delta"]),
            *_download(row["compressed"]["delta"], costs),
            MARKS[row["kind"]],
            code(row["path"]),
            prose(change_details(row)),
        )
        for row in listed[:rows]
    ]
    left = len(listed) - len(table) + sum(row["count"] for row in cut)
    if left:
        first = _others([*listed[rows:], *cut], costs)
        table.append((*first, "", f"*in {left:,} others*", ""))
    signs = legend(row["kind"] for row in listed[:rows])
    return _folded(
        f"Files: {words}",
        _table((*_changes(costs), "", "path", ""), table) + (f"\n{signs}\n" if signs else ""),
    )


def _settings(document: ComparisonDocument) -> str:
    settings = document["config"]
    if not settings:
        return ""
    rows = []
    for row in settings[:SETTINGS]:
        mark, name, value = setting_words(row)
        rows.append((mark, code(name), code(value) if value else ""))
    left = len(settings) - len(rows)
    more = f"\n*and {left} more, in the JSON*\n" if left else ""
    return _folded("Configuration", _table(("", "setting", "change"), rows) + more)


def _notes(document: ComparisonDocument) -> str:
    if not document["notes"]:
        return ""
    return "\n" + "".join(f"> {prose(note['message'])}\n>\n" for note in document["notes"])
