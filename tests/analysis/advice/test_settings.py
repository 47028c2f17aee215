"""The `[advice]` table of the configuration file."""

from __future__ import annotations

from pathlib import Path

import pytest

from layerscope.analysis.advice.settings import load_settings
from layerscope.cli.main import main
from layerscope.errors import ConfigError
from layerscope.options import AdviceOptions


def write(folder: Path, text: str, name: str = "layerscope.toml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


TABLE = '[advice]\noff = ["docs"]\nmin_saving = "5MB"\n'
SETTINGS = AdviceOptions(off=frozenset({"docs"}), min_saving=5_000_000)


def test_the_table_is_found_in_the_folder_or_in_the_named_file(tmp_path: Path) -> None:
    assert load_settings(folder=tmp_path) == AdviceOptions()
    path = write(tmp_path, TABLE)
    assert load_settings(folder=tmp_path) == load_settings(path) == SETTINGS


def test_the_table_can_live_in_pyproject(tmp_path: Path) -> None:
    write(tmp_path, TABLE.replace("advice", "tool.layerscope.advice"), "pyproject.toml")
    assert load_settings(folder=tmp_path) == SETTINGS
    write(tmp_path, "max_size = '1GB'\n")
    assert load_settings(folder=tmp_path) == SETTINGS
    write(tmp_path, TABLE)
    with pytest.raises(ConfigError, match="both"):
        load_settings(folder=tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("advice = 1\n", "advice is not a table"),
        ("[advice]\nof = []\n", "unknown key of"),
        ("[advice]\noff = 'docs'\n", "is not a list of rules"),
        ("[advice]\noff = ['doc']\n", "there is no advice 'doc'"),
        ("[advice]\nmin_saving = 'much'\n", "advice.min_saving"),
    ],
)
def test_a_mistake_in_the_table_is_an_error(tmp_path: Path, text: str, message: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(ConfigError, match=message):
        load_settings(path)


def test_a_table_of_advice_is_no_budget(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, TABLE)
    image = Path(__file__).parents[3] / "fixtures" / "my-python-app-buildkit.tar"
    assert main(["report", str(image), "-q"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "verdict" not in out
    assert "Saves time." in out
    assert "kB." not in out


def test_an_unknown_rule_is_refused_with_the_one_that_was_meant(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["advise", "none.tar", "--no-advice", "doc"]) == 2
    assert "there is no advice 'doc'; did you mean docs?" in capsys.readouterr().err
