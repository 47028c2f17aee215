"""Saved reports as a side of a comparison: each invalid one is refused in one line."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import layerscope
from layerscope.analysis.comparison.compare import compare
from layerscope.analysis.comparison.side import Side
from layerscope.errors import UsageError
from layerscope.filesystem.tree import FileTree
from layerscope.report.comparison.document import build as build_comparison
from layerscope.report.document.builder import build
from layerscope.report.document.entry_rows import EntryRows
from layerscope.report.document.serialize import dumps
from layerscope.report.saved.reference import report_path
from layerscope.report.saved.report import parse_report, read_report
from tests.builder import FORMS, Device, File, Hardlink, ImageBuilder, Sparse, Symlink

Report = dict[str, Any]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A report with every kind of entry."""
    image = (
        ImageBuilder("app:1")
        .layer(
            {
                "f": File(b"f" * 100, xattrs={"user.x": b"\xff", "user.\\": b"1"}),
                "again": b"f" * 100,
                "hard": Hardlink("f"),
                "soft": Symlink("/a\\b"),
                "null": Device(major=1, minor=3),
                "holes": Sparse(size=10_000, chunks=((512, b"x" * 512),)),
                b"odd\xff\\name\n": b"odd",
                ".wh..wh.plnk/1": b"kept by a driver",
            },
            "/bin/sh -c #(nop) COPY dir:" + "a" * 64 + " in / ",
        )
        .layer({".wh.again": b""}, "/bin/sh -c rm again")
        .configure(Env=["PATH=/bin", "TOKEN=hunter2"], Labels={"a": "b"}, Cmd=["x"])
        .build()
    )
    path = tmp_path_factory.mktemp("saved") / "app.tar"
    with layerscope.load(FORMS["docker-legacy"].write([image], path)) as opened:
        analysis = layerscope.analyze(opened)
        text = dumps(build(analysis, files=True, hashes=True))
        assert not compare(parse_report(text.encode(), "saved"), side_of(analysis)).differs
    return text


def side_of(analysis: Any) -> Any:
    from layerscope.analysis.comparison.side import Side

    return Side.of(analysis)


def refusal(text: str | bytes) -> str:
    data = text.encode() if isinstance(text, str) else text
    with pytest.raises(UsageError) as caught:
        parse_report(data, "saved.json")
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith("saved.json")
    assert caught.value.exit_code == 2
    return message


