"""Runs every command in the documentation, and checks that its output contains what the page shows."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from layerscope.analysis.advice.settings import load_settings as load_advice
from layerscope.analysis.budgets.budget import load_budget
from layerscope.cli.main import COMMANDS
from layerscope.options import DEFAULT_ADVICE
from layerscope.report.formats.renderers import RENDERERS
from layerscope.tui.settings import load_settings
from tests.builder.tools import require
from tests.docs import gitlab
from tests.docs.conftest import Reader
from tests.docs.pages import PAGES, ROOT, Block, blocks, commands
from tests.engines.registry import DistributionRegistry, running

if TYPE_CHECKING:
    from tests.engines.engine import DockerEngine


def play(reader: Reader, block: Block) -> None:
    """Run the commands of a block. The last one must exit as the block says; the others may also fail a verdict."""
    expected = next((int(word[5:]) for word in block.words if word.startswith("exit=")), 0)
    listed = list(commands(block))
    assert listed
    ended = []
    for command in listed:
        place = f"{block.page.name}:{block.line}: {command.line}"
        if "| jq " in command.line:
            require("jq")
        done = reader.type(command.line)
        assert "Traceback" not in done.stderr, place
        assert done.returncode in (0, expected), f"{place}: {done.returncode}\n{done.stderr}"
        ended.append(done.returncode)
        output = [line.rstrip() for line in done.stdout.splitlines()]
        for line in command.shown:
            if line.strip() and not line.strip().startswith("…"):
                assert any(each.startswith(line.rstrip()) for each in output), (
                    f"{place}: nothing like {line!r} in\n{done.stdout}"
                )
    assert expected in ended


def ids(page: Path) -> str:
    return page.name


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_commands_on_a_page_work_and_print_what_it_shows(page: Path, reader: Reader) -> None:
    for block in blocks(page, "console"):
        if not {"engine", "registry"} & set(block.words):
            play(reader, block)


@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if any("engine" in block.words for block in blocks(page, "console"))],
    ids=ids,
)
def test_commands_that_need_an_engine_work(
    page: Path, reader: Reader, docker_engine: DockerEngine
) -> None:
    reader.variables["DOCKER_HOST"] = docker_engine.host
    (reader.folder / "bin" / "docker").symlink_to(docker_engine.client()[0])
    docker_engine.build(reader.folder / "context", "app", buildkit=False)
    for block in blocks(page, "console"):
        if "engine" in block.words:
            play(reader, block)


@pytest.mark.slow
@pytest.mark.engine
@pytest.mark.xdist_group("registry-5000")
def test_commands_that_need_a_registry_work(reader: Reader, tmp_path: Path) -> None:
    played = 0
    with running(DistributionRegistry(tmp_path / "registry", port=5000)) as registry:
        registry.push(f"docker-archive:{reader.folder / 'app.tar'}", "app:1")
        for page in PAGES:
            for block in blocks(page, "console"):
                if "registry" in block.words:
                    play(reader, block)
                    played += 1
    assert played


@pytest.mark.slow
def test_the_first_command_of_the_readme_installs_and_reports(tmp_path: Path) -> None:
    (first, *_) = blocks(ROOT / "README.md", "sh")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path)
    for name in ("layerscope", "fixtures"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    done = subprocess.run(
        ["bash", "-c", first.text],
        cwd=tmp_path,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "what all layers store" in done.stdout


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_python_examples_run(page: Path, reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(reader.folder)
    for block in blocks(page, "python"):
        exec(compile(block.text, f"{page.name}:{block.line}", "exec"), {})


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_toml_examples_are_valid_budgets_or_settings(page: Path, tmp_path: Path) -> None:
    for block in blocks(page, "toml"):
        path = tmp_path / "layerscope.toml"
        path.write_text(block.text)
        settings = load_settings([path])
        assert settings.keys.keys() <= known_keys()
        advice = load_advice(None, tmp_path)
        assert (
            settings.keys or advice != DEFAULT_ADVICE or load_budget(None, {}, directory=tmp_path)
        )


def known_keys() -> set[str]:
    """The names of all keys, as the help shows them."""
    texts = (path.read_text() for path in (ROOT / "layerscope" / "tui").rglob("*.py"))
    return {name for text in texts for name in re.findall(r'\bid="([a-z]+\.[a-z-]+)"', text)}


def test_workflows_only_use_inputs_and_outputs_that_exist() -> None:
    action = yaml.safe_load((ROOT / "action.yml").read_text())
    (workflow, *_) = blocks(ROOT / "docs/ci.md", "yaml")
    steps = yaml.safe_load(workflow.text)["jobs"]["size"]["steps"]
    (step,) = [step for step in steps if "layerscope" in step.get("uses", "")]
    assert set(step["with"]) <= set(action["inputs"])
    assert set(re.findall(r"steps\.size\.outputs\.(\w+)", workflow.text)) <= set(action["outputs"])
    text = (ROOT / "docs/ci.md").read_text()
    assert set(action["outputs"]) <= set(re.findall(r"`(\w+)`", text))
    template = yaml.safe_load((ROOT / "integrations/gitlab/layerscope.yml").read_text())
    job = gitlab.read(blocks(ROOT / "docs/ci.md", "yaml")[2].text)["image-size"]
    assert set(job["variables"]) - {"LAYERSCOPE_IMAGE"} <= set(
        template[job["extends"]]["variables"]
    )
    hook = yaml.safe_load(blocks(ROOT / "docs/ci.md", "yaml")[3].text)["repos"][0]["hooks"][0]
    assert hook["id"] in [
        row["id"] for row in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    ]


def test_every_command_format_and_rule_is_documented() -> None:
    from layerscope.analysis.budgets.rules import RULES

    text = "".join(page.read_text() for page in PAGES)
    for name in COMMANDS:
        assert f"layerscope {name}" in text, name
    page = (ROOT / "docs/ci.md").read_text()
    for name in RENDERERS:
        assert f"| `{name}` |" in page, name
    page = (ROOT / "docs/budgets.md").read_text()
    for name in RULES:
        assert f"| `{name}` |" in page, name


def test_links_point_to_existing_files_and_headings() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
        for target, anchor in re.findall(r"\]\(([^)#:]*)#([^)]*)\)", page.read_text()):
            other = (page.parent / target) if target else page
            heads = re.findall(r"^#+ (.*)$", other.read_text(), re.MULTILINE)
            assert anchor in [
                re.sub(r"[^a-z0-9 -]", "", head.lower()).replace(" ", "-") for head in heads
            ]
