"""What to do about the waste of an image: one piece of advice for each pair of instructions, biggest saving first."""

from __future__ import annotations

import re
from dataclasses import dataclass

from layerscope.analysis.grouping import WastePair, WasteSummary
from layerscope.analysis.model import Analysis, WasteKind

MOST = 20
"""Pieces of advice that are given; what follows saves less than any of them."""

_MOUNTS = {
    b"/var/lib/apt/lists": "/var/lib/apt",
    b"/var/cache/apt": "/var/cache/apt",
    b"/var/cache/apk": "/var/cache/apk",
    b"/var/cache/dnf": "/var/cache/dnf",
    b"/var/cache/yum": "/var/cache/yum",
    b"/root/.cache/pip": "/root/.cache/pip",
    b"/root/.cache/uv": "/root/.cache/uv",
    b"/root/.cache/go-build": "/root/.cache/go-build",
    b"/go/pkg/mod": "/go/pkg/mod",
    b"/root/.npm": "/root/.npm",
    b"/root/.m2": "/root/.m2",
    b"/root/.gradle": "/root/.gradle",
    b"/usr/local/share/.cache/yarn": "/usr/local/share/.cache/yarn",
    b"/usr/local/cargo/registry": "/usr/local/cargo/registry",
}
"""Folders of package managers that a build can mount as a cache, and where the mount belongs."""

_CACHED = re.compile(rb"/?(" + b"|".join(re.escape(folder[1:]) for folder in _MOUNTS) + rb")/")


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """One change to the build that saves `bytes`; `message` says it in a sentence without the number."""

    kind: WasteKind
    bytes: int
    files: int
    written_by: int
    wasted_by: int
    message: str


def advise(analysis: Analysis, waste: WasteSummary | None = None) -> tuple[Advice, ...]:
    """Advice on all waste that an instruction can be changed to avoid, biggest saving first.

    `waste` is the summary of the analysis' waste, for a caller who has it already.
    """
    summary = WasteSummary(analysis.waste) if waste is None else waste
    return tuple(
        Advice(
            kind=pair.kind,
            bytes=pair.bytes,
            files=pair.files,
            written_by=pair.written_by,
            wasted_by=pair.wasted_by,
            message=_message(analysis, pair, summary),
        )
        for pair in summary.pairs()[:MOST]
        if pair.bytes
    )


def _message(analysis: Analysis, pair: WastePair, summary: WasteSummary) -> str:
    match pair.kind:
        case "deleted":
            return _deleted(analysis, pair, summary)
        case "overwritten":
            return _overwritten(analysis, pair)
        case "metadata_only":
            return _metadata_only(analysis, pair)
        case "identical_rewrite":
            return _identical(analysis, pair)
        case "duplicate_entry":
            return _duplicate(analysis, pair)


def _keyword(analysis: Analysis, index: int) -> str:
    return analysis.instructions[index].instruction.keyword.upper()


def _short(analysis: Analysis, index: int, width: int = 48) -> str:
    text = " ".join(analysis.instructions[index].instruction.text.split())
    return text if len(text) <= width else text[: width - 1].rstrip() + "…"


def _named(analysis: Analysis, index: int) -> str:
    """`instruction 9, COPY . /app` with the line of the Dockerfile where it is known."""
    instruction = analysis.instructions[index].instruction
    line = f" (line {instruction.location.start_line})" if instruction.location else ""
    text = _short(analysis, index)
    return f"instruction {index}, {text}{line}" if text else f"instruction {index}"


def _files(count: int) -> str:
    return "1 file" if count == 1 else f"{count:,} files"


_OWNERSHIP = re.compile(
    r"RUN (chown|chmod)(?: --?[A-Za-z][A-Za-z-]*)* ([A-Za-z0-9_.:=+,][A-Za-z0-9_.:=+,-]*)((?: [^\s;&|<>$`()]+)+)"
)
"""A RUN that does nothing but chown or chmod."""


def _metadata_only(analysis: Analysis, pair: WastePair) -> str:
    culprit = _named(analysis, pair.wasted_by)
    flags = _flags(pair.changed)
    writer = _keyword(analysis, pair.written_by)
    text = analysis.instructions[pair.wasted_by].instruction.text
    if writer in ("COPY", "ADD") and flags:
        match = _OWNERSHIP.fullmatch(" ".join(text.split()))
        wanted = " ".join(
            f"{flag}={match[2] if match and flag == f'--{match[1]}' else '…'}" for flag in flags
        )
        maker = _user_made_between(analysis, pair, match) if "--chown" in flags else None
        if maker is not None:
            return (
                f"move {_named(analysis, maker)}, which makes the user, above "
                f"{_named(analysis, pair.written_by)}, or use a numeric id, and give the latter the option "
                f"{wanted} in place of {culprit}, which stores {_files(pair.files)} again only to "
                f"change {_and(pair.changed)}"
            )
        return (
            f"give {_named(analysis, pair.written_by)} the option {wanted} in place of {culprit}, "
            f"which stores {_files(pair.files)} again only to change {_and(pair.changed)}"
        )
    if writer == "RUN" and flags:
        return (
            f"change {_and(pair.changed)} within {_named(analysis, pair.written_by)}: "
            f"{culprit}, stores {_files(pair.files)} again only for that"
        )
    return (
        f"leave {_files(pair.files)} of instruction {pair.written_by} as they are in {culprit}, "
        f"which stores them again only to change {_and(pair.changed) or 'their metadata'}"
    )


