"""Every option of every command makes a difference somewhere, or is refused by name."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import click
import pytest
from _pytest.mark import ParameterSet

from layerscope.cli.browse import command as browse
from layerscope.cli.main import commands, main
from tests.cli.option_cases import CASES, Case, Words
from tests.cli.option_world import World, world
from tests.fleet.inline import inline_workers


class Seen(NamedTuple):
    """What a user can tell about a run."""

    code: int
    out: str
    err: str
    files: dict[str, bytes]
    cached: tuple[str, ...]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("options")) as built:
        yield built


@pytest.fixture(scope="module")
def without() -> dict[Words, Seen]:
    """The runs without the option, which many cases share."""
    return {}


def options(command: click.Command, path: str) -> Iterator[tuple[str, str]]:
    """The command's own options and those of its commands, by their long names; both names of a switch with two."""
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            for names in (parameter.opts, parameter.secondary_opts):
                if names:
                    yield path, max(names, key=len)
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from options(below, f"{path} {name}".strip())


def observe(words: Words, prepared: World, folder: Path) -> Seen:
    """Run the command line in a copy of the folder. An image named CACHELESS is `oci.tar` with a cache that is no folder."""
    place = folder / "files"
    cache = place / "app.tar" if "CACHELESS" in words else folder / "cache"
    shutil.rmtree(folder, ignore_errors=True)
    unused = shutil.ignore_patterns() if "fleet" in words[:1] else shutil.ignore_patterns("fleet")
    shutil.copytree(prepared.folder, place, symlinks=True, ignore=unused)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        patch.delenv("SOURCE_DATE_EPOCH", raising=False)
        for name, value in {**prepared.env, "LAYERSCOPE_CACHE_DIR": str(cache)}.items():
            patch.setenv(name, value)
        patch.setattr("layerscope.sources.registry.client.FIRST_PAUSE", 0.001)
        patch.setattr("layerscope.tui.serving.GuardedServer.serve", show_server)
        patch.setattr("layerscope.fleet.cluster.workers", inline_workers)
        words = tuple(prepared.names.get(word, word) for word in words)
        code = main(words)
    files = {
        os.path.relpath(path, place): path.read_bytes()
        for path in sorted(place.rglob("*"))
        if path.is_file() and "new" not in path.relative_to(place).parts
    }
    cached = tuple(sorted(os.path.relpath(path, cache) for path in cache.rglob("*")))
    return Seen(code, "", "", files, cached)


def show_server(server: object) -> None:
    """Print what a server would serve, in place of serving it."""
    shown = ("command", "host", "port", "public_url")
    print(*(f"{name}={getattr(server, name)}" for name in shown))


def test_every_option_has_a_case() -> None:
    found = {*options(commands, ""), *options(browse, "IMAGE")}
    assert sorted(found - set(CASES)) == []
    assert sorted(set(CASES) - found) == []


def cases() -> Iterator[ParameterSet]:
    """All cases. Those of options that two commands before have too are slow."""
    commands_of: Counter[str] = Counter()
    for key, case in CASES.items():
        commands_of[key[1]] += 1
        slow = commands_of[key[1]] > 2
        yield pytest.param(key, case, id=" ".join(key), marks=[pytest.mark.slow] * slow)


@pytest.mark.parametrize(("key", "case"), list(cases()))
def test_an_option_has_an_effect_or_is_refused_by_name(
    key: tuple[str, str],
    case: Case,
    prepared: World,
    without: dict[Words, Seen],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    command = () if key[0] in ("", "IMAGE") else tuple(key[0].split())

    def seen(words: Words) -> Seen:
        run = observe(words, prepared, tmp_path / "run")
        out, err = capsys.readouterr()
        return run._replace(out=out, err=err)

    plain: Words = (*command, *case.base)
    if plain not in without:
        without[plain] = seen(plain)
        assert seen(plain) == without[plain], "the run differs from itself"
    given = seen((*plain, *case.option))
    if given.code == 2:
        words = (key[1], case.option[0], *([case.says] if case.says else []))
        assert any(word in given.err for word in words), given.err
    assert given != without[plain]
    assert "no such option" not in given.err
    assert "a bug" not in given.err + without[plain].err


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (("report", "app.tar", "--force"), "--force"),
        (("report", "app.tar", "-o", "-", "--force"), "--force"),
        (("report", "app.tar", "--files"), "--files"),
        (("check", "app.tar", "--max-size", "1GB", "--files"), "--files"),
        (("check", "app.tar", "--max-size", "1GB", "--min-change", "1kB"), "--min-change"),
        (("check", "app.tar", "--max-size", "1GB", "--anchor", "base.tar"), "--anchor"),
        (("files", "app.tar", "--dockerfile", "Dockerfile"), "--dockerfile"),
        (("packages", "app.tar", "--json", "--dockerfile", "Dockerfile"), "--dockerfile"),
        (("compare", "app.tar", "base.tar", "--force"), "--force"),
        (("compare", "app.tar", "base.tar", "oci.tar", "--top", "3"), "--top"),
        (("compare", "app.tar", "base.tar", "oci.tar", "--show-args"), "--show-args"),
        (("compare", "saved.json", "saved.json", "--no-cache"), "--no-cache"),
        (("compare", "saved.json", "saved.json", "--no-packages"), "--no-packages"),
        (("compare", "saved.json", "saved.json", "--no-duplicates"), "--no-duplicates"),
        (("compare", "saved.json", "saved.json", "--min-duplicate", "1kB"), "--min-duplicate"),
        (("report", "app.tar", "--no-duplicates", "--min-duplicate", "1kB"), "--min-duplicate"),
        (("report", "app.tar", "--head", "--min-duplicate", "1kB"), "--min-duplicate"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_an_option_without_effect_is_refused(
    words: Words,
    name: str,
    prepared: World,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    shutil.copytree(prepared.folder, tmp_path / "files", symlinks=True)
    monkeypatch.chdir(tmp_path / "files")
    assert main(("report", "app.tar", "--files", "-o", "saved.json")) == 0
    assert main(words) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert name in err
    assert "no effect" in err
    assert len(err.splitlines()) == 1
