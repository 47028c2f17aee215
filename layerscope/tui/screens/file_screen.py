"""Looks inside a file: as text, in hexadecimal, or compared with the version below it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar, Literal

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content as Words
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Static
from textual.worker import get_current_worker

from layerscope.errors import Cancelled, LayerscopeError
from layerscope.filesystem.content import content_entry, open_content
from layerscope.filesystem.links import resolve
from layerscope.layers.entry import FILE, HARDLINK, KIND_NAMES, SYMLINK
from layerscope.layers.file_content import Content
from layerscope.records import dataclass
from layerscope.report.escape import escape, fit_end, fit_start
from layerscope.report.file_text import mode_text, name_text, owner_text, path_text
from layerscope.tui.highlight import highlight
from layerscope.tui.key_line import KeyLine
from layerscope.tui.line_list import LineList
from layerscope.tui.model.pages import (
    LOOK,
    PAGE,
    Line,
    decode,
    diff_lines,
    hex_lines,
    looks_like_text,
    metadata_lines,
    styled_lines,
    text_lines,
)
from layerscope.tui.model.view import below
from layerscope.tui.paint import Span
from layerscope.units import format_size

if TYPE_CHECKING:
    from layerscope.filesystem.entry import Entry
    from layerscope.filesystem.node import Node
    from layerscope.layers.reader import StoredLayer

Look = Literal["text", "hex", "diff"]


class PageView(LineList):
    """The lines of one page; left and right scroll along long ones."""

    HEADED = False
    HELP = """\
`t` shows text, `x` shows bytes in hexadecimal, `d` shows what changed from the version in the layers below. Large files
have pages: `]` and `[` turn them.
"""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,l", "shift(8)", "Right", show=False, id="file.right"),
        Binding("left,h", "shift(-8)", "Left", show=False, id="file.left"),
    ]

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.lines: Sequence[Line] = ()
        self.shift = 0

    def show(self, lines: Sequence[Line]) -> None:
        self.lines = lines
        self.shift = 0
        self.rows_changed()

    @property
    def row_count(self) -> int:
        return len(self.lines)

    def spans(self, row: int, width: int) -> Sequence[Span]:
        line = self.lines[row]
        spans: list[Span] = []
        skip, left = self.shift, width
        for text, style in line:
            if skip >= len(text):
                skip -= len(text)
                continue
            part = text[skip : skip + left]
            skip = 0
            spans.append((part, style))
            left -= len(part)
            if left <= 0:
                break
        return spans

    def action_shift(self, step: int) -> None:
        self.shift = max(0, self.shift + step)
        self.refresh()


@dataclass(frozen=True, slots=True)
class Page:
    """One view of the file: page `number` of `count`."""

    look: Look
    number: int
    count: int
    lines: Sequence[Line]
    status: str


@dataclass(frozen=True, slots=True)
class FileStore:
    """Where a file's links lead, and where its content is."""

    root: Node
    indexes: Sequence[StoredLayer | None]


