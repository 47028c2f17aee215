"""Rows are written beside a scan, and become part of the fleet all at once or not at all."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from layerscope.errors import OutputError
from layerscope.fleet import writer
from layerscope.fleet.folder import FleetFolder, locked, read_head
from layerscope.fleet.tables import table_of
from layerscope.fleet.writer import Writer

FAILURE = {"reference": "a", "digest": None, "stage": "image", "kind": "E", "message": "m", "target": "t"}  # fmt: skip
LAYER = {
    "diff_id": "sha256:1", "digest": None, "compressed": None, "tar": 1, "content": 1, "entries": 1, "stored": 1,
    "compression": "none", "files": 1,
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[FleetFolder]:
    with locked(str(tmp_path / "fleet")) as opened:
        yield opened


def test_rows_are_written_while_the_scan_goes_on(
    folder: FleetFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_write = threading.Event()
    write = writer.write_parquet

    def slowly(table: pa.Table, name: str, path: str) -> None:
        may_write.wait(60)
        write(table, name, path)

    monkeypatch.setattr(writer, "write_parquet", slowly)
    gathered = Writer(folder, rows=1)
    gathered.add({"layers": table_of("layers", [LAYER])})
    assert gathered.is_due()
    gathered.flush()
    gathered.add({"failures": table_of("failures", [FAILURE])})
    assert not gathered.has_written()
    may_write.set()
    gathered.commit(scan=1)
    parts = read_head(folder.path).parts
    counts = {
        name: sum(pq.read_metadata(folder.full(each)).num_rows for each in files)
        for name, files in parts.items()
        if files
    }
    assert counts == {"layers": 1, "failures": 1}


def test_a_write_that_fails_commits_nothing_that_came_later(
    folder: FleetFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = writer.write_parquet

    def full_disk(table: pa.Table, name: str, path: str) -> None:
        write(table, name, path)
        if name == "layers":
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(writer, "write_parquet", full_disk)
    gathered = Writer(folder)
    gathered.add(
        {"failures": table_of("failures", [FAILURE]), "layers": table_of("layers", [LAYER])}
    )
    gathered.flush()
    gathered.add({"failures": table_of("failures", [FAILURE])})
    for _ in range(2):
        with pytest.raises(OutputError, match="No space left"):
            gathered.commit(scan=1)
    assert not any(folder.head.parts.values())
    assert not list(Path(folder.path).glob("*/*.parquet"))
