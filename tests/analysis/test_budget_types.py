"""Rules whose values have the wrong type are read, or refused in one line that names the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from layerscope.analysis.budgets.budget import load_budget
from layerscope.analysis.budgets.budget_file import KEYS, LISTS, OTHER_TABLES
from layerscope.analysis.budgets.names import DIVE_RULES
from layerscope.errors import ConfigError
from layerscope.units import format_size
from tests.cli.conftest import run_in

HUGE = "9" * 4000
TOML = (
    "[]",
    "[[]]",
    "[{}]",
    "[1, 'a', true]",
    "{}",
    "{ a = 1 }",
    "{ limit = [] }",
    "{ limit = {} }",
    "{ limit = { limit = 1 } }",
    "{ limit = 1, level = [] }",
    "{ limit = 1, reason = 2027-01-01 }",
    "true",
    "false",
    "0",
    "-1",
    "-0.0",
    HUGE,
    "1e9999999999999999999",
    "-1e-9999999999999999999",
    "nan",
    "-nan",
    "inf",
    "-inf",
    "2027-01-01",
    "00:00:00",
    "2027-01-01T00:00:00Z",
    "''",
    "' '",
    "'a'",
    "'nan%'",
    "'1e400%'",
    "'-5MB'",
    "'∞'",
    "'１５MB'",
    '"\\u0000"',
    '"\\n::error::"',
    "[" * 40 + "]" * 40,
)
"""Values as TOML writes them."""
LIMIT_KEYS = ("max", "max_compressed", "max_growth", "max_compressed_growth")
ROW_KEYS = ("glob", "match", *LIMIT_KEYS, "level", "reason", "name", "until", "rules")
GOOD_ROWS = {
    "instruction": {"match": "'RUN *'", "max": "1"},
    "path": {"glob": "'a'", "max": "1"},
    "package": {"match": "'a'", "max": "1"},
    "dead_weight": {"kind": "'docs'", "max": "1"},
    "allow": {"glob": "'a'", "reason": "'r'"},
    "allow_secret": {"path": "'/a'", "reason": "'r'"},
}
YAML = (
    "[]",
    "{}",
    "[{}]",
    "{a: {b: [c]}}",
    "null",
    "~",
    "true",
    "0",
    "-1",
    "1e9999999999999999999",
    "1e-9999999999999999999",
    HUGE,
    "0x10",
    ".nan",
    ".inf",
    "-.inf",
    "''",
    "' '",
    "disabled",
    "Disabled",
    "2027-01-01",
    "'∞'",
    "'１'",
    "'0.5%'",
    '"\\0"',
    '"\\n::error::"',
    "!!binary aGk=",
    "!!python/object/apply:os.system [exit]",
    "&a [*a]",
    "*missing",
    "!!int a",
    "!!float []",
    "!!map {}",
    "{? [a] : b}",
    "{<<: 3}",
    "[" * 400 + "]" * 400,
    "|\n    a\n    b",
)
"""Values as YAML writes them."""


def read(folder: Path, *, find_dive: bool = False) -> None:
    """Read the rules of a folder. An error must be a `ConfigError` of one short line."""
    try:
        budget = load_budget(directory=folder, find_dive=find_dive)
    except ConfigError as error:
        line = str(error)
        assert "\n" not in line
        assert len(line.replace(str(folder), "")) < 500
        return
    for limit in budget.limits.values():
        assert limit == limit  # noqa: PLR0124 - not a NaN
        float(limit)
    format_size(budget.min_change)


@pytest.mark.parametrize("name", [*KEYS, *OTHER_TABLES, "unknown"])
def test_a_value_of_any_type_is_read_or_refused(tmp_path: Path, name: str) -> None:
    for value in TOML:
        for file, text in (
            ("layerscope.toml", f"{name} = {value}"),
            ("pyproject.toml", f"[tool.layerscope.budget]\n{name} = {value}"),
        ):
            path = tmp_path / file
            path.write_text(text, "utf-8")
            read(tmp_path)
            path.unlink()


@pytest.mark.parametrize("group", LISTS)
@pytest.mark.parametrize("name", ROW_KEYS)
def test_a_row_with_a_value_of_any_type_is_read_or_refused(
    tmp_path: Path, group: str, name: str
) -> None:
    for value in TOML:
        row = GOOD_ROWS[group] | {name: value}
        lines = "\n".join(f"{key} = {text}" for key, text in row.items())
        (tmp_path / "layerscope.toml").write_text(f"[[budget.{group}]]\n{lines}\n", "utf-8")
        read(tmp_path)


def test_the_tables_above_the_rules_may_have_any_type(tmp_path: Path) -> None:
    for value in TOML:
        for text in (f"tool = {value}", f"[tool]\nlayerscope = {value}"):
            (tmp_path / "pyproject.toml").write_text(text, "utf-8")
            read(tmp_path)


@pytest.mark.parametrize("name", [*DIVE_RULES, "unknown"])
def test_a_dive_rule_of_any_type_is_read_or_refused(tmp_path: Path, name: str) -> None:
    for value in YAML:
        for text in (f"rules:\n  {name}: {value}\n", f"rules: {value}\n", f"{value}\n"):
            (tmp_path / ".dive-ci").write_text(text, "utf-8")
            read(tmp_path, find_dive=True)


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("layerscope.toml", "[[budget.allow]]\nglob = 'a'\nreason = 'r'\nrules = [[]]\n"),
        ("layerscope.toml", f"max_layers = {HUGE}\n"),
        ("layerscope.toml", f"[[budget.path]]\nglob = 'a'\nmax = {HUGE}\n"),
        ("pyproject.toml", "tool = []\n"),
        ("pyproject.toml", "[tool.layerscope.budget]\nmax_size = nan\n"),
        (".dive-ci", "rules:\n  lowestEfficiency: &a [*a]\n"),
        (".dive-ci", "rules:\n  highestWastedBytes: 1e9999999999999999999\n"),
        (".dive-ci", "{? [a] : b}\n"),
    ],
)
def test_the_gate_exits_with_2_in_one_line(tmp_path: Path, file: str, text: str) -> None:
    (tmp_path / file).write_text(text)
    done = run_in(tmp_path, "check", "none.tar")
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("layerscope: error: ")
    assert done.stderr.count("\n") == 1
    assert file in done.stderr
