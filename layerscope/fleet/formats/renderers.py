"""The formats of a fleet's report: one list for `--format`, its help, and the tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TextIO

from layerscope.report.formats.format import Display, Format, Renderer

if TYPE_CHECKING:
    Document = dict[str, Any]


class _Json:
    def render(self, document: Document, out: TextIO) -> None:
        import json

        out.write(json.dumps(document, indent=2, sort_keys=True) + "\n")


def _text(display: Display) -> Renderer[Document]:
    from layerscope.fleet.formats.text import FleetText

    return FleetText(display)


def _markdown(_: Display) -> Renderer[Document]:
    from layerscope.fleet.formats.markdown import FleetMarkdown

    return FleetMarkdown()


def _html(_: Display) -> Renderer[Document]:
    from layerscope.fleet.formats.html import FleetHtml

    return FleetHtml()


FLEET_RENDERERS: dict[str, Format[Document]] = {
    each.name: each
    for each in (
        Format(
            name="text", suffix=".txt", help="For people, in a terminal or a log.", create=_text
        ),
        Format(name="json", suffix=".json", help="For programs.", create=lambda _: _Json()),
        Format(name="markdown", suffix=".md", help="For a wiki or an issue.", create=_markdown),
        Format(name="html", suffix=".html", help="One page with charts.", create=_html),
    )
}
