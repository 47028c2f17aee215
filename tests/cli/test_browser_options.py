"""Every option of `layerscope IMAGE` has an effect in a terminal: on the browser, or because it asks for the report."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from layerscope.cli import browse

BROWSED = {
    "platform": "--platform=linux/arm64",
    "tag": "--tag=app:1",
    "dockerfile": "--dockerfile=Dockerfile",
    "lazy": "--lazy",
    "packages": "--no-packages",
    "duplicates": "--no-duplicates",
    "min_duplicate": "--min-duplicate=8kB",
    "dead_weight": "--no-dead-weight",
    "secrets": "--no-secrets",
    "no_advice": "--no-advice=docs",
    "min_saving": "--min-saving=5MB",
    "pull": "--pull",
    "insecure": "--insecure",
    "token_servers": "--token-server=auth.example",
    "limits": "--limit=layers=7",
    "verify": "--verify",
    "via": "--via=store",
    "no_cache": "--no-cache",
    "show_args": "--show-args",
}
"""The options that the browser honors, by name."""
VALUES = {
    "format_name": "json",
    "ci_config": ".dive-ci",
    "config": "layerscope.toml",
    "max_growth": "1%",
}
"""Values of options that don't take any number."""
EITHER = {"reference", "sandbox"}
REPORTED = [each for each in browse.command.params if each.name not in {*BROWSED, *EITHER}]


@pytest.fixture
def outcome(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[str, Any]]:
    """What a run in a terminal does, and with which options."""
    done: list[tuple[str, Any]] = []

    def browser(choice: Any, *, show_args: bool = False) -> None:
        done.append(("browser", (choice.options, show_args)))

    def report(choice: Any, *_: object) -> None:
        done.append(("report", choice.options))

    monkeypatch.setattr(browse, "browse", browser)
    monkeypatch.setattr(browse, "report", report)
    monkeypatch.setenv("TEXTUAL_DRIVER", "web")

    def run(*arguments: str) -> tuple[str, Any]:
        context = browse.command.make_context("layerscope", ["app.tar", *arguments])
        browse.command.invoke(context)
        return done.pop()

    return run


@pytest.mark.parametrize("option", BROWSED.values(), ids=BROWSED)
def test_an_option_for_reading_reaches_the_browser(
    option: str, outcome: Callable[..., tuple[str, Any]]
) -> None:
    plain = outcome()
    changed = outcome(option)
    assert plain[0] == changed[0] == "browser"
    assert changed != plain


@pytest.mark.parametrize("option", REPORTED, ids=lambda option: option.name)
def test_any_other_option_asks_for_the_report(
    option: Any, outcome: Callable[..., tuple[str, Any]]
) -> None:
    name = option.opts[-1]
    given = [name] if option.is_flag else [name, VALUES.get(option.name, "1")]
    assert outcome(*given)[0] == "report"
