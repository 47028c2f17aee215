from __future__ import annotations

import re

from layerscope.analysis.model import Analysis
from layerscope.report.document.builder import build
from layerscope.report.formats.github import MOST, command
from tests.report.golden import check_golden
from tests.report.pictured import pictured, written
from tests.report.sample import make_analysis, python_app, wasted

LINE = re.compile(r"::(error|warning|notice) ([^:\n]*)::([^\n]*)")


def decode(text: str) -> str:
    for code, character in (("%2C", ","), ("%3A", ":"), ("%0A", "\n"), ("%0D", "\r"), ("%25", "%")):
        text = text.replace(code, character)
    return text


def commands(text: str) -> list[tuple[str, dict[str, str], str]]:
    """The commands that the runner finds in the lines (actions/runner, ActionCommand.TryParseV2)."""
    out = []
    for line in text.splitlines():
        match = LINE.fullmatch(line)
        assert match is not None, line
        pairs = dict(pair.split("=", 1) for pair in match[2].split(","))
        out.append(
            (match[1], {key: decode(value) for key, value in pairs.items()}, decode(match[3]))
        )
    return out


def test_annotations_match_their_golden_file(app_analysis: Analysis) -> None:
    check_golden("app.github", written("github", pictured(app_analysis, {"max_size": "6MB"})))


def test_waste_is_on_the_lines_of_the_dockerfile() -> None:
    first, second, third, last = commands(written("github", build(python_app())))
    assert first[0] == second[0] == "warning"
    assert first[1] == {
        "file": "Dockerfile",
        "line": "3",
        "endLine": "3",
        "title": "layerscope: copy-chown: saves 31.0 MB",
    }
    assert "That is 14.6 % of the image, in 101 files written by instruction 2" in first[2]
    assert third[0] == "notice"
    assert third[1]["title"] == "layerscope: install-order"
    assert last[0] == "notice"
    assert last[2] == "my-app:latest: content 212.2 MB, wasted 43.6 MB (20.6 %), download 81.2 MB"


def test_broken_rules_are_errors_and_the_summary_has_the_verdict(app_analysis: Analysis) -> None:
    made = commands(written("github", pictured(app_analysis, {"max_size": "6MB"})))
    assert made[0][0] == "error"
    assert made[0][2].startswith("max_size: 11.7 MB, allowed is at most 6MB (5.7 MB over;")
    assert made[-1][2].endswith("verdict: fail (1 of 1 rules)")


def test_there_are_no_more_annotations_than_github_shows() -> None:
    steps = [("COPY a /", 100_000), *((f"RUN {n}", 0) for n in range(60))]
    waste = [wasted(f"{n}", 1500 if n < 30 else 500, 0, 1 + n) for n in range(60)]
    made = commands(written("github", build(make_analysis(steps, waste))))
    levels = [level for level, _, _ in made]
    assert levels.count("warning") == MOST
    assert levels.count("notice") == MOST
    rests = [text for _, _, text in made if "more of these" in text]
    assert rests == [
        "21 more of these, all of them in the JSON report",
        "22 more of these, all of them in the JSON report",
    ]


def test_the_runner_decodes_the_original_values() -> None:
    value = "a%0A,b:c\r\n::error::%25"
    line = command("error", value, file=value, title=value)
    assert line.count("\n") == 1
    assert commands(line) == [("error", {"file": value, "title": value}, value)]
