"""Words that tell secrets from settings: names that usually mean a secret, and values that never are one."""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import pairwise
from typing import Final

from layerscope.patterns import pattern

OFTEN_PUBLIC: Final = "gitleaks allows this path: it usually has published code"
"""The doubt about findings in files that the rules' own allow lists name."""
PUBLIC_NAME: Final = "the name is that of a public key, or of a key in a table"
"""The doubt about settings such as `GPG_KEY`."""
PLACEHOLDER: Final = "the value looks like a placeholder"
"""The doubt about values such as `changeme`."""

_WORD: Final = pattern(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[A-Z]+", re.ASCII)
_SECRET_WORDS: Final = frozenset(
    f"{word}{plural}"
    for word in (
        "token",
        "secret",
        "password",
        "passwd",
        "passphrase",
        "passcode",
        "credential",
        "apikey",
    )
    for plural in ("", "s")
)
_SECRET_ENDS: Final = (
    "password",
    "passwd",
    "secret",
    "token",
    "apikey",
    "authkey",
    "activationkey",
    "secretkey",
    "privatekey",
    "keypass",
    "storepass",
)
_SECRET_LAST_WORDS: Final = frozenset(
    {"auth", "authorization", "creds", "dsn", "pass", "pin", "psk", "pwd"}
)
_KEYS: Final = frozenset(
    [
        "access",
        "account",
        "api",
        "auth",
        "deploy",
        "encryption",
        "hmac",
        "master",
        "private",
        "secret",
        "session",
        "signing",
        "ssh",
        "storage",
    ]
)
_PUBLIC_KEYS: Final = frozenset({"apt", "cache", "gpg", "host", "pgp", "primary", "pub", "public"})
_INNOCENT_NAMES: Final = frozenset({"PWD", "OLDPWD"})
_PATHS: Final = frozenset({"file", "path", "dir"})
INNOCENT: Final = frozenset({"", "true", "false", "0", "1", "yes", "no", "none", "null"})
"""Values that are never secret."""
_PLACEHOLDERS: Final = (
    r"change.?me|replace.?me|fill.?me|your[-_ ]|my[-_ ]?secret|example|sample|placeholder|dummy|redacted|todo|"
    r"insert|(?:x{3,}|\*{3,}|\.{3,}|-{3,})|pass(?:word|wd|phrase)?[0-9]{0,3}$|secret[0-9]{0,3}$|test[0-9]{0,3}$|"
    r"admin$|foo$|foobar|bar$|none$|null$|undefined$"
)
_REFERENCE: Final = pattern(r"\$|%[A-Z_]+%|\{\{|<[^>]*>?$|@[A-Z_]+@")


_PARTS: Final = ("token", "secret", "pass", "cred", "key", "auth", "dsn", "pin", "psk", "pwd")
"""Each word that makes a name look secret contains one of these."""


def may_name_secret(text: str) -> bool:
    """Whether a name in a text could look secret. To ask costs far less than to look at each name."""
    lowered = text.lower()
    return any(part in lowered for part in _PARTS)


@lru_cache(maxsize=4096)
def looks_secret(name: str) -> bool:
    """Whether a name usually means a secret, such as `API_TOKEN` or `db.password`, but not `GPG_KEY`."""
    if name in _INNOCENT_NAMES:
        return False
    words = _words(name)
    if not words:
        return False
    if not _SECRET_WORDS.isdisjoint(words) or any(word.endswith(_SECRET_ENDS) for word in words):
        return True
    if words[-1] in _SECRET_LAST_WORDS:
        return True
    if words[-1] == "key" and _PUBLIC_KEYS.isdisjoint(words):
        return True
    return any(two == "key" and one in _KEYS for one, two in pairwise(words))


def _words(name: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(name[-256:])]


def names_public_key(name: str) -> bool:
    """Whether a name means a key that everyone may have, such as `GPG_KEY` or `primary-key`."""
    words = _words(name)
    return words[-1:] in (["key"], ["keys"]) and not _PUBLIC_KEYS.isdisjoint(words)


def names_secret(name: str, value: str) -> bool:
    """Whether a setting's whole value is secret because of its name."""
    if value in INNOCENT or not looks_secret(name):
        return False
    return not (value.startswith("/") and _words(name)[-1] in _PATHS)


def is_reference(value: str) -> bool:
    """Whether a value only says where the secret comes from: a variable, a template, or nothing at all."""
    return value.lower() in INNOCENT or _REFERENCE.match(value) is not None


def doubt_about(value: str) -> str:
    """Why a value may not be a secret; empty for most values."""
    if len(set(value)) <= 2 or re.match(_PLACEHOLDERS, value, re.IGNORECASE):
        return PLACEHOLDER
    return ""
