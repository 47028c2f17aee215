"""The options of a budget, which `report` and `check` share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from typing import TYPE_CHECKING, Any, TypeVar

import click

from layerscope.analysis.budgets.names import (
    CONFIG_NAME,
    DIVE_CI,
    DIVE_RULES,
    FORBID_SECRETS,
    PYPROJECT,
    RULE_NAMES,
)
from layerscope.cli.options import gathered, stacked
from layerscope.records import dataclass

if TYPE_CHECKING:
    pass

Command = TypeVar("Command", bound=Callable[..., Any])

_METAVARS = {
    "size": "SIZE",
    "percent": "PERCENT",
    "share": "SHARE",
    "count": "N",
    "growth": "SIZE|PERCENT%",
}
REFERENCES = ("baseline", "anchor", "base")
"""Options that name an image or a saved report."""
_OTHERS = ("min_change", *REFERENCES)


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleOptions:
    """The rules that the command line gives, by name, and where more of them are."""

    config: str | None = None
    ci_config: str | None = None
    default_baseline: str | None = None
    allow_missing: bool = False
    require: bool = False
    dive_compatible: bool = False
    forbid_secrets: bool = False
    rules: Mapping[str, str] = field(default_factory=dict)
    dive: Mapping[str, str] = field(default_factory=dict)


_NAMES = (
    "config", "ci_config", "allow_missing_baseline", "require_baseline", "default_baseline", "dive_compatible",
    *(rule.name for rule in RULE_NAMES), FORBID_SECRETS, *_OTHERS, *DIVE_RULES,
)  # fmt: skip


def _make_rules(
    *,
    config: str | None,
    ci_config: str | None,
    allow_missing_baseline: bool,
    require_baseline: bool,
    default_baseline: str | None,
    dive_compatible: bool,
    forbid_secrets: bool,
    **values: str | None,
) -> RuleOptions:
    """An empty baseline is none, as CI templates leave it; an empty limit is a mistake that must not pass as no rule."""
    given = {
        name: value
        for name, value in values.items()
        if value is not None and (value or name not in _OTHERS)
    }
    return RuleOptions(
        config=config,
        ci_config=ci_config,
        default_baseline=default_baseline or None,
        allow_missing=allow_missing_baseline,
        require=require_baseline,
        dive_compatible=dive_compatible,
        forbid_secrets=forbid_secrets,
        rules={name: value for name, value in given.items() if name not in DIVE_RULES},
        dive={name: value for name, value in given.items() if name in DIVE_RULES},
    )


def rule_options(command: Command) -> Command:
    """The rules of a budget, each under the name it has in the configuration file."""
    return stacked(
        click.option(
            "--config",
            metavar="PATH",
            help=f"File of rules; by default {CONFIG_NAME} or {PYPROJECT} in the current folder.",
        ),
        *(
            click.option(
                f"--{rule.name.replace('_', '-')}",
                rule.name,
                metavar=_METAVARS[rule.quantity],
                help=rule.help,
            )
            for rule in RULE_NAMES
        ),
        click.option(
            "--forbid-secrets",
            is_flag=True,
            help="Fail if a secret is found in the files of any layer or in the configuration. This reads all text files.",
        ),
        _former_options,
        _dive_options,
        gathered("rules", _NAMES, _make_rules),
    )(command)


def _former_options(command: Command) -> Command:
    """The images that growth, drift, and own layers are measured from."""
    return stacked(
        click.option(
            "--min-change",
            metavar="SIZE",
            help="Ignore less growth than this in --max-growth and --max-compressed-growth.",
        ),
        click.option(
            "--baseline",
            metavar="IMAGE|REPORT",
            help="The last release, or its saved JSON report: what growth is measured from.",
        ),
        click.option(
            "--anchor",
            metavar="IMAGE|REPORT",
            help="A fixed image or saved JSON report: what drift is measured from.",
        ),
        click.option(
            "--allow-missing-baseline",
            is_flag=True,
            help="Skip the rules of a baseline or anchor that does not exist yet, instead of failing.",
        ),
        click.option(
            "--require-baseline",
            is_flag=True,
            help="Fail if a rule would be skipped, even with --allow-missing-baseline.",
        ),
        click.option(
            "--default-baseline",
            metavar="IMAGE|REPORT",
            help="The baseline if neither --baseline nor the file of rules names one.",
        ),
        click.option(
            "--base", metavar="IMAGE", help="The base image (FROM), to know which layers are yours."
        ),
    )(command)


def _dive_options(command: Command) -> Command:
    return stacked(
        click.option(
            "--ci-config",
            metavar="PATH",
            help=f"File of dive's rules; `check` finds {DIVE_CI} by itself if no other file has rules.",
        ),
        *(
            click.option(f"--{name}", name, metavar="VALUE", help="dive's rule of this name.")
            for name in DIVE_RULES
        ),
        click.option(
            "--dive-compatible", is_flag=True, help="Add the numbers that dive 0.13.1 gives."
        ),
    )(command)
