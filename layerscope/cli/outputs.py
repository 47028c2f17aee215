"""Where a report goes: `-o PATH`, any number of `-o FORMAT=PATH`, and standard output."""

from __future__ import annotations

import io
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Never, TextIO, TypeVar

from layerscope.cli.streams import wants_color, width_of, write_stdout
from layerscope.errors import UsageError
from layerscope.patterns import pattern
from layerscope.records import dataclass
from layerscope.report.formats.format import Display, Format
from layerscope.report.formats.renderers import RENDERERS
from layerscope.report.replace import check_target, replacing, shown

if TYPE_CHECKING:
    pass

STDOUT = "-"
_LAYOUT = ("index.json", "oci-layout", "manifest.json")
_PREFIX = pattern(r"([a-z][a-z0-9_-]*)=(.+)", re.DOTALL)

DocumentT = TypeVar("DocumentT")


@dataclass(frozen=True, slots=True)
class Output:
    """One format and its path; `-` is standard output."""

    format: str
    path: str


def parse_outputs(
    values: Sequence[str],
    format_name: str | None,
    *,
    default: str | None = "text",
    formats: Mapping[str, Format[Never]] = RENDERERS,
) -> tuple[Output, ...]:
    """The outputs of one run. `format_name` comes from `--format` or `--json`; without it stdout gets `default`.

    A plain PATH gets `format_name`, otherwise the format of its suffix, otherwise text. When every `-o` names its own
    format, `format_name` goes to standard output. Raises `UsageError`.
    """
    outputs: list[Output] = []
    plain = False
    for value in values:
        match = _PREFIX.fullmatch(value)
        if match is None:
            plain = True
            outputs.append(Output(format_name or _format_of(value, formats), value))
        elif match[1] in formats:
            outputs.append(Output(match[1], match[2]))
        else:
            raise UsageError(
                f"unknown format {match[1]!r} in -o {shown(value)}",
                hint=f"the formats are {', '.join(formats)}; write ./{shown(value)} for a file with that name",
            )
    if not outputs and (format_name or default):
        outputs.append(Output(format_name or default or "", STDOUT))
    elif outputs and format_name and not plain:
        outputs.append(Output(format_name, STDOUT))
    _check_each_apart(outputs)
    return tuple(outputs)


def _format_of(path: str, formats: Mapping[str, Format[Never]]) -> str:
    return next((each.name for each in formats.values() if path.endswith(each.suffix)), "text")


def _check_each_apart(outputs: Sequence[Output]) -> None:
    places = [
        output.path if output.path == STDOUT else _resolved(output.path) for output in outputs
    ]
    for position, place in enumerate(places):
        if place in places[:position]:
            name = "standard output" if place == STDOUT else shown(outputs[position].path)
            raise UsageError(
                f"two formats would go to {name}",
                hint="give each its own path with -o FORMAT=PATH",
            )


def _resolved(path: str) -> str:
    try:
        return os.path.realpath(path)
    except (OSError, ValueError):  # the current folder is gone, or this is not a valid path
        return path


def check_apart(outputs: Sequence[Output], inputs: Iterable[str | None]) -> None:
    """Raise `UsageError` for an output that would replace something that the run reads.

    `inputs` are references and paths. A symlink or hard link to a file counts as the file, and the documents of a
    layout count as the layout.
    """
    read = {place: reference for reference in inputs for place in _places(reference)}
    for output in outputs:
        if output.path == STDOUT:
            continue
        reference = read.get(_identity(output.path) or (-1, -1))
        if reference is not None:
            raise UsageError(
                f"this run reads {shown(output.path)}, as {shown(reference)}",
                hint="write to another file",
            )


def _places(reference: str | None) -> Iterator[tuple[int, int]]:
    """The identities of the files and folders that a reference can mean, with or without its scheme and tag."""
    if not reference or reference == STDOUT:
        return
    for path in (reference, reference.partition(":")[2].removeprefix("//")):
        for name in (path, path.rpartition(":")[0]):
            for file in (name, *(os.path.join(name, each) for each in _LAYOUT)) if name else ():
                found = _identity(file)
                if found is not None:
                    yield found


def _identity(path: str) -> tuple[int, int] | None:
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    return status.st_dev, status.st_ino


def check_outputs(outputs: Sequence[Output], *, force: bool) -> None:
    """Raise `OutputError` for a file that cannot be written, before any work starts.

    Raises `UsageError` for `--force` without a file to write.
    """
    if force and all(output.path == STDOUT for output in outputs):
        raise UsageError(
            "--force has no effect without a file to write",
            hint="leave it out, or name a file with -o PATH",
        )
    for output in outputs:
        if output.path != STDOUT:
            check_target(output.path, force=force)


def write_outputs(
    outputs: Sequence[Output],
    document: DocumentT,
    *,
    rows: int | None,
    force: bool,
    formats: Mapping[str, Format[DocumentT]],
    draw: Callable[[DocumentT], DocumentT] | None = None,
) -> None:
    """Write `document` in every format: files first, so that a broken pipe loses none of them.

    Formats that draw the final filesystem get it from `draw`; the others get the document without it.
    """
    plain, drawn = document, document
    if draw is not None and any(formats[each.format].filesystem for each in outputs):
        drawn = draw(plain)
    for output in sorted(outputs, key=lambda each: each.path == STDOUT):
        document = drawn if formats[output.format].filesystem else plain
        create = formats[output.format].create
        if output.path == STDOUT:
            color, width = wants_color(sys.stdout), width_of(sys.stdout)
            renderer = create(Display(width=width, color=color, rows=rows))

            def to_stdout(out: TextIO) -> None:
                renderer.render(document, out)  # noqa: B023

            write_stdout(to_stdout, data=output.format != "text")
            continue
        renderer = create(Display(width=width_of(None), rows=rows))
        with replacing(output.path, force=force) as file:
            text = io.TextIOWrapper(file, encoding="utf-8", newline="\n", write_through=False)
            renderer.render(document, text)
            text.flush()
            text.detach()
