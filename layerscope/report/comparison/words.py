"""The words of a comparison, the same in every human-readable format."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Literal

from layerscope.analysis.comparison.files import CHANGE_KINDS, ChangeKind
from layerscope.analysis.mentions import short_command
from layerscope.analysis.model import WASTE_KINDS
from layerscope.analysis.words import CHANGED_WORDS, KIND_WORDS
from layerscope.report.escape import escape, fit_start
from layerscope.units import count, format_delta, format_size

if TYPE_CHECKING:
    from layerscope.report.comparison.rows import (
        ChangedRow,
        ChangeRow,
        ComparedFilesRow,
        ComparedInstructionRow,
        ComparisonDocument,
        CostedPairRow,
        MaybePairRow,
        PulledRow,
        SettingRow,
    )


MARKS = {
    "same": "=",
    "changed": "~",
    "only_a": "−",
    "only_b": "+",
    "added": "+",
    "removed": "−",
    "content": "~",
    "metadata": "m",
    "type": "t",
    "moved": "→",
    "hardlink": "h",
    "unknown": "?",
}
_KINDS: dict[ChangeKind, str] = {
    "added": "added",
    "removed": "removed",
    "content": "with other content",
    "metadata": "with other metadata only",
    "type": "of another type",
    "moved": "moved",
    "hardlink": "counted at another hard link",
    "unknown": "of one size, content not known",
}
_LEGEND = {
    "changed": "changed",
    "only_a": "only in A",
    "only_b": "only in B",
    "added": "added",
    "removed": "removed",
    "content": "other content",
    "metadata": "metadata only",
    "type": "other type",
    "moved": "moved",
    "hardlink": "counted at another hard link",
    "unknown": "content not known",
}
_REASONS = {
    "content": "the same instruction with other content",
    "instruction": "another instruction",
    "added": "an instruction that A does not have",
    "removed": "an instruction that B does not have",
}
_FIELDS = {
    "env": "env",
    "entrypoint": "entrypoint",
    "cmd": "cmd",
    "working_dir": "workdir",
    "exposed_ports": "port",
    "volumes": "volume",
    "labels": "label",
    "stop_signal": "stop signal",
}
Measure = Literal["compressed", "content"]
_SPACE = re.compile(r"[ \t\r\n]+")
LONGEST = 200
"""The most columns of a configuration value."""


def one_line(text: str) -> str:
    """Text from an image on one line, with control and invisible characters escaped."""
    return escape(_SPACE.sub(" ", text).strip())


def count_delta(delta: int) -> str:
    """`−4`, `+29,216`, `0`."""
    return f"{'+' if delta > 0 else '−'}{abs(delta):,}" if delta else "0"


def percent_delta(percent: float | None) -> str:
    """`−86.6 %`, `+1,853 %`, or `×124`; empty if there is no difference or it is unknown."""
    if percent is None or round(percent, 1) == 0:
        return ""
    if percent >= 10_000:
        return f"×{1 + percent / 100:,.0f}"
    if percent >= 1_000:
        return f"+{percent:,.0f} %"
    return f"{'+' if percent > 0 else '−'}{abs(percent):,.1f} %"


def full_text(row: ComparedInstructionRow) -> str:
    """The instruction of B, or of A if B has none, on one line."""
    text = row["text_b"] if row["text_b"] is not None else row["text_a"]
    return one_line(text or "") or "–"


def step_text(row: ComparedInstructionRow) -> str:
    """The instruction on one line, without build flags and shell options."""
    return short_command(full_text(row))


def pull_words(document: ComparisonDocument) -> str:
    """What a host that has A pulls to get B."""
    layers = document["b"]["layers"]
    needed, chained = document["transfer"]["needed"], document["transfer"]["chained"]
    held = shared_words(document)
    if not needed["layers"]:
        text = f"a host that has A pulls none of the {count(layers, 'layer')} of B ({held})"
    else:
        number = len(needed["layers"])
        of = f"all {layers:,} layers of B" if layers > 1 else "the one layer of B"
        if number < layers:
            of = f"{number} of the {count(layers, 'layer')} of B"
        text = f"a host that has A pulls {of}, {_weight(needed)} ({held})"
    if chained["layers"] != needed["layers"]:
        text += f"; {_weight(chained)} if an engine reuses a layer only on top of the same layers"
    return text


def shared_words(document: ComparisonDocument) -> str:
    """Every shared layer by its number, including those at another position in the other image."""
    pairs = sorted(
        {
            (row["a"], row["b"])
            for row in document["layers"]
            if row["status"] == "same" and row["a"] is not None and row["b"] is not None
        }
        | {(row["a"], row["b"]) for row in document["out_of_order"]},
        key=lambda pair: (pair[1], pair[0]),
    )
    if not pairs:
        return "no layer is shared"
    runs: list[list[tuple[int, int]]] = []
    for pair in pairs:
        last = runs[-1][-1] if runs else None
        if last is not None and (pair[0] - last[0], pair[1] - last[1]) == (1, 1):
            runs[-1].append(pair)
        else:
            runs.append([pair])
    parts = []
    for run in runs:
        (a, b), (_, end) = run[0], run[-1]
        one = f"layer {b}" if len(run) == 1 else f"layers {b} to {end}"
        elsewhere = f" ({a} in A)" if len(run) == 1 else f" ({a} to {run[-1][0]} in A)"
        parts.append(one + (elsewhere if a != b else ""))
    return f"shared: {', '.join(parts)}"


def legend(marks: Iterable[str]) -> str:
    """The meaning of each mark that the rows above use."""
    used = list(dict.fromkeys(marks))
    return "   ".join(f"{MARKS[name]} {_LEGEND[name]}" for name in _LEGEND if name in used)


def is_narrowed(document: ComparisonDocument) -> bool:
    """Whether `--path` narrows the files, and with them everything shown next to them."""
    return narrowed_files(document) is not None


def narrowed_files(document: ComparisonDocument) -> ComparedFilesRow | None:
    """The files, if `--path` narrows them."""
    files = document["files"]
    return None if files is None or files["path"] is None else files


def efficiency_words(document: ComparisonDocument) -> tuple[str, str, str] | None:
    """Both efficiencies and `+2.1 points` ("" for no difference). None if one of them is unknown."""
    a, b = document["efficiency"]["a"], document["efficiency"]["b"]
    if a is None or b is None:
        return None
    points = percent_delta(100 * (b - a)).replace(" %", " points")
    return f"{100 * a:.1f} %", f"{100 * b:.1f} %", points


def elsewhere_words(files: ComparedFilesRow) -> list[tuple[str, CostedPairRow]]:
    """Differences that are in no directory that is listed, with their bytes."""
    found = (
        ("outside of the pattern", files["outside"]),
        ("at no visible path", files["unplaced"]),
    )
    return [(words, pair) for words, pair in found if pair["delta"]]


def measure(document: ComparisonDocument) -> Measure:
    """The size that instructions and layers are shown by: content, or what a pull transfers if no layer was read."""
    return "compressed" if "head" in document["a"] or "head" in document["b"] else "content"


def measure_word(document: ComparisonDocument) -> str:
    """`content` or `download`, for the title of a column."""
    return "download" if measure(document) == "compressed" else "content"


def count_rows(document: ComparisonDocument) -> list[tuple[str, int, int]]:
    """The number of entries of each type, over all layers as in each image's report; with `--path`, what it matches."""
    narrowed = narrowed_files(document)
    if narrowed is not None:
        return [("files+links", narrowed["visible"]["a"], narrowed["visible"]["b"])]
    entries = document["entries"]
    if entries["regular"]["a"] is None or entries["regular"]["b"] is None:
        return []

    def both(*pairs: MaybePairRow) -> tuple[int, int]:
        return sum(pair["a"] or 0 for pair in pairs), sum(pair["b"] or 0 for pair in pairs)

    return [
        ("files", *both(entries["regular"])),
        ("links", *both(entries["symlinks"], entries["hardlinks"])),
        ("directories", *both(entries["directories"])),
    ]


