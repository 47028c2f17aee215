"""`layerscope check IMAGE`: the gate, which exits by the verdict."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import TextIO

import click

from layerscope.analysis.budgets.budget import CONFIG_NAME, PYPROJECT
from layerscope.cli.confine import confine
from layerscope.cli.examine import Choice
from layerscope.cli.exits import Exit
from layerscope.cli.judging import (
    Judged,
    Ruling,
    check_former,
    confine_judging,
    judge,
    known,
    read_ruling,
    write_reports,
)
from layerscope.cli.options import image_argument, report_options
from layerscope.cli.outputs import STDOUT, Output, check_apart
from layerscope.cli.rules import RuleOptions, rule_options
from layerscope.cli.streams import tell, wants_color, width_of, write_stdout
from layerscope.cli.writing import Writing, check_head, output_options
from layerscope.errors import OutputError, UsageError
from layerscope.options import MIN_DUPLICATE
from layerscope.report.replace import check_target, replacing, shown

HEADROOM = 10
"""The default of --headroom, in percent."""


@click.command("check", short_help="Check an image against a budget; exit 1 when it is broken.")
@image_argument
@rule_options
@click.option(
    "--init",
    is_flag=True,
    help=f"Write a first {CONFIG_NAME} (or the file of --config) with today's sizes and some headroom.",
)
@click.option(
    "--update",
    "updates",
    metavar="RULE",
    multiple=True,
    help="Raise this limit in the file of rules when it is broken; path:GLOB and instruction:PATTERN too.",
)
@click.option(
    "--headroom",
    type=click.IntRange(0, 1000),
    default=None,
    show_default=str(HEADROOM),
    metavar="PERCENT",
    help="How much room --init and --update leave above today's sizes.",
)
@click.option("--today", metavar="YYYY-MM-DD", hidden=True, help="The day for `until`.")
@output_options
@report_options
def command(
    choice: Choice,
    writing: Writing,
    rules: RuleOptions,
    init: bool,
    updates: tuple[str, ...],
    headroom: int | None,
    today: str | None,
) -> int:
    """Check IMAGE against a budget and exit with 1 when a rule is broken.

    Rules live in the [budget] table of layerscope.toml, in [tool.layerscope.budget] of pyproject.toml, or are options;
    an option overrides the file. A rule you don't name is off, and a value equal to the limit passes. Write sizes
    as 150MB (10^6) or 1.2GiB (2^30). A .dive-ci file and dive's options work unchanged.

    \b
    layerscope check docker:app --max-size 200MB --max-wasted-percent 5
    layerscope check app.tar --config ci/layerscope.toml -o json=report.json
    layerscope check app.tar --max-growth 1% --baseline release.json -o markdown=summary.md
    layerscope check app.tar --init

    Prints one line for each rule. The last line is `verdict: pass` or `verdict: fail (2 of 5 rules)`.
    """
    day = _today(today)
    _check_tasks(choice, init=init, updates=bool(updates), headroom=headroom is not None)
    room = HEADROOM if headroom is None else headroom
    if init:
        return _init(choice, writing, rules, room)
    outputs = writing.targets(default=None)
    check_head(choice, writing, outputs)
    ruling = read_ruling(rules, find_dive=True)
    check_apart(outputs, (choice.reference, choice.options.dockerfile, *ruling.inputs))
    if updates:
        _check_update(ruling, choice)
    if not ruling.budget:
        raise UsageError(
            "there is no rule to check",
            hint=f"give one such as --max-size 200MB, or write a {CONFIG_NAME} with `layerscope check IMAGE --init`",
        )
    check_former(ruling)
    confine_judging(choice, ruling, (*outputs, *_rule_files(ruling, updates)))
    judged = judge(ruling, choice, hashes=writing.files, today=day)
    if updates:
        judged = _update(ruling, judged, updates, room, day)
    _write(outputs, judged, writing, quiet=choice.quiet)
    assert judged.verdict is not None
    return Exit.OK if judged.verdict.passed else Exit.BUDGET


def _rule_files(ruling: Ruling, updates: Sequence[str]) -> Sequence[Output]:
    """The file of rules that --update writes."""
    path = None if ruling.budget is None else ruling.budget.file
    return [Output("text", str(path))] if updates and path is not None else []


def _check_tasks(choice: Choice, *, init: bool, updates: bool, headroom: bool) -> None:
    """Raise `UsageError` where options ask for two tasks, or have no effect on the one they ask for."""
    if choice.options.head and (init or updates):
        raise UsageError(
            "--init and --update measure the layers, and --head reads none of them",
            hint="leave --head out",
        )
    if headroom and not (init or updates):
        raise UsageError(
            "--headroom has no effect without --init or --update",
            hint="leave it out, or add one of them",
        )
    if init and updates:
        raise UsageError("--init and --update are two tasks", hint="leave one of them out")


def _write(outputs: Sequence[Output], judged: Judged, writing: Writing, *, quiet: bool) -> None:
    """Write the reports, and the verdict to stdout, or to stderr if a report goes to stdout."""
    from layerscope.report.page import Page
    from layerscope.report.parts.verdict import write_verdict

    document = judged.document(top=writing.top, files=writing.files, show_args=writing.show_args)

    def write(out: TextIO) -> None:
        write_verdict(Page(out, width=width_of(out), color=wants_color(out)), document)

    to_stdout = any(output.path == STDOUT for output in outputs)
    if to_stdout and sys.stderr is not None and not quiet:
        write(sys.stderr)
    write_reports(outputs, document, judged, writing)
    if not to_stdout:
        write_stdout(write)


def _today(given: str | None) -> date:
    """The date for expiring exceptions: `SOURCE_DATE_EPOCH` (reproducible-builds.org) if set, else today."""
    if given is not None:
        try:
            return date.fromisoformat(given)
        except ValueError:
            raise UsageError(f"--today {given!r} is not a day", hint="write 2027-01-31") from None
    epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
    if epoch.isascii() and epoch.isdigit() and len(epoch) < 12:
        return datetime.fromtimestamp(int(epoch), UTC).date()
    return datetime.now(UTC).date()


def _init(choice: Choice, writing: Writing, rules: RuleOptions, headroom: int) -> int:
    """Write a first budget; a file that is there stays as it is, unless with --force."""
    from layerscope.analysis.budgets.headroom import first_budget

    _check_init(choice, writing, rules)
    path = rules.config or CONFIG_NAME
    if os.path.basename(path) == PYPROJECT:
        raise UsageError(
            f"--init writes a file of its own, and {PYPROJECT} has more in it",
            hint=f"leave --config out, and move the tables to [tool.layerscope] of {PYPROJECT}",
        )
    check_target(path, force=writing.force)
    check_apart([Output("text", path)], (choice.reference, rules.rules.get("base")))
    if os.path.lexists(path) and not writing.force:
        raise OutputError(
            f"{shown(path)} already exists",
            hint="raise single limits with --update RULE, or replace the file with --force",
        )
    confine(
        (choice.reference, rules.rules.get("base")),
        outputs=[Output("text", path)],
        pull=choice.options.pull,
        cache=choice.options.cache,
    )
    text = first_budget(known(choice, base=rules.rules.get("base")).facts, headroom)
    with replacing(path, force=writing.force) as file:
        file.write(text.encode())
    if not choice.quiet:
        tell(f"wrote {shown(path)}; check the image with `layerscope check`")
    return Exit.OK


def _check_init(choice: Choice, writing: Writing, rules: RuleOptions) -> None:
    """Raise `UsageError` for an option that says what to report or to judge, which --init doesn't do."""
    given = {
        "--output": writing.outputs,
        "--json": writing.as_json,
        "--format": writing.format_name,
        "--top": writing.top is not None,
        "--files": writing.files,
        "--show-args": writing.show_args,
        "--allow-missing-baseline": rules.allow_missing,
        "--require-baseline": rules.require,
        "--dive-compatible": rules.dive_compatible,
        "--default-baseline": rules.default_baseline,
        "--ci-config": rules.ci_config,
        "--forbid-secrets": rules.forbid_secrets,
        "--dockerfile": choice.options.dockerfile,
        "--no-packages": not choice.options.packages,
        "--no-duplicates": not choice.options.duplicates,
        "--min-duplicate": choice.options.min_duplicate != MIN_DUPLICATE,
        "--secrets": choice.options.secrets == "all",
        "--no-secrets": choice.options.secrets == "off",
        "--no-dead-weight": not choice.options.dead_weight,
        **{f"--{name.replace('_', '-')}": True for name in rules.rules if name != "base"},
        **{f"--{name}": True for name in rules.dive},
    }
    useless = [name for name, value in given.items() if value]
    if useless:
        raise UsageError(
            f"{useless[0]} has no effect with --init, which only writes a file of rules",
            hint="leave it out, or run `layerscope check` again without --init",
        )


