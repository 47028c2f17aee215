"""The waste pane: by kind, then by pair of instructions, then by file; or a flat list of all files."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import ClassVar, Final

from textual import on, work
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.worker import get_current_worker

from layerscope.analysis.filter.query import WASTED, Query
from layerscope.analysis.grouping import WastePair
from layerscope.analysis.model import WASTE_KINDS, WastedFile
from layerscope.analysis.words import KIND_MEANINGS, KIND_WORDS, changed_words
from layerscope.records import dataclass
from layerscope.report.escape import fit_end, fit_start
from layerscope.report.file_text import path_text, size_text
from layerscope.tui.line_list import LineList
from layerscope.tui.model.selection import Selection
from layerscope.tui.model.session import Session
from layerscope.tui.model.waste_rows import Key, Row, WasteRows, key_of
from layerscope.tui.paint import Span, bar, cell, instruction_name
from layerscope.tui.panes.list_pane import ListPane
from layerscope.units import count, format_percent, format_size

_NUMBER_OF: Final = {kind: number for number, kind in enumerate(WASTE_KINDS)}
FEW_FILES: Final = 200
"""A filter that finds up to this many files shows all of them."""
_STEP = 1 << 12


class WasteList(LineList):
    """Opens and closes kinds and pairs."""

    HELP = """\
Everything that the image stores but no container sees: by kind, then by the instructions that wrote and wasted it, then by
file. `v` switches to a flat list of all files, largest first.