def _weight(weight: PulledRow) -> str:
    if weight["compressed"] is not None:
        return format_size(weight["compressed"])
    if weight["tar"] is not None:
        return f"{format_size(weight['tar'])} uncompressed"
    return "of unknown size"


def cache_words(document: ComparisonDocument) -> str:
    """The first instruction at which a build can't use the layers of A."""
    found = document["cache_break"]
    if found is None:
        return ""
    again = f"{count(len(found['layers']), 'layer')} rebuilt"
    index = found["b"] if found["b"] is not None else found["a"]
    if index is None:
        return f"breaks after the last instruction; {again}"
    text = found["text_b"] if found["text_b"] is not None else found["text_a"]
    return f"first breaks at instruction {index}, {_REASONS[found['reason']]}: {fit_start(one_line(text or ''), 80)}; {again}"


def waste_words(document: ComparisonDocument) -> str:
    """How each kind of waste changed."""
    kinds = document["wasted_by_kind"]
    rows = [(kind, kinds[kind]["delta"] or 0) for kind in WASTE_KINDS]
    rows.sort(key=lambda item: -abs(item[1]))
    return " · ".join(f"{KIND_WORDS[kind]} {format_delta(delta)}" for kind, delta in rows if delta)


def kind_words(files: ComparedFilesRow) -> str:
    """`696 paths differ: 9 added, 674 removed, 13 with other metadata only (all of them the time only)`."""
    parts = []
    for kind, words in _KINDS.items():
        number = files["kinds"][kind]["count"]
        if not number:
            continue
        part = f"{number:,} {words}"
        times = files["only_times"]
        if kind == "metadata" and times:
            part += f" ({'all' if times == number else f'{times:,}'} of them the time only)"
        parts.append(part)
    total = sum(files["kinds"][kind]["count"] for kind in CHANGE_KINDS)
    if not total:
        return ""
    differ = "1 path differs" if total == 1 else f"{total:,} paths differ"
    return f"{differ}: {', '.join(parts)}"


