"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from functools import wraps
from typing import Any, TypeVar, cast

import click

from layerscope.cli.complete import complete_image
from layerscope.cli.confine import sandbox_option
from layerscope.cli.examine import Choice
from layerscope.cli.streams import write_stdout
from layerscope.errors import ConfigError, UsageError
from layerscope.limits import DEFAULT_LIMITS, ZSTD_WINDOW_LOGS, Limits
from layerscope.options import MIN_DUPLICATE, AdviceOptions, ReadOptions, SecretScope, Via
from layerscope.units import parse_size

Command = TypeVar("Command", bound=Callable[..., Any])


def stacked(*decorators: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """One decorator for several options, which `--help` lists in this order."""

    def decorate(command: Command) -> Command:
        for decorator in reversed(decorators):
            command = decorator(command)
        return command

    return decorate


def gathered(
    parameter: str, names: Sequence[str], make: Callable[..., object]
) -> Callable[[Command], Command]:
    """Pass the command one typed value instead of the options in `names`."""

    def decorate(command: Command) -> Command:
        @wraps(command)
        def run(**given: Any) -> Any:
            own = {name: given[name] for name in names if name in given}
            others = {name: value for name, value in given.items() if name not in own}
            return command(**{parameter: make(**own)}, **others)

        return cast("Command", run)

    return decorate


def image_argument(command: Command) -> Command:
    return click.argument("reference", metavar="IMAGE", shell_complete=complete_image)(command)


def source_options(command: Command) -> Command:
    """How to find and read the image, wherever it is; the command gets a `choice`."""
    return stacked(
        _tag_option,
        _dockerfile_option,
        lazy_option,
        _engine_options,
        via_option,
        cache_option,
        _choice,
    )(command)


def report_options(command: Command) -> Command:
    """The same for a command that can do without the layers."""
    return stacked(
        head_option,
        packages_option,
        duplicates_options,
        secrets_option,
        dead_weight_option,
        advice_options,
        source_options,
    )(command)


def file_options(command: Command) -> Command:
    """The same for a command that shows no instructions and so needs no Dockerfile."""
    return stacked(_tag_option, lazy_option, _engine_options, via_option, cache_option, _choice)(
        command
    )


def content_options(command: Command) -> Command:
    """The same as `source_options` for a command that reads files, which `--lazy` doesn't."""
    return stacked(
        _tag_option, _dockerfile_option, _engine_options, via_option, cache_option, _choice
    )(command)


def engine_options(command: Command) -> Command:
    """How to find the image in an engine; the command gets a `choice`."""
    return stacked(platform_option, _pull_option, sandbox_option, quiet_option, _choice)(command)


def make_options(
    *,
    platform: str | None,
    pull: bool,
    limits: Sequence[str] = (),
    insecure: bool = False,
    token_servers: Sequence[str] = (),
    tag: str | None = None,
    dockerfile: str | None = None,
    verify: bool | None = None,
    via: Via | None = None,
    no_cache: bool = False,
    head: bool = False,
    lazy: bool = False,
    packages: bool = True,
    dead_weight: bool = True,
    no_advice: Sequence[str] = (),
    min_saving: str | None = None,
    duplicates: bool = False,
    min_duplicate: str | None = None,
    secrets: SecretScope = "off",
) -> ReadOptions:
    """The options of the command line as one value. Raises `UsageError`.

    `duplicates` and `secrets` are off for commands that don't show them.
    """
    _check_depth(head=head, lazy=lazy, verify=verify, secrets=secrets)
    return ReadOptions(
        platform=platform,
        tag=tag,
        pull=pull,
        insecure=insecure,
        token_servers=tuple(token_servers),
        dockerfile=dockerfile,
        limits=parse_limits(limits),
        head=head,
        lazy=lazy,
        packages=packages,
        dead_weight=dead_weight,
        advice=_make_advice(no_advice, min_saving),
        duplicates=duplicates,
        min_duplicate=_least(min_duplicate, head=head, off=not duplicates),
        secrets=secrets,
        verify="auto" if verify is None else "full" if verify else "off",
        via=via,
        cache=not no_cache,
    )


def _check_depth(*, head: bool, lazy: bool, verify: bool | None, secrets: SecretScope) -> None:
    """Raise `UsageError` for two options that disagree about how much of the layers is read."""
    clash = ""
    if head and verify is not None:
        clash = "--head reads no layer, so there are no digests to verify"
    elif lazy and (head or verify):
        other = "--head reads no layer" if head else "--verify reads all contents"
        clash = f"--lazy reads tables of contents, and {other}"
    elif secrets == "all" and (head or lazy):
        other = "--head reads no layer" if head else "--lazy reads tables of contents"
        clash = f"--secrets reads all text files, and {other}"
    if clash:
        raise UsageError(clash, hint="leave one of the two options out")


def _make_advice(off: Sequence[str], least: str | None) -> AdviceOptions:
    if off:
        from layerscope.analysis.advice.settings import check_rules

        check_rules(off)
    try:
        size = None if least is None else parse_size(least)
    except ConfigError as error:
        raise UsageError(f"--min-saving: {error.message}", hint=error.hint) from None
    return AdviceOptions(off=frozenset(off), min_saving=size)


def _make_choice(*, reference: str, quiet: bool, **options: Any) -> Choice:
    return Choice(reference=reference, options=make_options(**options), quiet=quiet)


_choice = gathered(
    "choice",
    (
        "reference",
        "platform",
        "tag",
        "dockerfile",
        "pull",
        "insecure",
        "token_servers",
        "limits",
        "verify",
        "via",
        "no_cache",
        "head",
        "lazy",
        "packages",
        "dead_weight",
        "no_advice",
        "min_saving",
        "duplicates",
        "min_duplicate",
        "secrets",
        "quiet",
    ),
    _make_choice,
)
head_option = click.option(
    "--head",
    is_flag=True,
    help="Don't read any layer. Compressed sizes, instructions, and history come from the manifest, the config, and the index.",
)
via_option = click.option(
    "--via",
    type=click.Choice(["store", "export"]),
    help="For engines only: read the image from the engine's store, or from an export. By default, from the store if you may read it.",
)
cache_option = click.option(
    "--no-cache",
    is_flag=True,
    help="Read every layer, and don't use the cache of layers that were read before.",
)
lazy_option = click.option(
    "--lazy",
    is_flag=True,
    help="Index eStargz and zstd:chunked layers by their tables of contents, without reading their files.",
)
packages_option = click.option(
    "--packages/--no-packages",
    default=True,
    help="Say which packages the files belong to, or don't read any packages.",
)
duplicates_options = stacked(
    click.option(
        "--duplicates/--no-duplicates",
        default=True,
        help="Say which contents are stored more than once, or don't compare any.",
    ),
    click.option(
        "--min-duplicate",
        metavar="SIZE",
        help="The smallest content that counts as a duplicate.  [default: 4KiB]",
    ),
)

dead_weight_option = click.option(
    "--dead-weight/--no-dead-weight",
    default=True,
    help="Say which live files a running container hardly needs, or don't look for any.",
)


def advice_options(command: Command) -> Command:
    """Which advice to give."""
    return stacked(
        click.option(
            "--no-advice",
            metavar="RULE",
            multiple=True,
            help="Leave out advice from this rule, such as docs. Repeat for several rules.",
        ),
        click.option(
            "--min-saving",
            metavar="SIZE",
            help="Leave out advice that saves less. By default 1 MB or 1 % of the content, whichever is smaller.",
        ),
    )(command)


def _scope(_: click.Context, __: click.Parameter, wanted: bool | None) -> SecretScope:
    return "known" if wanted is None else "all" if wanted else "off"


secrets_option = click.option(
    "--secrets/--no-secrets",
    default=None,
    callback=_scope,
    help="Search all text files for secrets, or nothing. By default, search the configuration and the files whose names suggest secrets.",
)
_tag_option = click.option(
    "--tag", metavar="TAG", help="Pick this image from an archive with several."
)
_dockerfile_option = click.option(
    "--dockerfile",
    metavar="PATH",
    help="The Dockerfile of the image, to name lines when the image has no provenance.",
)


platform_option = click.option(
    "--platform",
    metavar="OS/ARCH[/VARIANT]",
    help="Pick this platform from a multi-platform image.",
)
_pull_option = click.option(
    "--pull",
    is_flag=True,
    help="For engines only: pull the image if the engine doesn't have it.",
)


def _engine_options(command: Command) -> Command:
    return stacked(platform_option, reading_options)(command)


def _list_limits(
    ctx: click.Context, _: click.Parameter, values: tuple[str, ...]
) -> tuple[str, ...]:
    """End the run with the names and defaults of all limits for `--limit help`."""
    if "help" in values and not ctx.resilient_parsing:
        rows = [f"{field.name}={field.default}\n" for field in fields(Limits)]
        write_stdout(lambda out: out.writelines(rows))
        ctx.exit()
    return values


def reading_options(command: Command) -> Command:
    """How any image is read."""
    return stacked(_pull_option, registry_options, limit_option, sandbox_option, quiet_option)(
        command
    )


def registry_options(command: Command) -> Command:
    return stacked(
        click.option(
            "--insecure",
            is_flag=True,
            help="For registries only: accept plain HTTP and any certificate, for your own test registries.",
        ),
        click.option(
            "--token-server",
            "token_servers",
            metavar="HOST",
            multiple=True,
            help="For registries only: send the registry's credentials to the token server on this host too.",
        ),
    )(command)


limit_option = click.option(
    "--limit",
    "limits",
    metavar="NAME=VALUE",
    multiple=True,
    is_eager=True,
    callback=_list_limits,
    help="Change a limit on what an image may cost, such as layers=2000. `--limit help` lists all limits.",
)
quiet_option = click.option(
    "-q", "--quiet", is_flag=True, help="Show no progress bar and fewer messages."
)


def _least(text: str | None, *, head: bool, off: bool) -> int:
    """The smallest duplicate, in bytes. Raises `UsageError`."""
    if text is None:
        return MIN_DUPLICATE
    if head or off:
        raise UsageError(
            f"--min-duplicate has no effect with {'--head' if head else '--no-duplicates'}",
            hint="leave one of the two options out",
        )
    try:
        return parse_size(text)
    except ConfigError as error:
        raise UsageError(f"--min-duplicate: {error.message}", hint=error.hint) from None


def parse_limits(values: Sequence[str]) -> Limits:
    """The default limits with the changes of `--limit NAME=VALUE`. Raises `UsageError`."""
    names = [field.name for field in fields(Limits)]
    changes: dict[str, int] = {}
    for value in values:
        name, sign, number = value.partition("=")
        name = name.replace("-", "_")
        if not sign or name not in names:
            raise UsageError(
                f"--limit {value!r} does not name a limit",
                hint=f"write NAME=VALUE; the names are {', '.join(names)}",
            )
        try:
            changes[name] = parse_size(number)
        except ConfigError as error:
            raise UsageError(f"--limit {name}: {error.message}", hint=error.hint) from None
    window = changes.get("zstd_window_log", DEFAULT_LIMITS.zstd_window_log)
    if window not in ZSTD_WINDOW_LOGS:
        raise UsageError(
            f"--limit zstd_window_log: zstd has no window of 2^{window} bytes",
            hint=f"write a number from {ZSTD_WINDOW_LOGS[0]} to {ZSTD_WINDOW_LOGS[-1]}",
        )
    return replace(DEFAULT_LIMITS, **changes)
