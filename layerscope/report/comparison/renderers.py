"""The formats a comparison can be written in, as `layerscope.report.renderers` has them for one image."""

from __future__ import annotations

from layerscope.report.renderers import RENDERERS, Display, Format, Renderer


def _text(display: Display) -> Renderer:
    from layerscope.report.comparison.text import ComparisonText

    return ComparisonText(display)


def _markdown(display: Display) -> Renderer:
    from layerscope.report.comparison.markdown import ComparisonMarkdown

    return ComparisonMarkdown(display)


COMPARISON_RENDERERS: dict[str, Format] = {
    each.name: each
    for each in (
        Format(
            name="text", suffix=".txt", help="For people, in a terminal or a log.", create=_text
        ),
        RENDERERS["json"],
        Format(
            name="markdown",
            suffix=".md",
            help="For a pull request or a job summary.",
            create=_markdown,
        ),
    )
}
