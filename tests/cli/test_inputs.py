"""A run never replaces its own inputs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.cli.conftest import Run

SYMLINK, HARDLINK, ITSELF = "symlink", "hardlink", "itself"


def name_for(file: Path, how: str) -> str:
    """Another name of a file, or its own."""
    if how == ITSELF:
        return str(file)
    other = file.with_name(f"{how}.out")
    if how == SYMLINK:
        other.symlink_to(file.name)
    else:
        os.link(file, other)
    return str(other)


@pytest.mark.parametrize("how", [ITSELF, HARDLINK, SYMLINK])
@pytest.mark.parametrize(
    ("arguments", "victim"),
    [
        (("report", "app.tar"), "app.tar"),
        (("report", "docker-archive:app.tar"), "app.tar"),
        (("report", "app.tar", "--dockerfile", "Dockerfile"), "Dockerfile"),
        (("report", "app.tar", "--config", "rules.toml"), "rules.toml"),
        (("report", "app.tar", "--max-growth", "1%", "--baseline", "app-oci.tar"), "app-oci.tar"),
        (("check", "app.tar", "--max-size", "1GB"), "layerscope.toml"),
        (("check", "app.tar"), "app-oci.tar"),
        (("check", "app.tar"), "app.tar"),
        (("compare", "app.tar", "oci-archive:app-oci.tar"), "app.tar"),
        (("compare", "app.tar", "oci-archive:app-oci.tar"), "app-oci.tar"),
    ],
)
def test_an_output_that_is_an_input_is_refused(
    arguments: tuple[str, ...], victim: str, how: str, folder: Path, run: Run
) -> None:
    rules = '[budget]\nmax_growth = "10%"\nbaseline = "app-oci.tar"\n'
    (folder / "layerscope.toml").write_text(rules)
    (folder / "rules.toml").write_text("[budget]\nmax_size = '1GB'\n")
    (folder / "Dockerfile").write_text("FROM scratch\n")
    before = (folder / victim).read_bytes()
    output = name_for(folder / victim, how)
    done = run(*arguments, "--force", "-o", f"json={output}")
    assert (done.returncode, done.stdout) == (2, "")
    assert "this run reads" in done.stderr
    assert done.stderr.count("\n") == 1
    assert (folder / victim).read_bytes() == before


def test_a_file_next_to_the_inputs_is_written(folder: Path, run: Run) -> None:
    for _ in range(2):
        done = run("report", "app.tar", "-o", "json=report.json")
        assert (done.returncode, done.stderr) == (0, "")
    assert (folder / "report.json").read_text().startswith("{")
