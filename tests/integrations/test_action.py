"""Runs all of action.yml, the way a runner does: its inputs, its gate, its errors, and its installation."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.cli.images import hostile_text, write
from tests.integrations.conftest import BROKEN, Runner, errors, names, step
from tests.integrations.runner.hub import pull_request, push

pytestmark = pytest.mark.slow


def test_a_first_job_installs_the_pinned_packages_and_caches_them(runner: Runner) -> None:
    for part in ("layerscope-venv", "layerscope-pip"):
        shutil.rmtree(runner.temp / part, ignore_errors=True)
    job, result = runner.check(options="--max-size 2GB", keep_baseline=False)
    assert result == "success", "\n".join(job.log)
    assert [cache.key.startswith("layerscope-pip-Linux-X64-3.") for cache in runner.hub.caches] == [
        True
    ]
    # Without a network the next runner installs the same from the cache.
    for part in ("layerscope-venv", "layerscope-pip"):
        shutil.rmtree(runner.temp / part)
    blocked = {"PIP_INDEX_URL": "http://127.0.0.1:9", "PIP_RETRIES": "0"}
    job, result = runner.check(
        job=runner.job(push(), env=blocked), options="--max-size 2GB", keep_baseline=False
    )
    assert result == "success", "\n".join(job.log)
    assert len(runner.hub.caches) == 1


def test_every_step_runs_on_the_default_branch_and_only_what_is_needed_elsewhere(
    runner: Runner,
) -> None:
    job, _ = runner.check(push(), options="--max-size 2GB")
    assert set(names(job).values()) == {"success"}
    job, _ = runner.check(push("other"), options="--max-size 2GB")
    skipped = {name for name, outcome in names(job).items() if outcome == "skipped"}
    assert skipped == {"Keep the report as the baseline"}
    job, _ = runner.check(push(), options="--max-size 2GB", keep_baseline="No")
    skipped = {name for name, outcome in names(job).items() if outcome == "skipped"}
    assert skipped == {
        "Keep the report as the baseline",
        "Fetch the baseline of the default branch",
    }


@pytest.mark.parametrize(
    ("gate", "result"),
    [(each, "failure") for each in (True, "True", "yes", 1, " ON ", "")]
    + [(each, "success") for each in (False, "False", "no", 0, "off")],
)
def test_a_broken_budget_fails_the_job_unless_gate_clearly_says_no(
    runner: Runner, gate: object, result: str
) -> None:
    job, ended = runner.check(options=BROKEN, gate=gate)
    assert ended == result
    assert job.step("Check the image").code == (1 if result == "failure" else 0)
    outputs = job.step("size").outputs
    assert (outputs["verdict"], outputs["broken"], outputs["skipped"]) == ("fail", "1", "0")
    assert "verdict: fail (1 of 2 rules)" in job.summary
    assert any("max_wasted_percent" in message for message in errors(job))


def test_later_steps_get_the_outputs_of_a_failed_step(runner: Runner) -> None:
    job = runner.job(push())
    upload = {
        "name": "upload",
        "if": "${{ !cancelled() && steps.size.outputs.json }}",
        "uses": "actions/upload-artifact@v4",
        "with": {"name": "size", "path": "${{ steps.size.outputs.json }}"},
    }
    after = {"name": "after", "run": "exit 1"}
    assert job.run([step(options=BROKEN), upload, after]) == "failure"
    assert names(job)["after"] == "skipped"
    document = json.loads((runner.hub.artifacts["size"] / "report.json").read_text())
    assert document["verdict"]["passed"] is False
    job = runner.job(push())
    assert job.run([step(image="none.tar", options=BROKEN), upload]) == "failure"
    assert names(job)["upload"] == "skipped"


@pytest.mark.parametrize(
    "options",
    [
        "--max-size 2GB --max-layers 30",
        "--max-size=2GB\n--max-layers=30\n",
        "  --max-size   2GB   # the budget\n\n\t--max-layers \\\n\t30\r\n",
        "--max-size '2 GB' --max-layers \"30\"",
        "# nothing may be larger\n--max-size 2GB --max-layers 30",
    ],
)
def test_options_are_split_like_in_a_shell(runner: Runner, options: str) -> None:
    job, result = runner.check(options=options)
    assert result == "success", "\n".join(job.log)
    document = json.loads(Path(job.step("size").outputs["json"]).read_text())
    assert {rule["rule"] for rule in document["verdict"]["rules"]} == {"max_size", "max_layers"}


def test_blanks_around_an_input_mean_nothing_and_blanks_in_a_path_stay(runner: Runner) -> None:
    job = runner.job(push())
    (job.workspace / "my files").mkdir()
    (job.workspace / "app.tar").rename(job.workspace / "my files/my app.tar")
    (job.workspace / "Dockerfile").rename(job.workspace / "my files/a Dockerfile")
    (job.workspace / "my files/my budget.toml").write_text("[budget]\nmax_layers = 30\n")
    job, result = runner.check(
        job=job,
        image="my files/my app.tar\n",
        budget="  my files/my budget.toml\n",
        dockerfile="my files/a Dockerfile ",
        base=" ",
        anchor="\n",
        platform="\n",
        reports="my files/reports of today\n",
        gate="True\n",
        options="\n",
    )
    assert result == "success", "\n".join(job.log)
    path = Path(job.step("size").outputs["json"])
    assert path == job.workspace / "my files/reports of today/report.json"
    assert json.loads(path.read_text())["verdict"]["passed"] is True


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("gate", "maybe"),
        ("gate", "tru"),
        ("summary", "2"),
        ("annotations", "none"),
        ("comment", "always"),
        ("keep-baseline", "null"),
        ("require-baseline", "y"),
        ("options", "--max-size '2GB"),
    ],
)
def test_an_invalid_input_is_an_error_everywhere(runner: Runner, name: str, value: str) -> None:
    given: dict[str, Any] = {"options": BROKEN, name.replace("-", "_"): value}
    job, result = runner.check(pull_request(), **given)
    assert result == "failure"
    assert job.step("Read the inputs").code == 2
    (message,) = errors(job)
    assert message.startswith(f"the input {name} ")
    if name != "summary":
        assert "no verdict: an error" in job.summary
    assert names(job)["Check the image"] == "skipped"
    assert names(job)["Comment on the pull request"] == "skipped"
    assert job.step("size").outputs["verdict"] == ""


@pytest.mark.parametrize(
    ("given", "code", "message"),
    [
        ({"image": ""}, 2, ""),
        ({"image": "none.tar"}, 3, "none.tar"),
        ({"image": "docker-archive:Dockerfile"}, 4, "Dockerfile"),
        ({"options": ""}, 2, "there is no rule to check"),
        ({"options": "--max-sise 1"}, 2, "--max-sise"),
        ({"budget": "none.toml"}, 2, "none.toml"),
        ({"baseline": "none.json", "require-baseline": True}, 3, "none.json"),
        ({"platform": "linux/s390x"}, 3, "linux/s390x"),
        ({"dockerfile": "none"}, 2, "none"),
    ],
    ids=str,
)
def test_an_error_reaches_the_annotation_and_the_summary_with_its_exit_code(
    runner: Runner, given: dict[str, Any], code: int, message: str
) -> None:
    for gate in (True, False):
        wanted = {"options": "--max-growth 1%", "gate": gate} | given
        if not gate and given == {"options": ""}:
            continue  # a report needs no rules
        job, result = runner.check(**{key.replace("-", "_"): each for key, each in wanted.items()})
        assert result == "failure"
        assert job.step("Check the image").code == code
        assert len(errors(job)) == 1
        assert message in errors(job)[0]
        assert "no verdict: an error" in job.summary
        assert job.step("size").outputs["json"] == ""
        assert names(job)["Keep the report as the baseline"] == "skipped"


def test_a_missing_working_directory_fails_the_job(runner: Runner) -> None:
    _, result = runner.check(options=BROKEN, gate=False, working_directory="none")
    assert result == "failure"


def test_a_run_in_another_folder_reads_its_budget_there(runner: Runner) -> None:
    job = runner.job(push())
    (job.workspace / "sub folder").mkdir()
    (job.workspace / "sub folder/layerscope.toml").write_text("[budget]\nmax_layers = 2\n")
    job, result = runner.check(job=job, image="../app.tar", working_directory="sub folder")
    assert result == "failure"
    assert job.step("size").outputs["broken"] == "1"
    assert not list((job.workspace / "sub folder").glob("layerscope-*"))


@pytest.mark.parametrize(
    "env",
    [
        {"PYTHONIOENCODING": "garbage", "PYTHONHOME": "/none", "PYTHONUTF8": "x"},
        {"PYTHONPATH": ".", "PYTHONHASHSEED": "x", "PYTHONSAFEPATH": ""},
        {"INPUT_GATE": "false", "INPUT_IMAGE": "none.tar", "LAYERSCOPE": "/bin/true"},
        {"PIP_REQUIRE_VIRTUALENV": "true", "LC_ALL": "C", "GITHUB_TOKEN": "x"},
    ],
    ids=str,
)
def test_variables_of_the_workflow_do_not_change_the_verdict(
    runner: Runner, env: dict[str, str]
) -> None:
    for options, code in (("--max-size 2GB", 0), (BROKEN, 1)):
        job = runner.job(push(), env=env)
        (job.workspace / "json.py").write_text("raise SystemExit(1)")
        runner.check(job=job, options=options)
        assert job.step("Check the image").code == code, "\n".join(job.log)


def test_python_that_cannot_start_is_an_error_and_not_a_broken_budget(runner: Runner) -> None:
    """With too little memory Python ends with exit code 1 before any of its code runs."""
    job = runner.job(push())
    (job.workspace / "small").write_text("ulimit -v 9000\n")
    env = {"BASH_ENV": str(job.workspace / "small")}
    result = job.run([step(options="--max-size 2GB") | {"env": env}])
    assert result == "failure"
    assert job.step("Read the inputs").code not in (0, 1)
    assert job.step("size").outputs["verdict"] == ""
    assert len(errors(job)) == 1
    assert "no verdict" in job.summary


def test_no_text_of_an_image_becomes_a_workflow_command(runner: Runner) -> None:
    for gate, options in ((True, "--max-wasted 0"), (False, "")):
        job = runner.job(push())
        write(hostile_text(), job.workspace / "evil.tar")
        runner.check(job=job, image="evil.tar", gate=gate, options=options)
        assert job.step("size").outputs["json"], "\n".join(job.log)
        assert all(
            each.properties.get("title", "").startswith("layerscope") for each in job.annotations
        )
        assert not [each for each in job.annotations if each.message in ("x", "pwned")]
        assert "##vso[" not in {line.strip()[:6] for line in "\n".join(job.log).splitlines()}
