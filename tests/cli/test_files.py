"""`layerscope files` lists every version of every file, with the layers that write and hide it."""

from __future__ import annotations

import json
from pathlib import Path

from tests.builder import ImageBuilder, Sparse, docker_legacy
from tests.cli.conftest import Run


def test_deleted_files_are_listed_with_the_layer_that_hides_them(run: Run) -> None:
    done = run("files", "app.tar", "--deleted", "--sort", "size")
    assert done.returncode == 0
    rows = done.stdout.splitlines()
    assert rows[0].split()[-3:] == ["1", "3", "/app/model.bin"]
    assert sum("/root/.cache/pip/" in row for row in rows) == 100
    assert all(row.split()[-2] != "–" for row in rows)


def test_live_files_are_listed_by_path(run: Run) -> None:
    done = run("files", "app.tar", "--live")
    paths = [row.split()[-1] for row in done.stdout.splitlines()]
    assert paths == sorted(paths)
    assert "/app/model.bin" in paths
    assert "/root/.cache/pip/1" not in paths


def test_json_has_a_row_for_each_version(run: Run) -> None:
    done = run("files", "app.tar", "model.bin", "--json")
    rows = json.loads(done.stdout)
    assert [(row["layer"], row["hidden_by"], row["uid"]) for row in rows] == [
        (1, 3, 0),
        (3, None, 1000),
    ]
    assert {row["size"] for row in rows} == {3_000_000}


def test_filters_and_the_layer_option_narrow_the_list(run: Run) -> None:
    done = run("files", "app.tar", ">1MB", "*.bin", "--layer", "3")
    assert [row.split()[-1] for row in done.stdout.splitlines()] == ["/app/model.bin"]
    done = run("files", "app.tar", "re:(")
    assert done.returncode == 2
    assert "regular expression" in done.stderr


def test_hostile_names_stay_on_their_line(run: Run) -> None:
    done = run("files", "evil.tar")
    assert "\x1b" not in done.stdout
    assert r"/usr/new\nline\r::error::x" in done.stdout
    assert len(done.stdout.splitlines()) == len(
        json.loads(run("files", "evil.tar", "--json").stdout)
    )


def test_finding_nothing_is_not_an_error(run: Run) -> None:
    done = run("files", "app.tar", "no-such-name")
    assert (done.returncode, done.stdout) == (0, "")
    assert json.loads(run("files", "app.tar", "no-such-name", "--json").stdout) == []


def test_a_sparse_file_shows_its_logical_size_next_to_the_stored_one(
    run: Run, tmp_path: Path
) -> None:
    hole = Sparse(size=10**9, chunks=((4096, b"x" * 512),))
    built = ImageBuilder("app:1").layer({"disk": hole, "plain": b"x"}, "RUN a").build()
    path = str(docker_legacy([built]).write(tmp_path / "sparse.tar"))
    disk, plain = run("files", path).stdout.splitlines()
    assert disk.split()[:2] == ["512", "B"]
    assert disk.endswith("/disk  (sparse: 1.0 GB with its holes)")
    assert plain.endswith("/plain")
    rows = json.loads(run("files", path, "--json").stdout)
    assert [(row["size"], row.get("logical_size")) for row in rows] == [(512, 10**9), (1, None)]
    report = json.loads(run("report", path, "--json", "--files").stdout)
    entries = report["layers"][0]["entries"]
    assert [entry.get("logical_size") for entry in entries] == [10**9, None]
