"""The formats a report can be written in: one list behind `--format`, its help and the tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TextIO

if TYPE_CHECKING:
    from layerscope.report.document import Document


class Renderer(Protocol):
    """Writes the report document in one format; what only this format can be told stands in its constructor."""

    def render(self, document: Document, out: TextIO) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Display:
    """What a format for people may use: columns, colour, and rows of each list (None for the usual number)."""

    width: int = 100
    color: bool = False
    rows: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """One format by name; `create` imports the renderer only when it is asked for.

    `filesystem` says that it draws the document's key of that name, which `report.filesystem.with_filesystem` adds.
    """

    name: str
    suffix: str
    help: str
    create: Callable[[Display], Renderer]
    filesystem: bool = False


def _text(display: Display) -> Renderer:
    from layerscope.report.text import TextRenderer

    return TextRenderer(display)


def _json(_: Display) -> Renderer:
    from layerscope.report.json import JsonRenderer

    return JsonRenderer()


def _markdown(display: Display) -> Renderer:
    from layerscope.report.markdown import MarkdownRenderer

    return MarkdownRenderer(display)


def _html(_: Display) -> Renderer:
    from layerscope.report.html import HtmlRenderer

    return HtmlRenderer()


def _svg(_: Display) -> Renderer:
    from layerscope.report.svg import SvgRenderer

    return SvgRenderer()


def _csv(_: Display) -> Renderer:
    from layerscope.report.csv import CsvRenderer

    return CsvRenderer()


def _junit(_: Display) -> Renderer:
    from layerscope.report.junit import JUnitRenderer

    return JUnitRenderer()


def _sarif(_: Display) -> Renderer:
    from layerscope.report.sarif import SarifRenderer

    return SarifRenderer()


def _github(_: Display) -> Renderer:
    from layerscope.report.github import GithubRenderer

    return GithubRenderer()


def _gitlab(_: Display) -> Renderer:
    from layerscope.report.gitlab import GitlabRenderer

    return GitlabRenderer()


RENDERERS: dict[str, Format] = {
    each.name: each
    for each in (
        Format(
            name="text", suffix=".txt", help="For people, in a terminal or a log.", create=_text
        ),
        Format(name="json", suffix=".json", help="The whole report, for programs.", create=_json),
        Format(
            name="markdown",
            suffix=".md",
            help="A job summary or a comment on a pull request.",
            create=_markdown,
        ),
        Format(
            name="html",
            suffix=".html",
            help="One page with a treemap, tables and the JSON, without network.",
            create=_html,
            filesystem=True,
        ),
        Format(
            name="svg",
            suffix=".svg",
            help="The treemap of the final filesystem.",
            create=_svg,
            filesystem=True,
        ),
        Format(
            name="csv",
            suffix=".csv",
            help="Layers, instructions, waste and files as one table.",
            create=_csv,
        ),
        Format(
            name="junit",
            suffix=".xml",
            help="The verdict, a test case for each rule.",
            create=_junit,
        ),
        Format(
            name="sarif",
            suffix=".sarif",
            help="Waste and broken rules for code scanning.",
            create=_sarif,
        ),
        Format(
            name="github",
            suffix=".github",
            help="Waste and broken rules as annotations of a GitHub workflow.",
            create=_github,
        ),
        Format(
            name="gitlab",
            suffix=".gitlab",
            help="Waste and broken rules as a code quality report of GitLab.",
            create=_gitlab,
        ),
    )
}
