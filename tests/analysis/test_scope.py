"""Limits on instructions and paths, and exceptions from them."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from layerscope.analysis.budgets.allow import Allow
from layerscope.analysis.budgets.budget import Budget, load_budget
from layerscope.analysis.budgets.judge import evaluate
from layerscope.analysis.budgets.scope import InstructionLimit
from layerscope.analysis.budgets.verdict import Verdict
from layerscope.analysis.model import Analysis
from layerscope.errors import ConfigError
from tests.analysis.steps import Steps, analysis_of
from tests.builder import WHITEOUT, Directory, File, Symlink
from tests.report.sample import make_analysis, wasted, without_tar

BASE: dict[str, Any] = {"usr/share/doc/a": bytes(600), "usr/lib/x.so": bytes(5000)}
STEPS: Steps = [
    ("ADD rootfs /", BASE),
    (
        "COPY . /app",
        {"app/.git/HEAD": bytes(40), "app/.git/refs/": Directory(), "app/m": bytes(900)},
    ),
    ("RUN pip install a", {"usr/share/doc/b": bytes(400), "root/cache": bytes(300)}),
    ("RUN pip install b", {"usr/lib/b": bytes(700), "app/m": File(bytes(900), uid=1)}),
    ("RUN rm -rf /app/.git /root/cache", {"app/.git": WHITEOUT, "root/cache": WHITEOUT}),
]


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Analysis:
    return analysis_of(tmp_path_factory.mktemp("app"), STEPS)


def budget_of(folder: Path, text: str) -> Budget:
    (folder / "layerscope.toml").write_text(text)
    return load_budget(None, {}, directory=folder)


def judged(folder: Path, analysis: Analysis, text: str, today: date | None = None) -> Verdict:
    return evaluate(budget_of(folder, text), analysis.facts, today=today)


@pytest.mark.parametrize(("limit", "passed"), [("699", False), ("700", True), ("'0.701kB'", True)])
def test_an_instruction_over_its_limit_breaks_the_rule(
    tmp_path: Path, app: Analysis, limit: str, passed: bool
) -> None:
    text = f"[[budget.instruction]]\nmatch = 'RUN pip*a'\nmax = {limit}"
    (result,) = judged(tmp_path, app, text).rules
    assert (result.rule, result.scope, result.actual, result.unit) == (
        "max_instruction_size",
        "RUN pip*a",
        700,
        "bytes",
    )
    assert result.passed is passed
    assert "instruction 2" in result.message


def test_the_largest_matching_instruction_counts(tmp_path: Path, app: Analysis) -> None:
    text = "[[budget.instruction]]\nmatch = 'RUN *'\nmax = '1kB'\nreason = 'keep it small'"
    (result,) = judged(tmp_path, app, text).rules
    assert (result.actual, result.passed) == (1600, False)
    assert result.message == "RUN *: 600 B over; instruction 3; keep it small"
    (result,) = judged(tmp_path, app, text.replace("RUN *", "CMD *")).rules
    assert (result.actual, result.passed) == (0, True)
    assert "no instruction matches" in result.message


@pytest.mark.parametrize(("limit", "passed"), [(999, False), (1000, True), (1001, True)])
def test_everything_stored_at_a_path_counts(
    tmp_path: Path, app: Analysis, limit: int, passed: bool
) -> None:
    text = f"[[budget.path]]\nglob = '/usr/share/doc/**'\nmax = {limit}"
    (result,) = judged(tmp_path, app, text).rules
    assert (result.rule, result.actual, result.passed) == ("max_path_size", 1000, passed)
    assert "most, 600 B, by instruction 0" in result.message


def test_deleted_files_count_too(tmp_path: Path, app: Analysis) -> None:
    (result,) = judged(tmp_path, app, "[[budget.path]]\nglob = '/app/m'\nmax = '1kB'").rules
    assert (result.actual, result.passed) == (1800, False)


def test_a_forbidden_path_breaks_the_rule_at_any_size(tmp_path: Path, app: Analysis) -> None:
    text = "[[budget.path]]\nglob = '**/.git/**'\nmax = 0\nreason = 'secret'"
    (result,) = judged(tmp_path, app, text).rules
    assert (result.rule, result.limit, result.actual, result.unit) == (
        "forbidden_path",
        0,
        2,
        "count",
    )
    assert not result.passed
    assert result.message == "**/.git/**: /app/.git/HEAD by instruction 1; secret"
    assert judged(tmp_path, app, text.replace(".git", ".svn")).passed


def test_an_empty_file_or_link_is_forbidden_too(tmp_path: Path) -> None:
    analysis = analysis_of(tmp_path, [("COPY a /", {"a/.env": b"", "b/.env": Symlink("c")})])
    (result,) = judged(tmp_path, analysis, "[[budget.path]]\nglob = '.env'\nmax = 0").rules
    assert (result.actual, result.passed) == (2, False)


def test_a_warning_does_not_fail_the_verdict(tmp_path: Path, app: Analysis) -> None:
    text = """
