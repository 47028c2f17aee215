"""Files of the base image that the Dockerfile deletes or replaces. They stay in the image."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from layerscope.analysis.advice.advice import Advice
from layerscope.analysis.advice.case import Case
from layerscope.analysis.advice.rule import Rule
from layerscope.analysis.mentions import files_word
from layerscope.analysis.model import WastedFile
from layerscope.patterns import pattern

_STATE: Final = pattern(
    rb"var/lib/(?:apt|dpkg|rpm|dnf|pacman|alternatives|systemd)/|lib/apk/db/|usr/lib/sysimage/rpm/"
    rb"|var/(?:cache|log)/|etc/(?:ld\.so\.cache|passwd-?|shadow-?|group-?|gshadow-?)$"
)
"""What package managers rewrite as a whole: databases, caches, and logs."""


def _find(case: Case) -> Iterator[Advice]:
    for pair in case.pairs("deleted", "overwritten"):
        if pair.written_by == pair.wasted_by or not case.is_inherited(pair):
            continue
        files = case.files_of(pair)
        if pair.kind == "overwritten" and _is_kept_up_to_date(files, pair.bytes):
            case.pass_over(pair)
            continue
        what = files_word(files)
        remedy = (
            f"use a base image without {what}, because deleting here frees nothing"
            if pair.kind == "deleted"
            else f"use a newer base image, because this step replaces {what}"
        )
        start = case.start(pair.wasted_by)
        yield case.on_waste(RULE.id, pair, f"{start}: {remedy}", edit=pair.wasted_by)


def _is_kept_up_to_date(files: Sequence[WastedFile], size: int) -> bool:
    """Whether most bytes are in files that every install changes, such as dpkg's status, so no base image helps."""
    return 2 * sum(file.bytes for file in files if _STATE.match(file.path.lstrip(b"/"))) > size


RULE = Rule("base-waste", "Files of the base image that a step deletes or replaces", _find)
