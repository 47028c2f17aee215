"""Advice on the waste of an image: one short line for each pair of instructions, largest saving first."""

from __future__ import annotations

import re
from dataclasses import dataclass

from layerscope.analysis.grouping import WastePair, WasteSummary
from layerscope.analysis.mentions import Mentions, files_word, one_spaced
from layerscope.analysis.model import Analysis, WasteKind
from layerscope.units import format_size

MOST = 20
"""The most pieces of advice. The ones left out save less."""

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
"""Patterns for directories of package managers that a build can mount as a cache, and the mount's target."""

_CACHED = re.compile(rb"/?(" + b"|".join(re.escape(folder[1:]) for folder in _MOUNTS) + rb")/")


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """A change to the build that saves `bytes`. `message` is one line: where, what to change, and what that saves."""

    kind: WasteKind
    bytes: int
    compressed: int | None
    files: int
    written_by: int
    wasted_by: int
    message: str


def advise(analysis: Analysis, waste: WasteSummary | None = None) -> tuple[Advice, ...]:
    """Advice on all waste that a change to an instruction can avoid, largest saving first.

    Pass `waste`, the summary of the analysis' waste, if you have it already.
    """
    summary = WasteSummary(analysis.waste) if waste is None else waste
    return tuple(
        Advice(
            kind=pair.kind,
            bytes=pair.bytes,
            compressed=pair.compressed,
            files=pair.files,
            written_by=pair.written_by,
            wasted_by=pair.wasted_by,
            message=f"{_Sentence(analysis, pair, summary).text()}. Saves {format_size(pair.bytes)}.",
        )
        for pair in summary.pairs()[:MOST]
        if pair.bytes
    )


_OWNERSHIP = re.compile(
    r"RUN (chown|chmod)(?: --?[A-Za-z][A-Za-z-]*)* ([A-Za-z0-9_.:=+,][A-Za-z0-9_.:=+,-]*)((?: [^\s;&|<>$`()]+)+)"
)
"""A RUN that does nothing but chown or chmod."""
_REMOVAL = re.compile(r"RUN rm(?: [^\s;&|<>$`()]+)+")
"""A RUN that does nothing but rm."""
_STAGE = re.compile(r"--from=([^\s,]{1,60})")
_MAKES_USER = re.compile(r"\b(?:useradd|adduser|groupadd|addgroup)\b")

_FIELDS = {
    "mode": "the mode",
    "uid": "the owner",
    "gid": "the group",
    "mtime": "the time",
    "xattrs": "extended attributes",
}


