"""Secrets in command lines that only the command tells: `mysql -p…`, `docker login -p …`, `echo … | passwd --stdin`."""

from __future__ import annotations

import re
from typing import Final

from layerscope.image.dialects import HIDDEN

_WITHIN: Final = r"[^|;&\n]{0,400}?"
"""What may stand between a command and its option."""
_VALUE: Final = (
    r"""(?P<value>"[^"$\n]{1,1024}"|'[^'\n]{1,1024}'|[^\s"'$|;&<>\\-][^\s"'|;&<>\\]{0,1023})"""
)
_BEFORE: Final = (
    rf"(?:mysql|mariadb)[\w-]{{0,20}}\b{_WITHIN}\s-p(?=\S)",
    rf"(?:docker|podman|nerdctl|buildah|skopeo|crane|oras|helm|az|conan|nuget|oc){_WITHIN}\slogin\b{_WITHIN}\s-p[ =]{{0,4}}",
    rf"sshpass{_WITHIN}\s-p ?",
    rf"(?:mongo|mongosh|mongodump|mongorestore|twine|conan|useradd|usermod){_WITHIN}\s-p[ =]{{1,4}}",
    rf"redis-cli{_WITHIN}\s-a ?",
    rf"(?:zip|unzip){_WITHIN}\s-P ?",
    rf"7z[ar]?{_WITHIN}\s-p(?=\S)",
    rf"openssl{_WITHIN}\s-k ",
    rf"ssh-keygen{_WITHIN}\s-N ",
    rf"curl{_WITHIN}\s(?:-u|--user)[ =]?[\"']?[^\s:\"'$]{{1,255}}:",
    rf"lftp{_WITHIN}\s-u ?[^\s,\"'$]{{1,255}},",
    rf"smbclient{_WITHIN}\s-U ?[^\s%\"'$]{{1,255}}%",
    rf"htpasswd{_WITHIN}\s-\w{{0,6}}b\w{{0,6}}(?:\s-\w+)*\s+\S+\s+\S+\s+",
    r"(?:vault|cargo) login (?!-)",
    rf"(?:ngrok|snyk){_WITHIN}\s(?:add-)?auth(?:token)? (?!-)",
    rf"(?:poetry|composer){_WITHIN}\sconfig\b{_WITHIN}\shttp-basic\.\S{{1,255}} \S{{1,255}} ",
    rf"(?:poetry|composer){_WITHIN}\sconfig\b{_WITHIN}\s(?:[a-z]{{2,20}}-(?:token|oauth)|bearer)\.\S{{1,255}} ",
    rf"bundle config\b{_WITHIN}\s\S{{1,255}} [^\s:\"']{{1,255}}:",
    r"net user \S{1,255} (?!/)",
    r"machine\s{1,8}\S{1,255}\s{1,8}(?:login\s{1,8}\S{1,255}\s{1,8})?password\s{1,8}",
    r"login\s{1,8}\S{1,255}\s{1,8}password\s{1,8}",
)
_COMMAND: Final = re.compile(rf"(?P<before>(?<![\w-])(?:{'|'.join(_BEFORE)})){_VALUE}")
_PASS: Final = re.compile(rf"(?P<before>(?<![\w-])pass:){_VALUE}")
"""A password as openssl takes it."""
_PIPED: Final = re.compile(
    rf"(?P<before>\b(?:echo|printf)\s{{1,8}}(?:-\w{{1,3}}\s{{1,8}})?){_VALUE}"
    r"(?=\s{0,8}\|[^|;&\n]{0,200}(?:--password-stdin|--with-token|--stdin|--passphrase-fd|sudo -S))"
)
_CHPASSWD: Final = re.compile(
    r"""(?P<before>(?<![\w-])[A-Za-z_][\w-]{0,31}:)(?P<value>(?!\$)[^\s"'|:]{1,255})(?=["']?\s{0,8}\|\s{0,8}(?:sudo )?chpasswd\b)"""
)
_PGPASS: Final = re.compile(
    r"""(?P<before>(?<![\w.:-])[\w.*-]{1,255}:(?:[0-9]{2,5}|\*):[\w.*-]{1,63}:[\w.*-]{1,63}:)(?P<value>[^\s"':$/][^\s"':$]{0,1023})"""
)
_SIGNATURE: Final = re.compile(
    r"""(?P<before>[?&](?:sig|[\w-]{0,40}signature)=)(?P<value>[^\s&"']{1,2048})""", re.IGNORECASE
)
_ALL: Final = (_COMMAND, _PIPED, _PASS, _CHPASSWD, _PGPASS, _SIGNATURE)


def mask_commands(text: str) -> str:
    """The text with the secrets of known commands masked. The number of lines stays the same."""
    for pattern in _ALL:
        text = pattern.sub(_masked, text)
    return text


def _masked(match: re.Match[str]) -> str:
    return match[0] if HIDDEN in match["value"] else f"{match['before']}{HIDDEN}"
