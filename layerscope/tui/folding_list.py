"""A list of groups that open and close, each with its lines below it."""

from __future__ import annotations

from typing import Generic, TypeVar

from layerscope.tui.line_list import LineList

RowT = TypeVar("RowT")


class FoldingList(LineList, Generic[RowT]):
    """Base class for such lists: `group` tells the first line of a group, and `rebuild` lists the rows anew."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.rows: list[RowT] = []
        self._open: set[int] = set()

    @property
    def row_count(self) -> int:
        return len(self.rows)

    @property
    def current(self) -> RowT | None:
        return self.rows[self.cursor] if self.cursor < len(self.rows) else None

    def group(self, line: RowT) -> int | None:
        """The number of a group, if this is its first line; else None."""
        raise NotImplementedError

    def rebuild(self) -> None:
        """List the rows with the lines of all open groups."""
        raise NotImplementedError

    def action_open(self) -> None:
        line = self.current
        group = None if line is None else self.group(line)
        if group is not None and group not in self._open:
            self._open.add(group)
            self.rebuild()

    def action_close(self) -> None:
        """Go to the first line of the group. On that line, close it."""
        line = self.current
        if line is None:
            return
        above = range(self.cursor, -1, -1)
        row = next((row for row in above if self.group(self.rows[row]) is not None), None)
        if row is None:
            return
        self.cursor = row
        group = self.group(line)
        if group is not None:
            self._open.discard(group)
            self.rebuild()

    def action_fold(self) -> None:
        line = self.current
        group = None if line is None else self.group(line)
        if group is None or group in self._open:
            self.action_close()
        else:
            self.action_open()
