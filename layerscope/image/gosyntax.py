"""Turns metadata instructions, which Docker prints with Go's `%q` and `%v`, back into Dockerfile syntax."""

from __future__ import annotations

import json
import re
from itertools import pairwise

from layerscope.image.shell import fold, shell_words
from layerscope.patterns import pattern

_STRING = pattern(r'"((?:[^"\\]++|\\.)*+)"', re.DOTALL)
_ESCAPE = pattern(
    r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|(.))", re.DOTALL
)
_RUNE = pattern(r"'(\\?[^'\\]\w{0,8}|\\'|\\\\)'", re.DOTALL)
_DURATION = pattern(r'\s*"([0-9a-zµ.]{1,32})"')
_CONTENT = pattern(r"(file|dir|multi|tarsum[\w.+]{0,32}):([0-9a-f]{1,128})(?: in (?=\S)|\s*\Z)")
_NAMED = pattern(r"(?<!\S)[A-Za-z_][^\s=]{0,255}=")
_SIMPLE = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_SHOWN_HASH = 12


def metadata(keyword: str, body: str, shell: str) -> str:
    """The text after `keyword` in Dockerfile syntax; the trimmed `body` if it can't be read.

    `shell` is the one that runs the commands of this image.
    """
    body = body.strip()
    if keyword in {"CMD", "ENTRYPOINT"}:
        return _command(body, shell)
    if keyword == "SHELL":
        return _shell(body)
    if keyword == "EXPOSE":
        return _ports(body)
    if keyword == "VOLUME":
        return _volumes(body)
    if keyword == "HEALTHCHECK":
        return _healthcheck(body)
    if keyword in {"ENV", "LABEL"}:
        return _settings(body)
    if keyword in {"USER", "STOPSIGNAL", "WORKDIR", "ONBUILD"}:
        inner = _bracketed(body)
        return body if inner is None else inner.strip()
    return body


def copy(body: str) -> str:
    """The arguments of a classic COPY or ADD, `[--chown=…]file:HASH in DST`.

    The history has no source names, only a hash of the content. Its first digits represent them
    (`file:3e2a9f1b0c4d… /app`). `buildah copy` leaves out the destination.
    """
    match = _CONTENT.search(body)
    if match is None:
        return body.strip()
    digits = match[2] if len(match[2]) <= _SHOWN_HASH else match[2][:_SHOWN_HASH] + "…"
    # Docker 20.10 and older omit the space between the flags and the hash.
    words = (body[: match.start()].strip(), f"{match[1]}:{digits}", body[match.end() :].strip())
    return " ".join(word for word in words if word)


def string_list(body: str) -> tuple[list[str], int] | None:
    """Read `["a" "b"]`, with or without JSON's commas; returns the strings and where the list ends."""
    if not body.startswith("["):
        return None
    strings: list[str] = []
    position = 1
    while position < len(body):
        character = body[position]
        if character == "]":
            return strings, position + 1
        if character in " \t,":
            position += 1
            continue
        match = _STRING.match(body, position)
        text = None if match is None else _unquote(match[1])
        if match is None or text is None:
            return None
        strings.append(text)
        position = match.end()
    return None


def _unquote(text: str) -> str | None:
    if "\\" not in text:
        return text
    parts: list[str] = []
    position = 0
    for match in _ESCAPE.finditer(text):
        byte, short, long, octal, simple = match.groups()
        parts.append(text[position : match.start()])
        position = match.end()
        if simple is not None:
            parts.append(_SIMPLE.get(simple, simple))
            continue
        number = int(byte or short or long or octal, 8 if octal else 16)
        if number > 0x10FFFF or 0xD800 <= number <= 0xDFFF or ((byte or octal) and number > 0x7F):
            return None  # a byte or half a character that isn't valid text
        parts.append(chr(number))
    return "".join([*parts, text[position:]])


def _json(strings: list[str]) -> str:
    return json.dumps(strings, ensure_ascii=False)


def _whole_list(body: str) -> list[str] | None:
    read = string_list(body)
    return read[0] if read is not None and read[1] == len(body) else None


