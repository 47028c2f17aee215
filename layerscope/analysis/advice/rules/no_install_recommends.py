"""Debian packages that are installed only because another one recommends them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from layerscope.analysis.advice.advice import Advice
from layerscope.analysis.advice.case import Case
from layerscope.analysis.advice.edits import AddFlag
from layerscope.analysis.advice.rule import Rule
from layerscope.layers.documents import unpacked
from layerscope.packages.dpkg import AUTOMATIC, STATUS
from layerscope.packages.recommends import only_recommended
from layerscope.patterns import pattern
from layerscope.units import count

_FLAG = "--no-install-recommends"
_APT = pattern(r"\bapt(?:-get)?\b.{0,400}?\binstall\b", re.DOTALL)
_INFO = b"var/lib/dpkg/info"


def _find(case: Case) -> Iterator[Advice]:
    names = _recommended(case)
    if not names:
        return
    for index, numbers in case.by_instruction(_files_of(case, names)).items():
        text = case.text(index)
        if case.keyword(index) != "RUN" or _FLAG in text or not _APT.search(text):
            continue
        claimed = case.claim(numbers)
        if claimed is None:
            continue
        packages = count(len(_owners(case, numbers)), "package")
        yield case.on_content(
            RULE.id,
            claimed,
            f"{case.start(index)}: use apt-get install {_FLAG}, because {packages} "
            "came along that nothing needs and another only recommends",
            edit=index,
            edits=(AddFlag(index, "apt(?:-get)?", "install", _FLAG),),
        )


def _recommended(case: Case) -> frozenset[str]:
    status, automatic = _document(case, STATUS), _document(case, AUTOMATIC)
    if status is None or automatic is None or case.analysis.ownership is None:
        return frozenset()
    return only_recommended(status, automatic)


def _document(case: Case, path: bytes) -> bytes | None:
    """The content of a package database in the final filesystem; None if it isn't there."""
    node = case.analysis.tree.find(path)
    latest = None if node is None or not node.visible else node.latest
    content = None if latest is None else latest.content
    kept = None if content is None else content.place.columns.documents.get(content.data)
    return None if kept is None else unpacked(kept)


def _files_of(case: Case, names: frozenset[str]) -> Iterator[int]:
    """The live files of packages, and what dpkg keeps about them."""
    ownership = case.analysis.ownership
    assert ownership is not None
    wanted = {
        number
        for number, share in enumerate(ownership.packages)
        if share.package.type == "deb" and share.package.name in names and share.installed
    }
    for layer, owners in zip(case.analysis.tree.layers, ownership.owners, strict=True):
        for position in layer.live():
            if owners[position] in wanted:
                yield layer.first + position
    folder = case.analysis.tree.find(_INFO)
    for name, node in ((folder and folder.children) or {}).items():
        if name.rpartition(b".")[0].partition(b":")[0].decode("utf-8", "replace") in names:
            latest = node.latest if node.visible else None
            if latest is not None and latest.content is not None:
                yield case.number_of(latest.content)


def _owners(case: Case, numbers: list[int]) -> set[int]:
    return {owner for number in numbers if (owner := case.owner_of(number)) is not None}


RULE = Rule("no-install-recommends", "Packages that are only recommended", _find)
