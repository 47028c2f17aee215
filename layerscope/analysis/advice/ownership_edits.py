"""How to edit a Dockerfile so that COPY sets what a later chown or chmod sets, with the same result."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from layerscope.analysis.advice.case import Case
from layerscope.analysis.advice.chown import flags_of
from layerscope.analysis.advice.edits import (
    AddOption,
    Change,
    DropInstruction,
    Edit,
    ReplaceInstruction,
)
from layerscope.filesystem.entry import Entry
from layerscope.layers.entry import DIRECTORY, FILE, METADATA, UNCHANGED, WHITEOUT
from layerscope.patterns import pattern

_OCTAL: Final = pattern(r"[0-7]{3,4}")
_PLAIN: Final = pattern(rb"[A-Za-z0-9_./@+-]+")
_MOST_FOLDERS: Final = 8


def ownership_edits(case: Case, late: int, match: re.Match[str] | None) -> Change:
    """Options for all COPYs whose files the instruction `late` changes, and what remains of it.

    None unless `late` changes every file that those COPYs store, no other file, and at most a few other directories.
    """
    place = case.mentions.place(late)
    layers = case.analysis.instructions[late].instruction.layers
    if match is None or len(layers) != 1:
        return (), f"{place} does more than chown or chmod"
    pairs = [pair for pair in case.all_pairs if pair.wasted_by == late]
    writers = sorted({pair.written_by for pair in pairs})
    if any(
        pair.kind != "metadata_only" or flags_of(pair.changed) != [f"--{match[1]}"]
        for pair in pairs
    ) or any(case.keyword(index) not in ("COPY", "ADD") for index in writers):
        return (), f"{place} changes files of other steps too"
    copied = {
        layer for index in writers for layer in case.analysis.instructions[index].instruction.layers
    }
    option, mode = _option(match), None
    if match[1] == "chmod":
        mode = _mode(case, match[2], layers[0], copied)
        value = match[2] if _OCTAL.fullmatch(match[2]) else f"{mode or 0:o}"
        option = None if mode is None else f"--chmod={value}"
    if option is None:
        return (), f"COPY has no option that does the same as {match[1]} {match[2]}"
    if not all(_is_changed(case, entry, layers[0], mode) for entry in _stored(case, copied)):
        return (), f"{place} changes only a part of what the COPY stores"
    folders = []
    for entry in _stored(case, set(layers)):
        if _maker(entry) in copied:
            continue
        if entry.kind != DIRECTORY or not _PLAIN.fullmatch(entry.path):
            return (), f"{place} changes other files too"
        folders.append(entry.path.decode())
    if len(folders) > _MOST_FOLDERS:
        return (), f"{place} changes {len(folders)} other directories too"
    edits: list[Edit] = [AddOption(index, option) for index in writers]
    if folders:
        rest = " ".join(f"/{path}" for path in folders)
        edits.append(ReplaceInstruction(late, f"RUN {match[1]} {match[2]} {rest}"))
    else:
        edits.append(DropInstruction(late))
    return tuple(edits), ""


def _mode(case: Case, value: str, layer: int, copied: set[int]) -> int | None:
    """The mode that a chmod gives to all copied files and directories; None if they don't get the same one."""
    if _OCTAL.fullmatch(value):
        return int(value, 8)
    found = set()
    for entry in _stored(case, copied):
        if entry.kind not in (FILE, DIRECTORY):
            continue
        node = case.analysis.tree.find(entry.path)
        after = None if node is None else node.at_layer(layer)
        found.add(None if after is None else after.mode & 0o7777)
    return found.pop() if len(found) == 1 else None


def _option(match: re.Match[str]) -> str | None:
    """The option of COPY with the same effect as a chown on files that belong to root; None if there is none."""
    value = match[2]
    user, colon, group = value.partition(":")
    if "." in value or (colon and not group):
        return None
    return f"--chown={user or 0}:{group or 0}"


def _stored(case: Case, layers: set[int]) -> Iterator[Entry]:
    """What the layers store, without directories that only lead there."""
    for layer in sorted(layers):
        for entry in case.analysis.tree.layers[layer]:
            if (
                entry.kind >= WHITEOUT
                or entry.kind == METADATA
                or entry.change != UNCHANGED
                or entry.kind == FILE
            ):
                yield entry


def _maker(entry: Entry) -> int | None:
    """The layer that made what the entry replaces, not one that only leads there; None for a new path."""
    before = entry.previous
    while before is not None and before.kind == DIRECTORY and before.change == UNCHANGED:
        before = before.previous
    return None if before is None else before.layer


def _is_changed(case: Case, entry: Entry, layer: int, mode: int | None) -> bool:
    """Whether the layer changes the entry, or the entry is neither a file nor a directory.

    A layer also has directories that only lead to what it changes. Those count if they have the `mode` already.
    """
    if entry.kind not in (FILE, DIRECTORY):
        return True
    node = case.analysis.tree.find(entry.path)
    found = None if node is None else node.at_layer(layer)
    if found is None or found.layer != layer:
        return False
    leads = found.kind == DIRECTORY and found.change == UNCHANGED
    return not leads or found.mode & 0o7777 == mode
