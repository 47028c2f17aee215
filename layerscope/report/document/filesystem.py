"""The final filesystem by size, cut to what is large enough to see: the optional key `filesystem` of the document.

Directories are opened largest first until there are enough rows, so the detail is where the bytes are. One more row sums
up the rest of a directory, so the bytes of its rows always add up to its own.
"""

from __future__ import annotations

import heapq
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Literal

from layerscope.filesystem.entry import Entry
from layerscope.filesystem.joined import JoinedColumns
from layerscope.filesystem.node import Node
from layerscope.layers.entry import DIRECTORY, METADATA, VISIBLE
from layerscope.report.document.head import is_head
from layerscope.report.paths import escape_path

if TYPE_CHECKING:
    from layerscope.analysis.model import Facts, Files, LayerSummary
    from layerscope.report.document.rows import (
        AnalysisDocument,
        FilesystemRow,
        NodeRow,
        ReportDocument,
    )

Kind = Literal["directory", "file", "rest"]
Shares = dict[int, int]

NODES = 2000
"""After this many rows, no more directories are opened."""
CHILDREN = 200
"""The most rows for one directory."""
SMALLEST = 1000
"""A file is too small to see if it is less than one part in this many of its directory."""
LONGEST_NAME = 255
"""The most characters of a name. A longer one is cut in the middle."""


def with_filesystem(document: ReportDocument, facts: Facts) -> ReportDocument:
    """A copy of the document with the key `filesystem`, if the facts include files."""
    if facts.files is None or is_head(document):
        return document
    drawn: AnalysisDocument = {**document, "filesystem": filesystem(facts.files, facts.layers)}
    return drawn


def filesystem(
    files: Files, layers: Sequence[LayerSummary], *, nodes: int = NODES
) -> FilesystemRow:
    """The directories and files of the final filesystem by live bytes, parents first, each directory's rows together.

    Content with several names counts at the name that stores it, or else at its first visible link. A directory that
    contains only another directory is merged with it into one row.
    """
    census = _Census(files, layers)
    root = census.directories[0]
    costs = census.costs_known
    rows = [_row("/", None, "directory", root, costs)]
    pending = [(-root.bytes, 0, root)] if root.bytes else []
    while pending and len(rows) < nodes:
        _, parent, directory = heapq.heappop(pending)
        children = census.largest(directory)
        for child in children:
            if child.directory is not None:
                heapq.heappush(pending, (-child.bytes, len(rows), child.directory))
            kind: Kind = "file" if child.directory is None else "directory"
            rows.append(_row(_name(child.names), parent, kind, child, costs))
        rest = _rest(directory, children)
        if rest.bytes:
            rows.append(_row(None, parent, "rest", rest, costs))
    return {
        "bytes": root.bytes,
        "compressed": root.cost if costs else None,
        "files": root.files,
        "nodes": rows,
    }


def _rest(directory: _Directory, children: Sequence[_Child]) -> _Child:
    """What is in the directory besides these children."""
    shares = dict(directory.shares)
    for child in children:
        for instruction, size in child.shares.items():
            shares[instruction] -= size
    return _Child(
        [],
        directory.bytes - sum(child.bytes for child in children),
        directory.files - sum(child.files for child in children),
        shares,
        None,
        directory.cost - sum(child.cost for child in children),
    )


def _row(
    name: str | None, parent: int | None, kind: Kind, what: _Directory | _Child, costs: bool
) -> NodeRow:
    ordered = [(-share, instruction) for instruction, share in what.shares.items() if share]
    if len(ordered) > 1:
        ordered.sort()
    return {
        "bytes": what.bytes,
        "compressed": what.cost if costs else None,
        "files": what.files,
        "instructions": [
            {"bytes": -share, "instruction": instruction} for share, instruction in ordered
        ],
        "kind": kind,
        "name": name,
        "parent": parent,
    }


def _name(names: list[bytes]) -> str:
    if len(names) > LONGEST_NAME:
        names = [*names[:LONGEST_NAME], *names[-LONGEST_NAME:]]
    text = escape_path(b"/".join(names))[1:]
    if len(text) <= LONGEST_NAME:
        return text
    half = (LONGEST_NAME - 1) // 2
    return f"{text[:half]}…{text[-half:]}"


class _Directory:
    """A visible directory with the sums of everything visible below. `stored` is the number of its own non-empty files."""

    __slots__ = ("below", "bytes", "cost", "files", "node", "parent", "shares", "stored")

    def __init__(self, node: Node, parent: _Directory | None) -> None:
        self.node = node
        self.parent = parent
        self.below: list[_Directory] = []
        self.bytes = 0
        self.cost = 0
        self.files = 0
        self.stored = 0
        self.shares: Shares = {}


class _Child:
    """A future row of its directory. It has several names if directories were merged."""

    __slots__ = ("bytes", "cost", "directory", "files", "names", "shares")

    def __init__(
        self,
        names: list[bytes],
        size: int,
        files: int,
        shares: Shares,
        directory: _Directory | None,
        cost: int,
    ) -> None:
        self.names = names
        self.cost = cost
        self.bytes = size
        self.files = files
        self.shares = shares
        self.directory = directory


