"""The modules of layerscope import each other without cycles."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import layerscope

ROOT = Path(layerscope.__file__).parent


def module_files() -> dict[str, Path]:
    names = {}
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT.parent).with_suffix("").parts
        names[".".join(parts).removesuffix(".__init__")] = path
    return names


def imported(tree: ast.AST, known: dict[str, Path]) -> Iterator[str]:
    """The modules imported at run time, even inside functions. Imports for type checkers don't count."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                if name in known:
                    yield name
                elif node.module in known:
                    yield node.module
        yield from imported(node, known)


def graph() -> dict[str, set[str]]:
    files = module_files()
    found = {}
    for name, path in files.items():
        found[name] = set(imported(ast.parse(path.read_text(encoding="utf-8")), files)) - {name}
    return found


def find_cycle(graph: dict[str, set[str]]) -> list[str] | None:
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        cycle: list[str] = error.args[1]
        return cycle
    return None


def test_no_module_imports_itself_through_others() -> None:
    assert find_cycle(graph()) is None


def test_a_cycle_through_an_import_inside_a_function_is_found() -> None:
    known = dict.fromkeys(("a.one", "a.two", "a.three"), ROOT)
    one = "from a import two"
    two = "def late():\n    from a.three import x"
    three = "import a.one"
    found = {
        name: set(imported(ast.parse(source), known))
        for name, source in {"a.one": one, "a.two": two, "a.three": three}.items()
    }
    assert find_cycle(found) is not None
    typed = "if TYPE_CHECKING:\n    import a.one"
    assert find_cycle(found | {"a.three": set(imported(ast.parse(typed), known))}) is None
