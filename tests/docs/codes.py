"""Collects the codes of all notes from the source."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "layerscope"
CODE = re.compile(r"[a-z]+(-[a-z0-9]+)+|unverified")
CALLS = frozenset(("Note", "add", "_add", "note", "_note", "tell"))


def codes() -> set[str]:
    """The codes of notes: arguments of calls that add one, values of a variable `code`, or values in document rows."""
    found: set[str] = set()
    for path in SOURCE.rglob("*.py"):
        if "tui" not in path.relative_to(SOURCE).parts:
            for text in _candidates(ast.parse(path.read_text())):
                if CODE.fullmatch(text):
                    found.add(text)
    return found


def _candidates(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.args:
            name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
            name = node.func.id if isinstance(node.func, ast.Name) else name
            if name in CALLS:
                yield from _strings(node.args[0])
        elif isinstance(node, ast.Assign):
            targets = {
                name.id
                for target in node.targets
                for name in ast.walk(target)
                if isinstance(name, ast.Name)
            }
            if "code" in targets:
                yield from _strings(node.value)
        elif isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant) and key.value == "code":
                    yield from _strings(value)


def _strings(node: ast.AST) -> Iterator[str]:
    for part in ast.walk(node):
        if isinstance(part, ast.Constant) and isinstance(part.value, str):
            yield part.value
