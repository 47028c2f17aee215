"""Text from anywhere in an image is only ever text, in every format."""

from __future__ import annotations

import csv
import io
import json
import re
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lxml.etree
import lxml.html
import pytest

from layerscope.report.document.builder import build
from layerscope.report.document.serialize import dumps
from layerscope.report.escape import escape, is_hidden
from layerscope.report.formats.renderers import RENDERERS
from layerscope.report.paths import clean_text
from tests.builder import WHITEOUT, BuiltImage, File, Hardlink, ImageBuilder, Member, Symlink
from tests.report.gfm import MARKUP, parse, tables
from tests.report.hostile import LONE, STRINGS
from tests.report.pictured import analyze, pictured, written
from tests.report.sample import make_analysis, wasted
from tests.report.test_github import commands
from tests.report.test_junit import valid as valid_junit
from tests.report.test_sarif import valid as valid_sarif

RULES: dict[str, object] = {"max_size": 10, "max_wasted": 0}


def hostile_image() -> BuiltImage:
    """Every hostile string as a path, link, tag, history, label, and environment variable, with waste at each path."""
    builder = ImageBuilder(*(text for text in STRINGS if text.strip()))
    first: list[Member] = []
    for number, text in enumerate(STRINGS):
        name = f"{number}/{text.replace('/', '∕')[:200]}".encode("utf-8", "surrogatepass")
        first += [
            (name, File(b"x" * (2000 + number))),
            (name + b".kept", File(b"y" * (3000 + number))),
            (name + b".link", Symlink(text[:1000])),
            (name + b".hard", Hardlink(name + b".kept")),
        ]
    first.append((b"raw/\xff\xfe\x80", File(b"z" * 500)))
    builder.layer(first, STRINGS[0], comment=STRINGS[1])
    for number, text in enumerate(STRINGS):
        name = f"{number}/{text.replace('/', '∕')[:200]}".encode("utf-8", "surrogatepass")
        builder.layer([(name, WHITEOUT)], f"/bin/sh -c {text}", comment=text, author=text)
    for text in STRINGS:
        builder.empty(f"/bin/sh -c #(nop)  ENV {text}")
    builder.configure(
        Labels=dict.fromkeys(STRINGS, STRINGS[0]), Env=[f"A={text}" for text in STRINGS]
    )
    return builder.build()


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> Any:
    made = pictured(analyze(hostile_image(), tmp_path_factory.mktemp("hostile")), RULES)
    assert len(made["instructions"]) >= 2 * len(STRINGS)
    for number, row in enumerate(made["instructions"]):
        text = STRINGS[number % len(STRINGS)]
        row["location"] = {"file": text, "start_line": 1 + number, "end_line": 2 + number}
    made["notes"] = [
        {"code": "odd", "message": text, "layer": 0, "path": f"/{text}"} for text in STRINGS
    ]
    return made


def named(text: str) -> Any:
    """A small report with the text where a command line, a budget, or a baseline puts it."""
    document: Any = build(
        make_analysis(
            [(text, 900), (f"RUN {text}", 0)],
            [wasted(text.encode("utf-8", "surrogatepass"), 90, 0, 1)],
            reference=text,
        )
    )
    rule = {"rule": text, "actual": 2, "limit": 1, "passed": False, "message": text}
    rule = {
        key: clean_text(value) if isinstance(value, str) else value for key, value in rule.items()
    }
    document["verdict"] = {"passed": False, "rules": [rule]}
    document["image"] |= {"platform": clean_text(text), "created": clean_text(text)}
    document["baseline"] = {
        "reference": clean_text(text),
        "sizes": document["sizes"],
        "grown": [{"instruction": 0, "before": 1, "bytes": 2}],
    }
    return document


def is_raw(character: str) -> bool:
    """Whether a character in a report could do anything but be shown."""
    return character != "\n" and (is_hidden(character) or unicodedata.category(character) == "Cc")


@pytest.mark.parametrize("name", sorted(RENDERERS))
def test_no_format_has_active_or_hidden_characters(name: str, document: Any) -> None:
    text = written(name, document)
    assert {character for character in set(text) if is_raw(character)} == set()
    assert text.encode("utf-8").decode("utf-8") == text


def reads_markdown(text: str) -> None:
    assert text.count("<!-- layerscope -->") == 1
    page = parse(text)
    assert {each.tag for each in page.iter() if isinstance(each.tag, str)} <= MARKUP
    assert not any(set(each.attrib) - {"align"} for each in page.iter())
    assert all(len({len(row) for row in table}) == 1 for table in tables(page))


