"""`layerscope fleet scan`: reads each layer of many images once, on a cluster, into a folder of tables."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import click

from layerscope.cli.confine import confine, sandbox_option
from layerscope.cli.exits import Exit, stopping
from layerscope.cli.options import (
    Command,
    gathered,
    limit_option,
    parse_limits,
    platform_option,
    quiet_option,
    registry_options,
    stacked,
)
from layerscope.cli.progress import progress_bar
from layerscope.cli.streams import tell
from layerscope.errors import UsageError
from layerscope.system.collector import collect_from_now_on
from layerscope.units import count

if TYPE_CHECKING:
    from layerscope.fleet.run import Counts, Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """The folder of the tables, and the workers."""

    out: str
    scheduler: str | None
    workers: int | None
    quiet: bool


def plan_options(command: Command) -> Command:
    """What to scan and how; the command gets a `plan`."""
    return stacked(
        click.option(
            "--requests",
            type=click.IntRange(min=1, max=10_000),
            metavar="N",
            default=8,
            show_default=True,
            help="The most requests to one registry at the same time.",
        ),
        click.option(
            "--newer-than",
            metavar="DURATION",
            help="Only images created within this time, such as 36h, 90d, 12w, or 1y.",
        ),
        click.option(
            "--tag",
            "tags",
            metavar="GLOB",
            multiple=True,
            help="Only tags of a registry that match, such as 'v*'. Repeat for several patterns.",
        ),
        platform_option,
        registry_options,
        limit_option,
        gathered(
            "plan",
            (
                "targets",
                "requests",
                "newer_than",
                "tags",
                "platform",
                "insecure",
                "token_servers",
                "limits",
            ),
            _plan,
        ),
    )(command)


def _plan(
    *,
    targets: tuple[str, ...],
    requests: int,
    newer_than: str | None,
    tags: tuple[str, ...],
    platform: str | None,
    insecure: bool,
    token_servers: Sequence[str],
    limits: Sequence[str],
) -> Plan:
    from layerscope.fleet.extra import check_extra

    check_extra()
    from layerscope.fleet.age import since
    from layerscope.fleet.run import Plan
    from layerscope.fleet.targets import Choosing
    from layerscope.fleet.values import Reading
    from layerscope.image.platform import Platform

    if tags and not any(target.startswith("registry:") for target in targets):
        raise UsageError(
            "--tag chooses from the tags of a registry, and no target is a registry",
            hint="leave it out",
        )
    if platform is not None:
        Platform.parse(platform)
    return Plan(
        targets=tuple(dict.fromkeys(targets)),
        reading=Reading(
            platform=platform,
            insecure=insecure,
            token_servers=tuple(token_servers),
            limits=parse_limits(limits),
        ),
        choosing=Choosing(tags=tags),
        requests=requests,
        newer_than=None if newer_than is None else since(newer_than),
    )


@click.command("scan", short_help="Read the images of a registry or a folder into tables.")
@click.argument("targets", metavar="TARGET...", nargs=-1, required=True)
@click.option(
    "--out",
    required=True,
    metavar="DIR",
    help="The folder of the tables. It is created if it doesn't exist.",
)
@click.option(
    "--scheduler",
    metavar="ADDRESS",
    help="The scheduler of an existing Dask cluster, such as tcp://scheduler:8786.",
)
@click.option(
    "--workers",
    type=click.IntRange(min=1, max=1024),
    metavar="N",
    help="Start N workers here. The default is one for each processor.",
)
@plan_options
@sandbox_option
@quiet_option
@gathered("where", [field.name for field in fields(Where)], Where)
def command(plan: Plan, where: Where) -> int:
    """Read images into the tables in DIR: each layer once, however many images have it.

    TARGET is registry:HOST for all repositories of a registry, registry:HOST/REPOSITORY for all tags of a repository, a file
    with a reference on each line, or a folder of archives and layouts. A scan that was interrupted continues where it stopped,
    and the next scan reads only new layers. An image that can't be read is a row of the table `failures`.

    \b
    layerscope fleet scan registry:registry.example --out fleet
    layerscope fleet scan registry:registry.example/team/app --tag 'v*' --out fleet
    layerscope fleet scan images.txt --out fleet --scheduler tcp://scheduler:8786
    """
    if where.scheduler is not None and where.workers is not None:
        raise UsageError(
            "--workers starts workers here, and --scheduler uses those of a cluster",
            hint="leave one of the two options out",
        )
    from layerscope.fleet.cluster import workers
    from layerscope.fleet.folder import locked
    from layerscope.fleet.scan import scan

    _confine(plan, where)
    collect_from_now_on()
    with (
        locked(os.path.abspath(where.out)) as folder,
        workers(scheduler=where.scheduler, count=where.workers) as cluster,
        progress_bar(quiet=where.quiet) as progress,
    ):
        counts = scan(
            plan,
            folder,
            cluster,
            progress=progress,
            cancelled=stopping.is_set,
            lends=None if where.quiet else _warning(where.scheduler),
        )
    if not where.quiet:
        tell(f"layerscope: {summary(counts)}")
    return Exit.OK


_SEMAPHORES = tuple(filter(os.path.isdir, ("/dev/shm",)))  # noqa: S108
"""Where the C library keeps those of processes that work together, which local workers do."""


def _confine(plan: Plan, where: Where) -> None:
    """Restrict this process and the workers that it starts. They talk to each other over TCP, so the network stays."""
    from layerscope.sandbox.rights import Programs, Rights

    confine(
        ["registry:image"] if any(map(_may_name_registries, plan.targets)) else [],
        folders=(where.out,) if where.scheduler else (where.out, *_SEMAPHORES),
        cache=False,
        ahead=False,
        more=Rights(
            reads=("/",), connects=True, sockets=True, listens=None, programs=Programs.PYTHON
        ),
    )


def _may_name_registries(target: str) -> bool:
    """Whether a target is a registry, or a file that may list some."""
    return target.startswith("registry:") or os.path.isfile(target)


def _warning(scheduler: str | None) -> Callable[[], None] | None:
    """What to say before credentials leave this machine unencrypted."""
    if scheduler is None or scheduler.startswith("tls://"):
        return None
    return lambda: tell(
        f"layerscope: credentials go to the workers of {scheduler} unencrypted; use tls:// to encrypt them"
    )


def summary(counts: Counts) -> str:
    """What a scan did, in one line."""
    from layerscope.units import format_size

    text = (
        f"{count(counts.images, 'image')}, {counts.unchanged:,} of them unchanged; "
        f"{count(counts.layers, 'layer')} with {format_size(counts.bytes_read)} read, {counts.known_layers:,} known"
    )
    if counts.older:
        text += f"; {count(counts.older, 'image')} older than asked for"
    if counts.failures:
        text += f"; {count(counts.failures, 'failure')} in the table failures"
    return text
