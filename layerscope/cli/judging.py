"""An image judged by a budget: what `report` and `check` share."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from layerscope.analysis.budgets.names import (
    ANCHOR_RULES,
    BASELINE_RULES,
    CONFIG_NAME,
    DIVE_CI,
    FORBID_SECRETS,
    GROWTH_RULES,
    PYPROJECT,
)
from layerscope.cli.advising import with_settings
from layerscope.cli.confine import confine
from layerscope.cli.examine import Choice, examine, remarks
from layerscope.cli.outputs import Output, write_outputs
from layerscope.cli.rules import RuleOptions
from layerscope.cli.streams import tell
from layerscope.cli.writing import Writing
from layerscope.errors import ImageNotFound, UsageError
from layerscope.records import dataclass
from layerscope.report.formats.renderers import RENDERERS
from layerscope.system.collector import collector_paused

if TYPE_CHECKING:
    from datetime import date

    from layerscope.analysis.budgets.budget import Budget
    from layerscope.analysis.budgets.dive import DiveNumbers
    from layerscope.analysis.budgets.growth import Former
    from layerscope.analysis.budgets.verdict import Verdict
    from layerscope.analysis.model import Analysis, Facts
    from layerscope.cache.shelf import Shelf
    from layerscope.report.document.rows import ReportDocument
    from layerscope.report.saved.report import SavedReport


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """What to judge an image by. `budget` is None if there are no rules."""

    budget: Budget | None
    load: Callable[[], Budget]
    """Reads the same budget once more, from a file that may have changed."""
    allow_missing: bool
    require: bool
    dive: bool
    files: tuple[str, ...] = ()
    """The files that rules come from, whether they exist or not."""
    dive_file: str | None = None
    """The file of dive's rules that --ci-config names."""
    config: str | None = None
    """The file of rules that --config names."""

    @property
    def secrets(self) -> bool:
        """Whether all text files have to be searched for secrets."""
        return self.budget is not None and self.budget.forbid_secrets

    @property
    def inputs(self) -> tuple[str | None, ...]:
        """What is read to judge by: files of rules, and the images or reports that they name."""
        budget = self.budget
        if budget is None:
            return self.files
        return (*self.files, budget.baseline, budget.anchor, budget.base)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """An image, its verdict if there are rules, and what it was compared with."""

    source: Analysis | SavedReport
    verdict: Verdict | None
    baseline: Former | None
    anchor: Former | None
    dive: DiveNumbers | None
    min_change: int

    @property
    def facts(self) -> Facts:
        return self.source.facts

    def document(self, *, top: int | None, files: bool, show_args: bool) -> ReportDocument:
        """The report, with the default number of rows if `top` is None. Raises `UsageError`."""
        from layerscope.analysis.model import Analysis
        from layerscope.report.document.builder import build
        from layerscope.report.document.defaults import TOP

        rows = TOP if top is None else top
        if isinstance(self.source, Analysis):
            return build(
                self.source,
                top=rows,
                files=files,
                hashes=files,
                show_args=show_args,
                verdict=self.verdict,
                baseline=self.baseline,
                min_change=self.min_change,
                dive=self.dive,
            )
        if show_args:
            raise UsageError(
                "--show-args has no effect on a saved report",
                hint="save the report with --show-args, or leave the option out",
            )
        from layerscope.report.saved.restated import restate

        return restate(
            self.source,
            top=rows,
            files=files,
            verdict=self.verdict,
            baseline=self.baseline,
            min_change=self.min_change,
            dive=self.dive,
        )

    def drawn(self, document: ReportDocument) -> ReportDocument:
        """The report with the final filesystem, which some formats draw."""
        from layerscope.report.document.filesystem import with_filesystem

        return with_filesystem(document, self.facts)

    def again(self, budget: Budget, today: date | None) -> Judged:
        """The same image judged by another budget."""
        from layerscope.analysis.budgets.judge import NO_ANCHOR, NO_BASELINE, evaluate

        verdict = None
        if budget:
            verdict = evaluate(
                budget,
                self.facts,
                baseline=self.baseline or NO_BASELINE,
                anchor=self.anchor or NO_ANCHOR,
                dive=self.dive,
                today=today,
            )
        return replace(self, verdict=verdict, min_change=budget.min_change)


