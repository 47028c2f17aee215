"""The screen of one image: instructions and details on the left, files, waste, largest files and the image on the right."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult, SystemCommand
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget
from textual.widgets import ContentSwitcher, Static

from layerscope.progress import Progress
from layerscope.report.escape import fit_end, fit_start
from layerscope.tui.details import image_text, instruction_text
from layerscope.tui.key_line import KeyLine
from layerscope.tui.line_list import LineList
from layerscope.tui.loading import Loading
from layerscope.tui.model.session import Session
from layerscope.tui.model.view import Mode, Scope
from layerscope.tui.paint import one_line, path_text
from layerscope.tui.panes.files_pane import FilesPane
from layerscope.tui.panes.instruction_list import InstructionList
from layerscope.tui.panes.list_pane import ListPane
from layerscope.tui.panes.tree_view import FileTreeView
from layerscope.tui.screens.jumping import Jumping
from layerscope.tui.tab_strip import TabStrip
from layerscope.tui.title import image_title

if TYPE_CHECKING:
    from textual.command import Provider

    from layerscope.tui.panes.dockerfile_pane import DockerfileList

NARROW = 100
LOW = 30


def _screen_commands() -> type[Provider]:
    """The palette's provider, which is loaded when the palette is opened."""
    from layerscope.tui.commands import ScreenCommands

    return ScreenCommands


