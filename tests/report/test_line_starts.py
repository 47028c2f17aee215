"""No line that a CI job prints starts with text from the image, since runners obey lines such as `::error::`."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

import layerscope
from layerscope.report.comparison.document import build as build_comparison
from layerscope.report.comparison.renderers import COMPARISON_RENDERERS
from layerscope.report.document.builder import build
from layerscope.report.formats.format import Display, Format
from layerscope.report.formats.renderers import RENDERERS
from tests.builder import FORMS, WHITEOUT, BuiltImage, ImageBuilder

COMMANDS = ("::error::pwned", "##vso[task.complete]pwned", "##[error]pwned", "##teamcity[pwned]")
ENDS = ("\n", "\r", "\r\n", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029")
EVIL = "".join(f"{end}{command}{end}  {command}" for command in COMMANDS for end in ENDS)


def evil(tag: str) -> BuiltImage:
    names = [f"{command}{end}{command}" for command in COMMANDS for end in ENDS]
    return (
        ImageBuilder(f"::error::pwned:{tag}")
        .layer(
            {name: (name * 9).encode() for name in names}, created_by=f"RUN {EVIL}", comment=EVIL
        )
        .layer({names[0]: WHITEOUT, f"new{EVIL[:60]}": tag.encode()}, created_by=EVIL, author=EVIL)
        .layer({}, created_by=COMMANDS[0], comment=COMMANDS[1])
        .configure(
            Env=[f"A={EVIL}{tag}", COMMANDS[0]],
            Labels={EVIL: EVIL, COMMANDS[0]: COMMANDS[0] + tag},
            Cmd=[EVIL, COMMANDS[0]],
            Entrypoint=[COMMANDS[0]],
            User=EVIL,
            WorkingDir=EVIL,
        )
        .build()
    )


def lines(each: Format[Any], document: Any) -> list[str]:
    out = io.StringIO()
    each.create(Display(width=80)).render(document, out)
    return [line.strip() for line in out.getvalue().splitlines()]


def obeyed(found: list[str]) -> list[str]:
    """The lines that a runner would treat as a command from the image."""
    return [line for line in found if line.startswith(COMMANDS)]


@pytest.mark.parametrize("name", sorted(RENDERERS))
def test_no_line_of_a_report_starts_with_text_from_the_image(name: str, tmp_path: Path) -> None:
    archive = FORMS["oci-archive"].write([evil("1")], tmp_path / "a.tar")
    with layerscope.load(str(archive)) as image:
        found = lines(RENDERERS[name], build(layerscope.analyze(image)))
    assert obeyed(found) == []


@pytest.mark.parametrize("name", sorted(COMPARISON_RENDERERS))
def test_no_line_of_a_comparison_starts_with_text_from_an_image(name: str, tmp_path: Path) -> None:
    archives = [
        str(FORMS["oci-archive"].write([evil(tag)], tmp_path / f"{tag}.tar")) for tag in "12"
    ]
    with layerscope.load(archives[0]) as a, layerscope.load(archives[1]) as b:
        document = build_comparison(layerscope.compare(a, b))
    assert obeyed(lines(COMPARISON_RENDERERS[name], document)) == []
