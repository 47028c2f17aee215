"""Comparisons as documents: schema, golden files, sums, and hostile text."""

from __future__ import annotations

import io
import json
import re
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from rich.cells import cell_len

import layerscope
from layerscope.analysis.comparison.compare import Comparison
from layerscope.analysis.comparison.side import Side
from layerscope.analysis.comparison.table import tabulate
from layerscope.report.comparison.document import build
from layerscope.report.comparison.renderers import COMPARISON_RENDERERS
from layerscope.report.comparison.table_document import build_table
from layerscope.report.comparison.table_renderers import TABLE_RENDERERS
from layerscope.report.comparison.tree import OTHERS, tree_rows
from layerscope.report.document.serialize import dumps
from layerscope.report.escape import is_hidden
from layerscope.report.formats.format import Display
from layerscope.report.parts.sheet import LIMIT
from layerscope.report.schema import schema_text
from tests.builder import FORMS, BuiltImage, File, ImageBuilder, Symlink
from tests.cli.images import hostile_text
from tests.report.golden import check_golden

FIXTURES = Path(__file__).parents[2] / "fixtures"
FULL = "docker-archive:python-3.8.tar.gz"
SLIM = "docker-archive:python-3.8-slim.tar.gz"


@pytest.fixture(scope="module")
def python_pair() -> Comparison:
    """The official full and slim images in miniature."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(FIXTURES)
        with layerscope.load(FULL) as a, layerscope.load(SLIM) as b:
            return layerscope.compare(a, b)


def document_of(comparison: Comparison, **options: Any) -> Any:
    return build(comparison, **options) | {"layerscope": "0.0.0"}


def rendered(name: str, document: Any, **display: Any) -> str:
    formats = COMPARISON_RENDERERS if document["kind"] == "comparison" else TABLE_RENDERERS
    out = io.StringIO()
    formats[name].create(Display(**display)).render(document, out)
    return out.getvalue()


def compared(folder: Path, a: BuiltImage, b: BuiltImage, **options: Any) -> Any:
    first, second = (
        FORMS["oci-archive"].write([each], folder / name) for each, name in ((a, "a"), (b, "b"))
    )
    with layerscope.load(first) as one, layerscope.load(second) as two:
        return document_of(layerscope.compare(one, two), **options)


def validate(document: Any) -> None:
    schema = json.loads(schema_text(document["kind"]))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(json.loads(dumps(document)), schema)


# The python pair


@pytest.mark.parametrize("name", sorted(COMPARISON_RENDERERS.keys() - {"html"}))
def test_each_format_matches_its_golden_file(name: str, python_pair: Comparison) -> None:
    document = document_of(python_pair, top=100)
    check_golden(f"python-pair{COMPARISON_RENDERERS[name].suffix}", rendered(name, document))


@pytest.mark.parametrize("width", [60, 140])
def test_text_of_other_widths_matches_its_golden_file(width: int, python_pair: Comparison) -> None:
    text = rendered("text", document_of(python_pair), width=width)
    check_golden(f"python-pair-{width}.txt", text)


def test_the_python_pair_is_explained(python_pair: Comparison) -> None:
    document = document_of(python_pair)
    validate(document)
    assert document["shared_layers"] == 0
    assert document["sizes"]["content"]["percent"] < -80
    largest = min(document["instructions"], key=lambda row: row["sizes"]["content"]["delta"])
    assert (largest["status"], largest["a"]) == ("only_a", 5)
    assert "autoconf" in largest["text_a"]
    assert "instruction 5" in document["sentence"]
    aligned = {(row["a"], row["b"]) for row in document["layers"] if row["status"] == "changed"}
    assert {(0, 0), (6, 2), (7, 3), (8, 4)} <= aligned


def test_the_sums_of_the_document_add_up(python_pair: Comparison) -> None:
    for top in (0, 7, None):
        document = document_of(python_pair, top=top)
        validate(document)
        sizes, files = document["sizes"], document["files"]
        for key in ("content", "live", "tar", "wasted", "overhead"):
            for rows in (document["layers"], document["instructions"]):
                assert sum(row["sizes"][key]["delta"] for row in rows) == sizes[key]["delta"]
        live = sizes["live"]["delta"]
        assert sum(row["delta"] for row in document["changes"]) == live
        assert files["placed"]["delta"] + files["outside"]["delta"] == live
        assert sum(row["delta"] for row in files["kinds"].values()) == live
        wasted = sum(row["delta"] for row in document["wasted_by_kind"].values())
        assert wasted == sizes["wasted"]["delta"]
        deltas = [abs(row["delta"]) for row in document["changes"] if row["path"] is not None]
        assert deltas == sorted(deltas, reverse=True)
        assert len(deltas) == (min(top, 756) if top is not None else 756)


def test_the_document_is_deterministic(python_pair: Comparison) -> None:
    assert dumps(document_of(python_pair)) == dumps(document_of(python_pair))


@pytest.mark.parametrize("depth", [0, 1, 3])
def test_the_tree_adds_up_at_every_level(python_pair: Comparison, depth: int) -> None:
    document = document_of(python_pair, depth=depth)
    assert max(row["path"].rstrip("/").count("/") for row in document["directories"]) <= depth
    rows = tree_rows(document, rows=12, depth=depth)
    assert rows[0][:3] == (0, "/", document["files"]["placed"]["delta"])
    for at, (level, _, delta, changes, _) in enumerate(rows):
        below = []
        for other in rows[at + 1 :]:
            if other[0] <= level:
                break
            if other[0] == level + 1:
                below.append(other)
        if below:
            assert sum(row[2] for row in below) == delta
            assert sum(row[3] for row in below) == changes
    assert depth < 3 or any(row.name == OTHERS for row in rows)


def test_the_number_of_rows_is_honored(python_pair: Comparison) -> None:
    document = document_of(python_pair)
    assert "cc1plus" in rendered("text", document, rows=1)
    assert "lto1" not in rendered("text", document, rows=1)
    assert "/usr" not in rendered("text", document, rows=0)


# Any pair


def test_identical_images_are_reported_as_the_same(tmp_path: Path) -> None:
    image = ImageBuilder("app:1").layer({"f": b"f"}, "/bin/sh -c f").build()
    document = compared(tmp_path, image, image)
    validate(document)
    assert document["different"] is False
    assert (
        document["sentence"] == "A and B are the same image."
        or "same image" in document["sentence"]
    )
    text = rendered("text", document)
    assert "instruction" not in text
    assert "same image" in rendered("markdown", document)


def test_a_different_configuration_alone_is_reported(tmp_path: Path) -> None:
    a = ImageBuilder("app:1").layer({"f": b"f"}, "/bin/sh -c f").configure(User="a").build()
    b = ImageBuilder("app:1").layer({"f": b"f"}, "/bin/sh -c f").configure(User="b").build()
    document = compared(tmp_path, a, b)
    assert document["different"] is True
    assert "they differ in the configuration" in document["sentence"]
    assert "~ user  a → b" in rendered("text", document)


def test_growth_is_summed_up_in_a_sentence(tmp_path: Path) -> None:
    a = ImageBuilder("app:1").layer({"f": b"f"}, "/bin/sh -c f").build()
    b = (
        ImageBuilder("app:2")
        .layer({"f": b"f"}, "/bin/sh -c f")
        .layer({"g": bytes(1000)}, "/bin/sh -c make g")
        .build()
    )
    sentence = compared(tmp_path, a, b)["sentence"]
    assert sentence.startswith("app:2 is ")
    assert "larger to pull than app:1." in sentence
    assert "All of the difference in content comes from instruction 1 of app:2" in sentence


def test_changed_files_have_details(tmp_path: Path) -> None:
    a = (
        ImageBuilder("app:1")
        .layer(
            {"f": File(b"f", mode=0o644), "l": Symlink("f"), "old/n": b"n" * 10, "c": b"1"}, "RUN x"
        )
        .build()
    )
    b = (
        ImageBuilder("app:1")
        .layer(
            {"f": File(b"f", mode=0o755, uid=5), "l": Symlink("g"), "new/n": b"n" * 10, "c": b"22"},
            "RUN x",
        )
        .build()
    )
    document = compared(tmp_path, a, b)
    validate(document)
    text = rendered("text", document)
    for line in (
        "m /f  mode 0644 → 0755, owner 0 → 5",
        "~ /l  f → g",
        "→ /new/n  from /old/n",
        "~ /c  1 B → 2 B",
    ):
        assert line in text
    rows = {row["path"]: row for row in document["changes"]}
    assert rows["/f"]["changed"] == {"mode": [0o644, 0o755], "uid": [0, 5]}
    assert rows["/l"]["linkname"] == ["f", "g"]
    assert rows["/new/n"]["from"] == "/old/n"


@pytest.mark.parametrize("width", [1, 40, 60, 100, 300])
def test_text_fits_its_width(python_pair: Comparison, tmp_path: Path, width: int) -> None:
    hostile = compared(tmp_path, hostile_text(), ImageBuilder("app:1").build())
    for document in (document_of(python_pair), hostile):
        lines = rendered("text", document, width=width).splitlines()
        guarded = (
            r"\x3a",
            r"\x23",
        )  # these are longer if a line would be a command for a CI system
        plain = [line for line in lines if not any(mark in line for mark in guarded)]
        assert max(map(cell_len, plain)) <= max(40, min(160, width))


def test_text_from_an_image_stays_on_its_line(tmp_path: Path) -> None:
    document = compared(tmp_path, ImageBuilder("app:1").build(), hostile_text())
    back = compared(tmp_path, hostile_text(), ImageBuilder("app:1").build())
    for each in (document, back):
        validate(each)
        for name in ("text", "markdown"):
            text = rendered(name, each)
            assert not any(is_hidden(character) for character in text if character != "\n")
            assert not re.search(r"^\s*::|##\[", text, re.MULTILINE)
        markdown = rendered("markdown", each)
        assert "<b" not in markdown
        assert "[bold]" not in markdown


def test_markdown_stays_below_its_limit(tmp_path: Path) -> None:
    a = ImageBuilder("app:1")
    for number in range(300):
        a.layer({f"f{number}": b"x"}, f"/bin/sh -c {'<>&*_' * 40} {number}")
    settings = {"Env": [f"V{n}={'*_|' * 100}" for n in range(300)]}
    document = compared(tmp_path, a.configure(**settings).build(), ImageBuilder("app:1").build())
    assert len(rendered("markdown", document, rows=2000).encode()) <= LIMIT


def test_color_adds_nothing_but_color(python_pair: Comparison) -> None:
    document = document_of(python_pair)
    coloured = rendered("text", document, color=True)
    assert "\x1b[" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == rendered("text", document)


# Several images


@pytest.fixture(scope="module")
def table() -> Any:
    with pytest.MonkeyPatch.context() as patch, ExitStack() as stack:
        patch.chdir(FIXTURES)
        sides = [
            Side.of(layerscope.analyze(stack.enter_context(layerscope.load(reference))))
            for reference in (FULL, SLIM, "docker-archive:my-python-app.tar.gz")
        ]
        return build_table(tabulate(sides)) | {"layerscope": "0.0.0"}


@pytest.mark.parametrize("name", sorted(TABLE_RENDERERS))
def test_the_table_matches_its_golden_file(name: str, table: Any) -> None:
    validate(table)
    check_golden(f"three-images{TABLE_RENDERERS[name].suffix}", rendered(name, table))


def test_the_table_counts_each_layer_once(table: Any) -> None:
    slim, app = table["images"][1:]
    assert slim["unique"]["layers"] == 0
    assert slim["shared"]["tar"] == app["shared"]["tar"]
    unique = sum(row["unique"]["tar"] for row in table["images"])
    assert table["total"]["tar"] == unique + slim["shared"]["tar"]


@pytest.mark.parametrize("width", [1, 60, 200])
def test_the_table_fits_its_width(table: Any, width: int) -> None:
    lines = rendered("text", table, width=width).splitlines()
    assert max(map(cell_len, lines)) <= max(84, min(160, width))


def test_equal_names_are_made_distinct(tmp_path: Path) -> None:
    folders = [tmp_path / ("long" * 20) / name for name in ("one", "other")]
    for folder in folders:
        folder.mkdir(parents=True)
    images = [ImageBuilder().layer({"f": bytes([n])}).build() for n in (1, 2)]
    paths = [
        FORMS["oci-archive"].write([image], folder / "app.tar")
        for image, folder in zip(images, folders, strict=True)
    ]
    with layerscope.load(str(paths[0])) as a, layerscope.load(str(paths[1])) as b:
        document = document_of(layerscope.compare(a, b))
    assert document["a"]["name"] != document["b"]["name"]
    head = next(
        line for line in rendered("text", document, width=80).splitlines() if " change" in line
    )
    assert "one/app.tar" in head
    assert "other/app.tar" in head


def test_the_sentence_comes_first_and_percentages_fit_in_80_columns(
    python_pair: Comparison,
) -> None:
    lines = rendered("text", document_of(python_pair), width=80).splitlines()
    assert lines[0].startswith("  python:3.8-slim is 6.6 MB (89.1 %) smaller")
    assert any(line.split()[:1] == ["content"] and line.endswith("−89.1 %") for line in lines)
    assert any("~ changed" in line and "− only in A" in line for line in lines)


def test_a_path_narrows_everything_shown(python_pair: Comparison) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(FIXTURES)
        with layerscope.load(FULL) as a, layerscope.load(SLIM) as b:
            document = document_of(layerscope.compare(a, b, path="/usr/share/**"))
    assert document["sentence"].startswith("Within /usr/share/**, python:3.8-slim holds 501.1 kB")
    for name in ("text", "markdown", "html"):
        text = rendered(name, document, width=80).partition("application/json")[0]
        assert "6.6 MB" not in text, name
        assert "RUN set" not in text, name


def test_shared_layers_are_named_even_out_of_order(tmp_path: Path) -> None:
    def image(*names: str) -> BuiltImage:
        builder = ImageBuilder(names[-1])
        for name in names:
            builder.layer({name: name.encode()}, created_by=f"COPY {name} /")
        return builder.build()

    document = compared(tmp_path, image("a", "b", "c", "d"), image("a", "b", "d", "c"))
    assert "shared: layers 0 to 1, layer 2 (3 in A), layer 3 (2 in A)" in " ".join(
        rendered("text", document, width=80).split()
    )
