"""Dependencies that are installed after all sources are copied, so that every change installs them again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from layerscope.analysis.advice.advice import Advice
from layerscope.analysis.advice.case import Case
from layerscope.analysis.advice.rule import Rule
from layerscope.patterns import pattern

_SOURCES: Final = pattern(r"(?:COPY|ADD)(?: --(?!from=)[a-z-]+(?:=\S*)?)* \./? \S+")
_ALONE: Final = r"(?=(?: +--\S+)* *(?:$|[;&|]))"
"""Nothing but options follows, so that no package is named."""
_INSTALLS: Final = (
    (r"pip[0-9.]* install [^;&|]{0,400}?-r ?(?P<file>[\w./-]+)", "{}"),
    (rf"npm (?:ci|install|i){_ALONE}", "package.json and package-lock.json"),
    (rf"yarn(?: install)?{_ALONE}", "package.json and yarn.lock"),
    (rf"pnpm (?:install|i){_ALONE}", "package.json and pnpm-lock.yaml"),
    (r"uv sync", "pyproject.toml and uv.lock"),
    (r"poetry install", "pyproject.toml and poetry.lock"),
    (r"bundle install", "Gemfile and Gemfile.lock"),
    (r"composer install", "composer.json and composer.lock"),
    (r"go mod download", "go.mod and go.sum"),
    (r"cargo fetch", "Cargo.toml and Cargo.lock"),
    (r"mvn [^;&|]{0,400}?dependency:(?:go-offline|resolve)", "pom.xml"),
)
_PATTERNS: Final = tuple(
    (pattern(rf"(?<![\w./-]){command}"), files) for command, files in _INSTALLS
)


def _find(case: Case) -> Iterator[Advice]:
    sources: int | None = None
    for index in range(len(case.analysis.instructions)):
        if case.mentions.line(index) is None:
            continue
        text = case.text(index)
        if _SOURCES.fullmatch(text):
            sources = index if sources is None else sources
        files = None if sources is None or case.keyword(index) != "RUN" else _files(text[4:])
        if sources is None or files is None:
            continue
        yield Advice(
            rule=RULE.id,
            message=(
                f"{case.start(index)}: copy {files} and install before "
                f"{case.mentions.named(sources)}, because now every change of a source "
                "installs all dependencies again. Saves time."
            ),
            bytes=None,
            instruction=index,
            location=case.location(index),
            written_by=index,
        )
        return


def _files(command: str) -> str | None:
    """The files that name the dependencies that a command installs; None if it installs none."""
    for expression, files in _PATTERNS:
        match = expression.search(command)
        if match is not None:
            return files.format(match["file"]) if "{}" in files else files
    return None


RULE = Rule("install-order", "Dependencies that every change installs again", _find)