def _check_update(ruling: Ruling, choice: Choice) -> None:
    """Raise `UsageError` where --update would write to a file that is more than the file of rules."""
    budget = ruling.budget
    if budget is None or budget.file is None:
        return
    path = str(budget.file)
    others = (budget.baseline, budget.anchor, budget.base, ruling.dive_file)
    check_apart([Output("text", path)], (choice.reference, choice.options.dockerfile, *others))


def _update(
    ruling: Ruling, judged: Judged, updates: Sequence[str], headroom: int, today: date
) -> Judged:
    """Raise the limits that are named in the file they came from, and judge again by it."""
    from layerscope.analysis.budgets.budget import load_budget
    from layerscope.analysis.budgets.headroom import update_budget
    from layerscope.analysis.budgets.judge import evaluate

    path = None if ruling.budget is None else ruling.budget.file
    if path is None:
        raise UsageError(
            "--update has no file of rules", hint=f"write a {CONFIG_NAME} with --init first"
        )
    plain = load_budget(path)
    verdict = evaluate(plain, judged.facts, today=today)
    place = ("tool", "layerscope") if path.name == PYPROJECT else ()
    text = path.read_text("utf-8-sig")
    changed, done = update_budget(text, place, updates, verdict, headroom)
    if any(each.after is not None for each in done):
        with replacing(str(path)) as file:
            file.write(changed.encode())
    for each in done:
        what = f"{each.before} → {each.after}" if each.after else f"{each.before} is enough"
        tell(f"{shown(str(path))}: {each.rule}: {what}")
    return judged.again(ruling.load(), today)