class _Sentence:
    """The advice on one pair of instructions, without the saving."""

    def __init__(self, analysis: Analysis, pair: WastePair, summary: WasteSummary) -> None:
        self._analysis = analysis
        self._pair = pair
        self._writer = pair.written_by
        self._waster = pair.wasted_by
        self._files = summary.files_of(pair)
        self._mentions = Mentions(analysis)

    def text(self) -> str:
        match self._pair.kind:
            case "deleted":
                return self._deleted()
            case "overwritten":
                return self._overwritten()
            case "metadata_only":
                return self._metadata_only()
            case "identical_rewrite":
                return (
                    f"{self._start(self._waster)}: leave out {files_word(self._files)}, "
                    f"which {self._mentions.subject(self._writer)} already stores"
                )
            case "duplicate_entry":
                return (
                    f"{self._start(self._writer)}: rebuild this layer with another builder, "
                    f"because it stores {files_word(self._files)} twice"
                )

    def _start(self, index: int) -> str:
        return self._mentions.start(index)

    def _keyword(self, index: int) -> str:
        return self._analysis.instructions[index].instruction.keyword.upper()

    def _text(self, index: int) -> str:
        return one_spaced(self._analysis.instructions[index].instruction.text)

    def _is_inherited(self) -> bool:
        """Whether the base image wrote the files and the Dockerfile wastes them."""
        if self._mentions.is_of_base(self._writer):
            return not self._mentions.is_of_base(self._waster)
        return self._keyword(self._writer) not in ("RUN", "COPY", "ADD")

    def _metadata_only(self) -> str:
        writer, waster = self._mentions.named(self._writer), self._mentions.named(self._waster)
        flags = _flags(self._pair.changed)
        keyword = self._keyword(self._writer)
        match = _OWNERSHIP.fullmatch(self._text(self._waster))
        changed = _and(self._pair.changed) or "the metadata"
        if not flags or keyword not in ("COPY", "ADD", "RUN") or self._is_inherited():
            return (
                f"{self._start(self._waster)}: don't change {changed} of {files_word(self._files)}, "
                f"written by {writer}"
            )
        ending = f"drop {waster}" if match else f"don't change {changed} in {waster}"
        if keyword == "RUN":
            return f"{self._start(self._writer)}: set {changed} in the same RUN and {ending}"
        value = _option(match)
        wanted = " ".join(
            f"{flag}={value}" if match and value and flag == f"--{match[1]}" else flag
            for flag in flags
        )
        maker = self._user_made_between(match) if "--chown" in flags else None
        if maker is None:
            return f"{self._start(self._writer)}: use {keyword} {wanted} and {ending}"
        return (
            f"{self._start(self._writer)}: move this {keyword} below {self._mentions.subject(maker)} "
            f"or use a numeric id, then use {keyword} {wanted} and {ending}"
        )

    def _user_made_between(self, match: re.Match[str] | None) -> int | None:
        """The instruction after the copy that creates the user or group it would name, or None."""
        names = [] if match is None else [name for name in re.split("[:.]", match[2]) if name]
        if names and all(name.isdigit() for name in names):
            return None
        for index in range(self._writer + 1, self._waster + 1):
            text = self._analysis.instructions[index].instruction.text[:20_000]
            made = _MAKES_USER.search(text)
            if made is None:
                continue
            if not names or any(
                re.search(rf"(?<![\w-]){re.escape(n)}(?![\w-])", text[made.end() :]) for n in names
            ):
                return index
        return None

    def _deleted(self) -> str:
        start, keyword = self._start(self._writer), self._keyword(self._writer)
        what = files_word(self._files)
        them = "it" if len(self._files) == 1 else "them"
        if self._writer == self._waster:
            return f"{start}: delete {what} in the step that writes {them}"
        late = self._mentions.place(self._waster)
        if self._is_inherited():
            return f"{self._start(self._waster)}: use a base image without {what}, because deleting here frees nothing"
        if keyword == "RUN":
            cache = self._cache()
            if cache:
                return f"{start}: use RUN --mount=type=cache,target={cache} instead of deleting the cache in {late}"
            return f"{start}: delete {what} in the same RUN, not in {late}"
        stage = _STAGE.search(self._text(self._writer))
        if stage is not None and keyword == "COPY":
            return f"{start}: delete {what} in {stage[1]} before COPY takes {them}, not in {late}"
        if keyword == "ADD":
            return f"{start}: keep {what} out of ADD's source instead of deleting {them} in {late}"
        if _REMOVAL.fullmatch(self._text(self._waster)):
            return f"{start}: keep {what} out of COPY with .dockerignore instead of deleting {them} in {late}"
        return (
            f"{start}: mount {what} with RUN --mount=type=bind where you need it "
            f"instead of copying {them} and deleting {them} in {late}"
        )

    def _cache(self) -> str:
        """The target of the cache mount that would keep most bytes of the pair out of the image, or ""."""
        sums: dict[str, int] = {}
        for file in self._files:
            match = _CACHED.match(file.path)
            if match is not None:
                target = _MOUNTS[b"/" + match[1]]
                sums[target] = sums.get(target, 0) + file.bytes
        target = max(sums, key=lambda each: (sums[each], each), default="")
        return target if target and 2 * sums[target] > self._pair.bytes else ""

    def _overwritten(self) -> str:
        what = files_word(self._files)
        if self._writer == self._waster:
            return f"{self._start(self._writer)}: write {what} only once"
        if self._is_inherited():
            return f"{self._start(self._waster)}: use a newer base image, because this step replaces {what}"
        if {self._keyword(self._writer), self._keyword(self._waster)} == {"RUN"}:
            return (
                f"{self._start(self._writer)}: merge {self._mentions.subject(self._waster)} "
                f"into this RUN, because it replaces {what}"
            )
        return (
            f"{self._start(self._writer)}: leave out {what}, "
            f"which {self._mentions.subject(self._waster)} replaces"
        )


def _option(match: re.Match[str] | None) -> str:
    """The value that a chown or chmod sets, for use in COPY; "" if that isn't certain."""
    if match is None:
        return ""
    value = match[2]
    if match[1] == "chmod":
        return value
    if value.startswith(":"):
        return f"0{value}"
    return "" if "." in value else value.removesuffix(":")


def _flags(changed: tuple[str, ...]) -> list[str]:
    flags = ["--chown"] if "uid" in changed or "gid" in changed else []
    return [*flags, "--chmod"] if "mode" in changed else flags


def _and(changed: tuple[str, ...]) -> str:
    words = [_FIELDS[name] for name in _FIELDS if name in changed]
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