class BrowseScreen(Jumping):
    """Made before the image is read; `open_session` fills it."""

    HELP = """\
On the left the instructions that made the image, on the right what they put there.

`v` changes what the files show: one **layer**'s changes, the **tree** of all files once the layer is applied, or the
**range** of layers from the one marked with `m` (from the first, with ctrl+a).
"""
    TABS: ClassVar[tuple[tuple[str, str, str], ...]] = (
        ("files", "f", "Files"),
        ("waste", "w", "Waste"),
        ("largest", "b", "Largest"),
        ("image", "i", "Image"),
    )
    DOCKERFILE_TAB: ClassVar[tuple[str, str, str]] = ("dockerfile", "d", "Dockerfile")
    COMMANDS = {_screen_commands}  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "pane(1)", "Pane", show=False, id="browse.next-pane"),
        Binding("shift+tab", "pane(-1)", "Pane", show=False, id="browse.previous-pane"),
        Binding("f,1", "tab('files')", "Files", show=False, id="browse.files"),
        Binding("w,2", "tab('waste')", "Waste", show=False, id="browse.waste"),
        Binding("b,3", "tab('largest')", "Largest", show=False, id="browse.largest"),
        Binding("i,4", "tab('image')", "Image", show=False, id="browse.image"),
        Binding("d,5", "tab('dockerfile')", "Dockerfile", show=False, id="browse.dockerfile"),
        Binding("v", "view", "View", id="browse.view"),
        Binding("ctrl+l", "mode('layer')", "Layer changes", show=False, id="browse.layer"),
        Binding("ctrl+t", "mode('tree')", "Whole tree", show=False, id="browse.tree"),
        Binding("ctrl+a", "aggregate", "All up to here", show=False, id="browse.aggregate"),
        Binding("m", "mark_range", "Mark range", show=False, id="browse.mark-range"),
        Binding("x", "other_end", "Other end", show=False, id="browse.other-end"),
        Binding("escape", "stop", "Stop", id="browse.stop"),
        Binding("backspace", "back", "Back", show=False, id="browse.back"),
        Binding("e,ctrl+e", "take_out", "Extract", id="browse.extract"),
        Binding("y", "copy_path", "Copy path", show=False, id="browse.copy-path"),
        Binding("Y", "copy_command", "Copy command", show=False, id="browse.copy-command"),
        Binding("c", "compare", "Compare", id="browse.compare"),
        Binding("S,ctrl+s", "save_report", "Save report", show=False, id="browse.save"),
        Binding("apostrophe", "app.jump", "Jump", show=False, id="browse.jump"),
        Binding("question_mark,f1", "app.help", "Help", id="browse.help"),
        Binding("q", "app.quit", "Quit", id="browse.quit"),
    ]

    def __init__(self, reference: str) -> None:
        super().__init__()
        self.reference = reference
        self.session: Session | None = None
        self.mode: Mode = "tree"
        self.range_start: int | None = None
        self._quiet = 0
        """Moves of the cursor among the instructions that are still to be told, and change nothing."""

    def compose(self) -> ComposeResult:
        yield Static(id="title")
        with Horizontal(id="body"):
            with Vertical(id="left"):
                with Vertical(classes="box", id="instructions-box") as box:
                    box.border_title = "Instructions"
                    yield InstructionList(id="instructions")
                with Vertical(classes="box", id="details-box") as box:
                    box.border_title = "Details"
                    with VerticalScroll(id="details", can_focus=True):
                        yield Static(id="details-text")
            with Vertical(classes="box", id="right") as box:
                yield TabStrip(self.TABS, id="tabs")
                with ContentSwitcher(initial="loading", id="switcher"):
                    yield Loading(self.reference, id="loading")
                    yield FilesPane(id="files")
        yield KeyLine()

    def on_mount(self) -> None:
        self.strip.active = "files"
        self.fit(self.app.size)

    # Parts

    @property
    def files(self) -> FilesPane:
        return self.query_one("#files", FilesPane)

    @property
    def instructions(self) -> InstructionList:
        return self.query_one("#instructions", InstructionList)

    @property
    def strip(self) -> TabStrip:
        return self.query_one("#tabs", TabStrip)

    @property
    def switcher(self) -> ContentSwitcher:
        return self.query_one("#switcher", ContentSwitcher)

    @property
    def tab(self) -> str:
        """The pane on the right; that of the files while the image is read."""
        return "files" if self.session is None else self.switcher.current or "files"

    @property
    def tabs(self) -> tuple[tuple[str, str, str], ...]:
        """What the right half can show: also the Dockerfile, where it is known."""
        if self.session is None or not self.session.analysis.image.dockerfiles:
            return self.TABS
        return (*self.TABS, self.DOCKERFILE_TAB)

    # Opening

    def show_progress(self, progress: Progress) -> None:
        """Tell how far the reading is."""
        if self.is_mounted and self.session is None:
            self.query_one(Loading).show(progress)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While the image is read, nothing can be done but stop it."""
        if (
            action == "tab"
            and parameters == ("dockerfile",)
            and self.DOCKERFILE_TAB not in self.tabs
        ):
            return False
        return (action == "stop") == (self.session is None)

    def action_stop(self) -> None:
        self.app.exit(130)

    def open_session(self, session: Session) -> None:
        """Fill the screen with what was read."""
        self.session = session
        self.instructions.show(session.analysis.instructions, session.base_instructions)
        self.select_instruction(session.instruction_of_layer(session.last_layer))
        self.files.open_session(session)
        self.strip.show(self.tabs)
        self.switcher.current = "files"
        self.set_focus(self.files.tree_view)
        self._paint_title()
        self.refresh_bindings()

    def _paint_title(self, columns: int | None = None) -> None:
        width = max(20, (columns or self.app.size.width) - 2)
        analysis = None if self.session is None else self.session.analysis
        title = image_title(self.reference, analysis, width)
        self.query_one("#title", Static).update(title, layout=False)

    def fit(self, size: Size) -> None:
        """Fold what has no room: the left half of a narrow terminal, the details of a low one."""
        self.set_class(size.width < NARROW, "-narrow")
        self.set_class(size.height < LOW, "-short")
        self._paint_title(size.width)

    # What is shown

    @on(LineList.Highlighted, "#instructions")
    def _instruction_moved(self) -> None:
        if self._quiet:
            self._quiet -= 1
        elif self.session is not None:
            self._show_details()
            self._show_scope()

    def select_instruction(self, index: int) -> None:
        """Put the cursor on an instruction without a change of what the files show."""
        row = self.instructions.cursor
        self.instructions.select(index)
        self._quiet += self.instructions.cursor != row
        self._show_details()

    @on(LineList.Highlighted, "#dockerfile")
    def _line_moved(self, event: LineList.Highlighted) -> None:
        """Tell about the instruction of the line; the files stay as they are."""
        lines: DockerfileList = event.lines  # type: ignore[assignment]
        if lines.instruction is not None:
            self.select_instruction(lines.instruction)

    @on(LineList.Chosen, "#instructions")
    def _instruction_chosen(self) -> None:
        self.show_pane("files")

    def _show_details(self) -> None:
        current = self.instructions.current
        if self.session is None or current is None:
            return
        instruction = current.instruction
        box = self.query_one("#details-box", Vertical)
        box.border_title = Content(
            f"{instruction.index} · {fit_start(one_line(instruction.text[:200]), 40)}"
        )
        self.query_one("#details-text", Static).update(instruction_text(self.session, current))
        self.query_one("#details", VerticalScroll).scroll_home(animate=False)

    def _scope(self) -> Scope | None:
        """The view that mode, instruction and range_start ask for; None where there is no layer yet."""
        assert self.session is not None
        current = self.instructions.current
        if current is None:
            return self.session.whole
        layers = current.instruction.layers
        last = self.session.layer_at(current.instruction.index)
        if last is None:
            return None
        first = min(layers) if layers else last
        if self.mode == "range":
            start = 0 if self.range_start is None else self._anchor_layer()
            return Scope("range", min(start, first), max(start, last))
        return Scope(self.mode, first, last)

    def _anchor_layer(self) -> int:
        assert self.session is not None
        assert self.range_start is not None
        for each in self.session.analysis.instructions[self.range_start :]:
            if each.instruction.layers:
                return min(each.instruction.layers)
        return self.session.last_layer

    def _show_scope(self, path: bytes | None = None) -> None:
        if self.session is None:
            return
        scope = self._scope()
        if scope is not None:
            self.files.view(scope, path)

    @on(FilesPane.Shown)
    def _files_shown(self) -> None:
        self._paint_box()
        scope = self.files.scope
        assert self.session is not None
        current = self.instructions.current
        shown = {
            each.instruction.index
            for each in self.session.analysis.instructions
            if any(scope.first <= layer <= scope.last for layer in each.instruction.layers)
        }
        if scope.mode == "tree" and current is not None:
            shown = {current.instruction.index}
        self.instructions.set_view(
            frozenset(shown), self.range_start if self.mode == "range" else None
        )

    def _paint_box(self) -> None:
        """The title of the right half: which view of what."""
        if self.session is None:
            return
        scope = self.files.scope
        box = self.query_one("#right", Vertical)
        if self.tab != "files":
            box.border_title = Content(
                next(title for name, _, title in self.tabs if name == self.tab)
            )
            box.border_subtitle = ""
            return
        index = self.session.instruction_of_layer(scope.last)
        summary = self.session.instruction(index)
        text = "" if summary is None else fit_start(one_line(summary.instruction.text[:200]), 40)
        if scope.mode == "layer":
            title = f"Changes of {index} {text}"
        elif scope.mode == "tree":
            title = f"Files after {index} {text}"
        else:
            title = f"Changes of {self.session.instruction_of_layer(scope.first)} to {index}"
        box.border_title = Content(title)
        self._paint_path()

    @on(LineList.Highlighted, "#tree")
    def _paint_path(self) -> None:
        if self.tab == "files" and self.session is not None:
            width = max(8, self.query_one("#right").size.width - 8)
            text = fit_end(path_text(self.files.path), width)
            self.query_one("#right", Vertical).border_subtitle = Content(text)

    # Keys

    async def action_tab(self, name: str) -> None:
        """Show one of the panes and go there; it is made when it is first asked for."""
        if self.session is not None and not self.switcher.query_children(f"#{name}"):
            await self.switcher.mount(self._make_pane(name, self.session))
        self.show_pane(name)
        if name == "dockerfile" and self.instructions.current is not None:
            lines: DockerfileList = self.query_one("#dockerfile")  # type: ignore[assignment]
            lines.select(self.instructions.current.instruction.index)

    def _make_pane(self, name: str, session: Session) -> Widget:
        if name == "waste":
            from layerscope.tui.panes.waste_pane import WastePane

            return WastePane(session, id=name)
        if name == "largest":
            from layerscope.tui.panes.largest_pane import LargestPane

            return LargestPane(session, id=name)
        if name == "dockerfile":
            from layerscope.tui.panes.dockerfile_pane import DockerfileList

            return DockerfileList(session, id=name)
        return VerticalScroll(Static(image_text(session)), id=name, classes="sheet", can_focus=True)

    def show_pane(self, name: str) -> None:
        self.switcher.current = name
        self.strip.active = name
        self.remove_class("-left")
        self._paint_box()
        pane = self.query_one(f"#{name}")
        self.set_focus(pane.lines if isinstance(pane, ListPane) else pane)

    @on(TabStrip.Picked)
    async def _tab_picked(self, event: TabStrip.Picked) -> None:
        if self.session is not None:
            await self.action_tab(event.name)

    def panes(self) -> list[Widget]:
        """What tab walks through; nothing while the image is read."""
        if self.session is None:
            return []
        right = self.query_one(f"#{self.tab}")
        lines = right.lines if isinstance(right, ListPane) else right
        return [self.instructions, self.query_one("#details"), lines]

    def action_pane(self, step: int) -> None:
        panes = self.panes()
        inside = [pane for pane in panes if pane.has_focus_within]
        at = panes.index(inside[0]) if inside else 2
        for _ in panes:
            at = (at + step) % len(panes)
            pane = panes[at]
            self.set_class(at < 2, "-left")
            if at != 1 or not self.has_class("-short") or self.has_class("-narrow"):
                self.set_focus(pane)
                return

    def go_to_pane(self, pane: Widget) -> None:
        """Focus a pane, unfolding the half it stands in."""
        self.set_class(pane.id in ("instructions", "details"), "-left")
        self.set_focus(pane)

    def action_view(self) -> None:
        """The next kind of view: layer, tree, range."""
        modes: tuple[Mode, ...] = ("layer", "tree", "range")
        self.action_mode(modes[(modes.index(self.mode) + 1) % 3])

    def action_mode(self, mode: Mode) -> None:
        self.mode = mode
        self._show_scope()
        if self.tab != "files":
            self.show_pane("files")

    def action_aggregate(self) -> None:
        """The changes of all layers up to here together."""
        self.range_start = None
        self.action_mode("range")

    def action_mark_range(self) -> None:
        """Let a range begin at this instruction."""
        current = self.instructions.current
        if current is not None:
            self.range_start = current.instruction.index
            self.notify(f"The range begins at {self.range_start}; move to where it ends.")
            self.action_mode("range")

    # What a chosen row leads to

    @on(LineList.Chosen, "#tree")
    def _look_inside(self, event: LineList.Chosen) -> None:
        tree = event.lines
        assert isinstance(tree, FileTreeView)
        if tree.rows is not None and tree.number is not None and tree.rows.can_open(tree.number):
            tree.action_fold()
        elif self.files.entry is not None and self.session is not None and tree.number is not None:
            self.look_inside(self.session.outline.nodes[tree.number], self.files.entry)

    def action_compare(self) -> None:
        """Ask for another image, and show what changes from this one to it."""
        if self.session is not None:
            from layerscope.tui.compare.load import ask_other

            ask_other(self, self.session.analysis)

    def commands(self) -> Iterable[SystemCommand]:
        """What the palette offers on this screen now."""
        from layerscope.tui.commands import browse_commands

        return browse_commands(self)

    async def filter_files(self, text: str = "") -> None:
        """Go to the files with this filter, or with an empty one to be written."""
        self.show_pane("files")
        if text:
            await self.files.set_filter(text)
        else:
            await self.files.action_filter()