def _bracketed(body: str) -> str | None:
    return body[1:-1] if body.startswith("[") and body.endswith("]") else None


def _command(body: str, shell: str) -> str:
    strings = _whole_list(body)
    if (
        strings is not None
        and strings[:-1] == shell.split(" ")
        and '",' not in body[: len(shell) + 4]
    ):
        # Docker prints the shell form like this, and without commas.
        command = strings[-1].strip()
        if command and not command.startswith("[") and "\n" not in command:
            return command
    if strings is None:
        inner = _bracketed(body)
        if inner is None or not re.fullmatch(r"[\w./:=+-]+", inner):
            return body
        strings = [inner]
    return _json(strings)


def _shell(body: str) -> str:
    strings = _whole_list(body)
    if strings is None:
        inner = _bracketed(body)
        strings = shell_words(inner) if inner else None
    return body if strings is None else _json(strings)


def shell_of(body: str) -> str:
    """The command line that a SHELL's `body` sets, as it will precede later commands."""
    body = body.strip()
    strings = _whole_list(body)
    if strings is not None:
        return " ".join(strings)
    return _bracketed(body) or ""


def _ports(body: str) -> str:
    inner = _bracketed(body.removeprefix("map"))
    if inner is None:
        return body
    strings = _whole_list(body)
    ports = inner.split() if strings is None else strings
    return " ".join(port.removesuffix(":{}") for port in ports)


def _volumes(body: str) -> str:
    strings = _whole_list(body)
    if strings is not None:
        return _json(strings)
    inner = _bracketed(body.removeprefix("map"))
    if inner is None:
        return body
    paths: list[list[str]] = []
    for word in inner.split(" "):
        if paths and not word.startswith("/"):
            paths[-1].append(word)
        else:
            paths.append([word.removesuffix(":{}")])
    if any(len(words) > 1 for words in paths):
        if not inner.startswith("/"):
            return inner
        return _json([" ".join(words) for words in paths])
    return " ".join(words[0] for words in paths)


def _settings(body: str) -> str:
    """`NAME=VALUE` pairs. Docker leaves out the quotes of a value with blanks; buildah keeps what was written."""
    if any(character in body for character in "\"'\\\n"):
        return fold(body)
    starts = [match.start() for match in _NAMED.finditer(body)]
    if starts[:1] != [0]:
        return body
    pairs = [body[i:j].rstrip(" ") for i, j in pairwise([*starts, len(body)])]
    return " ".join(map(_quoted, pairs))


def _quoted(pair: str) -> str:
    name, _, value = pair.partition("=")
    return f'{name}="{value}"' if " " in value or "\t" in value else pair


def _healthcheck(body: str) -> str:
    """From `&{["CMD-SHELL" "…"] "30s" "3s" "0s" "0s" '\\x03'}`: test, durations, and retries as a rune."""
    inside = body.removeprefix("&")
    if not (inside.startswith("{") and inside.endswith("}")):
        return body
    inside = inside[1:-1]
    read = string_list(inside)
    if read is None or not read[0]:
        return body
    test, position = read
    durations: list[str] = []
    while match := _DURATION.match(inside, position):
        durations.append(match[1])
        position = match.end()
    rune = _RUNE.fullmatch(inside[position:].strip())
    retries = None if rune is None else _unquote(rune[1])
    if retries is None or len(retries) != 1 or not 2 <= len(durations) <= 4:
        return body
    flags = [
        f"--{name}={value}"
        for name, value in zip(
            ("interval", "timeout", "start-period", "start-interval"), durations, strict=False
        )
        if value != "0s"
    ]
    if ord(retries):
        flags.append(f"--retries={ord(retries)}")
    if test[0] == "NONE":
        command = "NONE"
    elif test[0] == "CMD-SHELL" and len(test) == 2:
        command = f"CMD {test[1]}"
    elif test[0] == "CMD":
        command = f"CMD {_json(test[1:])}"
    else:
        return body
    return " ".join([*flags, command])
