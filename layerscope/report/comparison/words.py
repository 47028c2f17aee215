"""The words of a comparison, the same in every human-readable format."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from layerscope.analysis.mentions import short_command
from layerscope.analysis.words import CHANGED_WORDS, KIND_WORDS
from layerscope.report.escape import escape, fit_start
from layerscope.units import format_delta, format_size

if TYPE_CHECKING:
    from layerscope.report.document.rows import Document

Row = dict[str, Any]

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
_KINDS = {
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


def plural(number: int, one: str) -> str:
    return f"{number:,} {one}" if number == 1 else f"{number:,} {one}s"


def full_text(row: Row) -> str:
    """The instruction of B, or of A if B has none, on one line."""
    text = row["text_b"] if row["text_b"] is not None else row["text_a"]
    return one_line(text or "") or "–"


def step_text(row: Row) -> str:
    """The instruction on one line, without build flags and shell options."""
    return short_command(full_text(row))


def pull_words(document: Document) -> str:
    """What a host that has A pulls to get B."""
    layers = document["b"]["layers"]
    needed, chained = document["transfer"]["needed"], document["transfer"]["chained"]
    held = shared_words(document)
    if not needed["layers"]:
        text = f"a host that has A pulls none of the {plural(layers, 'layer')} of B ({held})"
    else:
        number = len(needed["layers"])
        of = f"all {layers:,} layers of B" if layers > 1 else "the one layer of B"
        if number < layers:
            of = f"{number} of the {plural(layers, 'layer')} of B"
        text = f"a host that has A pulls {of}, {_weight(needed)} ({held})"
    if chained["layers"] != needed["layers"]:
        text += f"; {_weight(chained)} if an engine reuses a layer only on top of the same layers"
    return text


def shared_words(document: Document) -> str:
    """Every shared layer by its number, including those at another position in the other image."""
    pairs = sorted(
        {(row["a"], row["b"]) for row in document["layers"] if row["status"] == "same"}
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


def is_narrowed(document: Document) -> bool:
    """Whether `--path` narrows the files, and with them everything shown next to them."""
    return document["files"] is not None and document["files"]["path"] is not None


def measure(document: Document) -> str:
    """The size that instructions and layers are shown by: content, or what a pull transfers if no layer was read."""
    return "compressed" if any("head" in document[side] for side in "ab") else "content"


def measure_word(document: Document) -> str:
    """`content` or `download`, for the title of a column."""
    return "download" if measure(document) == "compressed" else "content"


def count_rows(document: Document) -> list[tuple[str, int, int]]:
    """The number of entries of each type, over all layers as in each image's report; with `--path`, what it matches."""
    files = document["files"]
    if is_narrowed(document):
        seen = files["visible"]
        return [("files+links", seen["a"], seen["b"])]
    entries = document["entries"]
    if any(entries["regular"][side] is None for side in "ab"):
        return []

    def both(*names: str) -> tuple[int, int]:
        return sum(entries[name]["a"] for name in names), sum(entries[name]["b"] for name in names)

    return [
        ("files", *both("regular")),
        ("links", *both("symlinks", "hardlinks")),
        ("directories", *both("directories")),
    ]


def _weight(weight: Row) -> str:
    if weight["compressed"] is not None:
        return format_size(weight["compressed"])
    if weight["tar"] is not None:
        return f"{format_size(weight['tar'])} uncompressed"
    return "of unknown size"


def cache_words(document: Document) -> str:
    """The first instruction at which a build can't use the layers of A."""
    found = document["cache_break"]
    if found is None:
        return ""
    again = f"{plural(len(found['layers']), 'layer')} rebuilt"
    index = found["b"] if found["b"] is not None else found["a"]
    if index is None:
        return f"breaks after the last instruction; {again}"
    text = found["text_b"] if found["text_b"] is not None else found["text_a"]
    return f"first breaks at instruction {index}, {_REASONS[found['reason']]}: {fit_start(one_line(text or ''), 80)}; {again}"


def waste_words(document: Document) -> str:
    """How each kind of waste changed."""
    rows = sorted(document["wasted_by_kind"].items(), key=lambda item: -abs(item[1]["delta"] or 0))
    return " · ".join(
        f"{KIND_WORDS[kind]} {format_delta(pair['delta'])}" for kind, pair in rows if pair["delta"]
    )


def kind_words(files: Row) -> str:
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
    total = sum(kind["count"] for kind in files["kinds"].values())
    if not total:
        return ""
    differ = "1 path differs" if total == 1 else f"{total:,} paths differ"
    return f"{differ}: {', '.join(parts)}"


def change_details(row: Row) -> str:
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
    for name, (one, other) in row.get("changed", {}).items():
        if name == "mtime" and row["kind"] != "metadata":
            continue
        parts.append(_metadata(name, one, other))
    return ", ".join(parts)


def _metadata(name: str, one: Any, other: Any) -> str:
    word = CHANGED_WORDS[name]
    if name == "mode":
        return f"{word} {one:04o} → {other:04o}"
    if name in ("uid", "gid"):
        return f"{word} {one} → {other}"
    return word


def setting_words(row: Row) -> tuple[str, str, str]:
    """The mark, name, and values of a setting that differs."""
    field = _FIELDS.get(row["field"], row["field"])
    name = f"{field} {one_line(row['name'])}".rstrip()
    a, b = (None if row[side] is None else fit_start(one_line(row[side]), LONGEST) for side in "ab")
    if a is None:
        return "+", name, b or ""
    if b is None:
        return "−", name, a
    if not row["known"]:
        return "?", name, "hidden in a saved report"
    if a == b:
        return "~", name, f"{a} (changed)"
    return "~", name, f"{a or '(empty)'} → {b or '(empty)'}"
