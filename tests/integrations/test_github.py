"""The GitHub Action: its steps run end to end, and its comment is kept on a server that responds like the API."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from tests.cli.conftest import environment
from tests.integrations.runner.api import BOT, MARKER, STRANGER, Api, serving

ROOT = Path(__file__).parents[2]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text())
LOCK = ROOT / "integrations/github/requirements.txt"
CHECK = (ROOT / "integrations/github/check.py").read_text()


@pytest.mark.slow
def test_a_job_runs_end_to_end() -> None:
    done = subprocess.run(
        [str(ROOT / "tests/integrations/github_job"), sys.executable, str(ROOT)],
        env={name: value for name, value in environment().items() if name != "PYTHONPATH"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "github_job: all as it should be\n"


def test_every_input_reaches_a_step_and_every_output_comes_from_one() -> None:
    steps = ACTION["runs"]["steps"]
    named = set()
    for step in steps:
        for name, value in step.get("env", {}).items():
            if name.startswith("INPUT_"):
                word = name.removeprefix("INPUT_").lower().replace("_", "-")
                assert value == f"${{{{ inputs.{word} }}}}"
                named.add(word)
    elsewhere = {"token", "pull-request", "working-directory"}
    assert named | elsewhere == set(ACTION["inputs"])
    for name, output in ACTION["outputs"].items():
        assert output["value"] == f"${{{{ steps.check.outputs.{name} }}}}"
        assert f'"{name}"' in CHECK
    for step in steps:
        for script in re.findall(r"\$GITHUB_ACTION_PATH/([\w./-]+)", step.get("run", "")):
            assert (ROOT / script).is_file()


def test_no_expression_is_pasted_into_a_script() -> None:
    """Names in a pull request must not become shell commands."""
    for path in (ROOT / "action.yml", ROOT / "integrations/github/comment/action.yml"):
        for step in yaml.safe_load(path.read_text())["runs"]["steps"]:
            if "uses" in step:
                assert re.fullmatch(r"actions/[\w/-]+@(v\d+|[0-9a-f]{40})", step["uses"])
            else:
                assert "${{" not in step["run"]
                assert step["shell"] == "bash"


def prepared(**variables: str) -> tuple[int, str, dict[str, str]]:
    """The exit code, log, and outputs of the step that reads the inputs."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder, "output")
        output.touch()
        done = subprocess.run(
            [sys.executable, str(ROOT / "integrations/github/prepare.py")],
            env={"GITHUB_OUTPUT": str(output), "RUNNER_TEMP": "/temp"} | variables,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        lines = output.read_text().splitlines()
    return done.returncode, done.stdout, dict(line.split("=", 1) for line in lines)


def test_a_runner_with_windows_is_refused() -> None:
    code, log, outputs = prepared(INPUT_IMAGE="app", RUNNER_OS="Windows")
    assert (code, outputs) == (2, {})
    assert "needs a runner with Linux or macOS" in log


@pytest.mark.parametrize("name", ["GATE", "COMMENT", "SUMMARY", "ANNOTATIONS", "REQUIRE_BASELINE"])
def test_a_switch_that_is_neither_yes_nor_no_ends_the_job(name: str) -> None:
    for value in ("maybe", "tru", "null", "2", "no!"):
        code, log, outputs = prepared(**{"INPUT_IMAGE": "app", f"INPUT_{name}": value})
        assert code == 2
        assert log.startswith("::error title=layerscope::the input ")
        assert not outputs
    for value in ("True", "yes", " 1 ", "ON", "FALSE", "no", "Off", "0", ""):
        assert prepared(**{"INPUT_IMAGE": "app", f"INPUT_{name}": value})[0] == 0


@pytest.mark.parametrize(
    ("image", "key"),
    [
        ("docker:app", "app"),
        ("docker:app:1.2", "app"),
        ("docker://app@sha256:0a", "app"),
        ("app.tar", "app.tar"),
    ],
)
def test_an_image_keeps_its_key_from_build_to_build(image: str, key: str) -> None:
    assert prepared(INPUT_IMAGE=image)[2]["key"] == key


def test_different_images_get_different_keys() -> None:
    keys = [
        prepared(INPUT_IMAGE=image, INPUT_PLATFORM=platform)[2]["key"]
        for image in ("ghcr.io/me/app:1", "ghcr.io/me-app", "localhost:5000/me/app")
        for platform in ("", "linux/arm64")
    ]
    assert len(set(keys)) == 6
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+", key) for key in keys)
    assert prepared(INPUT_IMAGE="ghcr.io/me/app:2")[2]["key"] == keys[0]


@pytest.mark.parametrize(
    ("event", "ref", "keep"),
    [
        ("push", "refs/heads/main", "true"),
        ("schedule", "refs/heads/main", "true"),
        ("push", "refs/heads/other", "false"),
        ("pull_request", "refs/pull/7/merge", "false"),
        ("pull_request_target", "refs/heads/main", "false"),
        ("workflow_run", "refs/heads/main", "false"),
    ],
)
def test_only_the_default_branch_itself_becomes_the_baseline(
    event: str, ref: str, keep: str
) -> None:
    variables = {"DEFAULT_BRANCH": "main", "GITHUB_EVENT_NAME": event, "GITHUB_REF": ref}
    assert prepared(INPUT_IMAGE="app", **variables)[2]["keep"] == keep
    outputs = prepared(INPUT_IMAGE="app", INPUT_KEEP_BASELINE="no", **variables)[2]
    assert (outputs["keep"], outputs["cache"]) == ("false", "")


@pytest.mark.parametrize(("python", "code"), [("/bin/false", 2), ("/none", 127)])
def test_python_that_cannot_start_is_reported_and_never_exit_code_1(
    tmp_path: Path, python: str, code: int
) -> None:
    done = subprocess.run(
        [str(ROOT / "integrations/github/python"), "check.py"],
        env={
            "PATH": os.environ["PATH"],
            "PYTHON": python,
            "GITHUB_STEP_SUMMARY": str(tmp_path / "s"),
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == code
    assert done.stdout.startswith("::error title=layerscope::Python ended with exit code ")
    assert "no verdict" in (tmp_path / "s").read_text()


@pytest.fixture
def api() -> Iterator[ThreadingHTTPServer]:
    with serving() as server:
        yield server


def comment(
    server: ThreadingHTTPServer, path: Path, *options: str, number: str = "7"
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            sys.executable,
            str(ROOT / "integrations/github/comment.py"),
            *options,
            number,
            str(path),
        ],
        env=api_environment(server),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def api_environment(server: ThreadingHTTPServer) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "GITHUB_API_URL": f"http://127.0.0.1:{server.server_port}",
        "GITHUB_REPOSITORY": "me/app",
        "GITHUB_TOKEN": "secret",
        "no_proxy": "*",
    }


def test_one_comment_is_written_and_then_kept(api: ThreadingHTTPServer, tmp_path: Path) -> None:
    report = tmp_path / "report.md"
    report.write_text(f"{MARKER}\nfirst é")
    assert comment(api, report).returncode == 0
    assert len(Api.comments) == 131
    report.write_text(f"{MARKER}\nsecond")
    assert comment(api, report).returncode == 0
    assert len(Api.comments) == 131
    assert Api.comments[-1]["body"] == f"{MARKER}\nsecond"
    assert Api.comments[0]["body"].startswith("comment 0")


def test_a_long_report_is_cut_to_what_a_comment_can_hold(
    api: ThreadingHTTPServer, tmp_path: Path
) -> None:
    report = tmp_path / "report.md"
    report.write_text(f"{MARKER}\n### layerscope: <code>app:1</code>\n" + "| é | row |\n" * 9000)
    for _ in range(2):
        assert comment(api, report).returncode == 0
    assert len(Api.comments) == 131
    body = Api.comments[-1]["body"]
    assert 65_000 < len(body) <= 65_536
    assert body.split("\n\n…")[0].endswith("| é | row |")


@pytest.mark.parametrize(
    "author", [STRANGER, {"login": "github-actions[bot]", "type": "User"}, None]
)
def test_another_authors_comment_with_the_marker_is_left_alone(
    api: ThreadingHTTPServer, tmp_path: Path, author: dict[str, str] | None
) -> None:
    report = tmp_path / "report.md"
    report.write_text(f"{MARKER}\n### layerscope: <code>app:1</code>\n")
    assert comment(api, report).returncode == 0
    stolen = Api.comments.pop()["body"]
    Api.comments.insert(0, {"id": 9000, "body": stolen, "user": author})
    for _ in range(2):
        assert comment(api, report).returncode == 0
    assert Api.comments[0]["body"] == stolen
    assert [row["user"] for row in Api.comments].count(BOT) == 1


def test_each_image_has_one_comment_and_so_has_its_comparison(
    api: ThreadingHTTPServer, tmp_path: Path
) -> None:
    for round_ in range(2):
        for name, text in {
            "app.md": f"{MARKER}\n### layerscope: <code>me/app:{round_}</code>\n",
            "tool.md": f"{MARKER}\n### layerscope: <code>tool:{round_}</code>\n",
            "compare.md": "<!-- layerscope compare -->\n### layerscope: <code>me/app:0</code> → "
            f"<code>me/app:{round_}</code>\n",
        }.items():
            (tmp_path / name).write_text(text)
            assert comment(api, tmp_path / name).returncode == 0
    own = [row["body"] for row in Api.comments if row["user"] is BOT]
    assert len(own) == 3
    assert all(":1</code>\n" in body for body in own)
    assert comment(api, tmp_path / "app.md", "--key", "nightly").returncode == 0
    assert sum(row["user"] is BOT for row in Api.comments) == 4


def test_the_author_can_be_another_bot(api: ThreadingHTTPServer, tmp_path: Path) -> None:
    Api.writer = {"login": "my-app[bot]", "type": "Bot"}
    report = tmp_path / "report.md"
    report.write_text(MARKER)
    done = comment(api, report)
    assert done.returncode == 0
    assert "set comment-author: my-app[bot]" in done.stdout
    for _ in range(2):
        assert comment(api, report, "--author", "my-app[bot]").returncode == 0
    assert len(Api.comments) == 131


@pytest.mark.parametrize("number", ["", "x", "7/../8", "-1", "７"])
def test_an_invalid_pull_request_number_is_refused(
    api: ThreadingHTTPServer, tmp_path: Path, number: str
) -> None:
    (tmp_path / "report.md").write_text(MARKER)
    done = comment(api, tmp_path / "report.md", "--", number=number)
    assert done.returncode == 2
    assert len(Api.comments) == 130


def test_a_pull_request_from_a_fork_has_no_comment_and_does_not_fail(
    api: ThreadingHTTPServer, tmp_path: Path
) -> None:
    (tmp_path / "report.md").write_text(MARKER)
    Api.refuse = 403
    done = comment(api, tmp_path / "report.md")
    assert done.returncode == 0
    assert done.stdout.startswith(
        "::warning title=layerscope::the comment cannot be written: HTTP 403"
    )
    Api.refuse = 500
    assert comment(api, tmp_path / "report.md").returncode == 3
    (tmp_path / "other.md").write_text("no marker")
    assert comment(api, tmp_path / "other.md").returncode == 2


def test_the_action_pins_every_dependency() -> None:
    pinned = set(re.findall(r"^([a-z0-9-]+)==", LOCK.read_text(), re.MULTILINE))
    needed = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    names = {re.split(r"[^a-z0-9.-]", each, maxsplit=1)[0].replace(".", "-") for each in needed}
    assert len(names) > 10
    assert names - pinned == set()
