"""Reads Dockerfile instructions from `created_by`, in the dialect of the builder that wrote it.

Covers classic Docker (`/bin/sh -c #(nop) …`), BuildKit (`… # buildkit`), buildah and podman, and
kaniko. Builders that don't use a Dockerfile are in `builders`.
"""

from __future__ import annotations

from layerscope.image import builders, gosyntax
from layerscope.image.history import HistoryEntry
from layerscope.image.shell import (
    DEFAULT_SHELL,
    Arguments,
    assignments,
    fold,
    is_interactive_shell,
    is_shell,
    shell_prefix,
    split_arguments,
    without_checksums,
)
from layerscope.patterns import pattern
from layerscope.records import dataclass

FILESYSTEM_KEYWORDS = frozenset({"ADD", "COPY", "RUN"})
METADATA_KEYWORDS = frozenset(
    {
        "ARG", "CMD", "ENTRYPOINT", "ENV", "EXPOSE", "HEALTHCHECK", "LABEL", "MAINTAINER",
        "ONBUILD", "SHELL", "STOPSIGNAL", "USER", "VOLUME",
    }
)  # fmt: skip
KEYWORDS = FILESYSTEM_KEYWORDS | METADATA_KEYWORDS | {"WORKDIR"}
HIDDEN = "***"

_NOP = "#(nop)"
_BUILDKIT = " # buildkit"
_PIPE = pattern(r"/dev/pipes/([^\s/]{1,255})")
_LONGEST_SHELL = 4096


@dataclass(frozen=True, slots=True)
class Statement:
    """One parsed entry. `text` is the whole instruction without the values of its build arguments.

    `classic` marks the `#(nop)` dialect of Docker's first builder, buildah and podman.
    """

    keyword: str
    text: str
    arguments: Arguments = ()
    classic: bool = False


class DialectReader:
    """Reads the entries of one history in order; SHELL and ARG entries change how later ones read."""

    def __init__(self) -> None:
        self._classic = False
        self._shell = DEFAULT_SHELL
        self._declared: set[str] = set()

    def read(self, entry: HistoryEntry) -> Statement:
        """The instruction in `entry`; if there is none, keyword "" and a description."""
        text = entry.created_by.strip(" ")
        statement = self._instruction(entry, text) or Statement("", builders.describe(entry))
        self._classic = self._classic or statement.classic
        return statement

    def _instruction(self, entry: HistoryEntry, text: str) -> Statement | None:
        keyword, body = _keyword(text, lower=entry.author == "kaniko")
        if keyword:
            return self._statement(keyword, body.removesuffix(_BUILDKIT))
        arguments: Arguments = ()
        if text.startswith("|"):
            arguments, command = split_arguments(text, self._shell, self._declared)
            if command == text:
                return None
            text = command
        classic = self._nop(text)
        if classic is not None:
            keyword, body = _keyword(classic, lower=False)
            if keyword:
                return self._statement(keyword, body, arguments, classic=True)
            return Statement("", classic.strip(), arguments, classic=True)
        length = shell_prefix(text, self._shell)
        if length or arguments or self._ran_in_exec_form(entry, text):
            return Statement("RUN", _join("RUN", _run(text[length:])), arguments, classic=True)
        return None

    def _ran_in_exec_form(self, entry: HistoryEntry, text: str) -> bool:
        """Whether a bare command line is a RUN of Docker's first builder in the exec form.

        A container committed without a message looks the same, and it ran that command too.
        """
        return (
            self._classic
            and bool(text)
            and not entry.comment
            and not text.startswith("#")
            and not is_interactive_shell(text)
            and builders.describe(entry) == text
        )

    def _nop(self, text: str) -> str | None:
        """The text after `#(nop)`, if only a shell comes before it."""
        position = text.find(_NOP, 0, _LONGEST_SHELL)
        if position < 0:
            return None
        shell, rest = text[:position].rstrip(" "), text[position + len(_NOP) :].lstrip(" ")
        if not shell or is_shell(shell, self._shell):
            return rest
        if not shell_prefix(text, self._shell) and _keyword(rest, lower=False)[0]:
            return rest  # Docker writes any SHELL here, even one whose own entry is missing.
        return None

    def _statement(
        self, keyword: str, body: str, arguments: Arguments = (), *, classic: bool = False
    ) -> Statement:
        if keyword == "RUN":
            body = body.lstrip(" ")
            if not classic:
                arguments, body = split_arguments(body, self._shell, self._declared)
                body = body[shell_prefix(body, self._shell) :]
            body = _run(body)
        elif keyword == "ARG":
            body, arguments = _declaration(body)
            self._declared.update(body.split(" ") if not arguments else ())
            self._declared.update(name for name, _ in arguments)
        elif keyword in {"COPY", "ADD"}:
            body = gosyntax.copy(body) if classic else body.strip()
        else:
            if keyword == "SHELL":
                self._shell = gosyntax.shell_of(body) or self._shell
            body = gosyntax.metadata(keyword, body, self._shell)
            if keyword == "ONBUILD" and _keyword(body, lower=True)[0] == "ARG":
                body, arguments = _declaration(body[3:])
                body = _join("ARG", body)
        return Statement(keyword, _join(keyword, body), arguments, classic)


def _keyword(text: str, *, lower: bool) -> tuple[str, str]:
    """The instruction's keyword and the rest; keyword "" if `text` doesn't start with one."""
    word = text[:12].split(None, 1)[0] if text[:12].strip() else ""
    keyword = word.upper() if lower else word
    return (
        (keyword, text[len(word) :])
        if text.startswith(word) and keyword in KEYWORDS
        else ("", text)
    )


def _join(keyword: str, body: str) -> str:
    return f"{keyword} {body}" if body else keyword


def _run(command: str) -> str:
    command = command.strip(" \t")
    pipe = _PIPE.fullmatch(command)
    # A here-document with a #! line: the history keeps only its name.
    return f"<<{pipe[1]}" if pipe else fold(without_checksums(command))


def _declaration(body: str) -> tuple[str, Arguments]:
    """An ARG's declarations with their default values hidden, and those values."""
    names, pairs = assignments(body.strip())
    shown = [f"{name}={HIDDEN if value else ''}" for name, value in pairs]
    return " ".join([names, *shown]) if names else " ".join(shown), pairs
