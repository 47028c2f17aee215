"""`layerscope advise IMAGE`: what to change in the build, or a patch to its Dockerfile."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from layerscope.cli.advising import with_settings
from layerscope.cli.confine import confine
from layerscope.cli.examine import Choice, opened
from layerscope.cli.exits import Exit
from layerscope.cli.options import advice_options, content_options, image_argument
from layerscope.cli.streams import tell, write_stdout
from layerscope.errors import LayerscopeError, UsageError
from layerscope.options import ReadOptions
from layerscope.system.collector import collector_paused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from layerscope.analysis.advice.advice import Advice
    from layerscope.analysis.advice.patch.patch import Patch, SourceFile
    from layerscope.analysis.model import Analysis
    from layerscope.report.document.rows import AdviceRow

IGNORE = ".dockerignore"
ENGINES = ("docker", "podman")
"""Where a smaller base image may be."""


@click.command("advise", short_help="Say what to change in the build, and what that saves.")
@image_argument
@click.option(
    "--diff",
    is_flag=True,
    help="Print a patch to the Dockerfile with the simple changes. --dockerfile names it.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@advice_options
@content_options
def command(choice: Choice, diff: bool, as_json: bool) -> int:
    """Say what to change in the build of IMAGE, the largest saving first. No two changes count the same byte.

    IMAGE can be a saved report, which has the advice that was given when it was saved.

    With --diff, this prints a patch for `git apply` or `patch -p1`, and leaves the Dockerfile alone. Read the patch
    before you apply it. Each rule has a page in docs/advice.

    \b
    layerscope advise app.tar --dockerfile Dockerfile
    layerscope advise app.tar --dockerfile Dockerfile --diff | git apply
    """
    dockerfile = choice.options.dockerfile
    if diff and dockerfile is None:
        raise UsageError("--diff has no Dockerfile to change", hint="name it with --dockerfile")
    if diff and as_json:
        raise UsageError("--diff and --json are two formats", hint="use one of them")
    from layerscope.analysis.advice.advise import advise
    from layerscope.analysis.masked import masked
    from layerscope.report.document.advice_rows import advice_row
    from layerscope.report.saved.reference import report_path

    path = report_path(choice.reference)
    _confine(choice, measures=path is None)
    if path is not None:
        _write(_saved_rows(path, choice), as_json=as_json)
        return Exit.OK
    choice = with_settings(choice)
    choice = replace(choice, options=replace(choice.options, duplicates=True))
    with opened(choice) as (analysis, _):
        analysis = with_smaller_base(analysis, choice)
        advice = advise(masked(analysis))
        if diff and dockerfile is not None:
            patch = _patch(analysis, advise(analysis), dockerfile)
            write_stdout(lambda out: out.write(patch.text), data=True)
            if not choice.quiet:
                _tell_others(patch, advice)
            return Exit.OK
    _write([advice_row(each) for each in advice], as_json=as_json)
    return Exit.OK


def _confine(choice: Choice, *, measures: bool) -> None:
    """Restrict the rest of the run. `measures` says that the engines are asked for smaller base images."""
    dockerfile = choice.options.dockerfile
    engines = [f"{engine}:image" for engine in ENGINES] if measures else []
    confine(
        (choice.reference,),
        optional=engines,
        files=() if dockerfile is None else (dockerfile, *_ignore_files(dockerfile)),
        pull=choice.options.pull,
        cache=choice.options.cache,
    )


def _ignore_files(dockerfile: str) -> tuple[str, str, str]:
    """The .dockerignore of one Dockerfile, that of its folder, and that of the current folder. The first one counts."""
    folder, name = os.path.split(dockerfile)
    return os.path.join(folder, f"{name}{IGNORE}"), os.path.join(folder, IGNORE), IGNORE


def _saved_rows(path: str, choice: Choice) -> Sequence[AdviceRow]:
    """The advice of a saved report. Raises `UsageError`."""
    from layerscope.report.saved.report import read_saved

    own = [name for each in click.get_current_context().command.params for name in each.opts]
    useless = [name for name in choice.given_beside_reference() if name in own]
    if useless:
        raise UsageError(
            f"{useless[0]} has no effect on a saved report", hint="leave it out, or name the image"
        )
    with collector_paused():
        rows = read_saved(path, choice.options.limits).document["advice"]
    if rows is None:
        raise UsageError(
            f"the report {choice.reference} has no advice", hint="save it again, without --head"
        )
    return rows


def with_smaller_base(analysis: Analysis, choice: Choice) -> Analysis:
    """The analysis with the size of a smaller base image, if an engine of this machine has that image."""
    import layerscope
    from layerscope.analysis.advice.rules.slim_base import smaller_variant

    found = smaller_variant(analysis.facts)
    if found is None:
        return analysis
    options = ReadOptions(
        platform=str(analysis.facts.platform) or None,
        limits=choice.options.limits,
        cache=choice.options.cache,
        contents=False,
        packages=False,
        dead_weight=False,
        duplicates=False,
        secrets="off",
    )
    for engine in ENGINES:
        try:
            with layerscope.read(f"{engine}:{found[1]}", options) as smaller:
                size = smaller.sizes.content
        except LayerscopeError:
            continue
        told = replace(analysis.advising, measured=((found[1], size),))
        return replace(analysis, advising=told)
    return analysis


def _patch(analysis: Analysis, advice: Sequence[Advice], dockerfile: str) -> Patch:
    from layerscope.analysis.advice.patch.patch import make_patch

    own, beside, current = _ignore_files(dockerfile)
    ignore = next((path for path in (own, beside, current) if os.path.lexists(path)), beside)
    return make_patch(analysis, advice, _source(dockerfile), _source(ignore))


def _source(path: str) -> SourceFile:
    """A file as the patch names it: relative to the current folder, or by its own name if it is elsewhere."""
    from layerscope.analysis.advice.patch.patch import SourceFile
    from layerscope.image.dockerfile import read_exactly

    name = os.path.relpath(os.path.abspath(path))
    if name.startswith(os.pardir):
        name = os.path.basename(path)
    return SourceFile(name, read_exactly(path) if os.path.lexists(path) else None)


def _tell_others(patch: Patch, told: Sequence[Advice]) -> None:
    """Say on standard error what the patch doesn't change. `told` is the same advice with masked secrets."""
    if not patch.applied and not patch.others:
        tell("layerscope: there is nothing to change")
    reasons = {_key(advice): reason for advice, reason in patch.others}
    for advice in told:
        reason = reasons.get(_key(advice))
        if reason is not None:
            line = _line(advice.message)
            tell(f"layerscope: not in the patch: {line} [{advice.rule}], because {reason}")


def _key(advice: Advice) -> tuple[object, ...]:
    return advice.rule, advice.instruction, advice.written_by, advice.wasted_by, advice.bytes


def _line(message: str) -> str:
    from layerscope.report.words import one_line

    return one_line(message)


def _write(rows: Sequence[AdviceRow], *, as_json: bool) -> None:
    if as_json:
        write_stdout(
            lambda out: out.write(json.dumps({"advice": rows}, indent=1, sort_keys=True) + "\n")
        )
        return
    lines = [text for row in rows for text in _text(row)] or ["nothing to change\n"]
    write_stdout(lambda out: out.writelines(lines))


def _text(row: AdviceRow) -> Sequence[str]:
    from layerscope.report.sections.advice import page_of
    from layerscope.units import format_size

    lines = [f"{_line(row['message'])}\n"]
    download = row.get("compressed")
    saved = "" if download is None else f"download: {format_size(download)} less; "
    page = page_of(row)
    if page is not None:
        lines.append(f"    {saved}how: {page}\n")
    return lines
