"""The formats of a report: one list for `--format`, its help, and the tests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from layerscope.report.formats.format import Display, Format, Renderer

if TYPE_CHECKING:
    from layerscope.report.document.rows import ReportDocument


def _text(display: Display) -> Renderer[ReportDocument]:
    from layerscope.report.formats.text import TextRenderer

    return TextRenderer(display)


def _json(_: Display) -> Renderer[Mapping[str, object]]:
    from layerscope.report.formats.json import JsonRenderer

    return JsonRenderer()


def _markdown(display: Display) -> Renderer[ReportDocument]:
    from layerscope.report.formats.markdown import MarkdownRenderer

    return MarkdownRenderer(display)


def _html(_: Display) -> Renderer[ReportDocument]:
    from layerscope.report.formats.html import HtmlRenderer

    return HtmlRenderer()


def _svg(_: Display) -> Renderer[ReportDocument]:
    from layerscope.report.formats.svg import SvgRenderer

    return SvgRenderer()


def _csv(_: Display) -> Renderer[ReportDocument]:
    from layerscope.report.formats.csv import CsvRenderer

    return CsvRenderer()


def _junit(_: Display) -> Renderer[ReportDocument]:
    from layerscope.report.formats.junit import JUnitRenderer

    return JUnitRenderer()


def _sarif(_: Display) -> Renderer[ReportDocument]:
    from layerscope.report.formats.sarif import SarifRenderer

    return SarifRenderer()


def _github(_: Display) -> Renderer[ReportDocument]:
    from layerscope.report.formats.github import GithubRenderer

    return GithubRenderer()


def _gitlab(_: Display) -> Renderer[ReportDocument]:
    from layerscope.report.formats.gitlab import GitlabRenderer

    return GitlabRenderer()


JSON: Format[Mapping[str, object]] = Format(
    name="json",
    suffix=".json",
    help="The whole report, for programs.",
    create=_json,
    filesystem=True,
    entries=True,
)
"""The format that writes any kind of document."""

RENDERERS: dict[str, Format[ReportDocument]] = {
    each.name: each
    for each in (
        Format(
            name="text", suffix=".txt", help="For people, in a terminal or a log.", create=_text
        ),
        JSON,
        Format(
            name="markdown",
            suffix=".md",
            help="A job summary or a comment on a pull request.",
            create=_markdown,
        ),
        Format(
            name="html",
            suffix=".html",
            help="One self-contained page with a treemap, tables, and the JSON.",
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
            help="Layers, instructions, waste, and files as one table.",
            create=_csv,
            entries=True,
        ),
        Format(
            name="junit",
            suffix=".xml",
            help="The verdict, with a test case for each rule.",
            create=_junit,
        ),
        Format(
            name="sarif",
            suffix=".sarif",
            help="Advice, secrets, waste, and broken rules for code scanning.",
            create=_sarif,
        ),
        Format(
            name="github",
            suffix=".github",
            help="The same as annotations of a GitHub workflow.",
            create=_github,
        ),
        Format(
            name="gitlab",
            suffix=".gitlab",
            help="The same as a code quality report of GitLab.",
            create=_gitlab,
        ),
    )
}