_MAKES_USER = re.compile(r"\b(?:useradd|adduser|groupadd|addgroup)\b")


def _user_made_between(
    analysis: Analysis, pair: WastePair, match: re.Match[str] | None
) -> int | None:
    """The instruction after the copy that makes the user or group which it would name; a number needs none."""
    names = [] if match is None else [name for name in re.split("[:.]", match[2]) if name]
    if names and all(name.isdigit() for name in names):
        return None
    for index in range(pair.written_by + 1, pair.wasted_by + 1):
        text = analysis.instructions[index].instruction.text[:20_000]
        made = _MAKES_USER.search(text)
        if made is None:
            continue
        if not names or any(
            re.search(rf"(?<![\w-]){re.escape(n)}(?![\w-])", text[made.end() :]) for n in names
        ):
            return index
    return None


def _flags(changed: tuple[str, ...]) -> list[str]:
    flags = ["--chown"] if "uid" in changed or "gid" in changed else []
    return [*flags, "--chmod"] if "mode" in changed else flags


_FIELDS = {
    "mode": "the mode",
    "uid": "the owner",
    "gid": "the group",
    "mtime": "the time",
    "xattrs": "extended attributes",
}


def _and(changed: tuple[str, ...]) -> str:
    words = [_FIELDS[name] for name in _FIELDS if name in changed]
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _deleted(analysis: Analysis, pair: WastePair, summary: WasteSummary) -> str:
    writer = _keyword(analysis, pair.written_by)
    culprit = f"instruction {pair.wasted_by}"
    if pair.written_by == pair.wasted_by:
        return f"delete {_files(pair.files)} in the step of instruction {pair.written_by} that writes them"
    if writer == "RUN":
        cache = _cache_of(pair, summary)
        mount = f", or give it --mount=type=cache,target={cache}" if cache else ""
        return (
            f"delete {_files(pair.files)} within {_named(analysis, pair.written_by)}{mount}: "
            f"deleting them later, in {culprit}, frees nothing"
        )
    if writer in ("COPY", "ADD"):
        return (
            f"keep {_files(pair.files)} out of {_named(analysis, pair.written_by)} "
            f"(list them in .dockerignore, or mount them into the RUN that needs them): "
            f"deleting them later, in {culprit}, frees nothing"
        )
    return (
        f"begin from an image without {_files(pair.files)} of {_named(analysis, pair.written_by)}: "
        f"deleting them later, in {culprit}, frees nothing"
    )


def _cache_of(pair: WastePair, summary: WasteSummary) -> str:
    """The cache mount that would have kept most bytes of the pair out of the image."""
    sums: dict[str, int] = {}
    for file in summary.files_of(pair):
        match = _CACHED.match(file.path)
        if match is not None:
            target = _MOUNTS[b"/" + match[1]]
            sums[target] = sums.get(target, 0) + file.bytes
    target = max(sums, key=lambda each: (sums[each], each), default="")
    return target if target and 2 * sums[target] > pair.bytes else ""


def _overwritten(analysis: Analysis, pair: WastePair) -> str:
    if pair.written_by == pair.wasted_by:
        return f"write {_files(pair.files)} once within {_named(analysis, pair.written_by)}"
    both = {_keyword(analysis, pair.written_by), _keyword(analysis, pair.wasted_by)}
    if both == {"RUN"}:
        return (
            f"merge {_named(analysis, pair.wasted_by)}, into instruction {pair.written_by}: "
            f"it replaces {_files(pair.files)} written there"
        )
    return (
        f"write {_files(pair.files)} once: {_named(analysis, pair.wasted_by)}, replaces what "
        f"instruction {pair.written_by} stored"
    )


def _identical(analysis: Analysis, pair: WastePair) -> str:
    return (
        f"leave {_files(pair.files)} out of {_named(analysis, pair.wasted_by)}: "
        f"instruction {pair.written_by} stored the very same"
    )


def _duplicate(analysis: Analysis, pair: WastePair) -> str:
    return (
        f"build {_named(analysis, pair.written_by)} again with another builder: "
        f"its layer holds {_files(pair.files)} twice"
    )
