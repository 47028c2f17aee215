from __future__ import annotations

from typing import Any

import pytest

from layerscope.analysis.model import Analysis, LiveFile
from layerscope.notes import Note
from layerscope.report.document.builder import build
from layerscope.report.formats.format import Display
from layerscope.report.formats.markdown import INSTRUCTIONS, MARKER
from layerscope.report.parts.sheet import LIMIT, code, prose
from tests.analysis.images import analysed
from tests.builder import ImageBuilder
from tests.builder.dialects import buildah, imported
from tests.report.gfm import MARKUP, parse, tables
from tests.report.golden import check_golden
from tests.report.pictured import pictured, written
from tests.report.sample import make_analysis, python_app, wasted, with_facts

RULES: dict[str, object] = {"max_size": "6MB", "min_efficiency": 0.3, "max_layers": 5}


def markdown(document: Any, rows: int | None = None) -> str:
    return written("markdown", document, Display(rows=rows))


def test_markdown_matches_its_golden_file(app_analysis: Analysis) -> None:
    check_golden("app.md", markdown(pictured(app_analysis, RULES)))


def test_markdown_starts_with_a_marker_and_fits_one_comment() -> None:
    text = markdown(build(python_app()))
    assert text.startswith(MARKER + "\n")
    assert text.count(MARKER) == 1


def test_github_renders_the_tables_as_intended() -> None:
    page = parse(markdown(build(python_app())))
    assert {element.tag for element in page.iter() if isinstance(element.tag, str)} <= MARKUP
    sizes, advice, instructions, waste, largest, notes = tables(page)
    assert sizes[1] == ["content", "212.2 MB", "what all layers store"]
    assert instructions[0] == ["#", "instruction", "content", "wasted", "line", ""]
    assert instructions[3] == [
        "2", "COPY . /app", "38.0 MB", "31.2 MB", "3",
        "31.0 MB rewritten by 4 (owner only), 200.0 kB deleted by 5",
    ]  # fmt: skip
    assert instructions[-1][0] == "2 other instructions: 0 B"
    assert waste[1][1] == "/app/data/model.bin"
    assert largest[-1][0] == "133.4 MB in others"
    assert notes[1] == ["3", "the same layer is listed twice: counted once for download", ""]
    assert len(advice) == 3
    widths = [{len(row) for row in table} for table in tables(page)]
    assert all(len(width) == 1 for width in widths)


def test_the_verdict_comes_first_and_broken_rules_before_passed_ones(
    app_analysis: Analysis,
) -> None:
    text = markdown(pictured(app_analysis, RULES))
    assert text.index("verdict: fail (1 of 3 rules)") < text.index("**content**")
    rules = tables(parse(text))[0]
    assert [row[0] for row in rules[1:]] == ["❌ fail", "✅ pass", "✅ pass"]
    assert rules[1][1:4] == ["max_size", "11.7 MB", "at most 6MB"]
    kept = markdown(pictured(app_analysis, {"max_layers": 5}))
    assert "✅ verdict: pass" in kept


def test_a_rule_that_only_warns_has_its_own_mark() -> None:
    document: Any = build(python_app())
    rule = {
        "rule": "max_size",
        "actual": 3,
        "limit": 2,
        "passed": False,
        "message": "",
        "level": "warn",
    }
    document["verdict"] = {"passed": True, "rules": [rule]}
    assert tables(parse(markdown(document)))[0][1][0] == "⚠️ warn"


def baseline(document: Any, **sizes: int) -> dict[str, Any]:
    return {"grown": [], "reference": "app:old", "sizes": {**document["sizes"], **sizes}}


def test_sizes_show_the_change_from_a_baseline() -> None:
    document: Any = build(python_app())
    document["baseline"] = baseline(document, content=200_000_000, live=170_000_000)
    document["baseline"]["grown"] = [{"instruction": 3, "before": 50_000_000, "bytes": 56_300_000}]
    sizes, _, grown, *_ = tables(parse(markdown(document)))
    assert sizes[0][2] == "change from app:old"
    assert [row[2] for row in sizes[1:]] == [
        "+12.2 MB (+6.1 %)",
        "−1.4 MB (−0.9 %)",
        "none",
        "none",
        "none",
    ]
    assert grown[1] == ["3", "RUN pip install -r requirements.txt", "50.0 MB", "56.3 MB", "+6.3 MB"]


def test_an_unknown_size_has_no_change() -> None:
    document: Any = build(python_app())
    document["sizes"]["compressed"] = None
    document["baseline"] = baseline(document)
    row = tables(parse(markdown(document)))[0][4]
    assert row == ["download", "–", "–", "unknown: only the uncompressed layers are there"]


def test_the_number_of_rows_is_honored() -> None:
    document: Any = build(python_app())
    waste = tables(parse(markdown(document, rows=2)))[3]
    assert len(waste) == 1 + 2 + 1
    assert waste[-1][0] == "1.2 MB in others"


