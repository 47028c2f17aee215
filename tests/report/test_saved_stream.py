"""A document that is read a value at a time gives the same values and the same errors as one that is read at once."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from layerscope.errors import LayerscopeError, UsageError
from layerscope.image.document import strict_decoder
from layerscope.limits import DEFAULT_LIMITS
from layerscope.report.document.serialize import dumps
from layerscope.report.saved import stream
from layerscope.report.saved.plain import PLAIN, plain_entry
from layerscope.report.saved.report import parse_saved, read_saved
from layerscope.report.saved.restated import restate
from layerscope.report.saved.stored import StoredBytes
from layerscope.report.saved.stream import JsonStream
from tests.hostile.saved_reports import entries, honest

SIZES = (1, 2, 3, 7, 16, 61, 4096)
TEXTS = ("", "a", 'q"q', "\\", "é", "\U0001f600", "x" * 40, "{[,]}", "\n\t\x7f", "twice")
BROKEN = (
    "",
    " ",
    "{",
    '{"a" 1}',
    "{1: 2}",
    "[1 2]",
    "[01]",
    "[-]",
    "[1.]",
    "[1e]",
    "[tru]",
    "[nul",
    "[NaN]",
    "[-Infinity]",
    "[1e999]",
    "[123456789012345678901]",
    '["\\q"]',
    '["\\u12"]',
    '["a\nb"]',
    '["a',
    '{"a": 1, "b": 2, "a": 3}',
    '{"x": {"a": [1, 2, 3], "a": []}}',
    "[1] 2",
    "[1]]",
    "{}{}",
)


def value(rng: random.Random, depth: int = 0) -> Any:
    kind = rng.randrange(9 if depth < 7 else 6)
    if kind < 2:
        return rng.choice(TEXTS)
    if kind == 2:
        return rng.choice((None, True, False))
    if kind == 3:
        return rng.choice((0, -1, 17, 2**63 - 1, -(2**40), 1.5, -2e-7, 1e300))
    if kind < 7:
        return [value(rng, depth + 1) for _ in range(rng.randrange(6))]
    return {rng.choice(TEXTS) + str(n): value(rng, depth + 1) for n in range(rng.randrange(6))}


def written(rng: random.Random, found: Any) -> str:
    style: dict[str, Any] = rng.choice(
        ({}, {"indent": 2}, {"separators": (",", ":")}, {"ensure_ascii": False, "indent": "\t\r"})
    )
    return rng.choice(("", " \n")) + json.dumps(found, **style) + rng.choice(("", "\n  "))


def read(data: bytes) -> Any:
    source = JsonStream(StoredBytes(data), "it", DEFAULT_LIMITS)
    found = source.value()
    source.end()
    return found


def outcome(data: bytes) -> str:
    try:
        return repr(read(data))
    except LayerscopeError as error:
        return f"{type(error).__name__}: {error}"


@pytest.mark.parametrize("ahead", SIZES)
def test_a_document_in_parts_has_the_same_values(
    ahead: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "AHEAD", ahead)
    for seed in range(150):
        rng = random.Random(seed)
        text = written(rng, value(rng))
        assert read(text.encode()) == strict_decoder().decode(text), (seed, text)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-32", "utf-32-be"])
def test_every_encoding_of_json_is_read_in_parts(
    encoding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "AHEAD", 5)
    for seed in range(40):
        rng = random.Random(seed)
        found = [value(rng)]
        text = json.dumps(found, ensure_ascii=False)
        assert read(text.encode(encoding)) == found, (seed, text)


@pytest.mark.parametrize("text", BROKEN)
def test_a_broken_document_in_parts_has_the_same_error(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = outcome(text.encode())
    assert whole.startswith("UsageError: it is ")
    for ahead in SIZES:
        monkeypatch.setattr(stream, "AHEAD", ahead)
        assert outcome(text.encode()) == whole


@pytest.mark.parametrize("text", ["[1,]", '{"a": 1,}', '[{"a": [1, 2,]}]'])
def test_a_comma_before_the_end_is_refused(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Newer versions of Python point to the comma, older ones behind it."""
    for ahead in (*SIZES, 1 << 17):
        monkeypatch.setattr(stream, "AHEAD", ahead)
        assert outcome(text.encode()).startswith("UsageError: it is ")


