"""Files of the build context that don't belong in an image."""

from __future__ import annotations

import re
from collections.abc import Iterator

from layerscope.analysis.advice.advice import Advice
from layerscope.analysis.advice.case import Case
from layerscope.analysis.advice.context import Context, words_of
from layerscope.analysis.advice.edits import Edit, IgnorePaths
from layerscope.analysis.advice.rule import Rule
from layerscope.analysis.grouping import WastePair
from layerscope.analysis.mentions import paths_word
from layerscope.analysis.weight.rule import Place
from layerscope.patterns import pattern

_NODE_MODULES = pattern(rb"^(.*?)(?:^|/)(node_modules|vendor/bundle|\.venv|venv)/")
_BUILD_OUTPUT = pattern(rb"^(.*?)(?:^|/)(dist|build|target|out|obj|\.next|\.nuxt)/")
_PLAIN = pattern(rb"[A-Za-z0-9_@+.][A-Za-z0-9_@+./-]*")
"""A path that .dockerignore takes as it is."""
_HASH = pattern(r"ADD file:[0-9a-f]")
"""What a classic builder's history says of an ADD of one file: with several files in the layer, it was an archive."""
_MOST_OF = (19, 20)
_UNSURE = "it is not certain what these files are called in the build context"


def _find(case: Case) -> Iterator[Advice]:
    yield from _replaced(case)
    for index, numbers in _by_origin(case).items():
        lines = _lines(case, index, numbers)
        claimed = case.claim(numbers)
        if claimed is None:
            continue
        names = " and ".join(lines[:3]) or paths_word(claimed.paths)
        edits: tuple[Edit, ...] = (IgnorePaths(index, lines),) if lines else ()
        yield case.on_content(
            RULE.id,
            claimed,
            f"{case.start(index)}: put {names} into .dockerignore, because {case.keyword(index)} "
            f"takes {paths_word(claimed.paths)} along",
            edit=index,
            edits=edits,
            reason=_UNSURE,
        )


def _replaced(case: Case) -> Iterator[Advice]:
    """What a RUN installs and a COPY replaces, and what a COPY takes along and a RUN builds again."""
    for pair in case.pairs("overwritten", "identical_rewrite", "metadata_only", "deleted"):
        copy, run, pattern = pair.wasted_by, pair.written_by, _NODE_MODULES
        if case.keyword(copy) == "RUN":
            copy, run, pattern = run, copy, _BUILD_OUTPUT
        if case.keyword(run) != "RUN" or not _is_from_context(case, copy):
            continue
        folder = _folder(case, pair, pattern)
        if folder is None:
            continue
        line = Context(case, copy).path(folder)
        name = (line or folder).decode("utf-8", "backslashreplace")
        sure = line is not None and _PLAIN.fullmatch(line) is not None
        edits = (IgnorePaths(copy, (name,)),) if sure else ()
        text = (
            f"{case.start(copy)}: put {name} into .dockerignore, because "
            f"{case.mentions.subject(run)} makes it anyway"
        )
        yield case.on_waste(RULE.id, pair, text, edit=copy, edits=edits, reason=_UNSURE)


def _folder(case: Case, pair: WastePair, pattern: re.Pattern[bytes]) -> bytes | None:
    """The directory that nearly all bytes of the pair are in; None if they aren't in one that the pattern names."""
    sums: dict[bytes, int] = {}
    for file in case.files_of(pair):
        match = pattern.match(file.path.lstrip(b"/"))
        if match is not None:
            folder = match[0][:-1]
            sums[folder] = sums.get(folder, 0) + file.bytes
    folder = max(sums, key=lambda each: (sums[each], each), default=b"")
    part, whole = _MOST_OF
    return folder if folder and sums[folder] * whole >= pair.bytes * part else None


def _by_origin(case: Case) -> dict[int, list[int]]:
    """The dead weight that a COPY took along, by the COPY, even if a later step changed its owner, mode, or times."""
    found: dict[int, list[int]] = {}
    dead = case.dead_weight("version_control", "generated", "bytecode")
    for index, numbers in dead.items():
        if _is_from_context(case, index):
            found.setdefault(index, []).extend(numbers)
            continue
        for number in numbers:
            found.setdefault(case.origin_of(number), []).append(number)
    return {index: numbers for index, numbers in found.items() if _is_from_context(case, index)}


def _is_from_context(case: Case, index: int) -> bool:
    """Whether an instruction takes files of the build context as they are. ADD may fetch or unpack an archive instead."""
    text, keyword = case.text(index), case.keyword(index)
    if keyword == "ADD" and (words_of(text) is None or _HASH.match(text)):
        return False
    return keyword in ("COPY", "ADD") and "--from=" not in text and "<<" not in text


def _lines(case: Case, index: int, numbers: list[int]) -> tuple[str, ...]:
    """What to ignore; empty if that isn't certain for every file."""
    weighed = case.analysis.weighed
    assert weighed is not None
    context = Context(case, index)
    found: set[str] = set()
    for number in numbers:
        rule, where = weighed.found[number]
        if isinstance(rule, Place):
            path = context.path(where)
            if not path or not _PLAIN.fullmatch(path):
                return ()
            found.add(path.decode())
        elif b"/__pycache__/" in case.path_of(number):
            found.add("**/__pycache__")
        else:
            return ()
    return tuple(sorted(found))


RULE = Rule("dockerignore", "Files that belong into .dockerignore", _find)
