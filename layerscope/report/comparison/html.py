"""The comparison as one HTML page. Without JavaScript you lose only folding, sorting, and filters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TextIO, TypedDict

from layerscope.analysis.model import WASTE_KINDS
from layerscope.analysis.words import KIND_WORDS
from layerscope.report.comparison import explained
from layerscope.report.comparison.cost_words import has_costs, sum_of_deltas
from layerscope.report.comparison.defaults import DEPTH
from layerscope.report.comparison.package_words import (
    STATUS_WORDS,
    packages_that_differ,
    packages_words,
    versions_words,
)
from layerscope.report.comparison.rows import SIDES, MaybePairRow, PairRow, SideName
from layerscope.report.comparison.secrets import doubt, listed, secrets_that_differ, secrets_words
from layerscope.report.comparison.totals import MEANINGS, more_totals
from layerscope.report.comparison.tree import OTHERS, tree_rows
from layerscope.report.comparison.weight import kinds_that_differ
from layerscope.report.comparison.words import (
    MARKS,
    cache_words,
    change_details,
    count_delta,
    count_rows,
    efficiency_words,
    is_narrowed,
    kind_words,
    measure,
    measure_word,
    narrowed_files,
    percent_delta,
    pull_words,
    setting_words,
    step_text,
    waste_words,
)
from layerscope.report.parts.html_page import MOST_ROWS, write_page
from layerscope.report.parts.secret_words import finding_place
from layerscope.units import format_delta, format_size

if TYPE_CHECKING:
    from layerscope.report.comparison.rows import (
        CausePairRow,
        ComparedInstructionRow,
        ComparedPackagesRow,
        ComparisonDocument,
        KindPairRow,
    )
    from layerscope.report.comparison.words import Measure
    from layerscope.report.document.rows import SizeName


DEEPEST = 8
"""The deepest level of a directory that gets its own indentation."""
_SIZES: tuple[tuple[SizeName, str, str], ...] = (
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
    "upgraded": "warn",
    "downgraded": "warn",
}
_WORDS = {
    "CHANGE_WORDS": _CHANGE_WORDS,
    "DEEPEST": DEEPEST,
    "KIND_WORDS": KIND_WORDS,
    "MARKS": MARKS,
    "PACKAGE_WORDS": STATUS_WORDS,
    "STATUS_WORDS": _STATUS_WORDS,
    "TONES": _TONES,
    "change_details": change_details,
    "finding_place": finding_place,
    "secret_state": doubt,
    "setting_words": setting_words,
    "step_text": step_text,
    "versions_words": versions_words,
}


class ComparisonHtml:
    """Writes the page of a comparison of two images."""

    def render(self, document: ComparisonDocument, out: TextIO) -> None:
        files = document["files"]
        packages = packages_that_differ(document)
        changes = [row for row in document["changes"] if row["path"] is not None]
        shown = changes[:MOST_ROWS]
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
            "files_left": len(changes) - len(shown) + sum(row["count"] for row in cut),
            "files_left_delta": sum(row["delta"] for row in (*changes[MOST_ROWS:], *cut)),
            "files_left_download": sum_of_deltas([*changes[MOST_ROWS:], *cut]),
            "file_costs": has_costs(shown),
            "package_costs": packages is not None and has_costs(packages["changes"]),
            "packages_left_download": None if packages is None else _left_download(packages),
            "tree_costs": has_costs(document["directories"]),
            "files_shown": shown,
            "layer_bars": [(side.upper(), _segments(document, side)) for side in SIDES],
            "narrowed": is_narrowed(document),
            "measure": measure(document),
            "measure_word": measure_word(document),
            "most": _most(document["instructions"], measure(document)),
            "overview": _overview(document),
            "package_choices": _package_choices(document),
            "package_words": None if packages is None else packages_words(packages),
            "packages": None if is_narrowed(document) else packages,
            "statuses": _statuses(document["instructions"]),
            "transfers": any(
                row["sizes"]["compressed"][side] is not None
                for row in document["layers"]
                for side in SIDES
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
            values=values | _secrets(document) | _explained(document),
        )


def _secrets(document: ComparisonDocument) -> dict[str, object]:
    found = None if is_narrowed(document) else secrets_that_differ(document)
    return {
        "secrets": [] if found is None else listed(found),
        "secrets_words": "" if found is None else secrets_words(found),
    }


def _explained(document: ComparisonDocument) -> dict[str, object]:
    found = None if is_narrowed(document) else explained.advice_that_differs(document)
    return {
        "advice": [] if found is None else explained.listed(found),
        "advice_words": "" if found is None else explained.advice_words(found),
        "causes": [] if is_narrowed(document) else _causes(document),
        "weight": [] if is_narrowed(document) else _weight(document),
    }


def _causes(document: ComparisonDocument) -> list[dict[str, object]]:
    """The causes that changed most."""
    rows = explained.changed_causes(document)[: explained.LISTED]
    return [_sizes_row(explained.pair_words(row), _pair(row), _share(_pair(row))) for row in rows]


def _weight(document: ComparisonDocument) -> list[dict[str, object]]:
    """The kinds of dead weight that differ, the largest difference first."""
    rows = kinds_that_differ(document)
    return [_sizes_row(words, _pair(row), _share(_pair(row))) for words, row in rows]


def _pair(row: CausePairRow | KindPairRow) -> MaybePairRow:
    return {"a": row["a"], "b": row["b"], "delta": row["delta"]}


def _left_download(packages: ComparedPackagesRow) -> int | None:
    """The compressed bytes of the packages that are not listed."""
    cut = [packages["rest"]] if "rest" in packages else []
    return sum_of_deltas([*packages["changes"][MOST_ROWS:], *cut])


def _overview(document: ComparisonDocument) -> list[dict[str, object]]:
    narrowed = narrowed_files(document)
    if narrowed is not None:
        placed = narrowed["placed"]
        share = percent_delta(100 * placed["delta"] / placed["a"] if placed["a"] else None)
        live = _sizes_row("live", placed, share) | {"meaning": "what the pattern matches"}
        return [live, *(_count_row(*numbers) for numbers in count_rows(document))]
    rows = [
        _sizes_row(name, document["sizes"][key], percent_delta(document["sizes"][key]["percent"]))
        | {"meaning": meaning}
        for key, name, meaning in _SIZES
    ]
    rows += [
        _sizes_row(name, pair, "") | {"meaning": MEANINGS[name]}
        for name, pair in more_totals(document)
    ]
    efficiency = efficiency_words(document)
    if efficiency is not None:
        one_share, other_share, points = efficiency
        rows.append(
            {
                "a": one_share,
                "b": other_share,
                "change": points or "0",
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


def _count_row(name: str, one: int, other: int) -> dict[str, object]:
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


def _sizes_row(name: str, pair: PairRow | MaybePairRow, percent: str) -> dict[str, object]:
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


def _waste(document: ComparisonDocument) -> list[dict[str, object]]:
    """The kinds of waste that occur, largest difference first."""
    kinds = document["wasted_by_kind"]
    found = [(kind, kinds[kind]) for kind in sorted(WASTE_KINDS)]
    found = [(kind, pair) for kind, pair in found if pair["a"] or pair["b"]]
    found.sort(key=lambda item: -abs(item[1]["delta"] or 0))
    return [_sizes_row(KIND_WORDS[kind], pair, _share(pair)) for kind, pair in found]


def _share(pair: MaybePairRow) -> str:
    if not pair["a"] or pair["delta"] is None:
        return percent_delta(None)
    return percent_delta(100 * pair["delta"] / pair["a"])


def _consequences(document: ComparisonDocument) -> list[tuple[str, str]]:
    parts = (
        ("pull", pull_words(document)),
        ("cache", cache_words(document)),
        ("waste", waste_words(document)),
    )
    return [(name, words) for name, words in parts if words]


def _most(rows: Sequence[ComparedInstructionRow], size: Measure) -> int:
    """The largest size of any row, which gets a full bar."""
    return max(
        (row["sizes"][size][side] or 0 for row in rows for side in SIDES),
        default=0,
    )


def _statuses(rows: Sequence[ComparedInstructionRow]) -> list[tuple[str, str]]:
    """The filters for the list of instructions."""
    found = {row["status"] for row in rows}
    choices = [pair for pair in _STATUS_WORDS.items() if pair[0] in found]
    return [("different", "all that differ"), *choices] if found - {"same"} else choices


def _package_choices(document: ComparisonDocument) -> list[tuple[str, str]]:
    """The filters for the list of packages."""
    packages = document["packages"]
    found = set() if packages is None else {row["status"] for row in packages["changes"]}
    return [(status, words) for status, words in STATUS_WORDS.items() if status in found]


def _segments(document: ComparisonDocument, side: SideName) -> list[dict[str, object]]:
    """The layers of one side along a bar. The larger side fills all 1000 units."""
    name = measure(document)
    whole = max(document["sizes"][name][each] or 0 for each in SIDES)
    rows = [(index, row) for row in document["layers"] if (index := row[side]) is not None]
    rows.sort(key=lambda pair: pair[0])
    texts = {row[side]: step_text(row) for row in document["instructions"]}
    segments: list[dict[str, object]] = []
    x = 0.0
    for index, row in rows:
        size = row["sizes"][name][side]
        if not size or not whole:
            continue
        width = 1000 * size / whole
        instruction = row["instruction_a"] if side == "a" else row["instruction_b"]
        segments.append(
            {
                "bytes": size,
                "layer": index,
                "status": row["status"],
                "text": "" if instruction is None else texts.get(instruction, ""),
                "width": round(width, 2),
                "x": round(x, 2),
            }
        )
        x += width
    return segments


class _Branch(TypedDict):
    """A directory of the page's tree. `left` is what no row below it has taken yet, on each side."""

    a: int
    b: int
    changes: int
    delta: int
    download: int | None
    folder: bool
    left: tuple[int, int]
    level: int
    name: str
    path: str
    rest: bool
    tone: str


def _tree(document: ComparisonDocument) -> list[_Branch]:
    """The directories that differ, with both sides. An extra row below a directory sums up what isn't listed."""
    directories = {row["path"]: row for row in document["directories"]}
    rows: list[_Branch] = []
    above: list[_Branch] = []
    for level, name, delta, changes, download in tree_rows(document, rows=MOST_ROWS, depth=2**31):
        del above[level:]
        parent = above[-1] if above else None
        path = name if parent is None else f"{parent['path'].rstrip('/')}/{name}"
        found = directories.get(path)
        rest = name == OTHERS and (found is None or any(row["path"] == path for row in rows))
        left = (0, 0) if rest or found is None else (found["a"], found["b"])
        a, b = parent["left"] if rest and parent is not None else left
        row: _Branch = {
            "a": a,
            "b": b,
            "changes": changes,
            "delta": delta,
            "download": download,
            "folder": False,
            "left": left,
            "level": level,
            "name": name,
            "path": path,
            "rest": rest,
            "tone": _tone(delta),
        }
        if parent is not None:
            parent["folder"] = True
            parent["left"] = (parent["left"][0] - a, parent["left"][1] - b)
        above.append(row)
        rows.append(row)
    return rows