class _Census:
    """Every visible directory of the tree with its sums, root first."""

    def __init__(self, files: Files, layers: Sequence[LayerSummary]) -> None:
        self._owners = [layer.instruction for layer in layers]
        self._links = _links_to_hidden_content(files)
        joined = JoinedColumns(files.tree.layers)
        self._records, self._kinds, self._sizes = joined.records, joined.kinds, joined.sizes
        self._costs, self.costs_known = joined.costs, joined.costs_known
        self._starts = joined.starts
        self.directories = [_Directory(files.tree.root, None)]
        for directory in self.directories:
            self._visit(directory)
        for directory in reversed(self.directories):
            above = directory.parent
            if above is not None:
                above.bytes += directory.bytes
                above.cost += directory.cost
                above.files += directory.files
                for instruction, size in directory.shares.items():
                    above.shares[instruction] = above.shares.get(instruction, 0) + size

    def _visit(self, directory: _Directory) -> None:
        below = directory.node.below
        if not below:
            return
        records, kinds, sizes, owners = self._records, self._kinds, self._sizes, self._owners
        costs = self._costs
        shares = directory.shares
        files = stored = untouched = total = cost = 0
        low = high = share = owner = 0
        entry: Entry | None
        for child in below.values():
            held = child if type(child) is int else child.held  # type: ignore[union-attr]
            if type(held) is int:
                entry = records[held]
                if entry is None:
                    # Added once and never touched, so the columns are enough and no Entry is created.
                    size = sizes[held]
                    if size:
                        if not low <= held < high:
                            if share:
                                shares[owner] = shares.get(owner, 0) + share
                                total += share
                                share = 0
                            layer = bisect_right(self._starts, held) - 1
                            low, high = self._starts[layer], self._starts[layer + 1]
                            owner = owners[layer]
                        untouched += 1
                        share += size
                        cost += costs[held]
                    elif kinds[held] != DIRECTORY:
                        files += 1
                    continue
            else:
                entry = held  # type: ignore[assignment]
            if entry is None or entry.ended != VISIBLE:
                continue
            if entry.kind == DIRECTORY:
                if isinstance(child, Node):
                    inner = _Directory(child, directory)
                    directory.below.append(inner)
                    self.directories.append(inner)
                continue
            files += 1
            content = self._content(entry)
            if content is not None:
                stored += 1
                total += content.size
                cost += self._cost(content)
                writer = owners[content.layer]
                shares[writer] = shares.get(writer, 0) + content.size
        if share:
            shares[owner] = shares.get(owner, 0) + share
        directory.files, directory.stored = files + untouched, stored + untouched
        directory.bytes = total + share
        directory.cost = cost

    def _cost(self, entry: Entry) -> int:
        return self._costs[self._starts[entry.layer] + entry.position]

    def _entry(self, child: Node | int) -> Entry | None:
        return child.latest if isinstance(child, Node) else self._records[child]

    def _content(self, entry: Entry) -> Entry | None:
        """The content that is counted at this name, or None."""
        content = entry.content
        if content is None or not content.size:
            return None
        if content is entry or self._links.get(id(content)) is entry:
            return content
        return None

    def largest(self, directory: _Directory) -> list[_Child]:
        """The children that are large enough to see when the directory fills the view, largest first."""
        floor = max(1, -(-directory.bytes // SMALLEST))
        children = [_follow(below) for below in directory.below if below.bytes >= floor]
        if directory.stored:
            children += self._files(directory, floor)
        children.sort(key=lambda child: (-child.bytes, child.names))
        return children[:CHILDREN]

    def _files(self, directory: _Directory, floor: int) -> Iterator[_Child]:
        """The files with at least `floor` bytes. There are at most `SMALLEST` of them."""
        records, sizes, owners = self._records, self._sizes, self._owners
        for name, child in (directory.node.below or {}).items():
            held = child if type(child) is int else child.held  # type: ignore[union-attr]
            if type(held) is int:
                size = sizes[held]
                if size < floor:
                    continue
                if records[held] is None:
                    owner = owners[bisect_right(self._starts, held) - 1]
                    yield _Child([name], size, 1, {owner: size}, None, self._costs[held])
                    continue
            entry = self._entry(child)
            if entry is None or entry.ended != VISIBLE or entry.kind == DIRECTORY:
                continue
            content = self._content(entry)
            if content is not None and content.size >= floor:
                shares = {owners[content.layer]: content.size}
                yield _Child([name], content.size, 1, shares, None, self._cost(content))


def _follow(directory: _Directory) -> _Child:
    """The directory as a row, merged with those below it as long as each contains only the next."""
    names = [directory.node.name]
    first = directory
    while not directory.stored:
        full = [below for below in directory.below if below.bytes]
        if len(full) != 1:
            break
        directory = full[0]
        names.append(directory.node.name)
    return _Child(names, first.bytes, first.files, first.shares, directory, first.cost)


def _links_to_hidden_content(files: Files) -> dict[int, Entry]:
    """For content that is not visible under its own name, the first visible hard link to it."""
    links: dict[int, Entry] = {}
    for entry in files.tree.hard_links():
        content = entry.content
        if (
            entry.ended == VISIBLE
            and content is not None
            and (content.ended != VISIBLE or content.kind == METADATA)
        ):
            links.setdefault(id(content), entry)
    return links