def change_details(row: ChangeRow) -> str:
    """Details about one file."""
    parts = []
    if row["kind"] == "moved":
        parts.append(f"from {escape(row['from'])}")
    if row["kind"] == "type":
        parts.append(f"{row['type_a']} → {row['type_b']}")
    if row["kind"] == "content" and row["a"] != row["b"]:
        parts.append(f"{format_size(row['a'])} → {format_size(row['b'])}")
    if "linkname" in row:
        parts.append(f"{escape(row['linkname'][0])} → {escape(row['linkname'][1])}")
    if row["kind"] == "hardlink":
        parts.append("another name of the same file was added or removed")
    if row["kind"] == "unknown":
        parts.append("same size, content not known")
    if "changed" in row:
        parts += _metadata(row["changed"], with_time=row["kind"] == "metadata")
    return ", ".join(parts)


def _metadata(changed: ChangedRow, *, with_time: bool) -> Iterator[str]:
    if "mode" in changed:
        before, after = changed["mode"]
        yield f"{CHANGED_WORDS['mode']} {before:04o} → {after:04o}"
    if "uid" in changed:
        yield f"{CHANGED_WORDS['uid']} {changed['uid'][0]} → {changed['uid'][1]}"
    if "gid" in changed:
        yield f"{CHANGED_WORDS['gid']} {changed['gid'][0]} → {changed['gid'][1]}"
    if "mtime" in changed and with_time:
        yield CHANGED_WORDS["mtime"]
    if "xattrs" in changed:
        yield CHANGED_WORDS["xattrs"]


def _value(value: str | None) -> str | None:
    return None if value is None else fit_start(one_line(value), LONGEST)


def setting_words(row: SettingRow) -> tuple[str, str, str]:
    """The mark, name, and values of a setting that differs."""
    field = _FIELDS.get(row["field"], row["field"])
    name = f"{field} {one_line(row['name'])}".rstrip()
    a, b = _value(row["a"]), _value(row["b"])
    if a is None:
        return "+", name, b or ""
    if b is None:
        return "−", name, a
    if not row["known"]:
        return "?", name, "hidden in a saved report"
    if a == b:
        return "~", name, f"{a} (changed)"
    return "~", name, f"{a or '(empty)'} → {b or '(empty)'}"
