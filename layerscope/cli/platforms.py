"""`layerscope report --all-platforms`: one report for each platform of an index."""

from __future__ import annotations

import gc
from dataclasses import replace
from typing import TYPE_CHECKING

from layerscope.cli.advising import with_settings
from layerscope.cli.examine import Choice, remarks
from layerscope.cli.exits import Exit, stopping
from layerscope.cli.judging import (
    Ruling,
    check_former,
    confine_judging,
    judge_analysis,
    read_ruling,
    searching,
)
from layerscope.cli.outputs import check_apart, write_outputs
from layerscope.cli.progress import progress_bar
from layerscope.cli.rules import RuleOptions
from layerscope.cli.streams import tell
from layerscope.cli.writing import Writing, check_head, one_format
from layerscope.errors import UsageError
from layerscope.image.platform import naming
from layerscope.system.collector import collector_paused
from layerscope.units import count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from layerscope.image.platform import Platform
    from layerscope.report.document.rows import ReportDocument


def report_platforms(choice: Choice, writing: Writing, rules: RuleOptions) -> int:
    """Run the command with its options. Raises any `LayerscopeError`. An error of one platform names it."""
    from layerscope.analysis.reading import read_platforms
    from layerscope.report.platforms.document import build_platforms
    from layerscope.report.platforms.renderers import PLATFORMS_RENDERERS

    _check(choice, writing)
    outputs = writing.targets(formats=PLATFORMS_RENDERERS)
    check_head(choice, writing, outputs)
    ruling = read_ruling(rules)
    choice = _settled(choice, rules, ruling)
    check_apart(outputs, (choice.reference, choice.options.dockerfile, *ruling.inputs))
    confine_judging(choice, ruling, outputs)
    base = None if ruling.budget is None else ruling.budget.base
    options = replace(choice.options, base=base)
    whole = any(PLATFORMS_RENDERERS[output.format].filesystem for output in outputs)
    reports: list[ReportDocument] = []
    with (
        collector_paused(),
        progress_bar(quiet=choice.quiet) as progress,
        read_platforms(
            choice.reference,
            options,
            progress=progress,
            cancelled=stopping.is_set,
            remark=remarks(quiet=choice.quiet),
        ) as found,
    ):
        for platform in found.platforms:
            analysis = next(found.analyses)
            same = replace(choice, options=replace(options, platform=str(platform) or None))
            with naming(platform):
                judged = judge_analysis(ruling, same, analysis)
                report = judged.document(
                    top=writing.top, files=writing.files, show_args=writing.show_args
                )
                reports.append(judged.drawn(report) if whole else report)
            del analysis, judged
            gc.collect()
        document = build_platforms(found.image, reports, found.absent)
    write_outputs(
        outputs, document, rows=writing.top, force=writing.force, formats=PLATFORMS_RENDERERS
    )
    return _code(choice, found.absent)


def _code(choice: Choice, absent: Sequence[Platform]) -> Exit:
    """The exit code. A report of fewer platforms than the index lists isn't complete."""
    if not absent:
        return Exit.OK
    names = ", ".join(map(str, absent))
    tell(
        f"error: {choice.reference} lists {count(len(absent), 'platform')} that its source does not have: {names};"
        " read the image from its registry"
    )
    return Exit.SOURCE


def _settled(choice: Choice, rules: RuleOptions, ruling: Ruling) -> Choice:
    """The choice with what the rules and the settings ask for. Raises `UsageError` and `ConfigError`."""
    if ruling.require:
        check_former(ruling)
    choice = with_settings(choice, rules.config)
    return searching(choice) if ruling.secrets else choice


def _check(choice: Choice, writing: Writing) -> None:
    """Raise `UsageError` for options that choose one platform, and for formats that show one image."""
    from layerscope.report.platforms.renderers import PLATFORMS_RENDERERS
    from layerscope.report.saved.reference import report_path

    if choice.options.platform is not None:
        raise UsageError(
            "--platform picks one platform, but --all-platforms reports all of them",
            hint="use only one of the two options",
        )
    if report_path(choice.reference) is not None:
        raise UsageError(
            "--all-platforms has no effect on a saved report",
            hint="leave it out, or name the image",
        )
    name = one_format(as_json=writing.as_json, name=writing.format_name)
    if name is not None and name not in PLATFORMS_RENDERERS:
        raise UsageError(
            f"--format {name} shows one image, but --all-platforms reports several",
            hint=f"the formats for several are {', '.join(PLATFORMS_RENDERERS)}",
        )
