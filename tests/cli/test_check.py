from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run


@pytest.mark.parametrize(
    ("limit", "code", "last"),
    [
        ("13MB", 1, "verdict: fail (1 of 1 rules)"),
        ("13000018", 1, "verdict: fail (1 of 1 rules)"),
        ("13000019", 0, "verdict: pass"),
        ("13.1MB", 0, "verdict: pass"),
    ],
)
def test_the_exit_code_is_the_verdict(run: Run, limit: str, code: int, last: str) -> None:
    done = run("check", "app.tar", "--max-size", limit)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (code, last)
    assert done.stderr == ""


def test_every_rule_gets_a_line(run: Run) -> None:
    done = run(
        "check",
        "app.tar",
        "--max-size",
        "1GB",
        "--max-wasted-percent",
        "5",
        "--min-efficiency",
        "90%",
    )
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert lines[0].split()[:2] == ["pass", "max_size"]
    assert [line.split()[1] for line in lines if line.startswith("  FAIL")] == [
        "max_wasted_percent",
        "min_efficiency",
    ]
    assert lines[-1] == "verdict: fail (2 of 3 rules)"
    assert "instruction 3, RUN chown -R app /app" in done.stdout


@pytest.mark.parametrize("form", [["--json"], ["-o", "json=-"]])
def test_json_keeps_standard_output_pure(run: Run, form: list[str]) -> None:
    done = run("check", "app.tar", "--max-size", "1MB", *form)
    assert done.returncode == 1
    assert json.loads(done.stdout)["verdict"]["rules"][0]["rule"] == "max_size"
    assert done.stderr.splitlines()[-1] == "verdict: fail (1 of 1 rules)"
    assert run("check", "app.tar", "--max-size", "1MB", "--quiet", *form).stderr == ""


def test_a_file_beside_the_lines(run: Run, folder: Path) -> None:
    done = run("check", "app.tar", "--max-size", "1GB", "-o", "json=r.json")
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1] == "verdict: pass"
    assert json.loads((folder / "r.json").read_text())["verdict"]["passed"] is True


def test_rules_of_a_file(run: Run, folder: Path) -> None:
    (folder / "layerscope.toml").write_text("[budget]\nmax_size = '1MB'\nmax_layers = 5")
    assert run("check", "app.tar").stdout.splitlines()[-1] == "verdict: fail (1 of 2 rules)"
    assert run("check", "app.tar", "--max-size", "1GB").returncode == 0
    (folder / "other.toml").write_text("max_layers = 4")
    done = run("check", "app.tar", "--config", "other.toml")
    assert done.stdout.splitlines()[-1] == "verdict: fail (1 of 1 rules)"


def test_an_unknown_number_fails_closed(run: Run) -> None:
    assert run("check", "app.tar", "--max-compressed-size", "1GB").returncode == 1
    assert run("check", "app-oci.tar", "--max-compressed-size", "1GB").returncode == 0
