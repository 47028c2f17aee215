"""The screen for two images: overview, layers, files, configuration, and packages."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import events, on
from textual.app import ComposeResult, SystemCommand
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import ContentSwitcher, Static

from layerscope.report.comparison.naming import fit_apart
from layerscope.report.comparison.words import one_line
from layerscope.report.escape import cell_width, fit_end
from layerscope.report.file_text import path_text
from layerscope.report.paths import escape_path
from layerscope.tui.compare.deltas import delta_text
from layerscope.tui.compare.legend import pair_legend, setting_legend
from layerscope.tui.compare.lists import InstructionPairs, SettingList
from layerscope.tui.compare.merged_files_pane import CompareFilesPane
from layerscope.tui.compare.overview import overview_lines
from layerscope.tui.compare.packages_pane import ComparePackagesPane, PackagePairList
from layerscope.tui.compare.pair_details import pair_text, setting_text
from layerscope.tui.compare.pair_session import CompareSession
from layerscope.tui.key_line import KeyLine
from layerscope.tui.line_list import LineList
from layerscope.tui.model.selection import Selection
from layerscope.tui.palette import screen_commands
from layerscope.tui.styles import STYLES
from layerscope.tui.tab_strip import TabStrip
from layerscope.tui.title import titled

if TYPE_CHECKING:
    from layerscope.report.comparison.rows import ComparisonDocument
    from layerscope.report.formats.format import Format


_FILES = ("overview", "files")


class CompareScreen(Screen[None]):
    """Shows a comparison. Leaving it returns to where you opened it."""

    HELP = """\
