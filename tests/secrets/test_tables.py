"""The rules as they are read: one JSON file made from the TOML files."""

from __future__ import annotations

import tomllib
from pathlib import Path

import layerscope.secrets
from layerscope.secrets.expressions import rule_table

DATA = Path(layerscope.secrets.__file__).parent / "data"


def test_the_tables_say_what_the_toml_files_say() -> None:
    """If not, run `.ci/secret-rules --tables`."""
    names = sorted(path.name for path in DATA.glob("*.toml"))
    assert names
    assert {name: rule_table(name) for name in names} == {
        name: tomllib.loads((DATA / name).read_text()) for name in names
    }