@pytest.mark.random
@pytest.mark.parametrize("ahead", SIZES)
def test_a_damaged_document_in_parts_has_the_same_error(
    ahead: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    damaged = []
    for seed in range(300):
        rng = random.Random(seed)
        data = written(rng, [value(rng)]).encode()
        at = rng.randrange(len(data))
        other = bytes([rng.choice(b'{}[],:"\\ x1-.e\xff')])
        damaged.append(data[:at] + (other + data[at + 1 :] if seed % 2 else b""))
    whole = [outcome(each) for each in damaged]
    monkeypatch.setattr(stream, "AHEAD", ahead)
    for data, expected in zip(damaged, whole, strict=True):
        # In parts, an earlier fault is found first; at once, one that Python's reader only finds in a whole object.
        found = outcome(data)
        assert found.partition(":")[0] == expected.partition(":")[0], data


def test_bytes_that_are_not_utf_8_are_refused_by_their_position() -> None:
    assert outcome(b'["' + b"a" * 300_000 + b'\xff"]') == (
        "UsageError: it is not JSON: byte 300002 is not UTF-8; "
        "save it again with `layerscope report --json --files -o FILE`"
    )


ROWS = (
    '{"change": "added", "compressed": null, "gid": 0, "mode": 420, "mtime": -7, "path": "/.a/b c", "size": 0, "type": "file", "uid": 3}',
    '{"change": "added", "compressed": 12, "content_hash": "%s", "gid": 0, "mode": 420, "mtime": 0, "path": "/b", "size": 0, "type": "file", "uid": 0}'
    % ("0f" * 32),
    '{"change": "added", "compressed": 12, "gid": 0, "linkname": "../x", "mode": 511, "mtime": 0, "path": "/c", "size": 0, "type": "symlink", "uid": 0}',
    '{"change": "modified", "compressed": 1, "gid": 1, "mode": 493, "mtime": 5, "path": "/d", "size": 0, "type": "directory", "uid": 0}',
)
ODD_ROWS = (
    '{"change": "added", "compressed": null, "gid": 0, "mode": 420, "mtime": 0, "path": "/a/../e", "size": 0, "type": "file", "uid": 0}',
    '{"change": "added", "compressed": null, "gid": 0, "mode": 420, "mtime": 0, "path": "/ff/", "size": 0, "type": "directory", "uid": 0}',
    '{"change": "deleted", "compressed": null, "gid": 0, "mode": 420, "mtime": 0, "path": "/g", "size": 0, "type": "whiteout", "uid": 0}',
    '{"uid":0,"type":"file","path":"/h","size":0,"mode":0,"gid":0,"mtime":1.5,"later":{"x":[1]}}',
    '{"change": "added", "compressed": null, "gid": 0, "mode": 420, "mtime": 0, "path": "/\\u00e9\\\\x01", "size": 0, "type": "file", "uid": 0}',
)  # fmt: skip


def test_an_ordinary_row_says_the_same_by_its_pattern() -> None:
    for row in (*ROWS, *ODD_ROWS):
        match = PLAIN.fullmatch(row)
        assert (match is not None and plain_entry(match) is not None) == (row in ROWS)
    plain = parse_saved(document(*ROWS).encode(), "it").facts.files
    spaced = parse_saved(document(*(row.replace("{", "{ ") for row in ROWS)).encode(), "it")
    assert plain is not None
    assert spaced.facts.files is not None
    one, other = plain.tree.layers[0].columns, spaced.facts.files.tree.layers[0].columns
    assert one == other
    assert one.paths.endswith(b".a/b cbcd")


def document(*more: str) -> str:
    whole = json.loads(honest())
    whole["layers"][0]["entries"] = "here"
    return json.dumps(whole).replace('"here"', entries(*more))


@pytest.mark.parametrize("ahead", [40, 1000, 1 << 17])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_the_entries_of_a_saved_report_are_written_as_they_were(
    encoding: str, ahead: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "AHEAD", ahead)
    text = document(*ROWS, *ODD_ROWS).replace('"RUN x"', '"RUN \U0001f600é"')
    path = tmp_path / "saved.json"
    path.write_bytes(text.encode(encoding))
    saved = read_saved(str(path))
    again = json.loads(dumps(restate(saved, files=True)))
    rows = json.loads(text)["layers"][0]["entries"]
    assert again["layers"][0]["entries"] == rows
    (layer,) = saved.document["layers"]
    found: Any = layer.get("entries")
    assert list(found) == found[:] == rows
    assert (len(found), found[-1]) == (len(rows), rows[-1])
    for row in ROWS:
        assert f"      {row}" in dumps(restate(saved, files=True))


def test_a_saved_report_that_changes_while_it_is_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "saved.json"
    path.write_text(document())
    saved = read_saved(str(path))
    path.write_text(document(*ROWS))
    with pytest.raises(UsageError, match="changed while it was read"):
        dumps(restate(saved, files=True))
