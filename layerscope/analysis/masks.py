"""Recognizes secrets by name or form, and masks them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from layerscope.analysis.mask_commands import mask_commands
from layerscope.image.dialects import HIDDEN
from layerscope.patterns import pattern
from layerscope.secrets.words import INNOCENT, looks_secret, may_name_secret, names_secret

INNOCENT_VALUES: Final = INNOCENT | {HIDDEN}
"""Values that are never secret."""

_FORMS: Final = pattern(
    r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[^-]{0,20000}(?:-----END [A-Z ]{0,40}PRIVATE KEY-----)?"
    r"|\bgh[pousr]_[A-Za-z0-9]{20,255}|\bgithub_pat_[A-Za-z0-9_]{20,255}|\bglpat-[A-Za-z0-9_-]{20,255}"
    r"|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b|\bxox[abeoprs]-[A-Za-z0-9-]{10,255}|\bAIza[A-Za-z0-9_-]{35}\b"
    r"|\bsk-[A-Za-z0-9_-]{20,255}|\b[sr]k_(?:live|test)_[A-Za-z0-9]{16,255}|\bnpm_[A-Za-z0-9]{30,255}"
    r"|\bpypi-[A-Za-z0-9_-]{30,1000}|\bdckr_pat_[A-Za-z0-9_-]{20,255}|\bhf_[A-Za-z0-9]{30,255}"
    r"|\beyJ[A-Za-z0-9_-]{10,5000}\.eyJ[A-Za-z0-9_-]{10,5000}\.[A-Za-z0-9_-]{0,5000}"
)
_FORM_PARTS: Final = (
    *(
        "PRIVATE KEY-----",
        "ghp_",
        "gho_",
        "ghu_",
        "ghs_",
        "ghr_",
        "github_pat_",
        "glpat-",
        "AKIA",
        "ASIA",
        "xox",
    ),
    *("AIza", "sk-", "k_live_", "k_test_", "npm_", "pypi-", "dckr_pat_", "hf_", "eyJ"),
)
"""A secret of one of these forms contains one of these."""
_RANDOM: Final = pattern(
    r"(?<![A-Za-z0-9+/_=.:@-])[A-Za-z0-9+_/-]{32,1024}={0,2}(?![A-Za-z0-9+/_.-])"
)
_LONG_WORD: Final = pattern(r"[a-z]{7}|[A-Z]{7}|[/_-].*[/_-].*[/_-].*[/_-].*[/_-]", re.DOTALL)
_USERINFO: Final = pattern(
    r"(?<=://)(?:([^\s/@:?#\"']{0,255}):[^\s/\"']{1,1024}|[^\s/@:?#\"']{16,255}:?)@"
)
_NAME: Final = pattern(r"(?<![A-Za-z0-9_.-])(?P<name>[A-Za-z_-][A-Za-z0-9_.-]{1,127})=")
_ASSIGNED: Final = pattern(r""""[^"]*"|'[^']*'|(?:[^\s"';&|\\]|\\[^\s"'])+""")
_SETTING: Final = pattern(
    r"(?P<name>(?<![A-Za-z0-9_.-])(?!key[ \t:=])[A-Za-z_][A-Za-z0-9_.-]{1,127})"
    r"(?P<sign>[ \t]{0,4}:[ \t]{1,4}|[ \t]{1,4}=[ \t]{0,4})(?!(?i:bearer|basic|token)[ \t])"
    r"""(?P<value>"[^"$\n]{1,1024}"|'[^'\n]{1,1024}'|[^\s"'$|;&<>*{\[][^\s"'|;&<>]{0,1023})"""
)
"""A setting as YAML, TOML, and PowerShell write it."""
_SET: Final = pattern(
    r"(?P<before>(?<![\w-])(?:ENV|LABEL|set|export)[ \t]{1,8})(?P<name>[^\s=\"'$]{1,255})(?P<sign>[ \t]{1,8})"
    r"""(?P<value>"[^"$\n]{1,1024}"|'[^'\n]{1,1024}'|[^\s"'$|;&=-][^\s"'|;&]{0,1023})"""
)
"""A setting without a sign: `ENV NAME VALUE`, `npm config set NAME VALUE`."""
_ELEMENT: Final = pattern(
    r"<(?P<name>[A-Za-z_][A-Za-z0-9_.-]{1,127})>(?P<value>[^<\s$][^<\n]{0,1023})(?=</)"
)
_MEMBER: Final = pattern(
    r"""(?P<quote>\\{0,8}["'])(?P<name>[A-Za-z_][A-Za-z0-9_.-]{1,127})(?P=quote)"""
    r"""(?P<sign>\s{0,8}:\s{0,8})(?P<open>\\{0,8}["'])(?P<value>[^"'\\\r\n]{1,4096})"""
)
_FLAG: Final = pattern(
    r"(?<![\w-])(?P<name>--?[A-Za-z][A-Za-z0-9_-]{1,64})(?P<sign>[ \t]{1,8})"
    r"""(?P<value>"[^"$]{1,1024}"|'[^']{1,1024}'|[^\s"'$|;&=-][^\s"';&|=]{0,1023})(?=[\s;&|"']|\Z)"""
)
_HEADER: Final = pattern(
    r"""\b((?:authorization|cookie|set-cookie|(?:[a-z-]{1,40}-)?api-?key|(?:x|private|job|deploy|auth|access)-[a-z-]{0,40}(?:token|key)|private-token|auth-token|access-token)"""
    r"""\s{0,4}:\s{0,4}["']?(?:(?:bearer|basic|token)\s{1,4})?)(?!["'$*]|(?:bearer|basic|token)\s)([^\s"'\\]{1,4096})""",
    re.IGNORECASE,
)


def hides(name: str, value: str) -> bool:
    """Whether a setting's whole value is masked because of its name."""
    return value not in INNOCENT_VALUES and names_secret(name, value)


def mask_value(name: str, value: str) -> str:
    """The masked value of a setting: all of it if the name is secret, else only the parts that look like secrets."""
    return HIDDEN if hides(name, value) else mask_text(value)


def mask_text(text: str) -> str:
    """Free text such as a command, with secrets masked: `--password=…`, `://user:…@host`, keys by their form.

    The number of lines stays the same.
    """
    if "=" in text:
        text = _mask_pairs(text)
    if "://" in text:
        text = _USERINFO.sub(_masked_userinfo, text)
    named = may_name_secret(text)
    if named and ":" in text:
        text = _MEMBER.sub(_masked_member, text)
    if ":" in text and (named or "cookie" in text.lower()):
        text = _HEADER.sub(rf"\1{HIDDEN}", text)
    if named:
        text = _mask_named(text)
    text = mask_commands(text)
    if any(part in text for part in _FORM_PARTS):
        text = _FORMS.sub(_masked_lines, text)
    return _RANDOM.sub(_masked_random, text) if len(text) >= _SHORTEST_RANDOM else text


_SHORTEST_RANDOM: Final = 32
_LONGEST_KEPT: Final = 10_000
"""Characters of a text whose settings are kept, since one report asks for them several times."""


def _mask_named(text: str) -> str:
    text = _SET.sub(_masked_set, _SETTING.sub(_masked_pair, text))
    if "</" in text:
        text = _ELEMENT.sub(_masked_element, text)
    return _FLAG.sub(_masked_pair, text) if "-" in text else text


def secret_pairs(text: str) -> tuple[tuple[str, str], ...]:
    """The settings in a text with secret names, and their values as written."""
    return _known_pairs(text) if len(text) <= _LONGEST_KEPT else _found_pairs(text)


@lru_cache(maxsize=1024)
def _known_pairs(text: str) -> tuple[tuple[str, str], ...]:
    return _found_pairs(text)


def _found_pairs(text: str) -> tuple[tuple[str, str], ...]:
    found = [(name, text[start:end].strip("\"'")) for name, start, end in _pairs(text)]
    forms = (_MEMBER, _FLAG, _SETTING, _SET) if may_name_secret(text) else ()
    for form in forms:
        for match in form.finditer(text):
            value = match["value"].strip("\"'")
            if not value.startswith("$") and hides(match["name"], value):
                found.append((match["name"], value))
    return tuple(found)


def _pairs(text: str) -> Iterator[tuple[str, int, int]]:
    """The names of `NAME=VALUE` that mean a secret, and where their values begin and end, quotes included."""
    done = 0
    for match in _NAME.finditer(text):
        name = match["name"]
        if match.start() < done or not _means_secret(name):
            continue
        value = _ASSIGNED.match(text, match.end())
        if value is None or value[0].startswith(("$", '"$')):
            continue
        if hides(name, value[0].strip("\"'")) or _is_bundle(name):
            done = value.end()
            yield name, match.end(), done


def _means_secret(name: str) -> bool:
    return looks_secret(name) or _is_bundle(name)


def _is_bundle(name: str) -> bool:
    """Whether a variable has the login of a host of gems, such as `BUNDLE_GEMS__EXAMPLE__ORG`."""
    return name.startswith("BUNDLE_") and "__" in name


def _mask_pairs(text: str) -> str:
    parts: list[str] = []
    done = 0
    for _, start, end in _pairs(text):
        parts += [text[done:start], HIDDEN, line_ends(text[start:end])]
        done = end
    return "".join([*parts, text[done:]])


def _masked_set(match: re.Match[str]) -> str:
    if not hides(match["name"], match["value"].strip("\"'")):
        return match[0]
    return f"{match['before']}{match['name']}{match['sign']}{HIDDEN}"


def _masked_element(match: re.Match[str]) -> str:
    return f"<{match['name']}>{HIDDEN}" if hides(match["name"], match["value"]) else match[0]


def line_ends(text: str) -> str:
    """The line breaks of a text, so that its replacement has as many lines."""
    return "\n" * (len(text.splitlines()) - 1) if text else ""


def _masked_lines(match: re.Match[str]) -> str:
    return HIDDEN + line_ends(match[0])


def _masked_random(match: re.Match[str]) -> str:
    return HIDDEN if _looks_random(match[0]) else match[0]


def _looks_random(text: str) -> bool:
    """Whether a long word must be a key: upper and lower case letters and digits mixed, and not a hex digest."""
    if text.startswith("/") or _LONG_WORD.search(text) is not None:
        return False
    lower = sum(map(str.islower, text))
    upper = sum(map(str.isupper, text))
    digits = sum(map(str.isdigit, text))
    return min(lower, upper, digits) >= 3 and len(set(text)) >= 16


def _masked_userinfo(match: re.Match[str]) -> str:
    name = match[1]
    return f"{HIDDEN}@" if name is None else f"{name}:{HIDDEN}@"


def _masked_member(match: re.Match[str]) -> str:
    if not hides(match["name"], match["value"]):
        return match[0]
    return f"{match['quote']}{match['name']}{match['quote']}{match['sign']}{match['open']}{HIDDEN}"


def _masked_pair(match: re.Match[str]) -> str:
    value = match["value"]
    inner = value.strip("\"'")
    if value.startswith(("$", '"$')) or not hides(match["name"], inner):
        return match[0]
    return f"{match['name']}{match['sign']}{HIDDEN}{line_ends(value)}"