def reads_html(text: str) -> None:
    page = lxml.html.document_fromstring(text)
    scripts = list(page.iter("script"))
    assert [each.get("type") for each in scripts] == ["application/json", "application/json", None]
    assert json.loads(scripts[0].text)["kind"] == "analysis"
    assert len(list(page.iter("style"))) == 1
    foreign = {
        "img",
        "iframe",
        "object",
        "embed",
        "link",
        "form",
        "base",
        "image",
        "use",
        "foreignobject",
    }
    for each in page.iter():
        if not isinstance(each.tag, str):
            continue
        assert each.tag.lower() not in foreign
        names = set(each.attrib.keys())
        assert not any(
            name.startswith("on") or name in {"style", "src", "srcset"} for name in names
        )
        if each.get("href") is not None:
            assert re.fullmatch(r"#[a-z]+\d*", each.get("href", ""))


def reads_svg(text: str) -> None:
    tags = {each.tag.rpartition("}")[2] for each in lxml.etree.fromstring(text.encode()).iter()}
    assert tags <= {"svg", "title", "style", "rect", "text"}


def reads_csv(text: str) -> None:
    rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    assert {len(row) for row in rows} == {len(rows[0])}
    assert not [
        cell for row in rows for cell in row if cell.lstrip().startswith(("=", "+", "-", "@"))
    ]


def reads_github(text: str) -> None:
    for _, properties, _ in commands(text):
        assert set(properties) <= {"file", "line", "endLine", "title"}


def reads_text(text: str) -> None:
    lines = [line.lstrip() for line in text.splitlines()]
    assert not [line for line in lines if line.startswith("::") or "##[" in line or "##vso" in line]


READERS: dict[str, Callable[[str], object]] = {
    "csv": reads_csv,
    "github": reads_github,
    "gitlab": json.loads,
    "html": reads_html,
    "json": json.loads,
    "junit": lambda text: lxml.etree.fromstring(text.encode()),
    "markdown": reads_markdown,
    "sarif": json.loads,
    "svg": reads_svg,
    "text": reads_text,
}


def test_every_format_has_a_reader_here() -> None:
    assert set(READERS) == set(RENDERERS)


@pytest.mark.parametrize("name", sorted(READERS))
def test_each_format_parses_with_only_its_own_markup(name: str, document: Any) -> None:
    READERS[name](written(name, document))


@pytest.mark.parametrize("text", [*STRINGS, LONE], ids=lambda text: ascii(escape(text))[1:25])
def test_hostile_names_on_the_command_line_are_escaped(text: str) -> None:
    made = named(text)
    valid_junit(made)
    valid_sarif(made)
    for name, read in READERS.items():
        result = written(name, made)
        assert {character for character in set(result) if is_raw(character)} == set(), name
        assert result.encode(), name
        read(result)


def test_escaped_text_is_still_readable(document: Any) -> None:
    """Escaping must not lose the text that it makes harmless."""
    page = lxml.html.document_fromstring(written("html", document))
    texts = " ".join(page.find("body").text_content().split())
    shown = " ".join(
        each.text_content() for each in parse(written("markdown", document, None)).iter("code")
    )
    assert "\\x1b[31mred" in texts
    assert "<script>alert(1)</script>" in texts
    assert "{{ 7*7 }}" in texts
    assert "\\u202eelif" in texts
    assert "\\x1b[31mred" in shown


def test_the_json_in_the_page_is_the_report(document: Any) -> None:
    page = lxml.html.document_fromstring(written("html", document))
    block = page.get_element_by_id("report")
    assert json.loads(block.text) == json.loads(dumps(document))


def test_the_hostile_strings_are_in_the_document(document: Any) -> None:
    """Otherwise the tests above would prove nothing."""
    texts = json.dumps(document, ensure_ascii=False)
    for text in (
        "\\u001b[31mred",
        "</script><script>alert(1)",
        "::error file=x,line=1::pwned",
        "=cmd|",
    ):
        assert text.replace("/", "∕") in texts or text in texts
    assert len(document["image"]["tags"]) > 10
    assert len({row["path"] for row in document["waste"]}) >= len(STRINGS)


def test_hostile_documents_fit_their_schemas(document: Any) -> None:
    valid_junit(document)
    valid_sarif(document)
    assert Path(__file__).parent.joinpath("schemas", "README.md").exists()
