"""Renders Markdown the way GitHub does: with cmark-gfm and GitHub's extensions."""

from __future__ import annotations

import cmarkgfm
import lxml.html
from cmarkgfm.cmark import Options

MARKUP = {
    "div",
    "h3",
    "p",
    "strong",
    "em",
    "b",
    "code",
    "table",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
    "details",
    "summary",
}


def parse(text: str) -> lxml.html.HtmlElement:
    """The elements of a Markdown text, in one `div`."""
    html = cmarkgfm.github_flavored_markdown_to_html(text, Options.CMARK_OPT_UNSAFE)
    return lxml.html.fragment_fromstring(html, create_parent="div")


def tables(page: lxml.html.HtmlElement) -> list[list[list[str]]]:
    """The text of every cell."""
    return [
        [[cell.text_content() for cell in row.iter("th", "td")] for row in table.iter("tr")]
        for table in page.iter("table")
    ]
