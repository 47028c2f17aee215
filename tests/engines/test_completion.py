"""Real shells complete the images of a real engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.test_completion import answer

from .engine import DockerEngine

COMMANDS = ("", "report ", "compare ", "check ", "files ", "extract ", "export ")


def bash(line: str) -> str:
    return f"""
eval "$(layerscope completion bash)"
COMP_LINE='{line}'; COMP_WORDS=({line.replace(":", " : ")}); COMP_CWORD=$(( ${{#COMP_WORDS[@]}} - 1 ))
_layerscope_completion layerscope; printf '%s\\n' "${{COMPREPLY[@]}}"
"""


def zsh(line: str) -> str:
    """What the completion adds for a line, captured by replacing the line editor's `compadd`."""
    return f"""
autoload -Uz compinit; compinit -u -D
eval "$(layerscope completion zsh)"
compadd() {{ print -rl -- ${{(P)argv[-1]}} }}
words=({line}); CURRENT=$#words
_layerscope_completion
"""


def fish(line: str) -> str:
    return f"layerscope completion fish | source\ncomplete -C '{line}'\n"


SHELLS = {"bash": bash, "zsh": zsh, "fish": fish}


@pytest.mark.parametrize("shell", sorted(SHELLS))
def test_shells_complete_paths_and_the_engines_images(
    shell: str, docker_engine: DockerEngine, tmp_path: Path
) -> None:
    (tmp_path / "bus.tar").write_bytes(b"")
    (tmp_path / "busy").mkdir()
    variables = {"DOCKER_HOST": docker_engine.host}
    for command in COMMANDS:
        text = answer(shell, SHELLS[shell](f"layerscope {command}bus"), tmp_path, **variables)
        assert {"bus.tar", "busy/", "busybox:latest"} <= set(text.split()), command
    tag = answer(shell, SHELLS[shell]("layerscope report busybox:la"), tmp_path, **variables)
    assert tag.split() == (["latest"] if shell == "bash" else ["busybox:latest"])
    named = answer(shell, SHELLS[shell]("layerscope report docker:busy"), tmp_path, **variables)
    assert named.split() == (["busybox:latest"] if shell == "bash" else ["docker:busybox:latest"])
