"""`layerscope advise`: all advice, and a patch that leaves the Dockerfile alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from layerscope.cli.main import main
from tests.builder import WHITEOUT, ImageBuilder, docker_legacy
from tests.builder.dialects import buildkit
from tests.builder.tools import run

DOCKERFILE = """\
FROM company/base

# the app
COPY . /app
RUN make && \\
    # the cache is large
    make cache
LABEL a=b
RUN rm -rf /cache
RUN apt-get install -y a
"""
AFTER = """\
FROM company/base

# the app
COPY . /app
RUN make && \\
    # the cache is large
    make cache \\
    && rm -rf /cache
LABEL a=b
RUN apt-get install -y a \\
    && rm -rf /var/lib/apt/lists/*
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a Dockerfile and the image that it builds."""
    image = (
        ImageBuilder("app:1")
        .layer({"bin/sh": bytes(10)}, created_by="/bin/sh -c #(nop) ADD file:0 in / ")
        .layer(
            {"app/.git/HEAD": b"x", "app/.git/pack": bytes(7000), "app/a": b"a"},
            **buildkit.copy(".", "/app"),
        )
        .layer({"cache/x": bytes(9000)}, **buildkit.run("make &&     make cache"))
        .empty(created_by="LABEL a=b")
        .layer({"cache": WHITEOUT}, **buildkit.run("rm -rf /cache"))
        .layer({"var/lib/apt/lists/x": bytes(8000)}, **buildkit.run("apt-get install -y a"))
        .build()
    )
    docker_legacy([image]).write(tmp_path / "app.tar")
    (tmp_path / "Dockerfile").write_text(DOCKERFILE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def advised(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[str, str]:
    assert main(["advise", "app.tar", "--dockerfile", "Dockerfile", *words]) == 0
    return capsys.readouterr()


def test_all_advice_is_listed_with_its_page(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = advised(capsys)[0].splitlines()
    assert lines[:2] == [
        "Line 5: delete /cache/x in the same RUN, not in line 9. Saves 9.0 kB.",
        "    how: docs/advice/merge-removal.md",
    ]
    assert [line.split(":")[0] for line in lines[::2]] == ["Line 5", "Line 10", "Line 4"]


def test_the_json_has_the_rows_of_the_report(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = json.loads(advised(capsys, "--json")[0])["advice"]
    assert main(["report", "app.tar", "--dockerfile", "Dockerfile", "--json"]) == 0
    assert rows == json.loads(capsys.readouterr().out)["advice"]
    assert rows[0]["location"] == {"end_line": 7, "file": "Dockerfile", "start_line": 5}


@pytest.mark.parametrize("tool", ["git", "patch"])
def test_the_patch_applies_and_the_dockerfile_is_left_alone(
    folder: Path, capsys: pytest.CaptureFixture[str], tool: str
) -> None:
    out, err = advised(capsys, "--diff")
    assert (folder / "Dockerfile").read_text() == DOCKERFILE
    assert not (folder / ".dockerignore").exists()
    assert err == ""
    (folder / "advice.diff").write_text(out)
    if tool == "git":
        run("git", "-C", folder, "apply", folder / "advice.diff")
    else:
        run("patch", "-d", folder, "-p1", "-i", folder / "advice.diff")
    assert (folder / "Dockerfile").read_text() == AFTER
    assert (folder / ".dockerignore").read_text() == ".git\n"


def test_lines_are_added_to_a_dockerignore_that_exists(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "Dockerfile.dockerignore").write_text("dist")
    out, _ = advised(capsys, "--diff", "--no-advice", "merge-removal", "--no-advice", "apt-cache")
    assert out == (
        "--- a/Dockerfile.dockerignore\n+++ b/Dockerfile.dockerignore\n@@ -1 +1,2 @@\n"
        "-dist\n\\ No newline at end of file\n+dist\n+.git\n"
    )


def test_another_dockerfile_gets_no_patch(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = DOCKERFILE.replace("make cache", "make caches").replace("COPY . /app", "COPY b /app")
    (folder / "Dockerfile").write_text(text.replace("install -y a", "install -y b"))
    out, err = advised(capsys, "--diff")
    assert out == ""
    assert err.count("not in the patch: ") == 3


def test_a_secret_of_an_instruction_is_not_told(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image = (
        ImageBuilder("app:1")
        .layer({"a": bytes(9000)}, **buildkit.run("make API_TOKEN=hunter2hunter2"))
        .layer({"a": WHITEOUT}, **buildkit.run("API_TOKEN=hunter2hunter2 ./clean"))
        .build()
    )
    docker_legacy([image]).write(folder / "app.tar")
    assert main(["advise", "app.tar"]) == 0
    assert "hunter2" not in capsys.readouterr().out


def test_a_patch_needs_a_dockerfile(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["advise", "app.tar", "--diff"]) == 2
    assert "name it with --dockerfile" in capsys.readouterr().err
    words = ["advise", "app.tar", "--dockerfile", "Dockerfile", "--diff", "--json"]
    assert main(words) == 2


def test_a_saved_report_has_the_same_advice(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = advised(capsys)[0]
    words = ["report", "app.tar", "--dockerfile", "Dockerfile", "-o", "json=saved.json"]
    assert main(words) == 0
    assert main(["advise", "saved.json"]) == 0
    assert capsys.readouterr().out == told
    assert main(["advise", "saved.json", "--dockerfile", "Dockerfile", "--diff"]) == 2
    assert "--dockerfile has no effect on a saved report" in capsys.readouterr().err
    assert main(["report", "app.tar", "--head", "-o", "json=head.json"]) == 0
    assert main(["advise", "head.json"]) == 2
    assert "has no advice" in capsys.readouterr().err