Two images, A and B: what B has more or less of, which instruction causes it, and where it is. Green and `+` mean more in
B, red and `-` mean less.
"""
    TABS: ClassVar[tuple[tuple[str, str, str], ...]] = (
        ("overview", "1", "Overview"),
        ("layers", "2", "Layers"),
        ("files", "3", "Files"),
        ("settings", "4", "Configuration"),
        ("packages", "5", "Packages"),
    )
    COMMANDS = {screen_commands}  # noqa: RUF012
    DEFAULT_CSS = """
    CompareScreen #compare-box { height: 1fr; }
    CompareScreen #overview-text { height: auto; }
    CompareScreen .pairs { height: 1fr; }
    CompareScreen .pairs LineList { height: 3fr; }
    CompareScreen .pairs VerticalScroll {
        height: 2fr; padding: 0 1; scrollbar-size-vertical: 1; background: $background;
        border-top: solid $foreground 25%;
    }
    CompareScreen .pairs VerticalScroll:focus { border-top: solid $primary; }
    CompareScreen .pairs Static { height: auto; }
    CompareScreen .legend { height: auto; padding: 0 1; color: $text-muted; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "pane(1)", "Pane", show=False, id="compare.next-pane"),
        Binding("shift+tab", "pane(-1)", "Pane", show=False, id="compare.previous-pane"),
        Binding("o,1", "tab('overview')", "Overview", show=False, id="compare.overview"),
        Binding("2", "tab('layers')", "Layers", show=False, id="compare.layers"),
        Binding("f,3", "tab('files')", "Files", show=False, id="compare.files"),
        Binding("i,4", "tab('settings')", "Configuration", show=False, id="compare.settings"),
        Binding("p,5", "tab('packages')", "Packages", show=False, id="compare.packages"),
        Binding("e,ctrl+e", "take_out", "Extract", id="compare.extract"),
        Binding("y", "copy_path", "Copy path", show=False, id="compare.copy-path"),
        Binding("Y", "copy_command", "Copy command", show=False, id="compare.copy-command"),
        Binding("S,ctrl+s", "save_report", "Save report", show=False, id="compare.save"),
        Binding("apostrophe", "app.jump", "Jump", show=False, id="browse.jump"),
        Binding("question_mark,f1", "app.help", "Help", id="browse.help"),
        Binding("escape,backspace", "leave", "Back", id="compare.leave"),
        Binding("q", "app.quit", "Quit", id="browse.quit"),
    ]

    def __init__(self, session: CompareSession, *, alone: bool = False) -> None:
        """`alone` means that there is no screen to return to."""
        super().__init__()
        self.session = session
        self.alone = alone
        self.tabs = tuple(each for each in self.TABS if not session.narrowed or each[0] in _FILES)
        """With `--path`, only what it narrows, as in the other formats."""

    def compose(self) -> ComposeResult:
        yield Static(id="title")
        with Vertical(classes="box", id="compare-box"):
            yield TabStrip(self.tabs, id="tabs")
            with ContentSwitcher(initial="overview", id="switcher"):
                with VerticalScroll(id="overview", classes="sheet", can_focus=True):
                    yield Static(id="overview-text")
                with Vertical(id="layers", classes="pairs"):
                    yield InstructionPairs(id="pairs")
                    yield Static(pair_legend(self.session.document), classes="legend")
                    with VerticalScroll(can_focus=True, id="pair-details"):
                        yield Static(id="pair-text")
                yield CompareFilesPane(self.session, id="files")
                with Vertical(id="settings", classes="pairs"):
                    yield SettingList(id="setting-list")
                    yield Static(setting_legend(self.session.document), classes="legend")
                    with VerticalScroll(can_focus=True, id="setting-details"):
                        yield Static(id="setting-text")
                yield ComparePackagesPane(self.session, id="packages")
        yield KeyLine()

    def on_mount(self) -> None:
        if not self.query(TabStrip):
            return  # the application is closing before anything was composed
        self.query_one(TabStrip).active = "overview"
        self.set_focus(self.query_one("#overview"))
        self.query_one(InstructionPairs).show(
            self.session.document["instructions"], self.session.names
        )
        self.query_one(SettingList).show(self.session.document["config"])
        self._paint_title()
        self._paint_overview()
        self._pair_moved()
        self._setting_moved()

    @property
    def files(self) -> CompareFilesPane:
        return self.query_one("#files", CompareFilesPane)

    @property
    def tab(self) -> str:
        return self.query_one("#switcher", ContentSwitcher).current or "overview"

    def on_resize(self, event: events.Resize) -> None:
        self._paint_title()
        self._paint_overview()

    def _paint_title(self) -> None:
        width = max(20, self.app.size.width - 2)
        sizes, narrowed = self.session.document["sizes"], self.session.narrowed
        if narrowed is not None:
            pattern = fit_end(one_line(narrowed["path"] or ""), width // 4)
            facts = [f"live {delta_text(narrowed['placed']['delta'])}", f"only {pattern}"]
        else:
            facts = [f"content {delta_text(sizes['content']['delta'])}"]
            if sizes["compressed"]["delta"] is not None:
                facts.append(f"download {delta_text(sizes['compressed']['delta'])}")
        text = "   ".join(facts)
        room = max(4, (width - 12 - 4 - 3 - cell_width(text)) // 2)
        names = fit_apart([one_line(name) for name in self.session.names], room)
        title = titled(names, text, width)
        self.query_one("#title", Static).update(title)

    def _paint_overview(self) -> None:
        width = max(40, self.app.size.width - 6)
        parts: list[tuple[str, str]] = []
        for line in overview_lines(self.session, width):
            parts += [(text, STYLES[style]) for text, style in line]
            parts.append(("\n", ""))
        self.query_one("#overview-text", Static).update(Content.assemble(*parts))

    # Showing

    @on(LineList.Highlighted, "#pairs")
    def _pair_moved(self) -> None:
        row = self.query_one(InstructionPairs).current
        text = Content("") if row is None else pair_text(self.session.document, row)
        self.query_one("#pair-text", Static).update(text)
        self.query_one("#pair-details", VerticalScroll).scroll_home(animate=False)

    @on(LineList.Highlighted, "#setting-list")
    def _setting_moved(self) -> None:
        row = self.query_one(SettingList).current
        text = Content("") if row is None else setting_text(row)
        self.query_one("#setting-text", Static).update(text)
        self.query_one("#setting-details", VerticalScroll).scroll_home(animate=False)

    @on(LineList.Chosen, "#pairs")
    @on(LineList.Chosen, "#setting-list")
    def _to_details(self) -> None:
        self.action_pane(1)

    @on(LineList.Highlighted, "#compare-tree")
    def _paint_path(self) -> None:
        width = max(8, self.size.width - 8)
        text = fit_end(path_text(self.files.path), width) if self.tab == "files" else ""
        self.query_one("#compare-box", Vertical).border_subtitle = Content(text)

    @on(PackagePairList.ShowFile)
    def _show_file(self, event: PackagePairList.ShowFile) -> None:
        self.action_tab("files")
        if not self.files.go_to(event.path):
            self.notify("Neither final filesystem has it.", severity="warning")

    @on(LineList.Chosen, "#compare-tree")
    def _look_inside(self) -> None:
        tree = self.files.tree_view
        number, merged = tree.number, self.session.merged
        if number is None or merged is None:
            return
        if tree.is_directory(number):
            tree.action_fold()
            return
        from layerscope.tui.compare.pair_file_screen import CompareFileScreen

        def follow(path: bytes | None) -> None:
            if path is not None and not self.files.go_to(path):
                self.notify("Neither tree has it.", severity="warning")

        self.app.push_screen(CompareFileScreen(self.session, merged, number), follow)

    # Keys

    def panes(self) -> list[Widget]:
        """What tab steps through."""
        if self.tab == "layers":
            return [self.query_one("#pairs"), self.query_one("#pair-details")]
        if self.tab == "settings":
            return [self.query_one("#setting-list"), self.query_one("#setting-details")]
        if self.tab == "packages":
            return [self.query_one("#package-pairs")]
        return [self.files.lines if self.tab == "files" else self.query_one("#overview")]

    def action_tab(self, name: str) -> None:
        """Show one of the tabs and focus it, or say that `--path` leaves it out."""
        if name not in (each for each, _, _ in self.tabs):
            self.notify("--path compares files only. Leave it out to compare everything.")
            return
        self.query_one("#switcher", ContentSwitcher).current = name
        self.query_one(TabStrip).active = name
        self.refresh_bindings()
        self._paint_path()
        self.set_focus(self.panes()[0])

    @on(TabStrip.Picked)
    def _tab_picked(self, event: TabStrip.Picked) -> None:
        self.action_tab(event.name)

    def action_pane(self, step: int) -> None:
        """The next pane; after the last of a tab, the next tab."""
        panes = self.panes()
        at = next((n for n, pane in enumerate(panes) if pane.has_focus_within), 0) + step
        if 0 <= at < len(panes):
            self.set_focus(panes[at])
            return
        tabs = [name for name, _, _ in self.tabs]
        self.action_tab(tabs[(tabs.index(self.tab) + step) % len(tabs)])

    def go_to_pane(self, pane: Widget) -> None:
        self.set_focus(pane)

    # Files, clipboard, reports

    def action_save_report(self) -> None:
        from layerscope.report.comparison.renderers import COMPARISON_RENDERERS
        from layerscope.tui.screens.report_saver import ReportSaver

        ReportSaver(self, COMPARISON_RENDERERS, self._document_for).ask()

    def _document_for(self, _: Format[ComparisonDocument]) -> ComparisonDocument:
        from layerscope.report.comparison.document import build
        from layerscope.report.document.defaults import TOP

        return build(self.session.comparison, top=TOP)

    def action_take_out(self) -> None:
        """Extract the file or directory under the cursor into a folder."""
        from layerscope.tui.screens.extractor import Extractor

        Extractor(self).ask(self.selected(), nothing=self._nothing_selected())

    def selected(self) -> Selection | None:
        """The file under the cursor as in B, or as in A if B doesn't have it."""
        number, merged = self.files.tree_view.number, self.session.merged
        if self.tab != "files" or number is None or merged is None:
            return None
        comparison = self.session.comparison
        path = merged.outline.path(number)
        for letter, side in (("B", comparison.b), ("A", comparison.a)):
            node = None if side.files is None else side.files.tree.find(path)
            if side.files is None or side.saved or node is None or not node.visible:
                continue
            last = max(0, len(side.layers) - 1)
            return Selection(node, last, f"as in {letter}", side.files.indexes)
        return None

    def _nothing_selected(self) -> str:
        sides = self.session.contentless
        if " and " in sides:
            return f"{sides} are saved reports, which don't hold file contents."
        if sides:
            return f"{sides} is a saved report, which doesn't hold file contents."
        return "Choose a file or a directory first."

    def action_copy_path(self) -> None:
        """Put the path under the cursor on the clipboard."""
        from layerscope.tui.screens.questions import copy

        if self.tab == "files":
            copy(self, escape_path(b"/" + self.files.path), path_text(self.files.path))

    def action_copy_command(self) -> None:
        """Put the command line of this comparison on the clipboard."""
        from layerscope.tui.screens.questions import copy

        sides = (self.session.comparison.a, self.session.comparison.b)
        narrowed = self.session.narrowed
        path = [] if narrowed is None else ["--path", narrowed["path"] or ""]
        command = shlex.join(["layerscope", "compare", *(side.reference for side in sides), *path])
        copy(self, command, one_line(command))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in {"take_out", "copy_path"}:
            return self.is_mounted and self.tab == "files"
        return not (action == "leave" and self.alone)

    def action_leave(self) -> None:
        self.dismiss()

    def commands(self) -> Iterable[SystemCommand]:
        """The commands that the palette offers on this screen."""
        for name, key, title in self.tabs:
            yield SystemCommand(f"Show {title.lower()}", key, partial(self.action_tab, name))
        yield SystemCommand("Equal files on/off", "u", self.files.action_only_changed)
        yield SystemCommand("Filter the files", "/", self._filter)
        yield SystemCommand("Save the report", "S", self.action_save_report)
        yield SystemCommand("Copy as a command line", "Y", self.action_copy_command)
        if self.tab == "files":
            yield SystemCommand("Extract to a folder", "e", self.action_take_out)
            yield SystemCommand("Copy the path", "y", self.action_copy_path)
        for kind in ("added", "removed", "content", "metadata", "moved"):
            text = f"kind:{kind}"
            yield SystemCommand(f"Only {kind} files", text, partial(self._filter, text))

    async def _filter(self, text: str = "") -> None:
        self.action_tab("files")
        if text:
            await self.files.set_filter(text)
        else:
            await self.files.action_filter()