def read_ruling(options: RuleOptions, *, find_dive: bool = False) -> Ruling:
    """The budget of `--config` and the rule options. Raises `ConfigError`."""
    config, ci_config = options.config, options.ci_config
    rules, dive = options.rules, options.dive
    secrets = {FORBID_SECRETS: True} if options.forbid_secrets else {}

    default = options.default_baseline

    def load() -> Budget:
        from layerscope.analysis.budgets.budget import load_budget

        budget = load_budget(
            None if config is None else Path(config),
            {**rules, **secrets},
            dive_options=dive,
            dive_file=None if ci_config is None else Path(ci_config),
            find_dive=find_dive,
        )
        return replace(budget, baseline=budget.baseline or default)

    places = (CONFIG_NAME, PYPROJECT, DIVE_CI) if find_dive else (CONFIG_NAME, PYPROJECT)
    named = rules or secrets or dive or config is not None or ci_config is not None
    budget = load() if named or any(map(os.path.lexists, places)) else None
    if budget is not None:
        _check_rules(rules, budget)
    return Ruling(
        budget=budget,
        load=load,
        allow_missing=options.allow_missing and not options.require,
        require=options.require,
        dive_file=ci_config,
        config=config,
        files=tuple(file for file in (*places, config, ci_config) if file is not None),
        dive=options.dive_compatible or (budget is not None and budget.dive is not None),
    )


def _check_rules(rules: Mapping[str, str], budget: Budget) -> None:
    """Raise `UsageError` for an option that no rule of the budget looks at."""
    growth = any(rule in budget.rules for rule in BASELINE_RULES)
    if "min_change" in rules and not growth and budget.baseline is None:
        raise UsageError(
            "--min-change has no effect without a rule about growth",
            hint="leave it out, or add --max-growth and --baseline",
        )
    if "anchor" in rules and not any(rule in budget.limits for rule in ANCHOR_RULES):
        raise UsageError(
            "--anchor has no effect without a rule about drift",
            hint="leave it out, or add --max-drift",
        )


def check_former(ruling: Ruling) -> None:
    """Raise `UsageError` for a rule about growth that has nothing to measure it from."""
    budget = ruling.budget
    if budget is None:
        return
    for rule in GROWTH_RULES:
        option = "baseline" if rule in BASELINE_RULES else "anchor"
        reference = budget.baseline if rule in BASELINE_RULES else budget.anchor
        if rule in budget.rules and reference is None and not ruling.allow_missing:
            raise UsageError(
                f"{rule} has no {option} to measure from",
                hint=f"give --{option} with an image or a saved JSON report"
                + ("" if ruling.require else ", or --allow-missing-baseline to skip the rule"),
            )


def confine_judging(choice: Choice, ruling: Ruling, outputs: Sequence[Output]) -> None:
    """Restrict the rest of the run to what it reads and writes. Raises `UsageError`."""
    budget = ruling.budget
    others = () if budget is None else (budget.baseline, budget.anchor, budget.base)
    confine(
        (choice.reference, *others),
        files=(choice.options.dockerfile, *ruling.files),
        outputs=outputs,
        pull=choice.options.pull,
        cache=choice.options.cache,
    )


def judge(
    ruling: Ruling, choice: Choice, *, hashes: bool = False, today: date | None = None
) -> Judged:
    """Read what the image is compared with, then the image, and judge it. Raises any `LayerscopeError`."""
    shelf = _shared(ruling, choice)
    formers = _formers(ruling, choice, shelf)
    base = None if ruling.budget is None else ruling.budget.base
    found = known(
        choice,
        hashes=hashes,
        base=base,
        dive=ruling.dive,
        config=ruling.config,
        secrets=ruling.secrets,
        shelf=shelf,
    )
    return _judged(ruling, formers, found, today)


def judge_analysis(ruling: Ruling, choice: Choice, analysis: Analysis) -> Judged:
    """Judge an image that was read already; `choice` says how to read what it is compared with. Raises any `LayerscopeError`."""
    numbers = None
    if ruling.dive:
        from layerscope.analysis.budgets.dive import dive_numbers

        numbers = dive_numbers(analysis)
    return _judged(ruling, _formers(ruling, choice), Known(analysis, numbers), None)


def _shared(ruling: Ruling, choice: Choice) -> Shelf | None:
    """What the images share if a rule looks back to one: a layer of both is read once. None if all others are reports."""
    from layerscope.report.saved.reference import report_path

    budget = ruling.budget
    formers = () if budget is None else (budget.baseline, budget.anchor)
    if all(each is None or report_path(each) is not None for each in formers):
        return None
    from layerscope.cache.opened import open_shelf

    cache = choice.options.cache
    return open_shelf(cache=cache, remark=remarks(quiet=choice.quiet), proves=True)