class FileScreen(Screen[bytes | None]):
    """One file of the image; returns a path to follow a link."""

    DEFAULT_CSS = """
    FileScreen #file-title { height: 1; background: $panel; padding: 0 1; }
    FileScreen #file-status { height: 1; color: $foreground 55%; padding: 0 1; }
    FileScreen LineList { height: 1fr; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,backspace", "leave", "Back", id="file.leave"),
        Binding("t", "look('text')", "Text", id="file.text"),
        Binding("x", "look('hex')", "Hex", id="file.hex"),
        Binding("d", "look('diff')", "Diff", id="file.diff"),
        Binding("right_square_bracket", "turn(1)", "Next page", id="file.next"),
        Binding("left_square_bracket", "turn(-1)", "Page before", show=False, id="file.previous"),
        Binding("o,enter", "follow", "Follow", id="file.follow"),
        Binding("e,ctrl+e", "take_out", "Extract", id="file.extract"),
        Binding("question_mark,f1", "app.help", "Help", id="file.help"),
    ]

    @dataclass
    class _Ready(Message):
        page: Page

    @dataclass
    class _Failed(Message):
        error: LayerscopeError

    def __init__(
        self,
        store: FileStore,
        node: Node,
        entry: Entry,
        take_out: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__()
        self.store = store
        self.node = node
        self.entry = entry
        self.before = below(node, entry)
        self.number = 0
        self.count = 1
        self.look: Look | None = None
        self._take_out = take_out
        self._content: Content | None = None

    def compose(self) -> ComposeResult:
        yield Static(id="file-title")
        yield PageView(id="file-lines")
        yield Static(id="file-status")
        yield KeyLine()

    def on_mount(self) -> None:
        self._paint_title()
        self.set_focus(self.query_one(PageView))
        if self.entry.kind in (FILE, HARDLINK):
            self._show_status("reading")
            self._read(None, 0)
        else:
            self.query_one(PageView).show(self._facts())

    def on_resize(self) -> None:
        self._paint_title()

    def _paint_title(self) -> None:
        entry = self.entry
        gone = "" if entry.ended < 0 else f", removed by layer {entry.ended}"
        facts = f"{mode_text(entry)} {owner_text(entry)}  layer {entry.layer}{gone}"
        room = max(8, self.size.width - len(facts) - 6)
        path = fit_end(path_text(self.node.path), room)
        self.query_one("#file-title", Static).update(
            Words.assemble((path, "bold"), "   ", (facts, ""))
        )

    def _show_status(self, text: str) -> None:
        self.query_one("#file-status", Static).update(Words(escape(text)))

    def _facts(self) -> list[Line]:
        """What to show about an entry without content."""
        entry = self.entry
        lines: list[Line] = [[("type    ", "dim"), (KIND_NAMES[entry.kind], "")]]
        if entry.kind == SYMLINK:
            lines.append([("target  ", "dim"), (name_text(entry.link), "link")])
            target = self._target()
            if target is None:
                lines.append([("leads   ", "dim"), ("nowhere in this image", "removed")])
            else:
                lines.append(
                    [("leads   ", "dim"), (f"to {path_text(target.path)} (o follows)", "")]
                )
        elif entry.extra is not None and entry.extra.device is not None:
            major, minor = entry.extra.device
            lines.append([("device  ", "dim"), (f"{major}, {minor}", "")])
        if self.before is not None:
            lines += metadata_lines(self.before, entry)
        return lines

    def _target(self) -> Node | None:
        return resolve(self.store.root, self.node, self.entry.link, self.entry.layer)

    # Reading

    @work(thread=True, exclusive=True, group="file", exit_on_error=False)
    def _read(self, look: Look | None, number: int) -> None:
        worker = get_current_worker()
        try:
            page = self._page(look, number, lambda: worker.is_cancelled)
        except Cancelled:
            return
        except LayerscopeError as error:
            self.post_message(self._Failed(error))
            return
        if not worker.is_cancelled:
            self.post_message(self._Ready(page))
            if page.look == "text" and page.count == 1:
                self._color(page, worker.is_cancelled)

    def _open(self, entry: Entry, cancelled: Callable[[], bool]) -> Content | None:
        if content_entry(entry) is None:
            return None
        return open_content(entry, self.store.indexes, cancelled=cancelled)

    def _page(self, look: Look | None, number: int, cancelled: Callable[[], bool]) -> Page:
        if self._content is None:
            self._content = self._open(self.entry, cancelled)
        content = self._content
        if look == "diff":
            return self._diff(cancelled)
        if content is None or not content.size:
            return Page(look or "text", 0, 1, [[("empty", "dim")]], "0 B")
        if look is None:
            look = "text" if looks_like_text(content.read(0, LOOK)) else "hex"
        count = -(-content.size // PAGE)
        number = max(0, min(number, count - 1))
        data = content.read(number * PAGE, PAGE)
        lines = hex_lines(data, number * PAGE) if look == "hex" else text_lines(data)
        status = [look, format_size(content.size)]
        if content.sparse:
            status.append(f"sparse, {format_size(self.entry.size)} stored")
        if count > 1:
            status.append(f"page {number + 1:,} of {count:,}, from byte {number * PAGE:,}")
        else:
            status.append(f"{len(lines):,} lines")
        return Page(look, number, count, lines, " · ".join(status))

    def _diff(self, cancelled: Callable[[], bool]) -> Page:
        if self.before is None:
            return Page(
                "diff",
                0,
                1,
                [[("no layer below has this file: this layer adds it", "dim")]],
                "diff",
            )
        lines = metadata_lines(self.before, self.entry)
        if self.before.kind in (FILE, HARDLINK):
            older = self._open(self.before, cancelled)
            lines += diff_lines(older, self._content)
        else:
            lines.append([(f"below it is a {KIND_NAMES[self.before.kind]}", "dim")])
        return Page("diff", 0, 1, lines, f"diff · layer {self.before.layer} to {self.entry.layer}")

    def _color(self, page: Page, cancelled: bool) -> None:
        content = self._content
        if content is None or cancelled:
            return
        name = self.node.name.decode("utf-8", "replace")
        runs = highlight(name, decode(content.read(0, PAGE)))
        if runs is not None and not get_current_worker().is_cancelled:
            lines = styled_lines(runs)
            self.post_message(self._Ready(Page("text", 0, 1, lines, page.status)))

    @on(_Ready)
    def _ready(self, event: _Ready) -> None:
        page = event.page
        view = self.query_one(PageView)
        same = (page.look, page.number) == (self.look, self.number)
        self.look, self.number, self.count = page.look, page.number, page.count
        cursor = view.cursor
        view.show(page.lines)
        view.cursor = cursor if same else 0
        self._show_status(page.status)
        self.refresh_bindings()

    @on(_Failed)
    def _failed(self, event: _Failed) -> None:
        self.query_one(PageView).show([[(fit_start(escape(str(event.error)), 500), "removed")]])
        self._show_status("can't be read")

    # Keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        file = self.entry.kind in (FILE, HARDLINK)
        if action == "follow":
            return self.entry.kind == SYMLINK
        if action == "turn":
            return self.count > 1
        if action == "look":
            return file and (parameters != ("diff",) or self.before is not None)
        return True

    def action_look(self, look: Look) -> None:
        self._read(look, self.number if look != "diff" else 0)

    def action_turn(self, step: int) -> None:
        number = self.number + step
        if 0 <= number < self.count:
            self._read(self.look, number)

    def action_follow(self) -> None:
        target = self._target()
        if target is None:
            self.notify("The link leads nowhere in this image.", severity="warning")
        else:
            self.dismiss(target.path)

    def action_take_out(self) -> None:
        self._take_out()

    def action_leave(self) -> None:
        self.workers.cancel_group(self, "file")
        self.dismiss(None)
