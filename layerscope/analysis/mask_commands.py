"""Secrets in command lines that only the command tells: `mysql -p…`, `docker login -p …`, `echo … | passwd --stdin`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from layerscope.image.dialects import HIDDEN

_WITHIN: Final = r"[^|;&\n]{0,400}?"
"""What may stand between a command and its option."""
_VALUE: Final = (
    r"""(?P<value>"[^"$\n]{1,1024}"|'[^'\n]{1,1024}'|[^\s"'$|;&<>\\-][^\s"'|;&<>\\]{0,1023})"""
)
_BEFORE: Final = (
    (("mysql", "mariadb"), rf"(?:mysql|mariadb)[\w-]{{0,20}}\b{_WITHIN}\s-p(?=\S)"),
    (
        ("login",),
        rf"(?:docker|podman|nerdctl|buildah|skopeo|crane|oras|helm|az|conan|nuget|oc){_WITHIN}\slogin\b{_WITHIN}\s-p[ =]{{0,4}}",
    ),
    (("sshpass",), rf"sshpass{_WITHIN}\s-p ?"),
    (
        ("mongo", "twine", "conan", "useradd", "usermod"),
        rf"(?:mongo|mongosh|mongodump|mongorestore|twine|conan|useradd|usermod){_WITHIN}\s-p[ =]{{1,4}}",
    ),
    (("redis-cli",), rf"redis-cli{_WITHIN}\s-a ?"),
    (("zip",), rf"(?:zip|unzip){_WITHIN}\s-P ?"),
    (("7z",), rf"7z[ar]?{_WITHIN}\s-p(?=\S)"),
    (("openssl",), rf"openssl{_WITHIN}\s-k "),
    (("ssh-keygen",), rf"ssh-keygen{_WITHIN}\s-N "),
    (("curl",), rf"curl{_WITHIN}\s(?:-u|--user)[ =]?[\"']?[^\s:\"'$]{{1,255}}:"),
    (("lftp",), rf"lftp{_WITHIN}\s-u ?[^\s,\"'$]{{1,255}},"),
    (("smbclient",), rf"smbclient{_WITHIN}\s-U ?[^\s%\"'$]{{1,255}}%"),
    (
        ("htpasswd",),
        rf"htpasswd{_WITHIN}\s-\w{{0,6}}b\w{{0,6}}(?:\s-\w+)*\s+\S+\s+\S+\s+",
    ),
    (("login",), r"(?:vault|cargo) login (?!-)"),
    (("ngrok", "snyk"), rf"(?:ngrok|snyk){_WITHIN}\s(?:add-)?auth(?:token)? (?!-)"),
    (
        ("http-basic",),
        rf"(?:poetry|composer){_WITHIN}\sconfig\b{_WITHIN}\shttp-basic\.\S{{1,255}} \S{{1,255}} ",
    ),
    (
        ("poetry", "composer"),
        rf"(?:poetry|composer){_WITHIN}\sconfig\b{_WITHIN}\s(?:[a-z]{{2,20}}-(?:token|oauth)|bearer)\.\S{{1,255}} ",
    ),
    (("bundle config",), rf"bundle config\b{_WITHIN}\s\S{{1,255}} [^\s:\"']{{1,255}}:"),
    (("net user",), r"net user \S{1,255} (?!/)"),
    (
        ("machine",),
        r"machine\s{1,8}\S{1,255}\s{1,8}(?:login\s{1,8}\S{1,255}\s{1,8})?password\s{1,8}",
    ),
    (("login",), r"login\s{1,8}\S{1,255}\s{1,8}password\s{1,8}"),
)
"""What is before a password: words of which a text that has it contains one, and an expression."""


class _Secret:
    """What a secret looks like. The expression is compiled when a text has one of the words that it needs."""

    def __init__(self, words: Iterable[str], expression: str, flags: int = 0) -> None:
        self._words = tuple(words)
        self._expression = expression
        self._flags = flags
        self._pattern: re.Pattern[str] | None = None

    def masked_in(self, text: str) -> str:
        if not any(word in text for word in self._words):
            return text
        if self._pattern is None:
            self._pattern = re.compile(self._expression, self._flags)
        return self._pattern.sub(_masked, text)


_COMMAND: Final = _Secret(
    {word for words, _ in _BEFORE for word in words},
    rf"(?P<before>(?<![\w-])(?:{'|'.join(before for _, before in _BEFORE)})){_VALUE}",
)
_PASS: Final = _Secret(("pass:",), rf"(?P<before>(?<![\w-])pass:){_VALUE}")
"""A password as openssl takes it."""
_READERS: Final = ("--password-stdin", "--with-token", "--stdin", "--passphrase-fd", "sudo -S")
_PIPED: Final = _Secret(
    _READERS,
    rf"(?P<before>\b(?:echo|printf)\s{{1,8}}(?:-\w{{1,3}}\s{{1,8}})?){_VALUE}"
    rf"(?=\s{{0,8}}\|[^|;&\n]{{0,200}}(?:{'|'.join(_READERS)}))",
)
_CHPASSWD: Final = _Secret(
    ("chpasswd",),
    r"""(?P<before>(?<![\w-])[A-Za-z_][\w-]{0,31}:)(?P<value>(?!\$)[^\s"'|:]{1,255})(?=["']?\s{0,8}\|\s{0,8}(?:sudo )?chpasswd\b)""",
)
_PGPASS: Final = _Secret(
    (":",),
    r"""(?P<before>(?<![\w.:-])[\w.*-]{1,255}:(?:[0-9]{2,5}|\*):[\w.*-]{1,63}:[\w.*-]{1,63}:)(?P<value>[^\s"':$/][^\s"':$]{0,1023})""",
)
_SIGNATURE: Final = _Secret(
    ("=",),
    r"""(?P<before>[?&](?:sig|[\w-]{0,40}signature)=)(?P<value>[^\s&"']{1,2048})""",
    re.IGNORECASE,
)
_ALL: Final = (_COMMAND, _PIPED, _PASS, _CHPASSWD, _PGPASS, _SIGNATURE)


def mask_commands(text: str) -> str:
    """The text with the secrets of known commands masked. The number of lines stays the same."""
    for secret in _ALL:
        text = secret.masked_in(text)
    return text


def _masked(match: re.Match[str]) -> str:
    return match[0] if HIDDEN in match["value"] else f"{match['before']}{HIDDEN}"