def test_only_the_largest_instructions_are_shown_and_the_rest_summed_up() -> None:
    steps = [(f"RUN step {n}", 1000 + n) for n in range(100)]
    text = markdown(build(make_analysis(steps)))
    instructions = tables(parse(text))[1]
    assert len(instructions) == 1 + INSTRUCTIONS + 1
    assert instructions[1][1] == "RUN step 60"
    assert instructions[-1][0] == "60 other instructions: 61.8 kB"


def test_what_a_squashed_layer_covers_is_listed_with_it() -> None:
    builder = ImageBuilder("app:1").layer({"bin/sh": b"x"}, **imported())
    for step in ("LABEL a=1", "COPY dir:0123456789abcdef in / ", "CMD sh"):
        builder.empty(**buildah.meta(step))
    builder.empty(**buildah.run("make"))
    builder.layer({"a": b"y"}, **buildah.one_layer("base:1"))
    document: Any = build(analysed(builder.build()))
    instructions = tables(parse(markdown(document)))[1]
    assert [row[1] for row in instructions[1:]] == [
        "docker import: Imported from -",
        "COPY dir:0123456789ab… /",
        "RUN make",
        "instructions 1 to 5, in one layer",
        "",
    ]
    assert instructions[-1][0] == "3 other instructions: 0 B"
    place = {"file": "Dockerfile", "start_line": 2, "end_line": 6}
    document["instructions"][6]["location"] = place
    for line, row in enumerate(document["instructions"][1:6], 2):
        row["location"] = {**place, "start_line": line, "end_line": line}
    titled = tables(parse(markdown(document)))[1]
    assert [row[4] for row in titled[:5]] == ["line", "base", "3", "5", "2–6"]
    assert "lines 2–6" in written("text", document)
    document["instructions"][2]["keyword"] = "LABEL"
    assert len(tables(parse(markdown(document)))[1]) == len(instructions) - 1


@pytest.mark.slow
@pytest.mark.parametrize("letter", ["|", "<", "漢", "a", "@"])
def test_markdown_stays_below_githubs_limit(letter: str) -> None:
    name = letter * 3000
    steps = [(f"RUN {name} {n}", 5000 - n) for n in range(300)]
    waste = [wasted(f"/{name}{n}", 1000 + n, n, 299 - n % 3) for n in range(290)]
    analysis = make_analysis(
        steps,
        waste,
        largest=[
            LiveFile(path=f"/{name}{n}".encode(), bytes=5, layer=0, written_by=0) for n in range(99)
        ],
        notes=[Note("odd", name, 0, name.encode()) for _ in range(99)],
        reference=name,
    )
    document: Any = build(analysis)
    rules = [
        {"rule": f"max_{name}", "actual": 3, "limit": 2, "passed": False, "message": name}
        for _ in range(500)
    ]
    document["verdict"] = {"passed": False, "rules": rules}
    text = markdown(document, rows=5000)
    assert len(text.encode()) <= LIMIT < 65_536
    page = parse(text)
    assert {element.tag for element in page.iter() if isinstance(element.tag, str)} <= MARKUP
    assert any("cut off here" in row[0] for table in tables(page) for row in table)
    assert len(list(page.iter("details"))) == text.count("</details>")


def test_an_empty_image_has_a_report() -> None:
    text = markdown(build(make_analysis([])))
    assert len(tables(parse(text))) == 1
    assert "details" not in text


def test_text_from_the_image_mentions_no_one() -> None:
    assert parse(code("@octocat #12 https://x.y www.x.y a@b.cd")).text_content().strip() == (
        "@octocat #12 https://x.y www.x.y a@b.cd"
    )
    for made in (
        code("see www.evil.com"),
        prose("ask @octocat, #12 :tada: https://x.y a@b.cd www.x.y"),
    ):
        page = parse(made)
        assert list(page.iter("a")) == []
    assert (
        "@\u200boctocat, #\u200b12 :\u200btada:"
        in parse(prose("@octocat, #12 :tada:")).text_content()
    )


def test_notes_beyond_the_first_are_counted() -> None:
    notes = tuple(Note("odd", f"oddity {n}") for n in range(50))
    text = markdown(build(with_facts(python_app(), notes=tuple(notes))))
    assert "and 30 more" in text
    assert "oddity 20" not in text


def test_instructions_of_the_base_image_have_base_instead_of_a_line() -> None:
    document: Any = build(python_app())
    document["base"] = {"evidence": "image", "layers": 1, "name": None}
    for row in document["layers"]:
        row["base"] = row["index"] < 1
    instructions = tables(parse(markdown(document)))[2]
    assert [row[4] for row in instructions[:4]] == ["line", "base", "2", "3"]
    for row in document["instructions"]:
        row["location"] = None
    instructions = tables(parse(markdown(document)))[2]
    assert [row[4] for row in instructions[:4]] == ["line", "base", "", ""]
