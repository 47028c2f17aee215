"""The directories of a comparison as an indented tree, largest differences first. All rows add up."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from layerscope.report.comparison.cost_words import sum_of_deltas

if TYPE_CHECKING:
    from layerscope.report.comparison.rows import ComparisonDocument, DirectoryRow


class TreeRow(NamedTuple):
    """A directory: `changes` is the number of files that differ below, `download` the delta of the compressed bytes."""

    level: int
    name: str
    delta: int
    changes: int
    download: int | None


OTHERS = "(others)"


def tree_rows(document: ComparisonDocument, *, rows: int, depth: int) -> list[TreeRow]:
    """About `rows` directories down to `depth`. One more row below a directory sums up what isn't shown."""
    directories = {row["path"]: row for row in document["directories"]}
    root = directories.get("/")
    if root is None:
        return []
    shown = _largest(directories, rows, depth)
    below: dict[str, list[DirectoryRow]] = {}
    for path in shown:
        if path != "/":
            below.setdefault(_above(path), []).append(directories[path])
    lines: list[TreeRow] = []
    pending: list[tuple[int, DirectoryRow | TreeRow]] = [(0, root)]
    while pending:
        level, row = pending.pop()
        if isinstance(row, TreeRow):
            lines.append(row)
            continue
        path = row["path"]
        name = path if level == 0 else path[len(_above(path)) :].lstrip("/")
        download = row["compressed"]["delta"]
        lines.append(TreeRow(level, name, row["delta"], row["changes"], download))
        children = below.get(path, [])
        if not children:
            continue
        rest = row["delta"] - sum(child["delta"] for child in children)
        changes = row["changes"] - sum(child["changes"] for child in children)
        if changes or rest:
            listed = sum_of_deltas(children)
            left = None if download is None or listed is None else download - listed
            pending.append((level + 1, TreeRow(level + 1, OTHERS, rest, changes, left)))
        children.sort(key=lambda child: (abs(child["delta"]), child["path"]))
        pending += [(level + 1, child) for child in children]
    return lines


def _largest(directories: dict[str, DirectoryRow], rows: int, depth: int) -> set[str]:
    """The directories with the largest differences, and all their parents."""
    shown = {"/"}
    candidates = sorted(
        (
            row
            for row in directories.values()
            if row["path"] != "/" and _depth(row["path"]) <= depth
        ),
        key=lambda row: (-abs(row["delta"]), row["path"]),
    )
    for row in candidates:
        if len(shown) > rows:
            break
        path = row["path"]
        while path not in shown and path in directories:
            shown.add(path)
            path = _above(path)
    return shown


def _above(path: str) -> str:
    return path.rpartition("/")[0] or "/"


def _depth(path: str) -> int:
    return path.count("/")
