"""Copied files whose owner or mode a later instruction changes, which stores them again."""

from __future__ import annotations

import re
from collections.abc import Iterator

from layerscope.analysis.advice.advice import Advice
from layerscope.analysis.advice.case import Case
from layerscope.analysis.advice.chown import (
    changed_words,
    flags_of,
    option_value,
    ownership_command,
    user_made_between,
)
from layerscope.analysis.advice.edits import Change
from layerscope.analysis.advice.ownership_edits import ownership_edits
from layerscope.analysis.advice.rule import Rule
from layerscope.analysis.grouping import WastePair


def _find(case: Case) -> Iterator[Advice]:
    known: dict[int, Change] = {}
    for pair in case.pairs("metadata_only"):
        keyword = case.keyword(pair.written_by)
        if keyword in ("COPY", "ADD") and flags_of(pair.changed) and not case.is_inherited(pair):
            match = ownership_command(case.text(pair.wasted_by))
            maker = None
            if "--chown" in flags_of(pair.changed):
                maker = user_made_between(case, pair, match)
            text = f"{case.start(pair.written_by)}: {_remedy(case, pair, match, maker)}"
            if pair.wasted_by not in known:
                known[pair.wasted_by] = ownership_edits(case, pair.wasted_by, match)
            edits, reason = known[pair.wasted_by]
            if maker is not None:
                edits, reason = (), f"{case.mentions.place(maker)} makes the user after the COPY"
            yield case.on_waste(
                RULE.id, pair, text, edit=pair.written_by, edits=edits, reason=reason
            )


def _remedy(case: Case, pair: WastePair, match: re.Match[str] | None, maker: int | None) -> str:
    keyword = case.keyword(pair.written_by)
    late = case.mentions.named(pair.wasted_by)
    ending = f"drop {late}" if match else f"don't change {changed_words(pair.changed)} in {late}"
    value, flags = option_value(match), flags_of(pair.changed)
    wanted = " ".join(
        f"{flag}={value}" if match and value and flag == f"--{match[1]}" else flag for flag in flags
    )
    if "--chmod" in flags:
        wanted += case.needs_buildkit(pair.written_by)
    if maker is None:
        return f"use {keyword} {wanted} and {ending}"
    return (
        f"move this {keyword} below {case.mentions.subject(maker)} "
        f"or use a numeric id, then use {keyword} {wanted} and {ending}"
    )


RULE = Rule("copy-chown", "Copied files whose owner or mode a later step changes", _find)
