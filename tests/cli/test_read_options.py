"""Every command reads an image the same way, and honors every option that it offers."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

import layerscope
from layerscope.cli.examine import Choice
from layerscope.options import ReadOptions
from tests.builder import ImageBuilder
from tests.cli.conftest import Run
from tests.cli.images import write

READING = {
    "report": (),
    "check": ("--max-size", "1GB"),
    "files": ("--json",),
    "extract": ("/usr/bin/python3", "-o", "out"),
}
"""The commands that read one image, with the other arguments that each needs."""


@pytest.fixture
def dockerfile(folder: Path) -> str:
    (folder / "Dockerfile").write_text(
        "FROM debian\nCOPY . /app\nRUN pip install -r requirements.txt\n"
        'RUN chown -R app /app\nRUN rm -rf /root/.cache\nCMD ["python", "app.py"]\n'
    )
    return "Dockerfile"


def test_files_shows_dockerfile_lines(run: Run, dockerfile: str) -> None:
    plain = json.loads(run("files", "app.tar", "--json").stdout)
    named = json.loads(run("files", "app.tar", "--json", "--dockerfile", dockerfile).stdout)
    assert {row["location"] is None for row in plain} == {True}
    lines = {row["path"]: row["location"] for row in named}
    assert lines["/usr/lib/flask"] == {"file": "Dockerfile", "start_line": 3, "end_line": 3}
    assert [row | {"location": None} for row in named] == plain


@pytest.mark.parametrize("name", ["report", "check", "files"])
def test_a_missing_dockerfile_is_an_error(name: str, run: Run) -> None:
    done = run(name, "app.tar", *READING[name], "--dockerfile", "missing")
    assert done.returncode == 2, done.stdout
    assert "missing" in done.stderr


def test_extract_has_no_dockerfile_option(run: Run, dockerfile: str) -> None:
    done = run("extract", "app.tar", *READING["extract"], "--dockerfile", dockerfile)
    assert done.returncode == 2
    assert "--dockerfile" in done.stderr
    assert "--dockerfile" not in run("extract", "--help").stdout


@pytest.mark.parametrize("name", READING)
@pytest.mark.parametrize(
    "option",
    [("--platform", "linux/riscv64"), ("--tag", "no-such:tag"), ("--limit", "layers=1")],
    ids=lambda option: str(option[0]),
)
def test_an_option_that_the_image_does_not_fit_fails_every_command(
    name: str, option: tuple[str, str], run: Run
) -> None:
    assert run(name, "app-oci.tar", *READING[name]).returncode == 0
    done = run(name, "app-oci.tar", *READING[name], *option)
    assert done.returncode in (2, 3, 4), (done.stdout, done.stderr)


SERVED = {
    "platform": ("--platform", "linux/arm64"),
    "tag": ("--tag", "app:1"),
    "dockerfile": ("--dockerfile", "a b"),
    "lazy": ("--lazy",),
    "pull": ("--pull",),
    "insecure": ("--insecure",),
    "token_servers": ("--token-server", "one.example", "--token-server", "two.example"),
    "limits": ("--limit", "layers=7", "--limit", "members=9"),
    "via": ("--via", "store"),
    "no_cache": ("--no-cache",),
}
"""Every option of `serve` that says how to read the image, by its name."""


def test_every_option_of_serve_that_reads_the_image_is_tried() -> None:
    from layerscope.cli.serve import command

    own = {"reference", "host", "port", "public_url", "sandbox", "quiet"}
    assert {each.name for each in command.params} - own == set(SERVED)


@pytest.mark.parametrize("option", SERVED.values(), ids=SERVED)
def test_serve_hands_every_option_to_its_visitors(
    option: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    from layerscope.cli import browse, serve

    asked: list[Choice] = []
    monkeypatch.setattr(browse, "browse", lambda choice, show_args: asked.append(choice))
    monkeypatch.setenv("TEXTUAL_DRIVER", "web")
    parsed = browse.command.make_context("layerscope", ["app.tar", *option])
    browse.command.invoke(parsed)
    wanted = asked.pop()
    assert wanted.options != ReadOptions()
    words = shlex.split(serve.command_line(wanted))
    arguments = words[words.index("layerscope") + 1 :]
    browse.command.invoke(browse.command.make_context("layerscope", arguments))
    assert asked == [wanted]


def test_the_library_reads_like_the_commands(tmp_path: Path, folder: Path) -> None:
    base = ImageBuilder("base:1").layer({"a": b"1" * 100}, created_by="ADD a").build()
    both = (
        ImageBuilder("app:1")
        .layer({"a": b"1" * 100}, created_by="ADD a")
        .layer({"b": b"2"}, created_by="COPY b /")
        .build()
    )
    under = write(base, tmp_path / "base.tar")
    reference = write(both, tmp_path / "both.tar")
    with layerscope.read(reference, ReadOptions(base=under)) as analysis:
        assert analysis.facts.base is not None
        assert analysis.facts.base.layers == 1
        blobs = [layer.blob for layer in analysis.image.layers if layer.blob is not None]
        assert not any(blob.closed for blob in blobs)
    assert all(blob.closed for blob in blobs)
    with layerscope.load(reference) as image:
        assert layerscope.analyze(image).sizes == analysis.sizes
