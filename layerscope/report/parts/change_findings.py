"""What to change, as findings: advice, waste that no advice is about, and what the base image wastes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from layerscope.report.parts.finding import Finding, Fingerprints
from layerscope.report.words import base_instructions, base_name, blame, instruction_text, one_line
from layerscope.units import count, format_percent, format_size

if TYPE_CHECKING:
    from layerscope.report.document.rows import AdviceRow, AnalysisDocument, WastePairRow

ADVICE: Final = "advice"
"""The prefix of findings about what to change."""
BASE_WASTE: Final = "waste/base-image"
WORTH_A_WARNING: Final = 100
"""A saving of at least one part in this many of the content is a warning, less is a note."""
WORTH_A_WORD: Final = 1000
"""Waste of less than one part in this many of the content is not a finding, unless advice is about it."""

_Key = tuple[str | None, int | None, int | None]


def change_findings(document: AnalysisDocument, fingerprints: Fingerprints) -> list[Finding]:
    """All advice, and the waste that it isn't about, largest first. What saves no bytes, or nobody measured, is at the end.

    Waste that the base image's own instructions cause is one finding, because only another base image changes it.
    """
    content = document["sizes"]["content"]
    pairs = {_key(row): row for row in document["waste_pairs"]}
    advice = [row for row in document["advice"] if row.get("rule")]
    found = [_advice(document, row, pairs.get(_key(row)), fingerprints) for row in advice]
    told = {_key(row) for row in advice}
    old = {_key(row): row["message"] for row in document["advice"] if not row.get("rule")}
    base, inherited = base_instructions(document), 0
    for pair in document["waste_pairs"]:
        if _key(pair) in told:
            continue
        if pair["wasted_by"] in base:
            inherited += pair["bytes"]
        elif pair["bytes"] and WORTH_A_WORD * pair["bytes"] >= content:
            found.append(_waste(document, pair, old.get(_key(pair)), fingerprints))
    if inherited and WORTH_A_WORD * inherited >= content:
        found.append(_base_waste(document, inherited, fingerprints))
    return sorted(found, key=lambda each: -_bytes(each))


def _bytes(finding: Finding) -> float:
    size = finding.properties.get("bytes")
    return -1 if size is None else size


def _key(row: AdviceRow | WastePairRow) -> _Key:
    return row["kind"], row["written_by"], row["wasted_by"]


def _advice(
    document: AnalysisDocument,
    row: AdviceRow,
    pair: WastePairRow | None,
    fingerprints: Fingerprints,
) -> Finding:
    """The advice in its own words, with what it is about. `pair` is the waste, if it is about waste."""
    content, size, pull = document["sizes"]["content"], row["bytes"], row.get("compressed")
    name = one_line(row["rule"])
    message = one_line(row["message"])
    if size is not None and row["files"]:
        writer = row["written_by"]
        message += f" That is {format_percent(size, content)} of the image, in {count(row['files'], 'file')}"
        message += "" if writer is None else f" written by instruction {writer}"
        message += "." if pair is None else f" and {blame(pair)}."
    if pull:
        message += f" A pull saves {format_size(pull)}."
    slug = f"{ADVICE}/{name}"
    index = row.get("instruction")
    others = (("written by", row["written_by"]), ("wasted by", row["wasted_by"]))
    places = [each for each in (index, row["written_by"], row["wasted_by"]) if each is not None]
    related = {
        number: f"{word} {number}"
        for word, number in others
        if number is not None and number != index
    }
    return Finding(
        rule=slug,
        level="note" if size is None or WORTH_A_WARNING * size < content else "warning",
        title=name if size is None else f"{name}: saves {format_size(size)}",
        message=message,
        instruction=index,
        related=tuple(related.items()),
        fingerprint=fingerprints.of(slug, *(_text_of(document, each) for each in places)),
        properties={
            "bytes": size,
            "compressed": pull,
            "files": row["files"],
            "wasted_by": row["wasted_by"],
            "written_by": row["written_by"],
        },
    )


def _waste(
    document: AnalysisDocument, pair: WastePairRow, advice: str | None, fingerprints: Fingerprints
) -> Finding:
    """Waste that no rule of advice is about. `advice` is what a report of an older version says."""
    content = document["sizes"]["content"]
    share = format_percent(pair["bytes"], content)
    message = (
        f"{format_size(pair['bytes'])} ({share} of the image) in {count(pair['files'], 'file')} "
        f"written by {pair['written_by']} are {blame(pair)}"
    )
    if advice:
        message += f". What to do: {one_line(advice)}"
    slug = f"waste/{pair['kind'].replace('_', '-')}"
    writer, waster = pair["written_by"], pair["wasted_by"]
    return Finding(
        rule=slug,
        level="warning" if WORTH_A_WARNING * pair["bytes"] >= content else "note",
        title=f"{format_size(pair['bytes'])} wasted: {blame(pair)}",
        message=message,
        instruction=waster,
        related=() if writer == waster else ((writer, f"written by {writer}"),),
        fingerprint=fingerprints.of(slug, _text_of(document, writer), _text_of(document, waster)),
        properties={
            "bytes": pair["bytes"],
            "compressed": pair.get("compressed"),
            "files": pair["files"],
            "wasted_by": waster,
            "written_by": writer,
        },
    )


def _base_waste(document: AnalysisDocument, size: int, fingerprints: Fingerprints) -> Finding:
    share = format_percent(size, document["sizes"]["content"])
    name = base_name(document)
    return Finding(
        rule=BASE_WASTE,
        level="note",
        title=f"{format_size(size)} wasted in the base image",
        message=(
            f"The instructions of {name} waste {format_size(size)} ({share} of the image). "
            "Only another base image changes that"
        ),
        instruction=None,
        related=(),
        fingerprint=fingerprints.of(BASE_WASTE),
        properties={"bytes": size},
    )


def _text_of(document: AnalysisDocument, index: int) -> str:
    return instruction_text(document["instructions"][index])
