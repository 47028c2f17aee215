"""The pane of waste: by kind, below each kind by pair of instructions, below each pair by file; or all files flat."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.binding import Binding, BindingType

from layerscope.analysis.grouping import WastePair
from layerscope.analysis.model import WASTE_KINDS, WastedFile
from layerscope.report.escape import fit_end, fit_start
from layerscope.tui.line_list import LineList
from layerscope.tui.list_pane import ListPane
from layerscope.tui.paint import Span, bar, cell, one_line, path_text, size_text
from layerscope.tui.query import Query
from layerscope.tui.session import Session
from layerscope.units import format_percent, format_size

KIND_WORDS = {
    "deleted": ("deleted", "a later layer removes it"),
    "overwritten": ("overwritten", "a later layer stores other content there"),
    "metadata_only": ("metadata only", "stored again since only mode, owner or times changed"),
    "identical_rewrite": ("identical rewrite", "stored again with nothing changed"),
    "duplicate_entry": ("duplicate entry", "stored twice within one layer"),
}
_CHANGED = {"uid": "owner", "gid": "group", "mode": "mode", "mtime": "time", "xattrs": "xattrs"}
MOST_FILES = 2_000
"""Files of a pair that are listed; the flat list has them all."""


@dataclass(frozen=True, slots=True)
class Row:
    """A line: of a kind, of a pair, or of a file."""

    depth: int
    kind: str
    bytes: int
    files: int
    pair: WastePair | None = None
    file: WastedFile | None = None


class WasteList(LineList):
    """Opens and closes kinds and pairs."""

    HELP = """\
All content that the image stores in vain: by kind, below that by who wrote it and who wasted it, below that by file.
`v` changes to a flat list of all files, largest first.

