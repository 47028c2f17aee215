"""Runs all of action.yml for each kind of event: whose report becomes the baseline, and who gets the comment."""

from __future__ import annotations

from collections.abc import Mapping
from http.server import ThreadingHTTPServer
from typing import Any

import pytest

from tests.integrations.conftest import BROKEN, Runner, address, step
from tests.integrations.runner.api import BOT, STRANGER, Api
from tests.integrations.runner.hub import Event, pull_request, push, schedule, workflow_run
from tests.integrations.runner.job import Job

pytestmark = pytest.mark.slow


def test_the_default_branch_is_the_baseline_of_a_pull_request(runner: Runner) -> None:
    growth: dict[str, Any] = {"options": "--max-growth 0", "image": "release.tar.gz", "key": "a"}
    job, result = runner.check(pull_request(), **growth)
    assert (result, job.step("size").outputs["skipped"]) == ("success", "1")
    assert any(each.level == "warning" for each in job.annotations)
    _, result = runner.check(pull_request(), require_baseline="Yes", **growth)
    assert result == "failure"
    assert runner.check(push(), **(growth | {"image": "app.tar"}))[1] == "success"
    # A pull request that grows fails, and becomes nobody's baseline.
    for require in (True, False):
        job, result = runner.check(pull_request(), require_baseline=require, **growth)
        assert (result, job.step("size").outputs["broken"]) == ("failure", "1")
    # The default branch grows once, on purpose. Later runs measure from there.
    assert runner.check(push(), gate="false", **growth)[1] == "success"
    job, result = runner.check(pull_request(), require_baseline=True, **growth)
    assert (result, job.step("size").outputs["skipped"]) == ("success", "0")
    baselines = [each for each in runner.hub.caches if "baseline" in each.key]
    assert [each.scope for each in baselines] == ["refs/heads/main"] * 2


def test_a_job_in_a_container_keeps_and_finds_the_baseline(runner: Runner) -> None:
    growth = [step(options="--max-growth 0", require_baseline=name) for name in ("no", "yes")]
    assert runner.job(push(), in_container=True).run(growth[:1]) == "success"
    job = runner.job(pull_request(), in_container=True)
    assert job.run(growth[1:]) == "success", "\n".join(job.log)
    assert job.step("size").outputs["skipped"] == "0"


def test_a_scheduled_run_keeps_the_baseline_too(runner: Runner) -> None:
    growth: dict[str, Any] = {"options": "--max-growth 0"}
    assert runner.check(schedule(), **growth)[1] == "success"
    job, result = runner.check(pull_request(), require_baseline=True, **growth)
    assert (result, job.step("size").outputs["verdict"]) == ("success", "pass")


@pytest.mark.parametrize("name", ["pull_request_target", "workflow_run"])
def test_an_event_that_builds_untrusted_code_does_not_become_the_baseline(
    runner: Runner, name: str
) -> None:
    event = workflow_run(7) if name == "workflow_run" else pull_request(name=name)
    runner.check(event, options="--max-growth 1%")
    assert not [each for each in runner.hub.caches if "baseline" in each.key]


def test_two_images_of_one_job_have_their_own_baselines_and_reports(runner: Runner) -> None:
    def steps(first: str, second: str) -> list[dict[str, Any]]:
        shared: dict[str, Any] = {"options": "--max-growth 0"}
        return [
            step(image=first, key="one", **shared) | {"id": "one"},
            step(image=second, key="two", **shared) | {"id": "two", "if": "always()"},
        ]

    job = runner.job(push())
    assert job.run(steps("app.tar", "release.tar.gz")) == "success"
    one, two = (each.outputs for each in job.played if each.name == "size")
    assert one["json"] != two["json"]
    assert one["content"] != two["content"]
    assert runner.job(pull_request()).run(steps("app.tar", "release.tar.gz")) == "success"
    job = runner.job(pull_request())
    assert job.run(steps("release.tar.gz", "app.tar")) == "failure"
    assert [each.outcome for each in job.played if each.name == "size"] == ["failure", "success"]


def own_comments() -> list[str]:
    return [str(row["body"]) for row in Api.comments if row["user"] == BOT]


