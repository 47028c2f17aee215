"""The plugin's script and its protocol. The engine tests check that docker calls it."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import layerscope
from tests.cli.conftest import Run, environment


def call(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(folder / "plugins" / "docker-layerscope"), *arguments],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_one_command_installs_and_removes_it(run: Run, folder: Path) -> None:
    path = folder / "home" / "cli-plugins" / "docker-layerscope"
    env = {"DOCKER_CONFIG": str(folder / "home")}
    done = run("plugin", "install", env=env)
    assert (done.returncode, done.stdout) == (0, "")
    assert os.access(path, os.X_OK)
    assert run("plugin", "install", env=env).returncode == 0
    assert run("plugin", "uninstall", env=env).returncode == 0
    assert not path.exists()
    done = run("plugin", "uninstall", env=env)
    assert done.returncode == 2
    assert "does not exist" in done.stderr
    done = run("plugin", "install", "--folder", "app.tar/x")
    assert done.returncode == 2
    assert "cannot be created" in done.stderr


def test_docker_gets_the_metadata_it_asks_for(run: Run, folder: Path) -> None:
    assert run("plugin", "install", "--folder", "plugins").returncode == 0
    told = json.loads(call(folder, "docker-cli-plugin-metadata").stdout)
    assert told["SchemaVersion"] == "0.1.0"
    assert told["Version"] == layerscope.__version__
    assert told["Vendor"]
    assert told["ShortDescription"]
    done = call(folder, "--context", "far", "-D", "--host=x", "layerscope", "report", "app.tar")
    assert done.stdout == run("report", "app.tar").stdout
    assert call(folder, "layerscope", "app.tar").stdout == run("report", "app.tar").stdout
    done = call(folder, "layerscope", "check", "app.tar", "--max-size", "1")
    assert done.returncode == 1
    done = call(folder, "layerscope", "check", "nowhere.tar", "--bad")
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)


def test_completions_are_in_cobras_format(run: Run, folder: Path) -> None:
    assert run("plugin", "install", "--folder", "plugins").returncode == 0
    lines = call(folder, "__complete", "layerscope", "re").stdout.splitlines()
    assert lines[0].split("\t")[0] == "report"
    assert lines[-1] == ":4"
    lines = call(folder, "__completeNoDesc", "layerscope", "check", "--max-s").stdout.splitlines()
    assert [line.split("\t")[0] for line in lines] == ["--max-size", ":4"]
    offered = call(folder, "__complete", "layerscope", "report", "").stdout.splitlines()
    assert {"app.tar", "app-oci.tar", "plugins/", ":4"} <= set(offered)


def test_the_plugin_does_not_import_modules_from_the_current_folder(run: Run, folder: Path) -> None:
    assert run("plugin", "install", "--folder", "plugins").returncode == 0
    (folder / "layerscope").mkdir()
    (folder / "layerscope" / "__init__.py").write_text("raise SystemExit(99)")
    (folder / "json.py").write_text("raise SystemExit(99)")
    assert call(folder, "docker-cli-plugin-metadata").returncode == 0
