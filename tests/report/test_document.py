from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

import layerscope
from layerscope.analysis.budgets.budget import load_budget
from layerscope.analysis.budgets.judge import evaluate
from layerscope.analysis.model import Analysis
from layerscope.filesystem.entry import PlacedLayer
from layerscope.image.instruction import Instruction
from layerscope.layers.entry import FILE, HARDLINK, KIND_NAMES, SYMLINK, Member
from layerscope.layers.layer_index import LayerIndex
from layerscope.report.document.builder import build
from layerscope.report.document.entry_rows import EntryRows
from layerscope.report.document.serialize import dumps
from layerscope.report.schema import SCHEMAS, schema_text
from tests.cli.images import hostile_text, web_app, write
from tests.report.sample import make_analysis, python_app, with_facts, without_tar

SCHEMA = json.loads(schema_text())


def check(text: str) -> dict[str, object]:
    """The document in a JSON text, validated against the schema."""
    document = json.loads(text)
    jsonschema.Draft202012Validator(SCHEMA).validate(document)
    assert isinstance(document, dict)
    return document


def analysis_of(reference: str) -> Analysis:
    with layerscope.load(reference) as image:
        return layerscope.analyze(image)


def test_the_schemas_are_valid_and_all_listed() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert {
        path.name for path in Path(layerscope.__file__).parent.glob("report/schema/*.json")
    } == set(SCHEMAS.values())


@pytest.mark.parametrize("form", ["docker-legacy", "oci-archive"])
def test_real_reports_fit_the_schema(tmp_path: Path, form: str) -> None:
    analysis = analysis_of(write(web_app(), tmp_path / "image", form))
    verdict = evaluate(
        load_budget(None, {"max_size": 1, "max_compressed_size": "1GB"}, directory=tmp_path),
        analysis.facts,
    )
    check(dumps(build(analysis)))
    document = check(dumps(build(analysis, files=True, verdict=verdict)))
    assert document["verdict"]["passed"] is False  # type: ignore[index]


def test_hostile_text_is_ascii_json(tmp_path: Path) -> None:
    text = dumps(build(analysis_of(write(hostile_text(), tmp_path / "image")), files=True))
    text.encode("ascii")
    document = check(text)
    paths = {row["path"] for row in document["waste"]}  # type: ignore[attr-defined]
    assert "/usr/\x1b[31mred\x1b]52;c;aGk=\x07" in paths
    assert "/usr/\\xff\\xfe\\\\n" in paths


@pytest.mark.parametrize(
    "analysis",
    [python_app(), without_tar(python_app(), 2), make_analysis([]), make_analysis([("CMD x", 0)])],
    ids=["app", "foreign", "nothing", "empty"],
)
def test_any_analysis_fits_the_schema(analysis: Analysis) -> None:
    check(dumps(build(analysis)))


def test_the_schema_rejects_invalid_documents() -> None:
    changes: list[dict[str, object]] = [
        {"schema_version": 2},
        {"sizes": {}},
        {"efficiency": 2},
        {"waste": [{"path": None}]},
        {"layers": [{}]},
    ]
    for change in changes:
        document = json.loads(dumps(build(python_app()))) | change
        with pytest.raises(jsonschema.ValidationError):
            check(json.dumps(document))


@pytest.mark.parametrize("top", [0, 1, 5, 511, 512, 513, None])
def test_sums_add_up_for_any_number_of_rows(top: int | None) -> None:
    analysis = python_app()
    document = check(dumps(build(analysis, top=top)))
    for key in ("waste", "waste_groups", "waste_pairs"):
        rows = document[key]
        assert sum(row["bytes"] for row in rows) == analysis.sizes.wasted  # type: ignore[attr-defined]
    rows = document["waste"]
    assert isinstance(rows, list)
    assert sum(row.get("files", 1) for row in rows) == len(analysis.waste)
    assert len(rows) == (len(analysis.waste) if top is None else min(top + 1, len(analysis.waste)))


def test_an_unknown_number_is_null_and_never_zero() -> None:
    document = build(without_tar(python_app(), 2))
    assert document["layers"][2]["sizes"]["content"] is None
    assert build(make_analysis([("COPY a /", 5)]))["sizes"]["compressed"] is None
    assert "verdict" not in document


def secret() -> Analysis:
    analysis = python_app()
    first = analysis.instructions[0]
    instruction = Instruction(
        index=0,
        keyword="RUN",
        text="RUN make",
        created_by="|1 TOKEN=hunter2 /bin/sh -c make",
        layers=(0,),
        arguments=(("TOKEN", "hunter2"),),
    )
    return with_facts(
        analysis, instructions=(replace(first, instruction=instruction), *analysis.instructions[1:])
    )


def test_values_of_build_arguments_are_masked_by_default() -> None:
    assert "hunter2" not in dumps(build(secret()))
    shown = build(secret(), show_args=True)["instructions"][0]
    assert shown["created_by"] == "|1 TOKEN=hunter2 /bin/sh -c make"
    assert "hunter2" in shown["text"]


def test_the_same_image_gives_the_same_bytes(tmp_path: Path) -> None:
    reference = write(web_app(), tmp_path / "image")
    texts = {dumps(build(analysis_of(reference), files=True)) for _ in range(3)}
    assert len(texts) == 1
    (text,) = texts
    assert text.endswith("}\n")
    assert "\r" not in text
    assert list(json.loads(text)) == sorted(json.loads(text))


@pytest.mark.parametrize("form", ["docker-legacy", "podman", "oci-dir"])
def test_entries_of_every_layer_in_tar_order(tmp_path: Path, form: str) -> None:
    document = check(
        dumps(build(analysis_of(write(web_app(), tmp_path / "image", form)), files=True))
    )
    layers = document["layers"]
    assert isinstance(layers, list)
    assert [entry["path"] for entry in layers[1]["entries"]] == ["/app/model.bin", "/app/app.py"]
    (owner,) = layers[3]["entries"]
    assert (owner["uid"], owner["change"], owner["type"]) == (1000, "modified", "file")
    (whiteout,) = layers[4]["entries"]
    assert (whiteout["type"], whiteout["change"], whiteout["path"]) == (
        "whiteout",
        "deleted",
        "/root/.cache",
    )


entries = st.lists(
    st.builds(
        lambda path, kind, size, number, link: Member(
            path, kind, size, 0, (0o644, number, number), number, link
        ),
        st.binary(min_size=1, max_size=20),
        st.sampled_from([FILE, HARDLINK, SYMLINK, *range(len(KIND_NAMES))]),
        st.integers(0, 2**60),
        st.integers(-(2**40), 2**60),
        st.binary(max_size=20),
    ),
    max_size=5,
)


@given(entries)
def test_rows_are_written_as_json_dumps_writes_them(listed: list[Member]) -> None:
    rows = EntryRows(PlacedLayer(LayerIndex.of(listed), 0, []))
    assert list(rows.json_rows()) == [json.dumps(row, sort_keys=True) for row in rows]
    assert len(rows) == len(listed)
    assert rows[:2] == list(rows)[:2]
    assert [rows[position] for position in range(len(rows))] == list(rows)