def test_a_truncated_report_is_refused(report: str) -> None:
    step = max(1, len(report) // 500)
    for end in range(0, len(report) - 2, step):
        assert "cut short" in refusal(report[:end]) or end == 0


def edited(report: str, edit: Callable[[Report], object]) -> str:
    document = json.loads(report)
    edit(document)
    return json.dumps(document)


@pytest.mark.parametrize(
    ("edit", "problem"),
    [
        (lambda d: d.update(schema_version=2), "schema version 2, but this layerscope reads 1"),
        (lambda d: d.update(kind="comparison"), "kind 'comparison'"),
        (lambda d: d.pop("kind"), "is not a layerscope report"),
        (lambda d: d.pop("layers"), "layers is missing"),
        (lambda d: d.pop("config"), "config is missing"),
        (lambda d: d.update(sizes=[]), "sizes is not an object"),
        (lambda d: d["sizes"].update(content=-1), "sizes.content is not a whole number"),
        (lambda d: d["sizes"].update(content=True), "sizes.content is not a whole number"),
        (lambda d: d["sizes"].update(live=0), "does not add up"),
        (lambda d: d["layers"].pop(), "layers"),
        (lambda d: d["layers"][0].update(instruction=1), "disagree on which belong together"),
        (lambda d: d["layers"][0].update(diff_id="sha256:x"), "is not a digest"),
        (lambda d: d["layers"][0].update(index=7), "has the index 7"),
        (lambda d: d["instructions"][0].update(layers=[9]), "but there are only 2"),
        (lambda d: d["instructions"][0].update(range=[1]), "range"),
        (lambda d: d["layers"][0]["entries"].pop(0), "live bytes"),
        (lambda d: d["layers"][0]["entries"][0].pop("path"), "entries[0]: has no 'path'"),
        (lambda d: d["layers"][0]["entries"][0].update(path="f"), "not an absolute path"),
        (lambda d: d["layers"][0]["entries"][0].update(path="/a\\q"), "lone backslash"),
        (lambda d: d["layers"][0]["entries"][0].update(path="/"), "the root is not a file"),
        (lambda d: d["layers"][0]["entries"][0].update(type="door"), "not a type of entry"),
        (lambda d: d["layers"][0]["entries"][0].update(size=-5), "not a valid size"),
        (lambda d: d["layers"][0]["entries"][0].update(mtime="now"), "not a time"),
        (lambda d: d["layers"][0]["entries"][0].update(content_hash="zz"), "entries[0]"),
        (lambda d: d["layers"][0]["entries"][0].update(content_hash="00"), "not a content_hash"),
        (lambda d: d["layers"][0]["entries"][0].update(xattrs={"a": "%"}), "xattrs"),
        (lambda d: d["layers"][0]["entries"].insert(0, 5), "entries[0]"),
        (lambda d: d["image"].update(tags="x"), "image.tags is not a list"),
    ],
)
def test_an_inconsistent_report_is_refused(
    report: str, edit: Callable[[Report], object], problem: str
) -> None:
    assert problem in refusal(edited(report, edit))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "cut short"),
        ("[]", "is not a layerscope report"),
        ("{}", "is not a layerscope report"),
        ('{"kind": "analysis", "schema_version": NaN}', "NaN is not JSON"),
        ('{"kind": ' + "9" * 5000 + "}", "is not JSON"),
        (b'{"kind": "\xff"}', "is not JSON"),
        ("{,}", "is not JSON at character 1"),
    ],
)
def test_a_file_that_is_not_a_report_is_refused(text: str | bytes, problem: str) -> None:
    assert problem in refusal(text)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a document where another value could be."""
    below = value.items() if isinstance(value, dict) else enumerate(value)
    for key, child in below:
        yield (*path, key)
        if isinstance(child, dict | list):
            yield from places(child, (*path, key))


ODD: list[Any] = [
    None, True, -1, 7, 10**30, 1.5, 1e300, "", "x", "\ud800", "\\", "/\0", [], [[]], [7], {}, {"a": 1},
]  # fmt: skip


@pytest.mark.slow
def test_a_value_of_another_type_is_refused_or_read(report: str) -> None:
    """Puts each odd value in each place of the report. One line refuses it, or the report is still valid."""
    found = list(places(json.loads(report)))
    lines: list[str] = []
    assert len(found) > 250
    for *above, last in found:
        for odd in ODD:
            document = json.loads(report)
            row = document
            for key in above:
                row = row[key]
            row[last] = odd
            try:
                side = parse_report(json.dumps(document).encode(), "saved.json")
            except UsageError as error:
                lines.append(str(error))
            else:
                dumps(build_comparison(compare(side, side)))
    assert [line for line in lines if "\n" in line or not line.startswith("saved.json")] == []
    assert len(lines) > 1000


def test_a_duplicate_key_is_refused(report: str) -> None:
    assert "twice" in refusal(report.replace('"kind"', '"kind": "analysis", "kind"', 1))


@pytest.mark.parametrize("link", [7, None, [], {}])
def test_a_link_target_that_is_not_text_is_refused(report: str, link: object) -> None:
    def edit(document: Report) -> None:
        for entry in document["layers"][0]["entries"]:
            if "linkname" in entry:
                entry["linkname"] = link

    assert "linkname is not text" in refusal(edited(report, edit))


def test_paths_that_climb_stay_in_the_image(report: str) -> None:
    def climb(document: Report) -> None:
        document["layers"][0]["entries"][0]["path"] = "/../../f"

    side = parse_report(edited(report, climb).encode(), "saved")
    assert side.files is not None
    assert side.files.tree.find(b"f") is not None


def test_a_report_without_files_still_compares_layers(report: str) -> None:
    def strip(document: Report) -> None:
        for layer in document["layers"]:
            del layer["entries"]

    bare = parse_report(edited(report, strip).encode(), "saved")
    comparison = compare(bare, parse_report(report.encode(), "saved"))
    assert comparison.files is None
    assert [note.code for note in comparison.notes] == ["no-file-list"]
    assert not comparison.differs


def test_without_hashes_equal_sizes_are_unknown(report: str) -> None:
    def strip(document: Report) -> None:
        for entry in document["layers"][0]["entries"]:
            entry.pop("content_hash", None)
        document["layers"][0]["diff_id"] = "sha256:" + "1" * 64

    comparison = compare(
        parse_report(edited(report, strip).encode(), "saved"),
        parse_report(report.encode(), "saved"),
    )
    assert comparison.files is not None
    kinds = {change.kind for change in comparison.files.changes}
    assert kinds == {"unknown"}
    assert "content-unknown" in [note.code for note in comparison.notes]


def test_the_hashes_of_an_older_report_are_unknown(report: str) -> None:
    def age(document: Report) -> None:
        for entry in document["layers"][0]["entries"]:
            if "content_hash" in entry:
                entry["content_hash"] = entry["content_hash"][:32]
        document["layers"][0]["diff_id"] = "sha256:" + "1" * 64

    comparison = compare(
        parse_report(edited(report, age).encode(), "saved"),
        parse_report(report.encode(), "saved"),
    )
    assert comparison.files is not None
    assert {change.kind for change in comparison.files.changes} == {"unknown"}


def test_a_saved_report_keeps_every_fact_of_an_entry(tmp_path: Path, report: str) -> None:
    path = tmp_path / "saved.json"
    path.write_text(report)
    tree = read_files_of(read_report(str(path)))
    saved = json.loads(report)["layers"]
    for row, layer in zip(saved, tree.layers, strict=True):
        assert list(EntryRows(layer, hashes=True)) == row["entries"]
    sparse = next(row for row in saved[0]["entries"] if row["path"] == "/holes")
    assert (sparse["size"], sparse["logical_size"]) == (512, 10_000)


@pytest.mark.parametrize("size", [-1, 1.5, "1", True, 2**63])
def test_an_invalid_logical_size_is_refused(report: str, size: object) -> None:
    def edit(document: Report) -> None:
        row = next(each for each in document["layers"][0]["entries"] if each["path"] == "/holes")
        row["logical_size"] = size

    assert "is not a logical size" in refusal(edited(report, edit))


def read_files_of(side: Side) -> FileTree:
    assert side.files is not None
    return side.files.tree


def test_reports_are_recognized_by_prefix_or_content(tmp_path: Path, report: str) -> None:
    saved = tmp_path / "saved.json"
    saved.write_text("\n " + report)
    assert report_path(str(saved)) == str(saved)
    assert report_path(f"report:{saved}") == str(saved)
    assert read_report(str(saved)).reference
    image = ImageBuilder("app:1").layer({"f": b"f"}, "/bin/sh -c f").build()
    FORMS["docker-legacy"].write([image], tmp_path / "app.tar")
    assert report_path(str(tmp_path / "app.tar")) is None
    assert report_path(str(tmp_path)) is None
    assert report_path("python:3.8") is None
    with pytest.raises(UsageError, match="cannot be read"):
        read_report(str(tmp_path / "nothing"))
    with pytest.raises(UsageError, match="not a regular file"):
        read_report("/dev/null")