On a file, enter goes to the layer that stored it, `x` to the one that made it waste; backspace comes back.
"""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose", "Go to writer", id="waste.writer"),
        Binding("x", "waster", "Go to waster", id="waste.waster"),
        Binding("right,l", "open", "Open", show=False, id="waste.open"),
        Binding("left,h", "close", "Close", show=False, id="waste.close"),
        Binding("space", "fold", "Fold", show=False, id="waste.fold"),
        Binding("s,v", "flat", "Flat list", id="waste.flat"),
    ]

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.session: Session | None = None
        self.flat = False
        self.rows: list[Row] = []
        self.files: Sequence[WastedFile] = ()
        self._open: set[object] = set(WASTE_KINDS)

    def show(
        self, session: Session, files: Sequence[WastedFile], *, open_all: bool = False
    ) -> None:
        """List these files, grouped; `open_all` shows every file."""
        self.session = session
        self.files = files
        if open_all:
            self._open |= {(p.kind, p.written_by, p.wasted_by) for p in session.pairs}
        self.rebuild()

    def rebuild(self) -> None:
        self.rows = [] if self.flat else list(self._grouped())
        self.rows_changed()

    def _grouped(self) -> list[Row]:
        members: dict[tuple[str, int, int], list[WastedFile]] = {}
        for file in self.files:
            members.setdefault((file.kind, file.written_by, file.wasted_by), []).append(file)
        sums = {key: sum(file.bytes for file in files) for key, files in members.items()}
        rows: list[Row] = []
        kinds = {
            kind: sum(size for key, size in sums.items() if key[0] == kind) for kind in WASTE_KINDS
        }
        for kind in sorted(WASTE_KINDS, key=lambda kind: -kinds[kind]):
            keys = sorted(
                (key for key in members if key[0] == kind), key=lambda key: (-sums[key], key)
            )
            if not keys:
                continue
            rows.append(Row(0, kind, kinds[kind], sum(len(members[key]) for key in keys)))
            if kind not in self._open:
                continue
            for key in keys:
                files = members[key]
                changed = tuple(sorted({name for file in files for name in file.changed}))
                pair = WastePair(
                    kind=files[0].kind,
                    written_by=key[1],
                    wasted_by=key[2],
                    bytes=sums[key],
                    files=len(files),
                    changed=changed,
                )
                rows.append(Row(1, kind, pair.bytes, pair.files, pair))
                if key in self._open:
                    rows += [Row(2, kind, file.bytes, 1, pair, file) for file in files[:MOST_FILES]]
                    if len(files) > MOST_FILES:
                        rest = files[MOST_FILES:]
                        rows.append(Row(2, kind, sum(file.bytes for file in rest), len(rest), pair))
        return rows

    @property
    def row_count(self) -> int:
        return len(self.files) if self.flat else len(self.rows)

    def row(self, number: int) -> Row:
        if self.flat:
            file = self.files[number]
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
        assert self.session is not None
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
            word, why = KIND_WORDS[line.kind]
            spans.append(("▾ " if line.kind in self._open else "▸ ", "dim"))
            spans.append((word, "strong"))
            rest = f"  {line.files:,} files, {why}"
            spans.append((fit_start(rest, left - 2 - len(word)), "dim"))
            return spans
        if line.depth == 2:
            spans.append(
                (fit_start(f"{indent}  {line.files:,} smaller files (v lists all)", left), "dim")
            )
            return spans
        pair = line.pair
        opened = (pair.kind, pair.written_by, pair.wasted_by) in self._open
        spans.append((indent + ("▾ " if opened else "▸ "), "dim"))
        text = self._pair_text(pair)
        spans.append((fit_start(text, left - 4), ""))
        return spans

    def _pair_text(self, pair: WastePair) -> str:
        assert self.session is not None
        files = f"{pair.files:,} file" + ("s" if pair.files != 1 else "")
        changed = [_CHANGED[name] for name in _CHANGED if name in pair.changed]
        only = f" ({', '.join(changed)})" if changed else ""
        texts = []
        for index in (pair.written_by, pair.wasted_by):
            found = self.session.instruction(index)
            text = "" if found is None else one_line(found.instruction.text[:200])
            texts.append(f"{index} {fit_start(text, 28)}")
        return f"{files}{only}  {texts[0]}  ✕ {texts[1]}"

    def _file(self, line: Row, left: int) -> list[Span]:
        file = line.file
        assert file is not None
        indent = "  " * line.depth
        if self.flat:
            word = KIND_WORDS[file.kind][0]
            tail = f"  {word} {file.written_by} ✕ {file.wasted_by}"
        else:
            tail = ""
        path = fit_end(path_text(file.path), max(8, left - len(indent) - len(tail)))
        return [(indent + path, ""), (tail, "dim")]

    # Keys

    def _key(self) -> object | None:
        line = self.current
        if line is None or self.flat or line.file is not None:
            return None
        if line.pair is None:
            return line.kind
        return (
            (line.pair.kind, line.pair.written_by, line.pair.wasted_by) if line.depth == 1 else None
        )

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
            self.post_message(ListPane.Jump(file.layer, file.path))

    def action_waster(self) -> None:
        """To the layer in which the file was wasted."""
        file = self.current.file if self.current is not None else None
        if file is not None:
            self.post_message(ListPane.Jump(file.wasted_in, file.path))

    def action_flat(self) -> None:
        """All files in one list, or grouped."""
        self.flat = not self.flat
        self.rebuild()
        self.cursor = 0


class WastePane(ListPane):
    """The list of waste and its filter."""

    def __init__(self, session: Session, *, id: str) -> None:  # noqa: A002
        self.waste_list = WasteList(id="waste-list")
        super().__init__(self.waste_list, id=id)
        self.session = session

    def on_mount(self) -> None:
        self.find(None)

    def find(self, query: Query | None) -> None:
        waste = self.session.analysis.waste
        if query is None:
            files: Sequence[WastedFile] = waste
        else:
            files = [
                file
                for file in waste
                if query.holds(file.path, file.bytes, (file.layer, file.wasted_in))
            ]
        self.waste_list.show(self.session, files, open_all=query is not None and len(files) <= 200)
        size = sum(file.bytes for file in files)
        whole = self.session.analysis.sizes.content
        text = f"{len(files):,} files · {format_size(size)} · {format_percent(size, whole)} of the content"
        self.tell(text if files else "nothing is wasted" if query is None else "nothing found")