def test_one_comment_is_kept_for_each_image(runner: Runner, api: ThreadingHTTPServer) -> None:
    def play(**given: Any) -> Job:
        job = runner.job(pull_request(), api=address(api))
        wanted: dict[str, Any] = {"comment": True, "options": BROKEN} | given
        runner.check(job=job, **wanted)
        return job

    play()
    assert len(own_comments()) == 1
    assert "verdict: fail (1 of 2 rules)" in own_comments()[0]
    play(options="--max-size 2GB")
    assert len(own_comments()) == 1
    assert "verdict: pass" in own_comments()[0]
    play(key="other")
    play(image="release.tar.gz")
    assert len(own_comments()) == 3
    play(image="none.tar", key="other")
    assert len(own_comments()) == 3
    assert any("no verdict: an error" in body for body in own_comments())


def test_a_comment_is_written_only_on_request(runner: Runner, api: ThreadingHTTPServer) -> None:
    for event, comment in ((pull_request(), "false"), (push(), "true"), (workflow_run(), "yes")):
        job = runner.job(event, api=address(api))
        _, result = runner.check(job=job, options="--max-size 2GB", comment=comment)
        assert result == "success"
        assert not own_comments()


def test_another_authors_comment_is_left_alone(runner: Runner, api: ThreadingHTTPServer) -> None:
    for _ in range(2):
        runner.check(job=runner.job(pull_request(), api=address(api)), comment=True, options=BROKEN)
        stolen = own_comments()[0]
        Api.comments.insert(0, {"id": 9000, "body": stolen, "user": STRANGER})
    assert [row["body"] for row in Api.comments if row["id"] == 9000] == [stolen, stolen]
    assert len(own_comments()) == 1


def test_the_comment_of_another_author_is_found_again(
    runner: Runner, api: ThreadingHTTPServer
) -> None:
    Api.writer = {"login": "release-helper", "type": "User"}
    for _ in range(2):
        job = runner.job(pull_request(), api=address(api))
        runner.check(job=job, comment=1, comment_author="Release-Helper", options=BROKEN)
    assert [row["user"] for row in Api.comments].count(Api.writer) == 1


@pytest.mark.parametrize(
    ("event", "given", "number"),
    [
        (workflow_run(9), {}, 9),
        (workflow_run(9), {"pull-request": 12}, 12),
        (workflow_run(), {"pull-request": "${{ github.event.none || 11 }}"}, 11),
        (push(), {"pull-request": 3}, 3),
    ],
    ids=["of the event", "given", "given for a fork", "given on a push"],
)
def test_the_comment_goes_to_the_pull_request_of_the_event_or_to_the_given_one(
    runner: Runner,
    api: ThreadingHTTPServer,
    event: Event,
    given: Mapping[str, object],
    number: int,
) -> None:
    Api.number = number
    job = runner.job(event, api=address(api))
    inputs = {"image": "app.tar", "options": BROKEN, "comment": "true", **given}
    job.run([step() | {"with": inputs}])
    assert job.step("Comment on the pull request").code == 0
    assert len(own_comments()) == 1


def test_a_pull_request_from_a_fork_is_judged_and_gets_a_warning_for_the_comment(
    runner: Runner, api: ThreadingHTTPServer
) -> None:
    Api.refuse = 403
    for options, result in (("--max-size 2GB", "success"), (BROKEN, "failure")):
        job = runner.job(pull_request(fork=True), api=address(api))
        assert runner.check(job=job, comment=True, options=options)[1] == result
        warnings = [each.message for each in job.annotations if each.level == "warning"]
        assert any("HTTP 403" in message for message in warnings)
        assert job.step("Comment on the pull request").outcome == "success"


def test_the_small_action_comments_with_a_comparison(
    runner: Runner, api: ThreadingHTTPServer
) -> None:
    for options in ({}, {"pull-request": "7"}):
        job = runner.job(push() if options else pull_request(), api=address(api))
        program = runner.temp / "layerscope-venv/bin/layerscope"
        compare = f"'{program}' compare release.tar.gz app.tar --quiet -o markdown=changes.md"
        use = {"uses": "comment", "with": {"file": "changes.md"} | options}
        assert job.run([{"run": compare}, use]) == "success", job.log
    assert len(own_comments()) == 1
    assert own_comments()[0].startswith("<!-- layerscope compare -->")