On a file, enter goes to the layer that stored it, `x` to the layer that made it waste, and backspace goes back.
"""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose", "Go to writer", id="waste.writer"),
        Binding("x", "waster", "Go to waster", id="waste.waster"),
        Binding("right,l", "open", "Open", show=False, id="waste.open"),
        Binding("left,h", "close", "Close", show=False, id="waste.close"),
        Binding("space", "fold", "Fold", show=False, id="waste.fold"),
        Binding("s,v", "flat", "Flat list", id="waste.flat"),
    ]

    def __init__(self, session: Session, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.session = session
        self.flat = False
        self.waste = WasteRows(())
        self.rows: list[Row] = []
        self._open: set[Key] = set(WASTE_KINDS)

    def show(self, waste: WasteRows, *, open_all: bool = False) -> None:
        """List these files, grouped; `open_all` shows every file."""
        self.waste = waste
        if open_all:
            self._open |= set(map(key_of, self.session.pairs))
        self.rebuild()

    def rebuild(self) -> None:
        self.rows = [] if self.flat else list(self.waste.rows(self._open))
        self.rows_changed()

    @property
    def row_count(self) -> int:
        return len(self.waste.files) if self.flat else len(self.rows)

    def row(self, number: int) -> Row:
        if self.flat:
            file = self.waste.files[number]
            return Row(0, file.kind, file.bytes, 1, None, file)
        return self.rows[number]

    @property
    def current(self) -> Row | None:
        return self.row(self.cursor) if self.cursor < self.row_count else None

    # Painting

    def heading(self, width: int) -> Sequence[Span]:
        share = "" if width < 60 else "share    "
        return [
            (cell("size", 10, right=True) + "  " + share + ("path" if self.flat else "what"), "")
        ]

    def spans(self, row: int, width: int) -> Sequence[Span]:
        line = self.row(row)
        whole = self.session.analysis.sizes.wasted
        spans: list[Span] = [(cell(size_text(line.bytes), 10, right=True) + "  ", "")]
        left = width - 12
        if width >= 60:
            spans.append((bar(line.bytes, whole, 8) + " ", "waste"))
            left -= 9
        if line.file is not None:
            return [*spans, *self._file(line, left)]
        indent = "  " * line.depth
        if line.pair is None:
            word, why = KIND_WORDS[line.kind], KIND_MEANINGS[line.kind]
            spans.append(("▾ " if line.kind in self._open else "▸ ", "dim"))
            spans.append((word, "strong"))
            rest = f"  {count(line.files, 'file')}. {why}"
            spans.append((fit_start(rest, left - 2 - len(word)), "dim"))
            return spans
        if line.depth == 2:
            spans.append(
                (fit_start(f"{indent}  {line.files:,} smaller files (v lists all)", left), "dim")
            )
            return spans
        pair = line.pair
        opened = line.key in self._open
        spans.append((indent + ("▾ " if opened else "▸ "), "dim"))
        text = self._pair_text(pair)
        spans.append((fit_start(text, left - 4), ""))
        return spans

    def _pair_text(self, pair: WastePair) -> str:
        files = f"{pair.files:,} file" + ("s" if pair.files != 1 else "")
        changed = changed_words(pair.changed)
        only = f" ({', '.join(changed)})" if changed else ""
        texts = []
        for index in (pair.written_by, pair.wasted_by):
            found = self.session.instruction(index)
            text = "" if found is None else instruction_name(found.instruction, 28)
            texts.append(f"{index} {text}")
        return f"{files}{only}  {texts[0]}  ✕ {texts[1]}"

    def _file(self, line: Row, left: int) -> list[Span]:
        file = line.file
        assert file is not None
        indent = "  " * line.depth
        if self.flat:
            word = KIND_WORDS[file.kind]
            tail = f"  {word} {file.written_by} ✕ {file.wasted_by}"
        else:
            tail = ""
        path = fit_end(path_text(file.path), max(8, left - len(indent) - len(tail)))
        return [(indent + path, ""), (tail, "dim")]

    # Keys

    def _key(self) -> Key | None:
        line = self.current
        return None if line is None or self.flat else line.key

    def action_open(self) -> None:
        key = self._key()
        if key is not None and key not in self._open:
            self._open.add(key)
            self.rebuild()

    def action_close(self) -> None:
        key = self._key()
        if key is not None and key in self._open:
            self._open.discard(key)
            self.rebuild()
            return
        depth = self.current.depth if self.current else 0
        row = self.cursor
        while row and self.row(row).depth >= depth and depth:
            row -= 1
        self.cursor = row

    def action_fold(self) -> None:
        if self._key() in self._open:
            self.action_close()
        else:
            self.action_open()

    def action_choose(self) -> None:
        if self._key() is not None:
            self.action_fold()
            return
        file = self.current.file if self.current is not None else None
        if file is not None:
            self.post_message(ListPane.ShowInLayer(file.layer, file.path))

    def action_waster(self) -> None:
        """Go to the layer that wasted the file."""
        file = self.current.file if self.current is not None else None
        if file is not None:
            self.post_message(ListPane.ShowInLayer(file.wasted_in, file.path))

    def action_flat(self) -> None:
        """Show all files in one list, or grouped."""
        self.flat = not self.flat
        self.rebuild()
        self.cursor = 0


class WastePane(ListPane):
    """The list of wasted files and its filter."""

    kinds: ClassVar[Mapping[str, Collection[int]]] = {
        **{kind: (number,) for kind, number in _NUMBER_OF.items()},
        WASTED: (),
    }

    @dataclass
    class _Found(Message):
        query: Query | None
        waste: WasteRows

    def __init__(self, session: Session, *, id: str) -> None:  # noqa: A002
        self.waste_list = WasteList(session, id="waste-list")
        super().__init__(self.waste_list, id=id)
        self.session = session
        self._query: Query | None = None

    def on_mount(self) -> None:
        self.find(None)

    def selected(self) -> Selection | None:
        row = self.waste_list.current
        if row is None or row.file is None:
            return None
        node = self.session.analysis.tree.find(row.file.path.strip(b"/"))
        return None if node is None else self.session.selection(node, row.file.layer)

    def find(self, query: Query | None) -> None:
        self._query = query
        self._search(query)

    @work(thread=True, exclusive=True, group="waste", exit_on_error=False)
    def _search(self, query: Query | None) -> None:
        worker = get_current_worker()
        waste = self.session.analysis.waste
        files: list[WastedFile] | tuple[WastedFile, ...] = waste
        if query is not None:
            files = []
            for number, file in enumerate(waste):
                if not number % _STEP and worker.is_cancelled:
                    return
                if (query.marks is None or _NUMBER_OF[file.kind] in query.marks) and query.holds(
                    file.path, file.bytes, (file.layer, file.wasted_in), wasted=True
                ):
                    files.append(file)
        found = WasteRows(files)
        if not worker.is_cancelled:
            self.post_message(self._Found(query, found))

    @on(_Found)
    def _found(self, event: _Found) -> None:
        if event.query is not self._query:
            return
        waste, files = event.waste, len(event.waste.files)
        self.waste_list.show(waste, open_all=event.query is not None and files <= FEW_FILES)
        share = format_percent(waste.size, self.session.analysis.sizes.content)
        text = f"{count(files, 'file')} · {format_size(waste.size)} · {share} of the content"
        nothing = "nothing is wasted" if event.query is None else "nothing found"
        self.show_status(text if files else nothing)
