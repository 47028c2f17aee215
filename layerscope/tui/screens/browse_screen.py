"""The screen for one image: instructions and details on the left; files, waste, largest files, packages, and facts on the right."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar, Final

from textual import events, on
from textual.app import ComposeResult, SystemCommand
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import ContentSwitcher, Static

from layerscope.report.escape import fit_end
from layerscope.report.file_text import path_text
from layerscope.report.paths import escape_path
from layerscope.tui.key_line import KeyLine
from layerscope.tui.line_list import LineList
from layerscope.tui.model.session import Session
from layerscope.tui.model.trail import Place, Trail
from layerscope.tui.model.view import Mode, Scope
from layerscope.tui.model.viewpoint import Viewpoint
from layerscope.tui.paint import instruction_name
from layerscope.tui.palette import screen_commands
from layerscope.tui.panes.details_pane import DetailsPane
from layerscope.tui.panes.files_pane import FilesPane
from layerscope.tui.panes.instruction_list import InstructionList
from layerscope.tui.panes.list_pane import ListPane
from layerscope.tui.panes.tabs import BY_NAME, shown_tabs
from layerscope.tui.screens.opening_screen import fold
from layerscope.tui.tab_strip import TabStrip
from layerscope.tui.title import image_title

if TYPE_CHECKING:
    from textual.geometry import Size

    from layerscope.filesystem.entry import Entry
    from layerscope.filesystem.node import Node
    from layerscope.report.document.rows import ReportDocument
    from layerscope.report.formats.format import Format
    from layerscope.tui.model.selection import Selection
    from layerscope.tui.panes.dockerfile_pane import DockerfileList

_NOTHING_CHOSEN: Final = "Choose a file or a directory first."


class BrowseScreen(Screen[None]):
    """Browses a session."""

    HELP = """\
The instructions that made the image are on the left, and their files on the right.

