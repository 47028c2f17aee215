"""The sandbox of a run: `--sandbox`, `LAYERSCOPE_SANDBOX`, and what each command says it needs."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import click

from layerscope.analysis.budgets.names import CONFIG_NAME, DIVE_CI, PYPROJECT
from layerscope.errors import UsageError
from layerscope.sandbox.rights import Programs, Rights

if TYPE_CHECKING:
    from layerscope.cli.examine import Choice
    from layerscope.cli.outputs import Output

Command = TypeVar("Command", bound=Callable[..., Any])
Mode = Literal["auto", "on", "off"]

MODE = "LAYERSCOPE_SANDBOX"
"""The environment variable with the default of --sandbox: auto, on, or off."""
ALLOW = "LAYERSCOPE_SANDBOX_ALLOW"
"""The environment variable with more folders that a run may read and write, separated like those of PATH."""
_CHOSEN = "layerscope.sandbox"
_MODES: tuple[Mode, ...] = ("auto", "on", "off")


class Process:
    """Whether this process runs one command and ends, so that it may be restricted for good."""

    def __init__(self) -> None:
        self.own = False
        self.confined = False


process = Process()


def _keep(context: click.Context, _: click.Parameter, wanted: bool | None) -> None:
    if wanted is not None:
        context.meta[_CHOSEN] = "on" if wanted else "off"


sandbox_option = click.option(
    "--sandbox/--no-sandbox",
    default=None,
    expose_value=False,
    callback=_keep,
    help="Fail if the kernel can't restrict this run to what it needs, or don't restrict it. By default, restrict it where that works.",
)


def mode() -> Mode:
    """What the option says, or else the environment. Raises `UsageError` for any other value."""
    context = click.get_current_context(silent=True)
    chosen: Mode | None = None if context is None else context.meta.get(_CHOSEN)
    if chosen is not None:
        return chosen
    told = os.environ.get(MODE) or "auto"
    for each in _MODES:
        if told == each:
            return each
    raise UsageError(f"{MODE} is {told!r}", hint="set it to auto, on, or off")


def confine(
    references: Iterable[str | None],
    *,
    files: Iterable[str | None] = (),
    outputs: Sequence[Output] = (),
    folders: Iterable[str] = (),
    optional: Iterable[str] = (),
    pull: bool = False,
    cache: bool = True,
    ahead: bool = True,
    more: Rights | None = None,
) -> None:
    """Restrict the rest of this run to what it needs, before it reads the first byte of an image.

    `references` are the images and saved reports, `files` what else is read, `outputs` what is written, and `folders` are
    filled. `optional` are images that the run can do without, where a sandbox was asked for and can't include them. With
    `ahead`, the programs that a source needs are started before there is a sandbox, outside of it. Raises `UsageError` if
    there must be a sandbox, and there can't be one.
    """
    wanted = mode()
    if wanted == "off" or process.confined:
        return
    problem = _unable() or _apply(
        _needed(references, optional, pull=pull, ahead=ahead, whole=wanted == "on")
        | _named(files, outputs, folders)
        | (more or Rights()),
        cache=cache,
        whole=wanted == "on",
    )
    if problem is not None and wanted == "on":
        raise UsageError(
            f"--sandbox is not possible: {problem}",
            hint="leave it out to go on without a sandbox",
        )


def confine_image(
    choice: Choice, *, files: Iterable[str | None] = (), folders: Iterable[str] = ()
) -> None:
    """The same for a command that reads one image. Raises `UsageError`."""
    confine(
        (choice.reference,),
        files=(choice.options.dockerfile, *files),
        folders=folders,
        pull=choice.options.pull,
        cache=choice.options.cache,
    )


def confine_browser(
    references: Iterable[str | None], *, dockerfile: str | None = None, pull: bool, cache: bool
) -> None:
    """The same for a browser, which saves and extracts files below the current folder, unless it is shown on a page.

    It starts Python once more, to highlight a text. Raises `UsageError`.
    """
    web = "web_driver" in os.environ.get("TEXTUAL_DRIVER", "")
    confine(
        references,
        files=(dockerfile,),
        folders=() if web else (".",),
        pull=pull,
        cache=cache,
        more=Rights(programs=Programs.PYTHON),
    )


def _unable() -> str | None:
    """Why this process can't be restricted at all, or None."""
    if not process.own:
        return "this is not a process of its own"
    return None if sys.platform == "linux" else "it needs Linux"


def _needed(
    references: Iterable[str | None],
    optional: Iterable[str],
    *,
    pull: bool,
    ahead: bool,
    whole: bool,
) -> Rights:
    from layerscope.sandbox.table import needs

    rights = Rights()
    for reference in references:
        rights |= needs(reference, pull=pull, ahead=ahead)
    for reference in optional:
        more = needs(reference)
        if more.unconfined is None or not whole:
            rights |= more
    return rights


def _apply(rights: Rights, *, cache: bool, whole: bool) -> str | None:
    """Why there is no sandbox, or None. With `whole`, nothing is restricted if the kernel can't restrict all."""
    if rights.unconfined is not None:
        return rights.unconfined
    try:
        from layerscope.sandbox.landlock import NETWORK_ABI, abi, enforce
    except ImportError:
        return "the library landlockpy is not installed"
    found = abi()
    if found == 0:
        return "the kernel has no Landlock, or it is turned off"
    if whole and found < NETWORK_ABI and not rights.connects:
        return f"the kernel's Landlock can't cut off the network: it has version {found} of at least {NETWORK_ABI}"
    from layerscope.sandbox.bytecode import compile_once

    compile_once()
    try:
        for step in rights.first:
            step()
    except OSError as error:
        return f"ssh can't be prepared: {error.strerror}"
    try:
        enforce(rights | _usual() | _cache(cache))
    except OSError as error:
        return f"the kernel refused it: {error.strerror}"
    process.confined = True
    return None


def _usual() -> Rights:
    """What any run needs."""
    from layerscope.sandbox.places import python_files, system_files, temporary_folder

    allowed = tuple(filter(None, os.environ.get(ALLOW, "").split(os.pathsep)))
    temporary = temporary_folder()
    return Rights(
        reads=(*python_files(), *system_files(), CONFIG_NAME, PYPROJECT, DIVE_CI),
        folders=allowed if temporary is None else (temporary, *allowed),
    )


def _named(
    files: Iterable[str | None], outputs: Sequence[Output], folders: Iterable[str]
) -> Rights:
    """The files and folders that the command line names."""
    from layerscope.sandbox.places import existing

    paths = [output.path for output in outputs if output.path != "-"]
    streams = [path for path in paths if os.path.lexists(path) and not _is_replaced(path)]
    return Rights(
        reads=tuple(path for path in files if path),
        outputs=tuple(os.path.dirname(path) or "." for path in paths if path not in streams),
        streams=tuple(streams),
        folders=tuple(map(existing, folders)),
    )


def _is_replaced(path: str) -> bool:
    """Whether a file is replaced by a new one, and not written through."""
    return os.path.isfile(path) and not os.path.islink(path)


def _cache(wanted: bool) -> Rights:
    """The cache's folder, which has to exist before it can be allowed."""
    from layerscope.cache.opened import used_folder

    folder = used_folder() if wanted else None
    if folder is None or folder.path is None:
        return Rights()
    if folder.prepared():
        return Rights(folders=(folder.path,))
    return Rights(reads=(folder.path,))  # to say what is wrong with it
