"""The rule `forbid_secrets`: what breaks it, what it allows, and that it never passes unseen."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from layerscope.analysis.budgets.budget import load_budget
from layerscope.analysis.budgets.judge import evaluate
from layerscope.analysis.budgets.verdict import RuleResult
from layerscope.analysis.reading import read
from layerscope.errors import ConfigError
from layerscope.limits import Limits
from layerscope.options import ReadOptions, SecretScope
from tests.analysis.test_secrets import leaky
from tests.builder import BuiltImage, ImageBuilder
from tests.cli.images import write
from tests.secrets.tokens import Maker

TODAY = date(2026, 6, 1)
make = Maker(3)


def judged(
    image: BuiltImage,
    path: Path,
    rules: str = "",
    *,
    scope: SecretScope = "all",
    limits: Limits | None = None,
) -> RuleResult:
    config = path / "layerscope.toml"
    config.write_text(f"[budget]\nforbid_secrets = true\n{rules}")
    options = ReadOptions(cache=False, secrets=scope, limits=limits or Limits())
    with read(write(image, path / "app.tar"), options) as analysis:
        (result,) = evaluate(load_budget(config), analysis.facts, today=TODAY).rules
    return result


def allow(**keys: str) -> str:
    lines = "".join(f'{key} = "{value}"\n' for key, value in keys.items())
    return f"[[budget.allow_secret]]\n{lines}"


def one(path: str = "app/key.pem") -> BuiltImage:
    return ImageBuilder("app:1").layer({path: make.pem().encode()}).build()


def test_a_secret_breaks_the_rule_and_names_the_instruction(tmp_path: Path) -> None:
    result = judged(leaky(), tmp_path)
    assert (result.passed, result.actual, result.limit, result.unit) == (False, 8, 0, "count")
    assert "private-key in /root/.ssh/id_ed25519 (deleted)" in result.message
    assert result.instructions


def test_an_image_without_secrets_passes(tmp_path: Path) -> None:
    clean = ImageBuilder("app:1").layer({"etc/hosts": b"localhost\n"}).build()
    assert judged(clean, tmp_path).passed


def test_a_finding_in_doubt_does_not_break_the_rule(tmp_path: Path) -> None:
    result = judged(one("usr/share/doc/x/examples/key.pem"), tmp_path)
    assert result.passed
    assert "1 finding in doubt" in result.message


@pytest.mark.parametrize(
    "keys",
    [
        {"path": "/app/key.pem"},
        {"path": "/app/**"},
        {"rule": "private-key"},
        {"rule": "private-*", "path": "/app/*.pem"},
    ],
)
def test_an_exception_allows_what_it_names(tmp_path: Path, keys: dict[str, str]) -> None:
    result = judged(one(), tmp_path, allow(reason="test key", **keys))
    assert result.passed
    assert "1 finding allowed" in result.message


@pytest.mark.parametrize(
    "keys",
    [
        {"path": "/etc/**"},
        {"rule": "github-pat"},
        {"name": "key*"},
        {"rule": "x", "path": "/app/**"},
    ],
)
def test_an_exception_allows_nothing_else(tmp_path: Path, keys: dict[str, str]) -> None:
    assert judged(one(), tmp_path, allow(reason="other", **keys)).actual == 1


@pytest.mark.parametrize(("until", "passed"), [("2026-06-01", True), ("2026-05-31", False)])
def test_what_an_expired_exception_allowed_counts_again(
    tmp_path: Path, until: str, passed: bool
) -> None:
    rules = f'[[budget.allow_secret]]\npath = "/app/**"\nreason = "rotates"\nuntil = {until}\n'
    assert judged(one(), tmp_path, rules).passed is passed


def test_a_variable_is_allowed_by_its_name(tmp_path: Path) -> None:
    image = (
        ImageBuilder("app:1")
        .configure(Env=[f"API_TOKEN={make.password()}"])
        .layer({"a": b"x"})
        .build()
    )
    assert judged(image, tmp_path).actual == 1
    assert judged(image, tmp_path, allow(name="API_*", reason="public")).passed


def test_what_was_not_searched_breaks_the_rule_until_it_is_allowed(tmp_path: Path) -> None:
    image = ImageBuilder("app:1").layer({"srv/dump.sql": b"x\n" * 5000}).build()
    limits = Limits(secret_file_bytes=1000)
    result = judged(image, tmp_path, limits=limits)
    assert (result.passed, result.actual) == (False, None)
    assert "/srv/dump.sql was not searched" in result.message
    rules = allow(rule="not-searched", path="/srv/dump.sql", reason="checked by hand")
    assert judged(image, tmp_path, rules, limits=limits).passed


@pytest.mark.parametrize("scope", ["off", "known"])
def test_a_partial_search_never_passes(tmp_path: Path, scope: SecretScope) -> None:
    clean = ImageBuilder("app:1").layer({"etc/hosts": b"localhost\n"}).build()
    result = judged(clean, tmp_path, scope=scope)
    assert (result.passed, result.actual) == (False, None)
    assert "unknown" in result.message


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("forbid_secrets = 1\n", "neither true nor false"),
        ('[[allow_secret]]\npath = "/x"\n', "reason is missing"),
        ('[[allow_secret]]\nreason = "all"\n', "allows every secret"),
        ('[[allow_secret]]\nreason = "x"\nglob = "/x"\n', "unknown key glob"),
        ('[[allow_secret]]\nreason = "x"\npath = "/x"\nuntil = "soon"\n', "not a day"),
    ],
)
def test_a_mistake_in_the_file_is_named(tmp_path: Path, text: str, says: str) -> None:
    config = tmp_path / "layerscope.toml"
    config.write_text(text)
    with pytest.raises(ConfigError) as error:
        load_budget(config)
    assert says in error.value.message
