"""The size of files and functions in layerscope/, and of the page about them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import layerscope

PACKAGE: Final = Path(layerscope.__file__).parent
MOST_LINES: Final = 500
LONGEST_FUNCTION: Final = 50
HOT_LOOPS: Final = {
    "layers/tar.py: TarScanner.scan": "runs for every member of every tar, where a call costs as much as the work",
    "layers/header_batch.py: HeaderBatch.run": "runs for every usual member of a tar that can be sought",
    "analysis/comparison/walk.py: _Walk._visit": "runs for every path of two images",
    "report/document/filesystem.py: _Census._visit": "runs for every path of the final filesystem",
}
"""The loops that are longer because cutting them would cost speed, and why."""


def functions(tree: ast.AST, prefix: str = "") -> Iterator[tuple[str, int]]:
    """The qualified name and the number of lines of every function, decorators left out."""
    for node in ast.iter_child_nodes(tree):
        name = prefix
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            name = f"{prefix}{node.name}."
            if not isinstance(node, ast.ClassDef):
                yield name[:-1], (node.end_lineno or node.lineno) - node.lineno + 1
        yield from functions(node, name)


def long_functions(files: dict[str, str]) -> set[str]:
    return {
        f"{file}: {name}"
        for file, text in files.items()
        for name, lines in functions(ast.parse(text))
        if lines > LONGEST_FUNCTION
    }


def sources() -> dict[str, str]:
    return {
        path.relative_to(PACKAGE).as_posix(): path.read_text("utf-8")
        for path in sorted(PACKAGE.rglob("*.py"))
    }


def test_no_function_is_longer_than_50_lines_except_the_hot_loops() -> None:
    assert long_functions(sources()) == set(HOT_LOOPS)


def test_no_file_is_longer_than_500_lines() -> None:
    long = {
        file: lines for file, text in sources().items() if (lines := text.count("\n")) > MOST_LINES
    }
    assert long == {}


def test_a_long_function_is_found_wherever_it_is_defined() -> None:
    lines = "\n".join(f"            x = {number}" for number in range(LONGEST_FUNCTION))
    inner = f"class A:\n    async def outer(self):\n        def inner():\n{lines}\n"
    assert long_functions({"a.py": inner}) == {"a.py: A.outer", "a.py: A.outer.inner"}
    short = f"def short():\n{lines.replace('    ' * 3, '    ')}\n".replace("x = 0", "'No more.'")
    assert long_functions({"a.py": short.replace("    x = 1\n", "")}) == set()


def test_architecture_stays_on_a_page() -> None:
    lines = (PACKAGE.parent / "ARCHITECTURE.md").read_text("utf-8").splitlines()
    assert len(lines) <= 110
    assert [number for number, line in enumerate(lines, 1) if len(line) > 150] == []
