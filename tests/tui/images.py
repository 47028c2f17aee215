"""Images that the browser's tests open."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Static

import layerscope
from layerscope.analysis.model import Analysis
from layerscope.options import ReadOptions
from layerscope.tui.app import LayerscopeApp, reader
from layerscope.tui.base_app import BaseApp
from layerscope.tui.line_list import LineList
from layerscope.tui.screens.browse_screen import BrowseScreen
from layerscope.tui.settings import Settings
from tests.builder import (
    FORMS,
    WHITEOUT,
    BuiltImage,
    Device,
    File,
    Hardlink,
    ImageBuilder,
    Sparse,
    Symlink,
    buildkit,
)

WIDE = (200, 50)
NARROW = (80, 24)
USUAL = (120, 36)
SIZES = pytest.mark.parametrize(
    "size",
    [
        pytest.param(NARROW, id="80x24"),
        pytest.param(USUAL, id="120x36", marks=pytest.mark.slow),
        pytest.param(WIDE, id="200x50", marks=pytest.mark.slow),
    ],
)
"""A narrow terminal, where the most has to be left out; others too in `.ci/run`."""
MAIN_OLD = b"import os\n\n\ndef main():\n    return 'old'\n"
MAIN_NEW = b"import os\n\n\ndef main():\n    return 'new'\n"


def web_app() -> BuiltImage:
    """An application with several kinds of waste, links, a sparse file, and a large file."""
    return (
        ImageBuilder("my-app:latest")
        .layer(
            {
                "etc/os-release": b"ID=debian\n",
                "usr/bin/python3": File(b"\x7fELF" + bytes(500_000), 0o755),
                "bin": Symlink("usr/bin"),
                "dev/null": Device(major=1, minor=3),
            },
            created_by="/bin/sh -c #(nop) ADD file:" + "0" * 64 + " in / ",
            parents=True,
        )
        .empty(**buildkit.command("ENV", ["LANG=C.UTF-8"]))
        .layer(
            {
                "app/data/model.bin": File(bytes(range(256)) * 4000),
                "app/main.py": MAIN_OLD,
                "app/big.log": b"a line of a log\n" * 40_000,
                "app/hole": Sparse(size=1_000_000, chunks=((500_000, b"middle"),)),
                "app/link.py": Symlink("main.py"),
                "app/again.py": Hardlink("app/main.py"),
            },
            parents=True,
            **buildkit.copy(".", "/app"),
        )
        .layer(
            {f"root/.cache/pip/{n}": bytes([n]) * 10_000 for n in range(20)}
            | {"usr/lib/flask.py": b"x = 1\n" * 1000},
            parents=True,
            **buildkit.run("pip install flask"),
        )
        .layer(
            {
                "app/data/model.bin": File(bytes(range(256)) * 4000, uid=1000),
                "app/main.py": MAIN_NEW,
            },
            **buildkit.run("chown app /app/data/model.bin"),
        )
        .layer({"root/.cache": WHITEOUT}, **buildkit.run("rm -rf /root/.cache"))
        .empty(**buildkit.command("CMD", ["python", "main.py"]))
        .configure(Env=["LANG=C.UTF-8", "API_TOKEN=hunter2"], Labels={"a": "[bold]b"})
        .build()
    )


HOSTILE_NAMES = (
    b"\x1b[31mred\x1b]52;c;aGk=\x07",
    b"\xff\xfe\\n",
    "\u202egnp.exe\u200b".encode(),
    b"[bold]markup[/nope]",
    b"[/",
    b"[link=x]y",
    b"new\nline\r",
    "漢字".encode() + "z\u0301".encode() + "\u0301".encode() * 30,
    b"\x9b31m\x9c",
    b" ",
    b"%s{0}",
)


def hostile() -> BuiltImage:
    """An image with hostile names and texts, 1,000 nested directories, and 5,000 files in one directory."""
    members: dict[bytes, Any] = {
        b"usr/" + name: bytes(100 + at) for at, name in enumerate(HOSTILE_NAMES)
    }
    members |= {
        b"d/" * 1000 + b"deep": b"down here",
        b"l": Symlink("l"),
        b"[red]to": Symlink("[/red]\x1b[2J"),
    }
    members |= {b"many/%05d" % n: b"x" for n in range(5000)}
    evil = "echo '\x1b[2J\x9b31m \u2028' [bold]\n::error::pwned [/oops"
    return (
        ImageBuilder("evil[/x]:\x1b[31m")
        .layer(members, **buildkit.run(evil))
        .layer({b"usr/[/": WHITEOUT, b"usr/new\nline\r": b"other"}, **buildkit.run("[red]x[/red]"))
        .configure(Env=["[/x]=\x1b[2J"], Labels={"[bold]": "[/bold]\x07"})
        .build()
    )


@contextmanager
def analysed(image: BuiltImage, path: Path, form: str = "oci-archive") -> Iterator[Analysis]:
    """The analysis of a built image, with the image still open."""
    with layerscope.load(FORMS[form].write([image], path)) as opened:
        yield layerscope.analyze(opened)


class Driver:
    """Presses keys and waits until everything they trigger has finished."""

    def __init__(self, app: BaseApp, pilot: Pilot[int]) -> None:
        self.app = app
        self.pilot = pilot

    @property
    def browse(self) -> BrowseScreen:
        """The screen of the image, once it is read."""
        return next(each for each in self.app.screen_stack if isinstance(each, BrowseScreen))

    async def settle(self) -> None:
        await self.pilot.pause()
        while any(not worker.is_finished for worker in self.app.workers):
            await self.app.workers.wait_for_complete()
            await self.pilot.pause()

    async def press(self, *keys: str) -> None:
        for key in keys:
            await self.pilot.press(key)
            await self.settle()

    async def filter(self, text: str) -> None:
        """Open the filter line, type a filter, and apply it."""
        await self.press("slash")
        pane = next(pane for pane in self.browse.query("ListPane") if pane.has_focus_within)
        pane.bar.value = text  # type: ignore[attr-defined]
        await self.pilot.pause()
        await self.press("enter")

    def lines(self, list_id: str) -> list[str]:
        """All lines of a list, also those that don't fit on the screen."""
        found = self.browse.query_one(f"#{list_id}", LineList)
        return [
            "".join(text for text, _ in found.spans(row, found.size.width)).strip()
            for row in range(found.row_count)
        ]

    def status(self, pane_id: str) -> str:
        """The line below a list."""
        return str(self.browse.query_one(f"#{pane_id} .status", Static).visual)

    @property
    def text(self) -> str:
        """The text on the screen, line by line."""
        return "\n".join(
            "".join(segment.text for segment in strip).rstrip()
            for strip in self.app.screen._compositor.render_strips(self.app.size)
        )

    @property
    def told(self) -> list[str]:
        """The notifications shown so far."""
        return [note.message for note in self.app._notifications]

    @property
    def is_browsing(self) -> bool:
        """Whether the image's screen is on top, without a dialog or a file above it."""
        return isinstance(self.app.screen, BrowseScreen)

    def rows(self) -> list[str]:
        """The names of the tree's rows, indented."""
        rows = self.browse.files.tree_view.rows
        assert rows is not None
        return [
            "  " * depth + rows.outline.names[number].decode("utf-8", "backslashreplace")
            for number, depth in zip(rows.numbers, rows.depths, strict=True)
        ]


def browse(
    reference: str,
    script: Callable[[Driver], Coroutine[Any, Any, None]],
    *,
    size: tuple[int, int] = USUAL,
    settings: Settings | None = None,
    dockerfile: Path | None = None,
    cache: bool = True,
) -> int | None:
    """Open a reference in the browser, and run a script once the image is read. Returns the exit code, if any."""

    async def run() -> int | None:
        named = None if dockerfile is None else str(dockerfile)
        options = ReadOptions(dockerfile=named, cache=cache)
        app = LayerscopeApp(reference, reader(reference, options), settings=settings)
        async with app.run_test(size=size) as pilot:
            driver = Driver(app, pilot)
            await driver.settle()
            await script(driver)
        return app.return_value

    return asyncio.run(run())
