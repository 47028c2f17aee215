"""actionlint reads the workflows of the documentation, with the inputs and outputs of the real actions beside them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.builder.tools import absent
from tests.docs.pages import ROOT, blocks
from tests.engines import gotools

pytestmark = pytest.mark.engine

(WORKFLOW, STEPS, *_) = [block.text for block in blocks(ROOT / "docs/ci.md", "yaml")]


@pytest.fixture(scope="module")
def actionlint() -> Path:
    try:
        return gotools.program("actionlint")
    except (gotools.ToolError, OSError) as error:
        absent(str(error))


def lint(program: Path, folder: Path, workflow: str) -> str:
    """What actionlint says about a workflow in a repository that has layerscope's in a folder of its own."""
    for name in ("action.yml", "integrations/github/comment/action.yml"):
        target = folder / "layerscope" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text((ROOT / name).read_text())
    local = workflow.replace("@TAG", "").replace("OWNER/layerscope", "./layerscope")
    path = folder / ".github/workflows/image.yml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(local)
    subprocess.run(["git", "init", "-q", str(folder)], check=True)
    done = subprocess.run(
        [str(program), "-no-color", "-shellcheck=", "-pyflakes=", str(path)],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode in (0, 1), done.stderr
    return done.stdout


def test_the_workflow_has_no_fault(actionlint: Path, tmp_path: Path) -> None:
    assert lint(actionlint, tmp_path, WORKFLOW) == ""


def test_the_step_that_comments_has_no_fault(actionlint: Path, tmp_path: Path) -> None:
    before = WORKFLOW[: WORKFLOW.index("      - run: docker build")]
    steps = "".join(f"      {line}\n" for line in STEPS.splitlines())
    assert lint(actionlint, tmp_path, before + steps) == ""


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("comment: true", "coment: true"),
        ("image: docker:app", "anchor: docker:app"),
        ("outputs.json }}", "outputs.jason }}"),
        ("!cancelled()", "!canceled()"),
    ],
)
def test_a_misspelled_input_output_or_function_is_a_fault(
    actionlint: Path, tmp_path: Path, right: str, wrong: str
) -> None:
    assert right in WORKFLOW
    assert lint(actionlint, tmp_path, WORKFLOW.replace(right, wrong)) != ""
