"""Secrets in an image's configuration: its environment, its labels, and the history of its build."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from layerscope.analysis.masks import secret_pairs
from layerscope.analysis.secrets.facts import SecretFinding, Where
from layerscope.image.config import ImageConfig
from layerscope.image.dialects import HIDDEN
from layerscope.image.instruction import Instruction
from layerscope.patterns import pattern
from layerscope.secrets import search
from layerscope.secrets.words import doubt_about, is_reference, names_secret

_LOGIN: Final = pattern(r"\w{1,16}://[^\s/@:]{0,256}:([^\s/@\"']{1,1024})@")
_ASSIGNED: Final = pattern(
    r"""(?<![\w.-])([A-Za-z_][\w.-]{0,255})=("(?:[^"\\]|\\.)*"|'[^']*'|[^\s"']*)"""
)
_SPACED: Final = pattern(r"\b(?:ENV|LABEL)\s{1,16}([A-Za-z_][\w.-]{0,255})\s{1,16}(\S.*)")
"""The old form of ENV, which sets one variable."""
_SETTERS: Final[dict[str, Where]] = {"ENV": "env", "LABEL": "label"}

_Setting = tuple[str, str]


def find_in_texts(
    config: ImageConfig, instructions: Sequence[Instruction]
) -> Iterator[SecretFinding]:
    """The secrets outside of files. One that a variable or label still has is not repeated for the instruction that set it."""
    env = [(name, value) for name, _, value in (each.partition("=") for each in config.env)]
    makers = _makers(instructions)
    for where, settings in (("env", env), ("label", config.labels)):
        for name, value in settings:
            maker = makers.get((where, name))
            for rule, doubt in _of_setting(name, value):
                yield _finding(rule, where, maker, name=name, doubt=doubt)
    last = {("ENV", *each) for each in env} | {("LABEL", *each) for each in config.labels}
    for instruction in instructions:
        yield from _of_instruction(instruction, last)
    command = " ".join((*config.entrypoint, *config.cmd))
    if not any(each.keyword in ("CMD", "ENTRYPOINT") for each in instructions):
        for rule, name, doubt in sorted(_of_text(command)):
            yield _finding(rule, "history", None, name=name or None, doubt=doubt)


def _of_setting(name: str, value: str) -> list[tuple[str, str]]:
    """The rules that a variable or label breaks, each with the doubt about it."""
    found = {hit.rule: hit.doubt for hit in search.search_bytes(_bytes(f"{name}={value}")).hits}
    login = _LOGIN.search(value)
    if login is not None and not is_reference(login[1]):
        found[search.LOGIN_URL] = doubt_about(login[1])
    if not found and names_secret(name, value) and not is_reference(value):
        found[search.VARIABLE] = doubt_about(value)
    return sorted(found.items())


def _of_instruction(
    instruction: Instruction, last: set[tuple[str, str, str]]
) -> Iterator[SecretFinding]:
    keyword = instruction.keyword
    found: set[tuple[str, str, str]] = set()
    for name, value in instruction.arguments:
        if value == HIDDEN or is_reference(value):
            continue
        rules = [(rule, name, doubt) for rule, doubt in _of_setting(name, value)]
        found |= {
            (search.ARGUMENT if rule == search.VARIABLE else rule, name, doubt)
            for rule, name, doubt in rules
        }
    texts = {instruction.redacted_created_by, instruction.text, instruction.comment} - {""}
    for text in sorted(texts):
        found |= _of_text(_without_kept(text, keyword, last))
    for rule, name, doubt in sorted(found):
        yield _finding(
            rule,
            "history",
            instruction,
            name=name or None,
            doubt=doubt,
            deleted=keyword in _SETTERS,
        )


def _of_text(text: str) -> set[tuple[str, str, str]]:
    """The rule, the name of the setting if there is one, and the doubt of each secret in a command."""
    found = {(hit.rule, "", hit.doubt) for hit in search.search_bytes(_bytes(text)).hits}
    for match in _LOGIN.finditer(text):
        if not is_reference(match[1]):
            found.add((search.LOGIN_URL, "", doubt_about(match[1])))
    if not found:
        found |= {
            (search.VARIABLE, name, doubt_about(value))
            for name, value in secret_pairs(text)
            if not is_reference(value)
        }
    return found


def _without_kept(text: str, keyword: str, last: set[tuple[str, str, str]]) -> str:
    """The text of an ENV or LABEL without the values that the image still has."""
    if keyword not in _SETTERS:
        return text

    def kept(match: re.Match[str]) -> str:
        value = match[2].strip("\"'")
        return f"{match[1]}=" if (keyword, match[1], value) in last else match[0]

    match = _SPACED.search(text)
    if match is not None and (keyword, match[1], match[2].strip()) in last:
        return text[: match.start(2)]
    return _ASSIGNED.sub(kept, text)


def _makers(instructions: Sequence[Instruction]) -> dict[tuple[str, str], Instruction]:
    """The last instruction that sets each variable and label."""
    makers: dict[tuple[str, str], Instruction] = {}
    for instruction in instructions:
        where = _SETTERS.get(instruction.keyword)
        if where is None:
            continue
        names = [match[1] for match in _ASSIGNED.finditer(instruction.created_by)]
        words = instruction.text.split(None, 2)
        for name in [*names, *(words[1:2] if not names else ())]:
            makers[where, name] = instruction
    return makers


def _finding(
    rule: str,
    where: str,
    instruction: Instruction | None,
    *,
    name: str | None,
    doubt: str,
    deleted: bool = False,
) -> SecretFinding:
    return SecretFinding(
        rule=rule,
        message=search.messages()[rule],
        where=where,  # type: ignore[arg-type]
        deleted=deleted,
        instruction=None if instruction is None else instruction.index,
        name=name,
        doubt=doubt,
    )


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
