"""Two images that the browser's tests compare."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import ExitStack
from typing import Any

import layerscope
from layerscope.analysis.comparison.side import Side
from layerscope.progress import CancelledCallback, ProgressCallback
from layerscope.report.saved.reference import report_path
from layerscope.report.saved.report import read_report
from layerscope.tui.compare.app import CompareApp
from layerscope.tui.compare.load import pair_reader
from layerscope.tui.compare.screen import CompareScreen
from tests.builder import BuiltImage, File, ImageBuilder, Symlink, buildkit
from tests.tui.images import USUAL, Driver

OLD = b"import os\n\n\ndef main():\n    return 'old'\n"
NEW = b"import os\n\n\ndef main():\n    return 'new'\n"


def first() -> BuiltImage:
    """The old build."""
    return (
        ImageBuilder("my-app:1")
        .layer(
            {"app/same.txt": b"the same\n" * 100, "there/moved.bin": bytes(range(250)) * 28},
            parents=True,
            **buildkit.copy("base", "/"),
        )
        .empty(**buildkit.command("ENV", ["MODE=old"]))
        .layer(
            {
                "app/main.py": OLD,
                "app/gone.txt": b"gone" * 50,
                "app/run.sh": File(b"#!/bin/sh\n", 0o644),
                "app/turns": b"a file",
                "link": Symlink("app/main.py"),
            },
            **buildkit.copy(".", "/app"),
        )
        .configure(Env=["MODE=old", "API_TOKEN=hunter2"], Labels={"a": "[bold]b"})
        .build()
    )


def second() -> BuiltImage:
    """The new build, with every kind of difference."""
    return (
        ImageBuilder("my-app:2")
        .layer(
            {"app/same.txt": b"the same\n" * 100, "here/moved.bin": bytes(range(250)) * 28},
            parents=True,
            **buildkit.copy("base", "/"),
        )
        .empty(**buildkit.command("ENV", ["MODE=new"]))
        .layer(
            {
                "app/main.py": NEW,
                "app/new.txt": b"new" * 200,
                "app/run.sh": File(b"#!/bin/sh\n", 0o755),
                "app/turns": Symlink("main.py"),
                "link": Symlink("app/new.txt"),
            },
            **buildkit.copy(".", "/app"),
        )
        .layer({"etc/more": b""}, parents=True, **buildkit.run("touch /etc/more"))
        .configure(Env=["MODE=new", "API_TOKEN=hunter3"], Labels={"a": "[bold]b"})
        .build()
    )


def opener(a: str, b: str) -> Callable[..., tuple[Side, Side]]:
    """Opens both references, or reads the reports that they name."""

    def open_sides(
        progress: ProgressCallback, cancelled: CancelledCallback, stack: ExitStack
    ) -> tuple[Side, Side]:
        sides = []
        for reference in (a, b):
            path = report_path(reference)
            if path is not None:
                sides.append(read_report(path))
                continue
            image = layerscope.load(reference, progress=progress, cancelled=cancelled)
            sides.append(
                Side.of(
                    layerscope.analyze(
                        stack.enter_context(image), progress=progress, cancelled=cancelled
                    )
                )
            )
        return sides[0], sides[1]

    return open_sides


class PairDriver(Driver):
    """Presses keys on the screen of two images."""

    @property
    def compared(self) -> CompareScreen:
        return next(each for each in self.app.screen_stack if isinstance(each, CompareScreen))

    def rows(self) -> list[str]:
        rows = self.compared.files.tree_view.rows
        assert rows is not None
        return [
            "  " * depth + rows.outline.names[number].decode("utf-8", "backslashreplace")
            for number, depth in zip(rows.numbers, rows.depths, strict=True)
        ]

    async def filter(self, text: str) -> None:
        await self.press("slash")
        self.compared.files.bar.value = text
        await self.pilot.pause()
        await self.press("enter")


def browse_pair(
    a: str,
    b: str,
    script: Callable[[PairDriver], Coroutine[Any, Any, None]],
    *,
    size: tuple[int, int] = USUAL,
    path: str | None = None,
) -> int | None:
    """Open the browser for two images and run a script on it. Returns the exit code, if any."""

    async def run() -> int | None:
        app = CompareApp(f"{a} → {b}", pair_reader(opener(a, b), path))
        async with app.run_test(size=size) as pilot:
            driver = PairDriver(app, pilot)
            await driver.settle()
            await driver.settle()
            await script(driver)
        return app.return_value

    return asyncio.run(run())
