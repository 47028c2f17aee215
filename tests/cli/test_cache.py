"""`layerscope cache`, `--no-cache`, and what a run says of a cache that it cannot use."""

from __future__ import annotations

import json
from pathlib import Path

import click
import pytest

from layerscope.cli.main import COMMANDS, commands
from tests.cli.conftest import Run

IMAGE = "app-oci.tar"


def info(run: Run, **env: str) -> dict[str, object]:
    done = run("cache", "info", "--json", env=env)
    assert (done.returncode, done.stderr) == (0, "")
    loaded: dict[str, object] = json.loads(done.stdout)
    return loaded


def test_info_says_what_is_kept(run: Run, cache_folder: Path) -> None:
    empty = {"bytes": 0, "entries": 0, "folder": str(cache_folder), "images": 0, "layers": 0}
    assert info(run) == empty | {"bound": 1 << 30}
    assert not cache_folder.exists()
    first = run("report", IMAGE, "--json")
    assert (first.returncode, first.stderr) == (0, "")
    found = info(run)
    layers = {layer["diff_id"] for layer in json.loads(first.stdout)["layers"]}
    assert found["layers"] == len(layers)
    assert found["bytes"] == sum(
        file.stat().st_size for file in cache_folder.glob("*-*/*") if file.is_file()
    )
    text = run("cache", "info").stdout
    assert text.splitlines()[0] == f"folder  {cache_folder}"
    assert f"layers  {len(layers)}" in text
    assert run("report", IMAGE, "--json").stdout == first.stdout


def test_clear_removes_everything(run: Run, cache_folder: Path) -> None:
    run("report", IMAGE)
    done = run("cache", "clear")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.startswith("layerscope: removed ")
    assert info(run)["entries"] == 0
    assert not list(cache_folder.glob("*-*/*"))
    assert run("cache", "clear").returncode == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ["report", IMAGE],
        [IMAGE],
        ["check", IMAGE, "--max-size", "1GB"],
        ["files", IMAGE],
        ["compare", IMAGE, IMAGE],
    ],
)
def test_no_cache_leaves_it_alone(run: Run, cache_folder: Path, arguments: list[str]) -> None:
    plain = run(*arguments, "--no-cache")
    assert plain.returncode == 0
    assert not cache_folder.exists()
    assert run(*arguments).stdout == plain.stdout
    assert cache_folder.exists()
    assert run(*arguments).stdout == plain.stdout


def test_a_size_of_0_turns_it_off(run: Run, cache_folder: Path) -> None:
    assert run("report", IMAGE, env={"LAYERSCOPE_CACHE_SIZE": "0"}).returncode == 0
    assert not cache_folder.exists()


def test_a_size_that_is_none_is_a_usage_error(run: Run) -> None:
    done = run("report", IMAGE, env={"LAYERSCOPE_CACHE_SIZE": "much"})
    assert done.returncode == 2
    assert "LAYERSCOPE_CACHE_SIZE: 'much' is not a size" in done.stderr


def test_a_cache_that_others_can_write_is_one_line(run: Run, cache_folder: Path) -> None:
    cache_folder.mkdir(parents=True)
    cache_folder.chmod(0o777)
    done = run("report", IMAGE, "--json")
    assert done.returncode == 0
    why = "can be written by other users (fix it with `chmod go-w`)"
    assert done.stderr == f"layerscope: the cache is not used: {cache_folder} {why}\n"
    assert done.stdout == run("report", IMAGE, "--json", "--no-cache").stdout
    assert run("report", IMAGE, "--quiet").stderr == ""


def test_a_file_in_place_of_the_folder_is_one_line(run: Run, cache_folder: Path) -> None:
    cache_folder.parent.mkdir(parents=True, exist_ok=True)
    cache_folder.write_text("")
    done = run("compare", IMAGE, "app.tar")
    assert done.returncode == 0
    assert done.stderr.count("the cache is not used") == 1


def test_a_folder_that_cannot_be_made_is_one_line(run: Run) -> None:
    done = run("report", IMAGE, env={"LAYERSCOPE_CACHE_DIR": "/proc/layerscope"})
    assert done.returncode == 0
    assert done.stderr.count("the cache is not used") == 1
    assert len(done.stderr.splitlines()) == 1


def test_every_command_that_reads_an_image_takes_no_cache() -> None:
    """A command that takes `--limit` reads an image; an export only copies one."""
    for name in COMMANDS:
        found = commands.get_command(click.Context(commands), name)
        assert found is not None
        options = {option for parameter in found.params for option in parameter.opts}
        assert ("--no-cache" in options) == ("--limit" in options and name != "export"), name
