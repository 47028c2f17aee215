"""SQL over a fleet: only its tables, only reading, and a folder from someone else is checked."""

from __future__ import annotations

import csv
import io
import json
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from layerscope.cli.main import main
from tests.builder import FORMS, ImageBuilder
from tests.fleet.inline import write_fleet
from tests.hostile.running import layerscope


@pytest.fixture
def fleet(tmp_path: Path) -> Path:
    image = ImageBuilder("app:1").layer({"etc/a": b"a" * 9}, "RUN a").build()
    FORMS["oci-dir"].write([image], tmp_path / "image")
    write_fleet(tmp_path / "fleet", str(tmp_path / "image"))
    return tmp_path / "fleet"


def run(capfd: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    capfd.readouterr()
    code = main(["fleet", "query", *words])
    told = capfd.readouterr()
    return code, told.out, told.err


def test_rows_come_as_text_json_or_csv(fleet: Path, capfd: pytest.CaptureFixture[str]) -> None:
    sql = "SELECT path, size, hash FROM files ORDER BY path"
    code, text, _ = run(capfd, str(fleet), sql)
    assert code == 0
    assert text.splitlines()[0].split() == ["path", "size", "hash"]
    _, out, _ = run(capfd, str(fleet), sql, "--json")
    rows = json.loads(out)
    assert [(row["path"], row["size"], len(row["hash"])) for row in rows] == [("/etc/a", 9, 32)]
    _, out, _ = run(capfd, str(fleet), sql, "--csv")
    assert list(csv.reader(io.StringIO(out))) == [
        ["path", "size", "hash"],
        ["/etc/a", "9", rows[0]["hash"]],
    ]


@pytest.mark.parametrize(
    "sql",
    [
        "DROP VIEW images",
        "CREATE TABLE t (a INT)",
        "COPY (SELECT 1) TO '/tmp/layerscope-escaped.csv'",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM glob('/etc/*')",
        "ATTACH '/tmp/layerscope-escaped.db'",
        "INSTALL httpfs",
        "SELECT * FROM read_parquet('https://example.org/x.parquet')",
        "SET enable_external_access = true",
        "PRAGMA memory_limit='100GB'",
        "SELECT 1; SELECT 2",
        "SELECT * FROM nowhere",
        "not sql",
        "",
    ],
)
def test_anything_but_a_select_of_the_tables_is_refused(
    fleet: Path, sql: str, capfd: pytest.CaptureFixture[str]
) -> None:
    code, out, error = run(capfd, str(fleet), sql)
    assert (code, out) == (2, "")
    assert len(error.splitlines()) == 1
    assert "a bug" not in error
    assert not os.path.exists("/tmp/layerscope-escaped.csv")


def test_a_folder_without_a_fleet_says_how_to_make_one(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    code, _, error = run(capfd, str(tmp_path), "SELECT 1")
    assert code == 3
    assert "layerscope fleet scan" in error


def changed(fleet: Path, **values: object) -> None:
    head = json.loads((fleet / "fleet.json").read_text())
    (fleet / "fleet.json").write_text(json.dumps({**head, **values}))


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"schema_version": 99}, "schema version 99"),
        ({"kind": "other"}, "not the head of a fleet"),
        ({"tables": []}, "names no tables"),
        ({"tables": {"images": ["../../etc/passwd"]}}, "not the name of a file"),
        ({"tables": {"images": ["files/00000001-0123456789abcdef.parquet"]}}, "not a file of the table"),
        ({"tables": {"images": ["images/00000001-0123456789abcdef.parquet"]}}, "missing"),
        ({"scan": "one"}, "not a number"),
    ],
)  # fmt: skip
def test_a_head_that_lies_is_refused(
    fleet: Path, values: dict[str, object], says: str, capfd: pytest.CaptureFixture[str]
) -> None:
    changed(fleet, **values)
    code, _, error = run(capfd, str(fleet), "SELECT count(*) FROM images")
    assert code == 4
    assert says in error


def part(fleet: Path, table: str) -> Path:
    (found,) = (fleet / table).iterdir()
    return found


def test_a_file_with_other_columns_is_refused(
    fleet: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    pq.write_table(pa.table({"reference": [1]}), part(fleet, "images"))
    code, _, error = run(capfd, str(fleet), "SELECT 1")
    assert code == 4
    assert "doesn't have the columns of the table images" in error


@pytest.mark.parametrize("damage", ["cut", "link", "text"])
def test_a_damaged_file_is_refused(
    fleet: Path, damage: str, capfd: pytest.CaptureFixture[str]
) -> None:
    path = part(fleet, "files")
    data = path.read_bytes()
    path.unlink()
    if damage == "link":
        path.symlink_to("/etc/passwd")
    else:
        path.write_bytes(data[:-40] if damage == "cut" else b"nothing")
    code, _, error = run(capfd, str(fleet), "SELECT count(*) FROM files")
    assert code == 4
    assert len(error.splitlines()) == 1


def test_a_table_of_very_many_rows_takes_bounded_memory(fleet: Path, tmp_path: Path) -> None:
    """The compression of a table makes any number of equal rows take almost no bytes."""
    path = part(fleet, "files")
    row = pq.read_table(path).slice(0, 1)
    million = row.take(pa.array([0] * 1_000_000))
    with pq.ParquetWriter(path, row.schema, compression="zstd") as writer:
        for _ in range(10):
            writer.write_table(million)
    assert path.stat().st_size < 1 << 20
    plain = layerscope("fleet", "query", str(fleet), "SELECT 1 AS one", cwd=tmp_path)
    assert plain.code == 0, plain.err
    sql = "SELECT count(*) AS n, count(DISTINCT path) AS paths FROM files"
    ran = layerscope("fleet", "query", str(fleet), sql, "--json", cwd=tmp_path)
    assert ran.code == 0, ran.err
    assert json.loads(ran.out) == [{"n": 10_000_000, "paths": 1}]
    assert ran.peak < plain.peak + (256 << 20)
    assert ran.seconds < plain.seconds + 5


def test_without_the_extra_one_line_says_what_to_install(
    fleet: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "duckdb", None)
    code, _, error = run(capfd, str(fleet), "SELECT 1")
    assert code == 2
    assert error.strip().endswith("run pip install 'layerscope[fleet]'")
    assert len(error.splitlines()) == 1
