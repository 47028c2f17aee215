"""The report as GitHub Markdown: a job summary, or a pull request comment that is kept up to date.

Text from the image goes into `<code>`, with every Markdown character written as an entity, so it is never markup or a
mention. The whole comment stays below `LIMIT` bytes, and a row says what was cut off.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING, TextIO

from layerscope.analysis.words import KIND_WORDS
from layerscope.report.document.head import is_head
from layerscope.report.head.markdown import (
    instruction_rows,
    instruction_titles,
    size_rows,
)
from layerscope.report.parts.sheet import Sheet, code, prose
from layerscope.report.sections import advice, causes, duplicates, origin, packages, secrets, weight
from layerscope.report.sections.copied import copied_words
from layerscope.report.words import (
    base_instructions,
    blame,
    group_path,
    has_lines,
    instruction_text,
    line_number,
    rule_bound,
    rule_numbers,
    rule_word,
    short_digest,
    verdict_words,
    wasted_kinds,
)
from layerscope.units import count, format_delta, format_percent, format_size

if TYPE_CHECKING:
    from layerscope.report.document.rows import (
        AnalysisDocument,
        BaselineRow,
        GrownRow,
        HeadDocument,
        InstructionRow,
        NoteRow,
        ReportDocument,
        RuleRow,
        SizeName,
    )
    from layerscope.report.formats.format import Display


MARKER = "<!-- layerscope -->"
"""The first line, by which a comment can be found again."""
ROWS = 10
"""The default number of rows of each list of files."""
INSTRUCTIONS = 40
RULES = 60
NOTES = 20

_SIZES: tuple[tuple[SizeName, str], ...] = (
    ("content", "what all layers store"),
    ("live", "what the container sees"),
    ("wasted", "stored, but no longer reachable"),
    ("compressed", "one pull"),
    ("tar", "uncompressed layers with their headers"),
)
_SIZE_WORDS: dict[SizeName, str] = {"compressed": "download"}


class MarkdownRenderer:
    """Writes one comment of fewer than `LIMIT` bytes."""

    def __init__(self, display: Display) -> None:
        self._rows = ROWS if display.rows is None else display.rows

    def render(self, document: ReportDocument, out: TextIO) -> None:
        sheet = Sheet()
        sheet.add(f"{MARKER}\n### layerscope: {code(document['image']['reference'])}\n")
        _verdict(sheet, document)
        _summary(sheet, document)
        if is_head(document):
            _head(sheet, document)
            out.write(sheet.text())
            return
        _sizes(sheet, document)
        causes.markdown(sheet, document)
        advice.markdown(sheet, document)
        _grown(sheet, document)
        _instructions(sheet, document)
        origin.markdown(sheet, document)
        _waste(sheet, document, self._rows)
        packages.markdown(sheet, document.get("packages"), self._rows)
        duplicates.markdown(sheet, document.get("duplicates"), self._rows)
        weight.markdown(sheet, document, self._rows)
        _largest(sheet, document, self._rows)
        secrets.markdown(sheet, document.get("secrets"), document.get("findings", ()), self._rows)
        _notes(sheet, document)
        out.write(sheet.text())


def _baseline(document: ReportDocument) -> BaselineRow | None:
    """The baseline, `{reference, sizes, grown: [{instruction, bytes, before}]}`, or None."""
    return document.get("baseline")


def _verdict(sheet: Sheet, document: ReportDocument) -> None:
    if "verdict" not in document:
        return
    verdict = document["verdict"]
    words = {rule_word(rule) for rule in verdict["rules"]}
    mark = "❌" if not verdict["passed"] else "⚠️" if words & {"skip", "warn"} else "✅"
    sheet.add(f"\n**{mark} verdict: {verdict_words(document)}**\n")
    rules = sorted(verdict["rules"], key=lambda rule: list(_WORDS).index(rule_word(rule)))
    shown = rules[:RULES]
    sheet.table(
        ("", "rule", "found>", "limit>", ""),
        (_rule(rule) for rule in shown),
        total=len(shown),
        rest=f"and {count(len(rules) - len(shown), 'further rule')}" if rules[RULES:] else "",
    )


_WORDS = {"FAIL": "❌ **fail**", "warn": "⚠️ warn", "skip": "⏭️ skip", "pass": "✅ pass"}


def _rule(rule: RuleRow) -> tuple[str, ...]:
    actual, limit = rule_numbers(rule)
    return (
        _WORDS[rule_word(rule)],
        code(rule["rule"]),
        actual,
        f"{rule_bound(rule)} {limit}",
        prose(rule["message"]),
    )


def _summary(sheet: Sheet, document: ReportDocument) -> None:
    image = document["image"]
    digest = image["manifest_digest"] or image["config_digest"]
    parts = (
        code(image["platform"]),
        image["source"],
        code(short_digest(digest)),
        count(len(document["layers"]), "layer"),
        count(len(document["instructions"]), "instruction"),
        *([] if is_head(document) else [count(document["files"]["regular"], "file")]),
    )
    sheet.add(f"\n{' · '.join(parts)}\n")


def _head(sheet: Sheet, document: HeadDocument) -> None:
    """What is known before any layer is read."""
    sizes = size_rows(document, code)
    sheet.table(("", "size>", ""), sizes, total=len(sizes))
    rows = list(instruction_rows(document, code))
    left = len(document["instructions"]) - len(rows)
    if rows:
        sheet.table(
            instruction_titles(document),
            rows,
            total=len(rows),
            rest=count(left, "other instruction") if left else "",
            fold="<b>Instructions</b>: what a pull transfers for each",
        )
    _notes(sheet, document)


def _sizes(sheet: Sheet, document: AnalysisDocument) -> None:
    sizes = document["sizes"]
    baseline = _baseline(document)
    titles = ["", "size>", ""]
    if baseline is not None:
        titles.insert(2, f"change from {code(baseline['reference'], 60)}>")
    rows = []
    for name, meaning in _SIZES:
        size = sizes[name]
        if name == "wasted":
            share = format_percent(sizes["wasted"], sizes["content"])
            meaning = f"{share}, efficiency {100 * document['efficiency']:.1f} %"
        elif size is None:
            meaning = "unknown: only the uncompressed layers are there"
        word = _SIZE_WORDS.get(name, name)
        row = [f"**{word}**", f"**{format_size(size)}**", meaning]
        if baseline is not None:
            row.insert(2, _change(size, baseline["sizes"][name]))
        rows.append(row)
    sheet.table(titles, rows, total=len(rows))


def _change(size: int | None, before: int | None) -> str:
    if size is None or before is None:
        return "–"
    if size == before:
        return "none"
    percent = f" ({100 * (size - before) / before:+.1f} %)".replace("-", "−") if before else ""
    return f"{format_delta(size - before)}{percent}"


def _grown(sheet: Sheet, document: AnalysisDocument) -> None:
    baseline = _baseline(document)
    grown = baseline["grown"] if baseline is not None else []
    if not grown:
        return
    shown = grown[:INSTRUCTIONS]
    sheet.add("\n**Instructions that grew**\n")
    sheet.table(
        ("#>", "instruction", "before>", "now>", "change>"),
        (_grown_row(document, row) for row in shown),
        total=len(shown),
        rest=f"and {count(len(grown) - len(shown), 'more')}" if grown[INSTRUCTIONS:] else "",
    )


def _grown_row(document: AnalysisDocument, row: GrownRow) -> tuple[str, ...]:
    instruction = document["instructions"][row["instruction"]]
    return (
        str(row["instruction"]),
        code(instruction_text(instruction)),
        format_size(row["before"]),
        format_size(row["bytes"]),
        format_delta(row["bytes"] - row["before"]),
    )


def _instructions(sheet: Sheet, document: AnalysisDocument) -> None:
    rows = document["instructions"]
    full = [row for row in rows if row["layers"]]
    if not full:
        return
    ranked = sorted(full, key=lambda row: (-row["sizes"]["content"], row["index"]))
    kept = {row["index"] for row in ranked[:INSTRUCTIONS]}
    kept |= set(_covered(rows, kept)[: INSTRUCTIONS - len(kept)])
    shown = [row for row in rows if row["index"] in kept]
    left = sum(row["sizes"]["content"] for row in ranked[INSTRUCTIONS:])
    rest = ""
    if len(rows) > len(shown):
        rest = f"{count(len(rows) - len(shown), 'other instruction')}: {format_size(left)}"
    titles = ["#>", "instruction", "content>", "wasted>", ""]
    lines = has_lines(document)
    base = base_instructions(document)
    if lines:
        titles.insert(4, "line>")
    costs = any(row["sizes"]["compressed"] for row in full)
    if costs:
        titles.insert(-1, "download>")
    sheet.table(
        titles,
        (_instruction(document, row, base if lines else None, costs) for row in shown),
        total=len(shown),
        rest=rest,
        fold="<b>Instructions</b>: who wrote the bytes, and who wasted them",
    )


def _covered(rows: Sequence[InstructionRow], kept: Collection[int]) -> list[int]:
    """The instructions that share the layer of a kept one and can have stored something in it."""
    found: list[int] = []
    for row in rows:
        if row["index"] in kept and row["range"] is not None:
            first, last = row["range"]
            found += [
                each["index"]
                for each in rows[first : last + 1]
                if each["keyword"] in ("RUN", "COPY", "ADD")
            ]
    return found


def _instruction(
    document: AnalysisDocument, row: InstructionRow, base: range | None, costs: bool
) -> list[str]:
    """The cells of a row. With `base`, the instructions of the base image, one cell says where it was written."""
    sizes = row["sizes"]
    index = row["index"]
    cells = [
        str(index),
        code(instruction_text(row), 100),
        format_size(sizes["content"] or None),
        format_size(sizes["wasted"] or None),
        ", ".join(filter(None, (_blamed(document, index), _copied(row)))),
    ]
    if base is not None:
        cells.insert(4, "base" if index in base else line_number(row))
    if costs:
        cells.insert(-1, format_size(sizes["compressed"] or None))
    return cells


def _copied(row: InstructionRow) -> str:
    words = copied_words(row)
    return code(words, 480) if words else ""


def _blamed(document: AnalysisDocument, writer: int) -> str:
    pairs = [row for row in document["waste_pairs"] if row["written_by"] == writer and row["bytes"]]
    texts = [f"{format_size(row['bytes'])} {blame(row)}" for row in pairs[:2]]
    if pairs[2:]:
        texts.append(f"{format_size(sum(row['bytes'] for row in pairs[2:]))} by others")
    return ", ".join(texts)


def _download(known: bool) -> list[str]:
    """The title of the column with compressed bytes, if the source knows them."""
    return ["download>"] if known else []


def _waste(sheet: Sheet, document: AnalysisDocument, rows: int) -> None:
    kinds = wasted_kinds(document)
    named = " · ".join(f"{KIND_WORDS[kind]} {format_size(size)}" for kind, size in kinds)
    groups = [row for row in document["waste_groups"] if row["bytes"] and row["path"] is not None]
    shown = groups[:rows]
    if not named or not shown:
        return
    left = document["sizes"]["wasted"] - sum(row["bytes"] for row in shown)
    costs = any(row.get("compressed") is not None for row in shown)
    sheet.table(
        ("bytes>", *_download(costs), "path", "files>", "cause"),
        (
            (
                format_size(row["bytes"]),
                *([format_size(row.get("compressed"))] if costs else []),
                code(group_path(row)),
                f"{row['files']:,}",
                f"written by {row['written_by']}, {blame(row)}",
            )
            for row in shown
        ),
        total=len(shown),
        rest=f"{format_size(left)} in others" if left else "",
        fold=f"<b>Waste</b>: {named}",
    )


def _largest(sheet: Sheet, document: AnalysisDocument, rows: int) -> None:
    shown = document["largest"][:rows]
    if not shown:
        return
    left = document["sizes"]["live"] - sum(row["bytes"] for row in shown)
    costs = any(row.get("compressed") is not None for row in shown)
    sheet.table(
        ("bytes>", *_download(costs), "path", "written by>"),
        (
            (
                format_size(row["bytes"]),
                *([format_size(row.get("compressed"))] if costs else []),
                code(row["path"]),
                str(row["written_by"]),
            )
            for row in shown
        ),
        total=len(shown),
        rest=f"{format_size(left)} in others" if left else "",
        fold="<b>Largest files</b> of the final filesystem",
    )


def _notes(sheet: Sheet, document: ReportDocument) -> None:
    notes = document["notes"]
    if not notes:
        return
    shown = notes[:NOTES]
    sheet.table(
        ("layer>", "note", "path"),
        _note_rows(shown),
        total=len(shown),
        rest=f"and {len(notes) - len(shown):,} more" if notes[NOTES:] else "",
        fold=f"<b>{count(len(notes), 'note')}</b> on oddities in the image",
    )


def _note_rows(notes: Sequence[NoteRow]) -> Iterator[tuple[str, str, str]]:
    for note in notes:
        layer = str(note["layer"]) if "layer" in note else ""
        path = code(note["path"]) if "path" in note else ""
        yield layer, prose(note["message"]), path
