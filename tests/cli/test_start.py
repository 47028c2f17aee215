"""Startup is fast because most modules are loaded only when needed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import layerscope
from tests.cli.conftest import ROOT, Run, command, environment

FLEET = ("dask", "distributed", "pyarrow", "duckdb")
"""The libraries of an extra, which only the fleet's commands load."""
HEAVY = (
    "docker", "textual", "requests", "urllib3", "rich", "humanize", "jinja2", "hypothesis", *FLEET,
)  # fmt: skip

HEAVIER_THAN_A_SIZE = tuple(name for name in HEAVY if name != "humanize")
"""The same for a report with advice, which formats sizes."""


def loaded_by(code: str, folder: object) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; sys.stderr.write(' '.join(sys.modules))"],
        cwd=str(folder),
        env={name: value for name, value in environment().items() if "COVERAGE" not in name},
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stderr.split())


@pytest.mark.parametrize("arguments", [["--version"], ["--version", "report"]])
def test_version_prints_the_version(run: Run, arguments: list[str]) -> None:
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (0, f"layerscope {layerscope.__version__}\n")


def test_version_loads_almost_nothing(folder: object) -> None:
    code = "import sys; sys.argv = ['layerscope', '--version']\nfrom layerscope.__main__ import main\nassert main() == 0"
    modules = loaded_by(code, folder)
    assert not modules & {*HEAVY, "click", "json", "dataclasses", "argparse"}
    assert {name for name in modules if name.startswith("layerscope")} == {
        "layerscope",
        "layerscope.__main__",
    }


def test_an_interrupt_while_modules_load_prints_no_traceback(folder: Path) -> None:
    """Blocks the first import outside the standard library, and interrupts it there."""
    (folder / "click.py").write_text(
        "import os, signal, time\nos.kill(os.getpid(), signal.SIGINT)\ntime.sleep(60)"
    )
    done = subprocess.run(
        command("report", "app.tar"),
        cwd=folder,
        env=environment(PYTHONPATH=f"{folder}:{ROOT}"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


def test_importing_the_package_is_cheap(folder: object) -> None:
    modules = loaded_by("import layerscope", folder)
    assert not modules & {*HEAVY, "click", "json"}
    assert [name for name in modules if name.startswith("layerscope.")] == []


@pytest.mark.parametrize(
    ("arguments", "without"),
    [
        (["report", "app.tar", "--json"], HEAVIER_THAN_A_SIZE),
        (["report", "app-oci.tar", "--json", "--files"], HEAVIER_THAN_A_SIZE),
        (["report", "app.tar"], ("docker", "textual", "requests", "urllib3", "jinja2", *FLEET)),
        (["fleet", "scan", "--help"], FLEET),
        (["schema"], HEAVY),
    ],
)
def test_a_report_loads_only_what_it_needs(
    folder: object, arguments: list[str], without: tuple[str, ...]
) -> None:
    code = f"from layerscope.cli.main import main\nassert main({arguments!r}) == 0"
    assert not loaded_by(code, folder) & set(without)


def test_the_browsers_model_does_not_load_textual(folder: object) -> None:
    names = sorted(path.stem for path in (ROOT / "layerscope" / "tui" / "model").glob("*.py"))
    assert len(names) > 5
    imports = "\n".join(f"import layerscope.tui.model.{name}" for name in names)
    modules = loaded_by(imports, folder)
    assert "layerscope.tui.model.finder" in modules
    assert not modules & {"textual", "click", "docker"}


def test_shell_completion_knows_commands_and_rules(run: Run) -> None:
    def complete(words: str) -> list[str]:
        variables = {
            "_LAYERSCOPE_COMPLETE": "bash_complete",
            "COMP_WORDS": words,
            "COMP_CWORD": str(len(words.split()) - 1),
        }
        return run(env=variables).stdout.split()

    assert complete("layerscope re") == ["plain,report"]
    assert "plain,--max-size" in complete("layerscope check --max")
    assert "layerscope" in run(env={"_LAYERSCOPE_COMPLETE": "bash_source"}).stdout