[budget]
max_size = { limit = 1, level = "warn", reason = "soon" }
max_layers = 5
[[budget.path]]
glob = "/usr/share/doc/**"
max = 1
level = "warn"
"""
    verdict = judged(tmp_path, app, text)
    assert verdict.passed
    assert (verdict.broken, verdict.warnings) == (0, 2)
    size, layers, path = verdict.rules
    assert (size.level, size.reason, size.passed) == ("warn", "soon", False)
    assert size.message.endswith("; soon")
    assert (layers.level, path.level) == ("fail", "warn")


def test_limits_on_parts_are_unknown_if_a_layer_is_missing(tmp_path: Path) -> None:
    analysis = without_tar(make_analysis([("RUN a", 5), ("RUN b", 6)]), 1)
    text = "[[budget.path]]\nglob = 'a'\nmax = 9\n[[budget.instruction]]\nmatch='RUN *'\nmax = 90"
    instruction, path = judged(tmp_path, analysis, text).rules
    for result in (instruction, path):
        assert (result.actual, result.passed) == (None, False)
        assert "layer 1" in result.message
    text = "[[budget.instruction]]\nmatch='RUN a'\nmax = 90"
    assert judged(tmp_path, analysis, text).passed


ALLOW = """
[budget]
max_wasted = 0
min_efficiency = 1
[[budget.path]]
glob = "**/.git/**"
max = 0
[[budget.allow]]
name = "the repository"
glob = "/app/.git/**"
reason = "until the build has a .dockerignore"
until = 2027-01-31
[[budget.allow]]
glob = "/app/m"
reason = "the model is written twice"
rules = ["max_wasted"]
[[budget.allow]]
glob = "/root/**"
reason = "caches"
"""


def test_exceptions_allow_paths_for_their_rules(tmp_path: Path, app: Analysis) -> None:
    verdict = judged(tmp_path, app, ALLOW)
    wasted, efficiency, forbidden = verdict.rules
    assert (wasted.actual, wasted.passed) == (0, True)
    assert "1.2 kB more allowed by exceptions" in wasted.message
    assert efficiency.actual == pytest.approx(1 - 900 / 8840)
    assert (forbidden.actual, forbidden.passed) == (0, True)
    assert [(each.allow.label, each.bytes, each.files) for each in verdict.allowed] == [
        ("the repository", 40, 1),
        ("/app/m", 900, 1),
        ("/root/**", 300, 1),
    ]


@pytest.mark.parametrize(
    ("today", "expired"),
    [(None, False), (date(2027, 1, 31), False), (date(2027, 2, 1), True)],
)
def test_an_exception_expires_after_its_day(
    tmp_path: Path, app: Analysis, today: date | None, expired: bool
) -> None:
    verdict = judged(tmp_path, app, ALLOW, today)
    results = {rule.rule: rule for rule in verdict.rules}
    assert ("expired_allow" in results) is expired
    assert results["forbidden_path"].passed is not expired
    if expired:
        result = results["expired_allow"]
        assert not result.passed
        assert result.message.startswith("the repository: was allowed until 2027-01-31")
        assert len(verdict.allowed) == 2


def test_waste_that_two_exceptions_allow_counts_once(tmp_path: Path, app: Analysis) -> None:
    text = (
        ALLOW + "[[budget.allow]]\nglob = '/app/**'\nreason = 'all of it'\nrules=['max_wasted']\n"
    )
    assert judged(tmp_path, app, text).rules[0].actual == 0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "[budget.path]\nglob = 'a'",
            "budget.path is not an array of tables; write [[budget.path]]",
        ),
        ("[[budget.path]]\nglob = 'a'", "budget.path[0]: max is missing"),
        ("[[budget.path]]\nmax = 1", "budget.path[0]: glob is missing"),
        ("[[budget.path]]\nglob = 3\nmax = 1", "budget.path[0].glob: an integer is not a glob"),
        (
            "[[budget.path]]\nglob = ''\nmax = 1",
            "budget.path[0].glob: an empty string is not a glob",
        ),
        ("[[budget.path]]\nglob = '[z-a]'\nmax = 1", "budget.path[0].glob: the path pattern"),
        ("[[budget.path]]\nglob = 'a'\nmax = -1", "budget.path[0].max: size -1 is negative"),
        ("[[budget.path]]\nglob = 'a'\nmaxx = 1", "unknown key maxx; did you mean max?"),
        ("[[budget.path]]\nglob='a'\nmax=1\nlevel='error'", "level: 'error' is not a level"),
        ("[[budget.instruction]]\nmatch = 'a'\nmax = '3 apples'", "instruction[0].max"),
        ("[[budget.instruction]]\nmatch = 'a'\nmax = 1\nreason = 1", "instruction[0].reason"),
        ("[[budget.allow]]\nglob = 'a'", "budget.allow[0]: reason is missing"),
        (
            "[[budget.allow]]\nglob='a'\nreason=' '",
            "allow[0].reason: an empty string is not a reason",
        ),
        ("[[budget.allow]]\nglob='a'\nreason='r'\nuntil='2027-13-01'", "is not a day"),
        ("[[budget.allow]]\nglob='a'\nreason='r'\nuntil=2027-01-01T00:00:00", "is not a day"),
        ("[[budget.allow]]\nglob='a'\nreason='r'\nrules=['max_size']", "'max_size' has no except"),
        ("[[budget.allow]]\nglob='a'\nreason='r'\nrules='max_wasted'", "is not a list of rules"),
        ("[budget]\nmax_size = { level = 'warn' }", "budget.max_size: limit is missing"),
        ("[budget]\nmax_size = { limit = true }", "budget.max_size.limit: a boolean is not a size"),
        ("[budget]\nmax_growth = 'some'", "budget.max_growth: 'some' is not a growth"),
        ("[budget]\nmax_growth = '-1%'", "budget.max_growth: '-1%' is not a growth"),
        ("[budget]\nmax_growth = 1.5", "budget.max_growth: '1.5' is not a growth"),
        ("[budget]\nmin_change = '1%'", "budget.min_change: '1%' is not a size"),
        ("[budget]\nbaseline = 3", "budget.baseline: an integer is not a reference"),
    ],
)
def test_an_invalid_table_is_refused(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        budget_of(tmp_path, text)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_path_in_a_file_is_relative_to_the_file(tmp_path: Path) -> None:
    (tmp_path / "first.json").write_text("{}")
    text = "baseline = 'app:1.0'\nanchor = 'first.json'\nbase = 'python:3.8'\nmin_change = '1kB'"
    budget = budget_of(tmp_path, text)
    assert (budget.baseline, budget.anchor) == ("app:1.0", str(tmp_path / "first.json"))
    assert (budget.base, budget.min_change) == ("python:3.8", 1000)
    assert not budget


def test_every_instruction_over_the_limit_is_named() -> None:
    analysis = make_analysis([("RUN pip a", 5000), ("RUN pip b", 10), ("RUN pip c", 9000)])
    budget = Budget(limits={}, instructions=(InstructionLimit(match="RUN pip*", limit=100),))
    (result,) = evaluate(budget, analysis.facts).rules
    assert result.instructions == (2, 0)
    assert "2 (9.0 kB, RUN pip c), 0 (5.0 kB, RUN pip a)" in result.message


def test_allowed_waste_is_not_blamed() -> None:
    analysis = make_analysis(
        [("COPY a /", 1000), ("RUN vendor", 0), ("RUN mine", 0)],
        [wasted("opt/a", 900, 0, 1), wasted("b", 90, 0, 2)],
    )
    allow = Allow(glob="/opt/**", reason="the vendor's")
    (result,) = evaluate(Budget(limits={"max_wasted": 10}, allows=(allow,)), analysis.facts).rules
    assert result.instructions == (2,)
    assert "RUN mine" in result.message
    assert "RUN vendor" not in result.message
