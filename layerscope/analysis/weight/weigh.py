"""Dead weight: live files that a running container hardly needs, by kind, tool, layer, and path.

`Facts.weight` has the result. For advice, `facts.weight.of("docs")` is one kind, and
`facts.weight.parts("package_cache", "pip")` are the bytes that pip left in its cache, one row per layer with the
instruction and, where known, the compressed bytes. Each file counts for one kind, and the kinds add up to
`facts.weight.bytes`, so no byte is counted twice.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import field
from itertools import groupby
from typing import Final

from layerscope.analysis.ownership import Ownership
from layerscope.analysis.weight.build_tools import archive_names, build_tools
from layerscope.analysis.weight.contents import Contents
from layerscope.analysis.weight.facts import (
    DeadWeight,
    KindWeight,
    Weight,
    WeightPart,
    WeightPath,
    kind_order,
    part_order,
    path_order,
    total,
)
from layerscope.analysis.weight.kinds import Evidence, WeightKind
from layerscope.analysis.weight.linked import spare_linked
from layerscope.analysis.weight.rule import File, Surroundings
from layerscope.analysis.weight.survey import Found, Survey
from layerscope.analysis.weight.unpacked import unpacked_archives
from layerscope.filesystem.entry import numbered_entry
from layerscope.filesystem.tree import FileTree
from layerscope.image.config import ImageConfig
from layerscope.image.image import Base
from layerscope.records import dataclass

CONTENT_KINDS: Final[tuple[WeightKind, ...]] = (
    "dev_dependencies",
    "debug_symbols",
    "crash_dumps",
    "archives",
)
"""Kinds that need the contents of files, at least in part."""
_CORE_FILE: Final = File("crash_dumps")
_UNPACKED: Final = File("archives", evidence="contents")
_SYMBOLS: Final = File("debug_symbols")
_PNP: Final = (b"/.pnp.cjs", b"/.pnp.js")
_LANGUAGES: Final = ("LANG=", "LANGUAGE=", "LC_")


@dataclass(frozen=True, slots=True)
class Weighed:
    """The kind of each dead file. Files are numbers, counted through all layers.

    `parts` has the bytes that count where they are not the whole file.
    """

    found: Mapping[int, Found] = field(repr=False)
    parts: Mapping[int, int] = field(repr=False)
    unmeasured: tuple[WeightKind, ...] = ()


def weigh(
    tree: FileTree, config: ImageConfig, ownership: Ownership | None, *, read: bool = True
) -> Weighed:
    """Find the dead weight of an image. Without `ownership`, compilers are recognized by their paths alone.

    `read` says that the contents of all layers were read, so that what they say is known.
    """
    owners = array("i")
    tools: frozenset[int] = frozenset()
    if ownership is not None:
        for each in ownership.owners:
            owners.extend(each)
        tools = build_tools([share.package for share in ownership.packages])
    contents = Contents(tree)
    survey = Survey(
        tree,
        _surroundings(tree, config, ownership),
        contents.development,
        owners,
        tools,
    )
    found = survey.walk()
    spare_linked(tree, found)
    parts: dict[int, int] = {}
    for number, is_unpacked in unpacked_archives(tree, contents.archives).items():
        held = found.get(number)
        if is_unpacked and (held is None or held[0].rank >= _UNPACKED.rank):
            found[number] = (_UNPACKED, path_of(tree, number))
        elif held is not None and held[0].evidence == "folder":
            del found[number]
    for number, (rule, _) in found.items():
        if rule.evidence == "folder":
            found[number] = (rule, path_of(tree, number))
    for number in contents.cores:
        held = found.get(number)
        if held is None or held[0].rank > _CORE_FILE.rank:
            found[number] = (_CORE_FILE, path_of(tree, number))
    for number, size in contents.symbols.items():
        if number not in found:
            found[number] = (_SYMBOLS, path_of(tree, number))
            parts[number] = size
    return Weighed(found=found, parts=parts, unmeasured=() if read else CONTENT_KINDS)


def path_of(tree: FileTree, number: int) -> bytes:
    """The path of a file that is counted through all layers."""
    return numbered_entry(tree.layers, number).path


def weight_facts(
    weighed: Weighed, tree: FileTree, instructions: Sequence[int], base: Base | None
) -> DeadWeight:
    """The dead weight summed up. `instructions` gives the instruction of each layer."""
    base_layers = None if base is None else base.layers
    rows = sorted(_paths(weighed, tree, instructions), key=lambda row: row[0])
    kinds = []
    for kind, of_kind in groupby(rows, key=lambda row: row[0]):
        paths = sorted((path for _, path in of_kind), key=path_order)
        kinds.append(_kind(kind, paths, base_layers))
    kinds.sort(key=kind_order)
    whole = total(kinds)
    bases = [each.base for each in kinds if each.base is not None]
    return DeadWeight(
        bytes=whole.bytes,
        files=whole.files,
        compressed=whole.compressed,
        kinds=tuple(kinds),
        base=None if base_layers is None else total(bases),
        unmeasured=weighed.unmeasured,
    )


def _kind(kind: WeightKind, paths: Sequence[WeightPath], base_layers: int | None) -> KindWeight:
    whole = total(paths)
    parts: dict[tuple[int, int, str | None], list[Weight]] = {}
    for path in paths:
        parts.setdefault((path.layer, path.instruction, path.tool), []).append(path)
    rows = []
    for (layer, instruction, tool), weights in parts.items():
        part = total(weights)
        rows.append(
            WeightPart(
                bytes=part.bytes,
                files=part.files,
                compressed=part.compressed,
                tool=tool,
                layer=layer,
                instruction=instruction,
            )
        )
    return KindWeight(
        bytes=whole.bytes,
        files=whole.files,
        compressed=whole.compressed,
        kind=kind,
        base=None if base_layers is None else total(p for p in paths if p.layer < base_layers),
        parts=tuple(sorted(rows, key=part_order)),
        paths=tuple(paths),
    )


def _paths(
    weighed: Weighed, tree: FileTree, instructions: Sequence[int]
) -> list[tuple[WeightKind, WeightPath]]:
    """The files summed up by kind, tool, layer, and path."""
    sums: dict[tuple[WeightKind, str | None, Evidence | None, int, bytes], list[int]] = {}
    numbers = sorted(weighed.found)
    start = 0
    for layer in tree.layers:
        columns, first = layer.columns, layer.first
        sizes, costs = columns.sizes, columns.compressed
        end = first + len(layer)
        while start < len(numbers) and numbers[start] < end:
            number = numbers[start]
            start += 1
            rule, path = weighed.found[number]
            size = sizes[number - first]
            part = weighed.parts.get(number, size)
            cost = 0 if costs is None else costs[number - first] * part // size
            key = (rule.kind, rule.tool, rule.evidence, layer.number, path)
            held = sums.setdefault(key, [0, 0, 0])
            held[0] += part
            held[1] += 1
            held[2] += cost
    return [
        (
            kind,
            WeightPath(
                bytes=size,
                files=files,
                compressed=None if tree.layers[layer].columns.compressed is None else cost,
                tool=tool,
                layer=layer,
                instruction=instructions[layer],
                path=path,
                evidence=evidence,
            ),
        )
        for (kind, tool, evidence, layer, path), (size, files, cost) in sums.items()
    ]


def _surroundings(tree: FileTree, config: ImageConfig, ownership: Ownership | None) -> Surroundings:
    packages = () if ownership is None else ownership.packages
    return Surroundings(
        installed=frozenset(
            name for share in packages if share.installed for name in archive_names(share.package)
        ),
        languages=_languages(config),
        plug_and_play=any(name in layer.columns.paths for layer in tree.layers for name in _PNP),
    )


def _languages(config: ImageConfig) -> frozenset[bytes]:
    """The languages that the environment asks for, as directories are named: `de`, `de_DE`, `de_DE.utf8`."""
    found: set[str] = set()
    for variable in config.env:
        if not variable.startswith(_LANGUAGES):
            continue
        for each in variable.partition("=")[2].split(":"):
            locale = each.partition("@")[0]
            language = locale.partition(".")[0]
            if language in ("", "C", "POSIX"):
                continue
            found |= {each, locale, language, language.partition("_")[0], f"{language}.utf8"}
    return frozenset(each.encode("utf-8", "surrogateescape") for each in found)
