"""Readers of files that hold credentials. Each yields the line and the value of every secret in a text.

Lines are split, and no expression can look at more than a line, so the time is linear in the text.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator
from typing import Final

from layerscope.secrets.words import is_reference, looks_secret

Found = Iterator[tuple[int, str]]
Reader = Callable[[bytes], Found]
LONGEST_LINE: Final = 64 * 1024

# Patterns are compiled when an image has such a file, since most images don't.
_SETTING: Final = r"""\s{0,64}(?:export\s{1,16}|set\s{1,16}|-\s{1,16})?["']?([\w./@-]{1,256})["']?\s{0,64}[:=]\s{0,64}(\S.*)"""
_SCOPED: Final = r"""\s{0,64}["']?([\w.:/@-]{1,256})["']?\s{0,64}(?:=|:\s)\s{0,64}(\S.*)"""
"""A setting whose name may have colons, as that of an .npmrc: `//host:8080/:_authToken=`."""
_MEMBER: Final = r'"([\w.:/@-]{1,256})"\s{0,16}:\s{0,16}"([^"\\]{1,16384})"'
_ELEMENT: Final = r"<(\w{1,64})>\s{0,64}([^<\s]{1,1024})\s{0,64}</"
_ADDED: Final = r"""key="(\w{1,128})"\s{1,16}value="([^"]{1,1024})\""""
_DEFINED: Final = r"""define\(\s{0,16}['"](\w{1,128})['"]\s{0,16},\s{0,16}['"]([^'"]{1,1024})['"]"""
_LOGIN: Final = r"\w{1,16}://[^\s/@:]{0,256}:([^\s/@]{1,1024})@"


def _lines(data: bytes) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(data.split(b"\n"), 1):
        if line and len(line) <= LONGEST_LINE:
            yield number, line.decode("utf-8", "replace").rstrip("\r")


def _real(value: str) -> str:
    """A value without quotes and comments; empty if it only refers to the secret."""
    value = value.strip()
    if value[:1] in ('"', "'"):
        value = value[1:].partition(value[0])[0]
    else:
        value = value.partition(" #")[0].rstrip(", ;")
    return "" if is_reference(value) else value


def settings(is_secret: Callable[[str], bool], form: str = _SETTING) -> Reader:
    """`name = value` and `name: value`, one on a line."""

    def read(data: bytes) -> Found:
        for number, line in _lines(data):
            match = None if line.lstrip()[:1] in ("#", ";", "!") else re.match(form, line)
            if match is not None and is_secret(match[1]) and (value := _real(match[2])):
                yield number, value

    return read


def named(*names: str, scoped: bool = False) -> Reader:
    """Settings with these names, or whose names end in one of them after a slash, a dot, or (`scoped`) a colon."""
    low = tuple(name.lower() for name in names)
    ends = tuple(f"{sign}{name}" for name in low for sign in ":/.")

    def is_secret(name: str) -> bool:
        name = name.lower()
        return name in low or name.endswith(ends)

    return settings(is_secret, _SCOPED if scoped else _SETTING)


any_secret: Final = settings(looks_secret)
"""Settings whose names say that they are secret."""


def members(is_secret: Callable[[str], bool] = looks_secret) -> Reader:
    """`"name": "value"` of a JSON document."""

    def read(data: bytes) -> Found:
        for number, line in (
            _lines(data) if data.count(b"\n") else [(1, data.decode("utf-8", "replace"))]
        ):
            for match in re.finditer(_MEMBER, line):
                if is_secret(match[1]) and (value := _real(match[2])):
                    yield number, value

    return read


def members_named(*names: str) -> Reader:
    """The same for these names."""
    return members(frozenset(names).__contains__)


def _by(pattern: str, is_secret: Callable[[str], bool]) -> Reader:
    def read(data: bytes) -> Found:
        for number, line in _lines(data):
            for match in re.finditer(pattern, line):
                if is_secret(match[1]) and (value := _real(match[2])):
                    yield number, value

    return read


maven: Final = _by(_ELEMENT, frozenset(("password", "passphrase")).__contains__)
nuget: Final = _by(_ADDED, frozenset(("ClearTextPassword", "Password")).__contains__)
wordpress: Final = _by(
    _DEFINED, lambda name: name == "DB_PASSWORD" or name.endswith(("_KEY", "_SALT"))
)


def netrc(data: bytes) -> Found:
    """`password VALUE` of a .netrc, whose words may be on several lines."""
    before = ""
    for number, line in _lines(data):
        for word in line.partition("#")[0].split():
            if before in ("password", "passwd") and not is_reference(word):
                yield number, word
            before = word


def logins(data: bytes) -> Found:
    """URLs with a password."""
    for number, line in _lines(data):
        for match in re.finditer(_LOGIN, line):
            if not is_reference(match[1]):
                yield number, match[1]


def pgpass(data: bytes) -> Found:
    """The fifth field of `host:port:database:user:password`."""
    for number, line in _lines(data):
        fields = re.split(r"(?<!\\):", line)
        if not line.startswith("#") and len(fields) == 5 and not is_reference(fields[4]):
            yield number, fields[4]


def hashes(data: bytes) -> Found:
    """Password hashes in the second field: shadow(5), htpasswd."""
    for number, line in _lines(data):
        fields = line.split(":")
        if len(fields) > 1 and _is_hash(fields[1]):
            yield number, fields[1]


def _is_hash(field: str) -> bool:
    field = field.lstrip("!")
    return (field.startswith("$") and field.count("$") >= 3) or field.startswith("{SHA}")


def docker_auths(data: bytes) -> Found:
    """`auth` (a login in Base64), `password`, and tokens of a registry's credentials."""
    for number, value in members_named("auth", "password", "identitytoken", "registrytoken")(data):
        if not _is_empty_login(value):
            yield number, value


def _is_empty_login(value: str) -> bool:
    try:
        return base64.b64decode(value, validate=True).endswith(b":")
    except ValueError:
        return False


def whole(data: bytes) -> Found:
    """A file that is nothing but a token."""
    text = data.strip().decode("utf-8", "replace")
    if 8 <= len(text) <= 4096 and text.split() == [text] and not is_reference(text):
        yield 1, text


def present(data: bytes) -> Found:
    """A file whose name and form say enough."""
    if data:
        yield 1, "whole file"
