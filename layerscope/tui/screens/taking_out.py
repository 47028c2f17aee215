"""Taking files out of an image into a folder, after a question where something is in the way."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from textual import on, work
from textual.message import Message
from textual.worker import get_current_worker

from layerscope.errors import Cancelled, LayerscopeError, OutputError
from layerscope.tui.paint import path_text
from layerscope.tui.screens.asking import Asking
from layerscope.units import format_size

if TYPE_CHECKING:
    from layerscope.filesystem.extract import Item, Taken
    from layerscope.filesystem.node import Node
    from layerscope.layers.reader import StoredLayer


@dataclass(frozen=True, slots=True)
class Selection:
    """A file or directory as it is after a layer; `when` says so in words, `indexes` hold the contents."""

    node: Node
    layer: int
    when: str
    indexes: Sequence[StoredLayer | None]


class TakingOut(Asking):
    """A screen that tells what is selected."""

    class Took(Message):
        """Files were taken out."""

        def __init__(self, folder: str, taken: Taken) -> None:
            super().__init__()
            self.folder = folder
            self.taken = taken

    class Conflicted(Message):
        """Files are in the way of what is taken out."""

        def __init__(
            self, folder: str, selection: Selection, items: list[Item], found: list[bytes]
        ) -> None:
            super().__init__()
            self.folder = folder
            self.selection = selection
            self.items = items
            self.found = found

    def selected(self) -> Selection | None:
        """What is meant now; None for nothing."""
        raise NotImplementedError

    def nothing_selected(self) -> str:
        """What to say where nothing can be taken out."""
        return "Choose a file or a directory first."

    def action_take_out(self) -> None:
        """Save the file or directory under the cursor to a folder."""
        if self.is_elsewhere():
            return
        selection = self.selected()
        if selection is None:
            self.notify(self.nothing_selected())
        else:
            self.take_out(selection)

    def take_out(self, selection: Selection) -> None:
        """Ask for the folder, and begin."""
        from layerscope.tui.screens.dialogs import TextDialog

        def begin(folder: str | None) -> None:
            if folder is not None:
                self._collect(selection, os.path.expanduser(folder))

        self.app.push_screen(
            TextDialog(
                f"{path_text(selection.node.path)}, {selection.when}, into the folder:",
                os.getcwd(),
                title="Extract",
                hint="Files, directories and links that stay inside; owners and devices are left out.",
            ),
            begin,
        )

    @work(thread=True, exclusive=True, group="take", exit_on_error=False)
    def _collect(self, selection: Selection, folder: str) -> None:
        from layerscope.filesystem.extract import Extraction, items_below

        items = items_below(selection.node, selection.layer)
        try:
            with Extraction(folder) as extraction:
                found = extraction.conflicts(items)
        except LayerscopeError as error:
            self.post_message(self.Refused(error))
            return
        except OSError as error:
            self.post_message(self.Refused(OutputError(f"{folder}: {error.strerror}")))
            return
        if found:
            self.post_message(self.Conflicted(folder, selection, items, found))
        else:
            self._extract(folder, selection, items, overwrite=False)

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
            self.post_message(self.Refused(error))
            return
        self.post_message(self.Took(folder, taken))

    @work(thread=True, exclusive=True, group="take", exit_on_error=False)
    def _overwrite(self, folder: str, selection: Selection, items: list[Item]) -> None:
        self._extract(folder, selection, items, overwrite=True)

    @on(Conflicted)
    def _conflicted(self, event: Conflicted) -> None:
        count = len(event.found)
        text = f"{count:,} of {len(event.items):,} files are there already, such as\n{path_text(event.found[0])}"
        self.ask_overwrite(
            text, partial(self._overwrite, event.folder, event.selection, event.items)
        )

    @on(Took)
    def _took(self, event: Took) -> None:
        taken = event.taken
        made = taken.files + taken.symlinks
        text = f"{made:,} files, {format_size(taken.size)} in {event.folder}"
        if taken.skipped_count:
            path, reason = taken.skipped[0]
            text += f"\n{taken.skipped_count:,} left out, such as {path_text(path)}: {reason}"
        self.notify(text, title="Extracted", markup=False)