`v` changes what the files show: one **layer**'s changes, the **tree** of all files once the layer is applied, or the
**range** of layers from the one marked with `m` (from the first, with ctrl+a).
"""
    AUTO_FOCUS = ""  # the first pane gets the focus
    COMMANDS = {screen_commands}  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "pane(1)", "Pane", show=False, id="browse.next-pane"),
        Binding("shift+tab", "pane(-1)", "Pane", show=False, id="browse.previous-pane"),
        Binding("f,1", "tab('files')", "Files", show=False, id="browse.files"),
        Binding("w,2", "tab('waste')", "Waste", show=False, id="browse.waste"),
        Binding("b,3", "tab('largest')", "Largest", show=False, id="browse.largest"),
        Binding("i,4", "tab('image')", "Image", show=False, id="browse.image"),
        Binding("d,5", "tab('dockerfile')", "Dockerfile", show=False, id="browse.dockerfile"),
        Binding("p,6", "tab('packages')", "Packages", show=False, id="browse.packages"),
        Binding("u,7", "tab('duplicates')", "Duplicates", show=False, id="browse.duplicates"),
        Binding("r,9", "tab('secrets')", "Secrets", show=False, id="browse.secrets"),
        Binding("o,8", "tab('overview')", "Overview", show=False, id="browse.overview"),
        Binding("v", "view", "View", id="browse.view"),
        Binding("ctrl+l", "mode('layer')", "Layer changes", show=False, id="browse.layer"),
        Binding("ctrl+t", "mode('tree')", "Whole tree", show=False, id="browse.tree"),
        Binding("ctrl+a", "aggregate", "All up to here", show=False, id="browse.aggregate"),
        Binding("m", "mark_range", "Mark range", show=False, id="browse.mark-range"),
        Binding("x", "other_end", "Other end", show=False, id="browse.other-end"),
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

    def __init__(self, session: Session, reference: str, *, first: str = "files") -> None:
        """`reference` names the image as on the command line, and `first` the pane that is shown first."""
        super().__init__()
        self._first = first
        self.session = session
        self.reference = reference
        self.viewpoint = Viewpoint(session)
        self.trail = Trail()
        self._quiet = 0
        """Cursor moves in the instructions that must not change what the files pane shows."""

    def compose(self) -> ComposeResult:
        yield Static(id="title")
        with Horizontal(id="body"):
            with Vertical(id="left"):
                with Vertical(classes="box", id="instructions-box") as box:
                    box.border_title = "Instructions"
                    yield InstructionList(id="instructions")
                yield DetailsPane(self.session, id="details-box")
            with Vertical(classes="box", id="right"):
                yield TabStrip(self.tabs, id="tabs")
                with ContentSwitcher(initial=self._first, id="switcher"):
                    yield FilesPane(self.session, id="files")
                    if self._first != "files":
                        yield BY_NAME[self._first].make(self.session)
        yield KeyLine()

    def on_mount(self) -> None:
        if not self.query(TabStrip):
            return  # the application is closing before anything was composed
        self._fit(self.app.size)
        self.instructions.show(self.session.analysis.instructions, self.session.base_instructions)
        self.select_instruction(self.session.instruction_of_layer(self.session.last_layer))
        self.show_pane(self._first)

    def on_resize(self, event: events.Resize) -> None:
        self._fit(event.size)

    def _fit(self, size: Size) -> None:
        fold(self, size)
        title = image_title(self.reference, self.session.analysis, max(20, size.width - 2))
        self.query_one("#title", Static).update(title, layout=False)

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
        """The pane on the right."""
        return self.switcher.current or "files"

    @property
    def tabs(self) -> tuple[tuple[str, str, str], ...]:
        """The name, key, and title of each pane that the right half can show."""
        return shown_tabs(self.session)

    # Showing

    @on(LineList.Highlighted, "#instructions")
    def _instruction_moved(self) -> None:
        if self._quiet:
            self._quiet -= 1
        else:
            self._show_details()
            self._show_scope()

    def select_instruction(self, index: int) -> None:
        """Put the cursor on an instruction without changing what the files pane shows."""
        row = self.instructions.cursor
        self.instructions.select(index)
        self._quiet += self.instructions.cursor != row
        self._show_details()

    @on(LineList.Highlighted, "#dockerfile")
    def _line_moved(self, event: LineList.Highlighted) -> None:
        """Show details about the line's instruction; the files pane stays the same."""
        lines: DockerfileList = event.lines  # type: ignore[assignment]
        if lines.instruction is not None:
            self.select_instruction(lines.instruction)

    @on(LineList.Chosen, "#instructions")
    def _instruction_chosen(self) -> None:
        self.show_pane("files")

    def _show_details(self) -> None:
        current = self.instructions.current
        if current is not None:
            self.query_one(DetailsPane).show(current)

    def _show_scope(self) -> None:
        scope = self.viewpoint.scope(self.instructions.current)
        if scope is not None:
            self.files.view(scope)

    @on(FilesPane.Shown)
    def _files_shown(self) -> None:
        self._paint_box()
        shown = self.viewpoint.instructions_of(self.files.scope, self.instructions.current)
        start = self.viewpoint.range_start if self.viewpoint.mode == "range" else None
        self.instructions.set_view(shown, start)

    def _paint_box(self) -> None:
        """The title of the right half: which view of what."""
        scope = self.files.scope
        box = self.query_one("#right", Vertical)
        if self.tab != "files":
            box.border_title = Content(BY_NAME[self.tab].title)
            box.border_subtitle = ""
            return
        index = self.session.instruction_of_layer(scope.last)
        summary = self.session.instruction(index)
        text = "" if summary is None else instruction_name(summary.instruction, 40)
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
        if self.tab == "files":
            width = max(8, self.query_one("#right").size.width - 8)
            text = fit_end(path_text(self.files.path), width)
            self.query_one("#right", Vertical).border_subtitle = Content(text)

    # Keys

    async def action_tab(self, name: str) -> None:
        """Show one of the panes and focus it, or say why the image doesn't have it. It is created on first use."""
        tab = BY_NAME[name]
        missing = tab.missing(self.session)
        if missing:
            self.notify(missing)
            return
        if not self.switcher.query_children(f"#{name}"):
            await self.switcher.mount(tab.make(self.session))
        self.show_pane(name)
        if name == "dockerfile" and self.instructions.current is not None:
            lines: DockerfileList = self.query_one("#dockerfile")  # type: ignore[assignment]
            lines.select(self.instructions.current.instruction.index)

    def show_pane(self, name: str) -> None:
        self.switcher.current = name
        self.strip.active = name
        self.remove_class("-left")
        self._paint_box()
        pane = self.query_one(f"#{name}")
        self.set_focus(pane.lines if isinstance(pane, ListPane) else pane)

    @on(TabStrip.Picked)
    async def _tab_picked(self, event: TabStrip.Picked) -> None:
        await self.action_tab(event.name)

    def panes(self) -> list[Widget]:
        """The panes that tab steps through."""
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
        """Focus a pane, and unfold the half it is in."""
        self.set_class(pane.id in ("instructions", "details"), "-left")
        self.set_focus(pane)

    def action_view(self) -> None:
        """Switch to the next kind of view: layer, tree, range."""
        self.action_mode(self.viewpoint.next_mode())

    def action_mode(self, mode: Mode) -> None:
        self.viewpoint.mode = mode
        self._show_scope()
        if self.tab != "files":
            self.show_pane("files")

    def action_aggregate(self) -> None:
        """Show the changes of all layers up to here together."""
        self.viewpoint.range_start = None
        self.action_mode("range")

    def action_mark_range(self) -> None:
        """Start a range at this instruction."""
        current = self.instructions.current
        if current is not None:
            start = self.viewpoint.range_start = current.instruction.index
            self.notify(f"The range starts at {start}. Move to where it ends.")
            self.action_mode("range")

    # To another layer and back

    @on(ListPane.ShowInLayer)
    def _asked_for_layer(self, event: ListPane.ShowInLayer) -> None:
        self.show_in_layer(event.layer, event.path)

    def show_in_layer(self, layer: int, path: bytes) -> None:
        """Show what a layer changed, with the cursor on a path; backspace goes back."""
        self._leave_place()
        self.files.action_clear()
        self._look_from(Scope("layer", layer, layer), path)
        self.show_pane("files")

    @on(FilesPane.Elsewhere)
    def _asked_for_elsewhere(self, event: FilesPane.Elsewhere) -> None:
        """Keep the filter, and go where it finds something."""
        self._leave_place()
        self._look_from(event.scope, b"")

    def _leave_place(self) -> None:
        self.trail.leave(Place(self.tab, self.files.scope, self.files.path))

    def _look_from(self, scope: Scope, path: bytes) -> None:
        self.viewpoint.mode = scope.mode
        if scope.mode == "range":
            self.viewpoint.range_start = None
        self.select_instruction(self.session.instruction_of_layer(scope.last))
        self.files.view(scope, path)

    def action_back(self) -> None:
        """Go back to where the last jump started."""
        place = self.trail.back()
        if place is None:
            self.app.bell()
            return
        self.files.action_clear()
        self._look_from(place.scope, place.path)
        self.show_pane(place.pane)

    def action_other_end(self) -> None:
        """Go from a file to the layer that hides it, or from a removed file to the layer that stored it."""
        layer = self.files.other_end() if self.tab == "files" else None
        if layer is None:
            self.notify(_NOTHING_CHOSEN)
        elif layer < 0:
            self.notify("No later layer hides it: it's in the final image.")
        else:
            self.show_in_layer(layer, self.files.path)

    # Where a selected row leads

    @on(LineList.Chosen, "#tree")
    def _row_chosen(self) -> None:
        tree, entry = self.files.tree_view, self.files.entry
        if tree.rows is not None and tree.number is not None and tree.rows.can_open(tree.number):
            tree.action_fold()
        elif entry is not None and tree.number is not None:
            self.look_inside(self.session.outline.node(tree.number), entry)

    def look_inside(self, node: Node, entry: Entry) -> None:
        """Show a file's content. Following a link moves the cursor to its target."""
        from layerscope.tui.screens.extractor import Extractor
        from layerscope.tui.screens.file_screen import FileScreen, FileStore

        def follow(path: bytes | None) -> None:
            if path is not None and not self.files.go_to(path):
                self.files.view(self.session.whole, path)

        def take_out() -> None:
            Extractor(self).ask(self.session.selection(node, entry.layer), nothing="")

        store = FileStore(self.session.analysis.tree.root, self.session.analysis.indexes)
        self.app.push_screen(FileScreen(store, node, entry, take_out), follow)

    # Files, clipboard, reports

    def selected(self) -> Selection | None:
        """The file or directory under the cursor of the pane on the right."""
        pane = self.query_one(f"#{self.tab}")
        return pane.selected() if isinstance(pane, ListPane) else None

    def action_take_out(self) -> None:
        """Extract the file or directory under the cursor into a folder."""
        from layerscope.tui.screens.extractor import Extractor

        Extractor(self).ask(self.selected(), nothing=_NOTHING_CHOSEN)

    def action_save_report(self) -> None:
        from layerscope.report.formats.renderers import RENDERERS
        from layerscope.tui.screens.report_saver import ReportSaver

        ReportSaver(self, RENDERERS, self._document_for).ask()

    def _document_for(self, form: Format[ReportDocument]) -> ReportDocument:
        from layerscope.report.document.builder import build

        document = build(self.session.analysis)
        if not form.filesystem:
            return document
        from layerscope.report.document.filesystem import with_filesystem

        return with_filesystem(document, self.session.analysis.facts)

    def action_copy_path(self) -> None:
        """Copy the path under the cursor."""
        from layerscope.tui.screens.questions import copy

        selection = self.selected()
        if selection is None:
            self.notify(_NOTHING_CHOSEN)
            return
        path = escape_path(selection.node.path)
        copy(self, path, path_text(path.encode("utf-8", "backslashreplace")))

    def action_copy_command(self) -> None:
        """Copy the command line that extracts this file."""
        from layerscope.tui.screens.questions import copy

        selection = self.selected()
        if selection is None:
            self.notify(_NOTHING_CHOSEN)
            return
        path = escape_path(selection.node.path)
        words = ["layerscope", "extract", self.reference, path, "-o", "."]
        if selection.layer != self.session.last_layer:
            words += ["--layer", str(selection.layer)]
        command = shlex.join(words)
        copy(self, command, path_text(command.encode("utf-8", "backslashreplace"))[1:])

    def action_compare(self) -> None:
        """Ask for another image, and show what changes from this one to that one."""
        from layerscope.tui.compare.load import ask_other

        ask_other(self, self.session)

    def commands(self) -> Iterable[SystemCommand]:
        from layerscope.tui.screens.browse_commands import browse_commands

        return browse_commands(self)

    async def filter_files(self, text: str = "") -> None:
        """Go to the files with this filter, or with an empty one to type."""
        self.show_pane("files")
        if text:
            await self.files.set_filter(text)
        else:
            await self.files.action_filter()
