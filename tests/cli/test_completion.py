"""Completion in real shells."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.builder.tools import require
from tests.cli.conftest import Run, environment
from tests.processes import client as processes


def answer(shell: str, script: str, folder: Path, **variables: str) -> str:
    """The output of a script in a shell with layerscope in its PATH."""
    program = folder / "bin" / "layerscope"
    program.parent.mkdir(exist_ok=True)
    processes.script(program)
    env = environment(**variables)
    env["PATH"] = f"{program.parent}:{env['PATH']}"
    done = subprocess.run(
        [require(shell), "-c", script],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_is_valid_in_its_shell(run: Run, folder: Path, shell: str) -> None:
    done = run("completion", shell)
    assert done.returncode == 0
    assert "_LAYERSCOPE_COMPLETE" in done.stdout
    (folder / "script").write_text(done.stdout)
    answer(shell, f"{shell} -n script", folder)


def test_bash_completes(folder: Path) -> None:
    script = """
eval "$(layerscope completion bash)"
COMP_WORDS=(layerscope re); COMP_CWORD=1
_layerscope_completion layerscope; echo "${COMPREPLY[@]}"
COMPREPLY=(); COMP_WORDS=(layerscope check app.tar --max-lay); COMP_CWORD=3
_layerscope_completion layerscope; echo "${COMPREPLY[@]}"
"""
    assert answer("bash", script, folder).splitlines() == [
        "report",
        "--max-layers --max-layer-size",
    ]


def test_zsh_completes(folder: Path) -> None:
    script = """
autoload -Uz compinit; compinit -u -D
eval "$(layerscope completion zsh)"
print -r -- $_comps[layerscope]
COMP_WORDS='layerscope re' COMP_CWORD=1 _LAYERSCOPE_COMPLETE=zsh_complete layerscope
"""
    lines = answer("zsh", script, folder).splitlines()
    assert lines[:3] == ["_layerscope_completion", "plain", "report"]


def test_fish_completes(folder: Path) -> None:
    script = """
layerscope completion fish | source
complete -C 'layerscope re'
"""
    assert answer("fish", script, folder).split()[0] == "report"


def test_another_shell_is_refused(run: Run) -> None:
    done = run("completion", "tcsh")
    assert done.returncode == 2
    assert "'bash', 'zsh', 'fish'" in done.stderr
