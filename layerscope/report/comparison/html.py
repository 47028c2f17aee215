"""The comparison as one HTML page. Without JavaScript you lose only folding, sorting, and filters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TextIO

from layerscope.analysis.words import KIND_WORDS
from layerscope.report.comparison.text import DEPTH
from layerscope.report.comparison.tree import OTHERS, tree_rows
from layerscope.report.comparison.words import (
    MARKS,
    cache_words,
    change_details,
    count_delta,
    count_rows,
    is_narrowed,
    kind_words,
    measure,
    measure_word,
    percent_delta,
    pull_words,
    setting_words,
    step_text,
    waste_words,
)
from layerscope.report.parts.html_page import MOST_ROWS, write_page
from layerscope.units import format_delta, format_size

if TYPE_CHECKING:
    from layerscope.report.document.rows import Document

Row = dict[str, Any]

DEEPEST = 8
"""The deepest level of a directory that gets its own indentation."""
_SIZES = (
    ("compressed", "download", "compressed, one pull"),
    ("content", "content", "what all layers store"),
    ("live", "live", "what the container sees"),
    ("wasted", "wasted", "content that it does not see"),
    ("tar", "tar", "the layers uncompressed, with headers"),
)
_STATUS_WORDS = {
    "same": "same",
    "changed": "changed",
    "only_a": "only A",
    "only_b": "only B",
}
_CHANGE_WORDS = {
    "added": "added",
    "removed": "removed",
    "content": "content",
    "metadata": "metadata",
    "type": "type",
    "moved": "moved",
    "hardlink": "hard link",
    "unknown": "unknown",
}
_TONES = {
    "same": "same",
    "changed": "warn",
    "only_a": "good",
    "only_b": "bad",
    "added": "bad",
    "removed": "good",
    "content": "warn",
    "type": "warn",
}
_WORDS = {
    "CHANGE_WORDS": _CHANGE_WORDS,
    "DEEPEST": DEEPEST,
    "KIND_WORDS": KIND_WORDS,
    "MARKS": MARKS,
    "STATUS_WORDS": _STATUS_WORDS,
    "TONES": _TONES,
    "change_details": change_details,
    "setting_words": setting_words,
    "step_text": step_text,
}


class ComparisonHtml:
    """Writes the page of a comparison of two images."""

    def render(self, document: Document, out: TextIO) -> None:
        files = document["files"]
        listed = [row for row in document["changes"] if row["path"] is not None]
        shown = listed[:MOST_ROWS]
        cut = [row for row in document["changes"] if row["path"] is None]
        kinds = {row["kind"] for row in shown}
        values = {
            "a": document["a"],
            "b": document["b"],
            "change_choices": [pair for pair in _CHANGE_WORDS.items() if pair[0] in kinds],
            "consequences": [] if is_narrowed(document) else _consequences(document),
            "depth": DEPTH if files is None or files["depth"] is None else files["depth"],
            "document_word": "comparison",
            "file_words": "" if files is None else kind_words(files),
            "files_left": len(listed) - len(shown) + sum(row["count"] for row in cut),
            "files_left_delta": sum(row["delta"] for row in (*listed[MOST_ROWS:], *cut)),
            "files_shown": shown,
            "layer_bars": [(side.upper(), _segments(document, side)) for side in "ab"],
            "narrowed": is_narrowed(document),
            "measure": measure(document),
            "measure_word": measure_word(document),
            "most": _most(document["instructions"], measure(document)),
            "overview": _overview(document),
            "statuses": _statuses(document["instructions"]),
            "transfers": any(
                row["sizes"]["compressed"][side] is not None
                for row in document["layers"]
                for side in "ab"
            ),
            "tree": _tree(document),
            "waste": [] if is_narrowed(document) else _waste(document),
        }
        write_page(
            out,
            "comparison.html.j2",
            ("tables.js", "tree.js"),
            document,
            words=_WORDS,
            values=values,
        )


def _overview(document: Document) -> list[Row]:
    if is_narrowed(document):
        placed = document["files"]["placed"]
        share = percent_delta(100 * placed["delta"] / placed["a"] if placed["a"] else None)
        live = _sizes_row("live", placed, share) | {"meaning": "what the pattern matches"}
        return [live, *(_count_row(*numbers) for numbers in count_rows(document))]
    rows = [
        _sizes_row(name, document["sizes"][key], percent_delta(document["sizes"][key]["percent"]))
        | {"meaning": meaning}
        for key, name, meaning in _SIZES
    ]
    efficiency = document["efficiency"]
    if efficiency["delta"] is not None:
        points = percent_delta(100 * efficiency["delta"]).replace(" %", " points") or "0"
        rows.append(
            {
                "a": f"{100 * efficiency['a']:.1f} %",
                "b": f"{100 * efficiency['b']:.1f} %",
                "change": points,
                "meaning": "live of the content",
                "name": "efficiency",
                "pair": None,
                "percent": "",
                "tone": "",
            }
        )
    numbers = [("layers", document["a"]["layers"], document["b"]["layers"])]
    numbers.append(("instructions", document["a"]["instructions"], document["b"]["instructions"]))
    numbers += count_rows(document)
    for name, one, other in numbers:
        rows.append(_count_row(name, one, other))
    return rows


_COUNTED = {
    "directories": "over all layers",
    "files": "over all layers",
    "files+links": "what the pattern matches",
    "links": "over all layers, symlinks and hard links",
}


def _count_row(name: str, one: int, other: int) -> Row:
    return {
        "a": f"{one:,}",
        "b": f"{other:,}",
        "change": count_delta(other - one),
        "meaning": _COUNTED.get(name, ""),
        "name": name,
        "pair": None,
        "percent": percent_delta(100 * (other - one) / one if one else None),
        "tone": "",
    }


def _sizes_row(name: str, pair: Row, percent: str) -> Row:
    delta = pair["delta"]
    return {
        "a": format_size(pair["a"]),
        "b": format_size(pair["b"]),
        "change": "–" if delta is None else format_delta(delta),
        "name": name,
        "pair": pair if delta is not None else None,
        "percent": percent,
        "tone": _tone(delta),
    }


def _tone(delta: int | None) -> str:
    return "grew" if delta and delta > 0 else "shrank" if delta else ""


def _waste(document: Document) -> list[Row]:
    """The kinds of waste that occur, largest difference first."""
    kinds = document["wasted_by_kind"]
    found = [kind for kind in kinds if kinds[kind]["a"] or kinds[kind]["b"]]
    found.sort(key=lambda kind: (-abs(kinds[kind]["delta"] or 0), kind))
    return [
        _sizes_row(
            KIND_WORDS[kind],
            kinds[kind],
            percent_delta(
                100 * kinds[kind]["delta"] / kinds[kind]["a"]
                if kinds[kind]["a"] and kinds[kind]["delta"] is not None
                else None
            ),
        )
        for kind in found
    ]


def _consequences(document: Document) -> list[tuple[str, str]]:
    parts = (
        ("pull", pull_words(document)),
        ("cache", cache_words(document)),
        ("waste", waste_words(document)),
    )
    return [(name, words) for name, words in parts if words]


def _most(rows: Sequence[Row], size: str) -> int:
    """The largest size of any row, which gets a full bar."""
    return max(
        (row["sizes"][size][side] or 0 for row in rows for side in "ab"),
        default=0,
    )


def _statuses(rows: Sequence[Row]) -> list[tuple[str, str]]:
    """The filters for the list of instructions."""
    found = {row["status"] for row in rows}
    choices = [pair for pair in _STATUS_WORDS.items() if pair[0] in found]
    return [("different", "all that differ"), *choices] if found - {"same"} else choices


def _segments(document: Document, side: str) -> list[Row]:
    """The layers of one side along a bar. The larger side fills all 1000 units."""
    name = measure(document)
    whole = max(document["sizes"][name][each] or 0 for each in "ab")
    rows = [row for row in document["layers"] if row[side] is not None]
    rows.sort(key=lambda row: row[side])
    texts = {row[side]: step_text(row) for row in document["instructions"] if row[side] is not None}
    segments = []
    x = 0.0
    for row in rows:
        size = row["sizes"][name][side]
        if not size or not whole:
            continue
        width = 1000 * size / whole
        segments.append(
            {
                "bytes": size,
                "layer": row[side],
                "status": row["status"],
                "text": texts.get(row[f"instruction_{side}"], ""),
                "width": round(width, 2),
                "x": round(x, 2),
            }
        )
        x += width
    return segments


def _tree(document: Document) -> list[Row]:
    """The directories that differ, with both sides. An extra row below a directory sums up what isn't listed."""
    directories = {row["path"]: row for row in document["directories"]}
    rows: list[Row] = []
    above: list[Row] = []
    for level, name, delta, changes in tree_rows(document, rows=MOST_ROWS, depth=2**31):
        del above[level:]
        parent = above[-1] if above else None
        path = name if parent is None else f"{parent['path'].rstrip('/')}/{name}"
        found = directories.get(path)
        rest = name == OTHERS and (found is None or any(row["path"] == path for row in rows))
        row: Row = {
            "changes": changes,
            "delta": delta,
            "folder": False,
            "left": [0, 0] if rest or found is None else [found["a"], found["b"]],
            "level": level,
            "name": name,
            "path": path,
            "rest": rest,
            "tone": _tone(delta),
        }
        sizes = parent["left"] if rest and parent is not None else row["left"]
        row["a"], row["b"] = sizes
        if parent is not None:
            parent["folder"] = True
            parent["left"] = [parent["left"][at] - sizes[at] for at in (0, 1)]
        above.append(row)
        rows.append(row)
    return rows
