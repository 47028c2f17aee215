"""After a scan the tables are in order: what `fleet.json` says of them is what they hold."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from layerscope.cli.main import main
from layerscope.fleet import compaction, content_sums, rollups
from layerscope.fleet.database import ROLLUPS
from layerscope.fleet.folder import ContentSums, locked, read_head
from tests.fleet.served import FleetRegistry
from tests.fleet.world import Made, fill, make

Ask = Callable[[Path, str], list[dict[str, Any]]]
Scan = Callable[..., str]

RECOUNTED = (
    "SELECT count(*) AS contents, count(*) FILTER (copies > 1) AS repeated, sum(copies)::BIGINT AS copies,"
    " sum(size)::BIGINT AS once, sum(size * copies)::BIGINT AS total FROM"
    " (SELECT hash, any_value(size) AS size, count(*) AS copies FROM files WHERE size > 0 GROUP BY hash)"
)


@pytest.fixture
def made(registry: FleetRegistry) -> list[Made]:
    found = make(8, 2, 16)
    fill(registry, found)
    return found


def report(folder: Path, capfd: pytest.CaptureFixture[str]) -> str:
    capfd.readouterr()
    assert main(["fleet", "report", str(folder), "--json"]) == 0
    return capfd.readouterr().out


def sums(folder: Path) -> dict[str, int]:
    found = read_head(str(folder)).sums
    assert found is not None
    return asdict(found)


def test_the_sums_of_the_contents_are_those_of_the_files(
    made: list[Made],
    registry: FleetRegistry,
    scan: Scan,
    rows: Ask,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = tmp_path / "fleet"
    monkeypatch.setattr(content_sums, "BUCKET_ROWS", 10)
    scan(f"registry:{registry.netloc}/base/os0")
    scan(f"registry:{registry.netloc}")
    assert [sums(folder)] == rows(folder, RECOUNTED)
    assert len(read_head(str(folder)).parts["contents"]) > 1
    one = made[-1]
    del registry.repositories[one.repository][one.tag]
    scan(f"registry:{registry.netloc}")
    assert [sums(folder)] == rows(folder, RECOUNTED)


def test_repeated_contents_come_first_in_a_file(
    made: list[Made], registry: FleetRegistry, scan: Scan, rows: Ask, tmp_path: Path
) -> None:
    scan(f"registry:{registry.netloc}")
    copies = [row["copies"] for row in rows(tmp_path / "fleet", "SELECT copies FROM contents")]
    repeated = [number > 1 for number in copies]
    assert any(repeated)
    assert repeated == sorted(repeated, reverse=True)


def test_a_scan_without_news_changes_no_file_but_that_of_failures(
    made: list[Made], registry: FleetRegistry, scan: Scan, tmp_path: Path
) -> None:
    scan(f"registry:{registry.netloc}")
    before = read_head(str(tmp_path / "fleet"))
    scan(f"registry:{registry.netloc}")
    after = read_head(str(tmp_path / "fleet"))
    assert after.parts == before.parts
    assert (after.sums, after.tidy) == (before.sums, True)


def test_a_report_before_compaction_says_what_it_says_afterwards(
    made: list[Made],
    registry: FleetRegistry,
    scan: Scan,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    folder = tmp_path / "fleet"
    scan(f"registry:{registry.netloc}/base/os0")
    with monkeypatch.context() as patch:
        patch.setattr("layerscope.fleet.scan.compact", lambda *_: None)
        scan(f"registry:{registry.netloc}")
    head = read_head(str(folder))
    assert (head.sums, head.tidy) == (None, False)
    early = report(folder, capfd)
    with locked(str(folder)) as opened:
        compaction.compact(opened)
    head = read_head(str(folder))
    assert isinstance(head.sums, ContentSums)
    assert head.tidy
    assert report(folder, capfd) == early


def test_sums_that_are_not_numbers_are_refused(
    made: list[Made], registry: FleetRegistry, scan: Scan, tmp_path: Path
) -> None:
    scan(f"registry:{registry.netloc}/base/os0")
    place = tmp_path / "fleet" / "fleet.json"
    head = json.loads(place.read_text())
    lies: list[object] = [
        {},
        [],
        {**head["contents"], "once": -1},
        {**head["contents"], "once": "1"},
    ]
    for lie in lies:
        place.write_text(json.dumps({**head, "contents": lie}))
        assert main(["fleet", "report", str(tmp_path / "fleet")]) == 4


def test_rollups_of_a_large_fleet_follow_what_they_sum_up(
    made: list[Made],
    registry: FleetRegistry,
    scan: Scan,
    rows: Ask,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    folder = tmp_path / "fleet"
    scan(f"registry:{registry.netloc}")
    assert not read_head(str(folder)).rolled
    summed = report(folder, capfd)
    monkeypatch.setattr(rollups, "ROWS", 1)
    scan(f"registry:{registry.netloc}")
    assert read_head(str(folder)).rolled
    assert report(folder, capfd) == summed
    one = made[-1]
    del registry.repositories[one.repository][one.tag]
    scan(f"registry:{registry.netloc}")
    assert read_head(str(folder)).rolled
    for name, made_of in ROLLUPS.items():
        assert rows(folder, f"SELECT * FROM {name} ORDER BY ALL") == rows(
            folder, f"SELECT * FROM ({made_of}) ORDER BY ALL"
        )
    fewer = report(folder, capfd)
    assert fewer != summed
    monkeypatch.setattr(rollups, "ROWS", 1 << 40)
    scan(f"registry:{registry.netloc}", out=tmp_path / "other")
    assert report(tmp_path / "other", capfd) == fewer
