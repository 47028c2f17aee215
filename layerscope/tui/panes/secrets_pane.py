"""The secrets pane: private keys, tokens, and passwords, by place and rule, never by value."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType

from layerscope.report.escape import fit_end, fit_start
from layerscope.tui.line_list import LineList
from layerscope.tui.model.secret_rows import SecretRow, secret_rows
from layerscope.tui.model.selection import Selection
from layerscope.tui.model.session import Session
from layerscope.tui.paint import Span, cell
from layerscope.tui.panes.list_pane import ListPane
from layerscope.units import count

if TYPE_CHECKING:
    from layerscope.analysis.filter.query import Query
    from layerscope.analysis.secrets.facts import Secrets


class SecretList(LineList):
    """Lists the findings."""

    HELP = """\
Secrets in files, variables, labels, and the history of the build. Those that a later layer deletes come first: they are
not in the container, but everyone who pulls the image has them. Those in doubt come last. The secrets themselves are
never shown.

Enter goes to the file in the layer that stores it, and backspace goes back.
"""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose", "To the file", id="secrets.file"),
    ]

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.rows: list[SecretRow] = []
        self._rule_width = 4

    def show(self, rows: list[SecretRow]) -> None:
        """List these findings."""
        self.rows = rows
        self._rule_width = max((len(row.rule) for row in rows), default=4)
        self.rows_changed()

    @property
    def row_count(self) -> int:
        return len(self.rows)

    @property
    def current(self) -> SecretRow | None:
        return self.rows[self.cursor] if self.cursor < len(self.rows) else None

    # Painting

    def heading(self, width: int) -> Sequence[Span]:
        return [(f"{cell('', 10)}{cell('rule', self._rule(width))}  place", "")]

    def _rule(self, width: int) -> int:
        return min(self._rule_width, max(8, width // 4))

    def spans(self, row: int, width: int) -> Sequence[Span]:
        line = self.rows[row]
        rule = self._rule(width)
        left = max(4, width - 10 - rule - 4 - len(line.cause))
        style = "dim" if line.state == "in doubt" else "waste" if line.state else "strong"
        return [
            (cell(line.state, 10), "dim" if line.state == "in doubt" else "waste"),
            (cell(fit_start(line.rule, rule), rule) + "  ", "dim"),
            (cell(fit_end(line.place, left), left), style),
            (f"  {line.cause}", "dim"),
        ]

    # Keys

    def action_choose(self) -> None:
        line = self.current
        if line is not None and line.path is not None and line.layer is not None:
            self.post_message(ListPane.ShowInLayer(line.layer, line.path))


class SecretsPane(ListPane):
    """The list of findings and its filter."""

    kinds: ClassVar[Mapping[str, Collection[int]]] = {}

    def __init__(self, session: Session, secrets: Secrets, *, id: str) -> None:  # noqa: A002
        self.secret_list = SecretList(id="secret-list")
        super().__init__(self.secret_list, id=id)
        self.session = session
        self.secrets = secrets

    def on_mount(self) -> None:
        self.find(None)

    def selected(self) -> Selection | None:
        row = self.secret_list.current
        if row is None or row.path is None or row.layer is None:
            return None
        node = self.session.analysis.tree.find(row.path)
        return None if node is None else self.session.selection(node, row.layer)

    def find(self, query: Query | None) -> None:
        rows = secret_rows(self.secrets, query)
        self.secret_list.show(rows)
        self.secret_list.cursor = 0
        sure = sum(row.state != "in doubt" for row in rows)
        words = [count(sure, "secret")]
        if len(rows) > sure:
            words.append(f"{len(rows) - sure:,} in doubt")
        if not self.secrets.everything:
            words.append("well-known files only: open with --secrets for all")
        if self.secrets.not_searched:
            words.append(f"{self.secrets.not_searched:,} not searched")
        self.show_status(" · ".join(words) if rows else "nothing found")
