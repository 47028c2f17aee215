"""The formats of a comparison. `layerscope.report.formats.renderers` has those for one image."""

from __future__ import annotations

from typing import TYPE_CHECKING

from layerscope.report.formats.format import Display, Format, Renderer
from layerscope.report.formats.renderers import JSON

if TYPE_CHECKING:
    from layerscope.report.comparison.rows import ComparisonDocument


def _text(display: Display) -> Renderer[ComparisonDocument]:
    from layerscope.report.comparison.text import ComparisonText

    return ComparisonText(display)


def _markdown(display: Display) -> Renderer[ComparisonDocument]:
    from layerscope.report.comparison.markdown import ComparisonMarkdown

    return ComparisonMarkdown(display)


def _html(_: Display) -> Renderer[ComparisonDocument]:
    from layerscope.report.comparison.html import ComparisonHtml

    return ComparisonHtml()


def _csv(_: Display) -> Renderer[ComparisonDocument]:
    from layerscope.report.comparison.csv import ComparisonCsv

    return ComparisonCsv()


def _github(_: Display) -> Renderer[ComparisonDocument]:
    from layerscope.report.comparison.github import ComparisonGithub

    return ComparisonGithub()


COMPARISON_RENDERERS: dict[str, Format[ComparisonDocument]] = {
    each.name: each
    for each in (
        Format(
            name="text", suffix=".txt", help="For people, in a terminal or a log.", create=_text
        ),
        JSON,
        Format(
            name="markdown",
            suffix=".md",
            help="For a pull request or a job summary.",
            create=_markdown,
        ),
        Format(
            name="html",
            suffix=".html",
            help="One self-contained page with tables, the directory tree, and the JSON.",
            create=_html,
        ),
        Format(
            name="csv",
            suffix=".csv",
            help="Sizes, instructions, layers, directories, files, and settings as one table.",
            create=_csv,
        ),
        Format(
            name="github",
            suffix=".github",
            help="What grew, as annotations of a GitHub workflow.",
            create=_github,
        ),
    )
}
