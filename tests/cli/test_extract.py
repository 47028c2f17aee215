"""`layerscope extract` extracts files safely from every kind of archive."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Run


@pytest.mark.parametrize("name", ["app.tar", "app-oci.tar"])
def test_a_directory_is_extracted(run: Run, folder: Path, name: str) -> None:
    done = run("extract", name, "/app", "-o", "out")
    assert (done.returncode, done.stdout) == (0, "")
    assert "2 files, 1 directory," in done.stderr
    assert (folder / "out/app/app.py").read_bytes() == b"print(1)\n"
    assert (folder / "out/app/model.bin").stat().st_size == 3_000_000


def test_a_deleted_file_needs_its_layer(run: Run, folder: Path) -> None:
    done = run("extract", "app.tar", "root/.cache/pip/7", "-o", "out")
    assert done.returncode == 2
    assert "removed by layer 4; add --layer 2" in done.stderr
    done = run("extract", "app.tar", "root/.cache/pip/7", "-o", "out", "--layer", "2", "--quiet")
    assert (done.returncode, done.stderr) == (0, "")
    assert (folder / "out/7").stat().st_size == 10_000


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["/nowhere"], "no layer holds /nowhere"),
        (["/usr/lib/flask", "--layer", "0"], "layer 2 adds it"),
        (["/app", "--layer", "99"], "no layer 99; the last is 4"),
        (["\\q"], "lone backslash"),
    ],
)
def test_a_missing_path_is_an_error(
    run: Run, folder: Path, arguments: list[str], words: str
) -> None:
    done = run("extract", "app.tar", *arguments, "-o", "out")
    assert done.returncode == 2
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (folder / "out").exists()


def test_nothing_is_overwritten_without_force(run: Run, folder: Path) -> None:
    (folder / "app.py").write_text("mine")
    done = run("extract", "app.tar", "/app/app.py", "-o", ".")
    assert done.returncode == 2
    assert "--force" in done.stderr
    assert (folder / "app.py").read_text() == "mine"
    assert run("extract", "app.tar", "/app/app.py", "-o", ".", "--force").returncode == 0
    assert (folder / "app.py").read_text() == "print(1)\n"


def test_hostile_names_are_extracted_and_escaped_in_messages(run: Run, folder: Path) -> None:
    done = run("extract", "evil.tar", "/usr", "--layer", "0", "-o", "out")
    assert done.returncode == 0
    assert len(list((folder / "out/usr").rglob("*"))) >= 6
    assert "\x1b" not in done.stderr
