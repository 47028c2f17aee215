"""Extracts files from an image into a folder, and asks before it overwrites any."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING

from textual.worker import get_current_worker

from layerscope.errors import Cancelled, LayerscopeError, OutputError
from layerscope.report.file_text import path_text
from layerscope.tui.screens.dialogs import TextDialog
from layerscope.tui.screens.questions import ask_overwrite, may_write, show_error
from layerscope.units import count, format_size

if TYPE_CHECKING:
    from textual.screen import Screen

    from layerscope.filesystem.extract import Taken
    from layerscope.filesystem.items import Item
    from layerscope.tui.model.selection import Selection


class Extractor:
    """Asks for a folder and extracts a selection into it."""

    def __init__(self, screen: Screen[None]) -> None:
        self._screen = screen

    def ask(self, selection: Selection | None, *, nothing: str) -> None:
        """Extract the selection, or say `nothing` if there is none."""
        if not may_write(self._screen):
            return
        if selection is None:
            self._screen.notify(nothing)
            return

        def begin(folder: str | None) -> None:
            if folder is not None:
                self._run(partial(self._collect, os.path.expanduser(folder), selection))

        self._screen.app.push_screen(
            TextDialog(
                f"{path_text(selection.node.path)}, {selection.when}, into the folder:",
                os.getcwd(),
                title="Extract",
                hint="Writes files, directories, and links that stay inside. Leaves out owners and devices.",
            ),
            begin,
        )

    def _run(self, work: partial[None]) -> None:
        self._screen.run_worker(
            work, thread=True, exclusive=True, group="take", exit_on_error=False
        )

    def _collect(self, folder: str, selection: Selection) -> None:
        """Runs in a worker: extracts if nothing is in the way, or asks first."""
        from layerscope.filesystem.extract import Extraction
        from layerscope.filesystem.items import items_below

        items = items_below(selection.node, selection.layer)
        try:
            with Extraction(folder) as extraction:
                found = extraction.conflicts(items)
        except LayerscopeError as error:
            self._screen.call_later(show_error, self._screen, error)
            return
        except OSError as error:
            failed = OutputError(f"{folder}: {error.strerror}")
            self._screen.call_later(show_error, self._screen, failed)
            return
        if found:
            self._screen.call_later(self._ask_overwrite, folder, selection, items, found)
        else:
            self._extract(folder, selection, items, overwrite=False)

    def _ask_overwrite(
        self, folder: str, selection: Selection, items: list[Item], found: list[bytes]
    ) -> None:
        text = (
            f"{len(found):,} of {count(len(items), 'file')} already"
            f" {'exists' if len(found) == 1 else 'exist'}, such as\n{path_text(found[0])}"
        )
        begin = partial(self._extract, folder, selection, items, overwrite=True)
        ask_overwrite(self._screen, text, lambda: self._run(begin))

    def _extract(
        self, folder: str, selection: Selection, items: list[Item], *, overwrite: bool
    ) -> None:
        """Runs in a worker."""
        from layerscope.filesystem.extract import Extraction

        worker = get_current_worker()
        try:
            with Extraction(folder, overwrite=overwrite) as extraction:
                taken = extraction.take(
                    items, selection.indexes, cancelled=lambda: worker.is_cancelled
                )
        except Cancelled:
            return
        except LayerscopeError as error:
            self._screen.call_later(show_error, self._screen, error)
            return
        self._screen.call_later(self._report, folder, taken)

    def _report(self, folder: str, taken: Taken) -> None:
        made = taken.files + taken.symlinks
        text = f"{count(made, 'file')}, {format_size(taken.size)} in {folder}"
        if taken.skipped_count:
            path, reason = taken.skipped[0]
            text += f"\n{taken.skipped_count:,} left out, such as {path_text(path)}: {reason}"
        self._screen.notify(text, title="Extracted", markup=False)
