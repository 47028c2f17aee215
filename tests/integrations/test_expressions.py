"""The test runner's expressions behave as GitHub documents, so the tests behave like a real runner."""

from __future__ import annotations

import pytest

from tests.integrations.runner.expressions import (
    ExpressionError,
    Scope,
    condition,
    evaluate,
    expand,
)

CONTEXTS: dict[str, object] = {
    "inputs": {"gate": "false", "empty": "", "pull-request": ""},
    "github": {
        "event": {
            "pull_request": None,
            "workflow_run": {"pull_requests": [{"number": 7.0}, {"number": 8.0}]},
        }
    },
    "steps": {"a": {"outputs": {"json": "/x.json"}, "outcome": "success"}},
}


def scope(*, failed: bool = False) -> Scope:
    functions = {
        "success": lambda: not failed,
        "failure": lambda: failed,
        "always": lambda: True,
        "cancelled": lambda: False,
    }
    return Scope(CONTEXTS, functions)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1 == '1'", True),
        ("'' == 0", True),
        ("null == 0", True),
        ("null == ''", True),
        ("'A' == 'a'", True),
        ("'x' == 0", False),
        ("NaN == NaN", False),
        ("true == 'true'", False),
        ("true == 1", True),
        ("!''", True),
        ("!'false'", False),
        ("!!-0", False),
        ("'a' < 'B'", True),
        ("0x10 == 16", True),
        ("'it''s'", "it's"),
        ("false && true || 'x'", "x"),
        ("true && ''", ""),
        ("false || null || 'last'", "last"),
        ("1 < 2 == true", True),
        ("!(true && false)", True),
        ("github.event.pull_request.number", None),
        ("github.event.workflow_run.pull_requests[0].number", 7.0),
        ("github.event.workflow_run.pull_requests[2].number", None),
        ("github.event['workflow_run'].pull_requests.*.number", [7.0, 8.0]),
        ("join(github.event.workflow_run.pull_requests.*.number, '+')", "7+8"),
        ("GITHUB.Event.Workflow_Run.Pull_Requests[1].NUMBER", 8.0),
        ("inputs.pull-request || github.event.pull_request.number || 'none'", "none"),
        ("contains('Hello', 'ELL')", True),
        ("contains(fromJSON('[1, 2]'), '2')", True),
        ("startsWith('refs/heads/main', 'refs/')", True),
        ("endsWith('a.TAR', '.tar')", True),
        ("format('{0}-{1}-{{0}}', 'a', 1.50)", "a-1.5-{0}"),
        ("fromJSON('{\"a\": [true]}').a[0]", True),
        ("toJSON(fromJSON('[1]'))", "[\n  1\n]"),
    ],
)
def test_an_expression_has_the_value_that_github_gives_it(text: str, value: object) -> None:
    assert evaluate(text, scope()) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${{ true }}", True),
        ("a ${{ 1 }}-${{ 'b}}' }}", "a 1-b}}"),
        ("${{ fromJSON('[]') }}!", "Array!"),
        ("${{ null }}x", "x"),
        ("plain", "plain"),
    ],
)
def test_text_around_an_expression_makes_it_text(text: str, value: object) -> None:
    assert expand(text, scope()) == value


@pytest.mark.parametrize(
    ("text", "passed", "failed"),
    [
        ("success()", True, False),
        ("true", True, False),
        ("${{ true }}", True, False),
        ("always()", True, True),
        ("failure()", False, True),
        ("!cancelled()", True, True),
        ("${{ !cancelled() && steps.a.outcome == 'success' }}", True, True),
        ("steps.b.outputs.json", False, False),
        ("inputs.gate", True, False),
        ("inputs.empty", False, False),
        ("${{ inputs.empty }} == 'x'", True, False),
    ],
)
def test_a_condition_requires_success_unless_it_checks_the_status_itself(
    text: str, passed: bool, failed: bool
) -> None:
    assert condition(text, scope()) is passed
    assert condition(text, scope(failed=True)) is failed


@pytest.mark.parametrize(
    "text", ["", "a.", "unknown.x", "nothing()", "1 = 1", "'x", "(1", "format('{1}', 1)", "a b"]
)
def test_what_github_refuses_is_refused(text: str) -> None:
    with pytest.raises(ExpressionError):
        evaluate(text, scope())
