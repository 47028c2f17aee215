"""Values that look secret, by the name they stand under or by their own form, and what is shown in their place."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Final

from layerscope.image.dialects import HIDDEN

_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[A-Z]+", re.ASCII)
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
_SECRET_LAST_WORDS: Final = frozenset({"pwd", "pass", "psk", "pin"})
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
_INNOCENT_NAMES: Final = frozenset({"PWD", "OLDPWD"})
_INNOCENT_VALUES: Final = frozenset(
    {"", "true", "false", "0", "1", "yes", "no", "none", "null", HIDDEN}
)

_FORMS: Final = re.compile(
    r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[^-]{0,20000}(?:-----END [A-Z ]{0,40}PRIVATE KEY-----)?"
    r"|\bgh[pousr]_[A-Za-z0-9]{20,255}|\bgithub_pat_[A-Za-z0-9_]{20,255}|\bglpat-[A-Za-z0-9_-]{20,255}"
    r"|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b|\bxox[abeoprs]-[A-Za-z0-9-]{10,255}|\bAIza[A-Za-z0-9_-]{35}\b"
    r"|\bsk-[A-Za-z0-9_-]{20,255}|\b[sr]k_(?:live|test)_[A-Za-z0-9]{16,255}|\bnpm_[A-Za-z0-9]{30,255}"
    r"|\bpypi-[A-Za-z0-9_-]{30,1000}|\bdckr_pat_[A-Za-z0-9_-]{20,255}|\bhf_[A-Za-z0-9]{30,255}"
    r"|\beyJ[A-Za-z0-9_-]{10,5000}\.eyJ[A-Za-z0-9_-]{10,5000}\.[A-Za-z0-9_-]{0,5000}"
)
_USERINFO: Final = re.compile(r"(?<=://)([^\s/@:?#]{0,255}):([^\s/@]{1,1024})@")
_PAIR: Final = re.compile(
    r"""(?P<name>(?<![A-Za-z0-9_.-])[A-Za-z_-][A-Za-z0-9_.-]{1,127})(?P<sign>=)(?P<value>"[^"]*"|'[^']*'|[^\s"';&|]+)"""
)


def looks_secret(name: str) -> bool:
    """Whether what is called so is usually kept from others (`API_TOKEN`, `db.password`, but not `GPG_KEY`)."""
    if name in _INNOCENT_NAMES:
        return False
    words = [word.lower() for word in _WORD.findall(name[-256:])]
    return (
        not _SECRET_WORDS.isdisjoint(words)
        or (len(words) > 0 and words[-1] in _SECRET_LAST_WORDS)
        or any(two == "key" and one in _KEYS for one, two in pairwise(words))
    )


def mask_value(name: str, value: str) -> str:
    """The value of a setting as it may be shown: hidden as a whole under a secret name, else where a part looks secret."""
    if value not in _INNOCENT_VALUES and looks_secret(name):
        return HIDDEN
    return mask_text(value)


def mask_text(text: str) -> str:
    """Free text such as a command with what looks secret hidden: `--password=…`, `://user:…@host`, keys by their form."""
    if "=" in text:
        text = _PAIR.sub(_masked_pair, text)
    if "://" in text:
        text = _USERINFO.sub(rf"\1:{HIDDEN}@", text)
    return _FORMS.sub(HIDDEN, text)


def _masked_pair(match: re.Match[str]) -> str:
    value = match["value"]
    if value.strip("\"'") in _INNOCENT_VALUES or value.startswith(("$", '"$')):
        return match[0]
    return f"{match['name']}={HIDDEN}" if looks_secret(match["name"]) else match[0]