def _formers(
    ruling: Ruling, choice: Choice, shelf: Shelf | None = None
) -> tuple[Former | None, Former | None]:
    """The baseline and the anchor, where the budget names them."""
    budget = ruling.budget
    if budget is None:
        return None, None
    return (
        _former(budget.baseline, "baseline", choice, ruling, shelf),
        _former(budget.anchor, "anchor", choice, ruling, shelf),
    )


def _judged(
    ruling: Ruling,
    formers: tuple[Former | None, Former | None],
    found: Known,
    today: date | None,
) -> Judged:
    budget = ruling.budget
    baseline, anchor = formers
    judged = Judged(
        source=found.source,
        verdict=None,
        baseline=baseline,
        anchor=anchor,
        dive=found.dive,
        min_change=0,
    )
    if budget is None:
        return judged
    from layerscope.analysis.budgets.growth import check_platform

    for former in (baseline, anchor):
        if former is not None:
            check_platform(found.facts, former)
    return judged.again(budget, today)


@dataclass(frozen=True, slots=True)
class Known:
    """An image or a saved report, and dive's numbers if they were requested and can be known."""

    source: Analysis | SavedReport
    dive: DiveNumbers | None

    @property
    def facts(self) -> Facts:
        return self.source.facts


def known(
    choice: Choice,
    *,
    hashes: bool = False,
    base: str | None = None,
    dive: bool = False,
    config: str | None = None,
    shelf: Shelf | None = None,
    secrets: bool = False,
) -> Known:
    """Read the image, or the saved report, that `choice` names. Raises any `LayerscopeError`."""
    from layerscope.report.saved.reference import report_path

    path = report_path(choice.reference)
    if path is None:
        choice = with_settings(choice, config)
        choice = searching(choice) if secrets else choice
        based = replace(choice, options=replace(choice.options, base=base))
        found = examine(based, hashes=hashes, dive=dive, shelf=shelf)
        return Known(found.analysis, found.dive)
    useless = choice.given_beside_reference()
    if useless:
        raise UsageError(
            f"{useless[0]} has no effect on a saved report", hint="leave it out, or name the image"
        )
    from layerscope.report.saved.report import read_saved

    with collector_paused():
        saved = read_saved(path, choice.options.limits)
    told = saved.facts.base
    if base is not None and (told is None or told.name != base):
        raise UsageError(
            f"the report {choice.reference} was not saved with the base {base}",
            hint="save it with --base, or name the image",
        )
    return Known(saved, saved.dive if dive else None)


def searching(choice: Choice) -> Choice:
    """The choice with a search of all text files for secrets, unless an option rules it out."""
    options = choice.options
    if options.secrets != "known" or options.head or options.lazy:
        return choice
    return replace(choice, options=replace(options, secrets="all"))


def _former(
    reference: str | None, what: str, choice: Choice, ruling: Ruling, shelf: Shelf | None
) -> Former | None:
    """The image or saved report that a rule looks back to."""
    if reference is None:
        return None
    from layerscope.analysis.budgets.growth import Former
    from layerscope.report.saved.reference import SCHEME, report_path

    path = report_path(reference)
    named = reference.removeprefix(SCHEME)
    try:
        if (path is not None or named.endswith(".json")) and not os.path.lexists(named):
            raise ImageNotFound(f"no {what} {named!r} was found")
        if path is not None:
            from layerscope.report.saved.report import read_report

            with collector_paused():
                return Former(reference, read_report(path, limits=choice.options.limits))
        options = replace(choice.options, tag=None, dockerfile=None)
        other = replace(choice, reference=reference, options=options)
        return Former(reference, examine(other, shelf=shelf).analysis.facts)
    except ImageNotFound as error:
        if ruling.allow_missing:
            if not choice.quiet:
                tell(f"layerscope: no {what} yet: {error.message}")
            return Former(reference, None)
        hints = (
            error.hint,
            "" if ruling.require else "--allow-missing-baseline for the first time",
        )
        raise ImageNotFound(error.message, hint="; ".join(hint for hint in hints if hint)) from None


def write_reports(
    outputs: Sequence[Output], document: ReportDocument, judged: Judged, writing: Writing
) -> None:
    """Write the report in every format. Raises `OutputError`."""
    write_outputs(
        outputs,
        document,
        rows=writing.top,
        force=writing.force,
        formats=RENDERERS,
        draw=judged.drawn,
    )
