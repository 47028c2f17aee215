"""`layerscope secrets`: deleted ones first, an exit code for CI, and no way to pass unseen."""

from __future__ import annotations

import builtins
import csv
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from layerscope.cli.main import main
from layerscope.report.formats.secrets import SECRET_RENDERERS
from tests.analysis.test_secrets import leaky
from tests.builder import ImageBuilder
from tests.cli.images import write
from tests.secrets.tokens import Maker


def test_deleted_secrets_come_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["secrets", write(leaky(), tmp_path / "app.tar")]) == 1
    out = capsys.readouterr().out
    heads = [line for line in out.splitlines() if line.endswith(":")]
    assert heads == ["deleted, but still in a layer:", "in the image:", "in doubt:"]
    assert out.index("/root/.ssh/id_ed25519:1") < out.index("/app/settings.py:2")
    assert "8 secrets, and 1 finding in doubt" in out


def test_json_has_the_findings_and_what_was_searched(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["secrets", write(leaky(), tmp_path / "app.tar"), "--json", "--no-fail"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert found["secrets"]["found"] == 8
    assert found["findings"][1] == {
        "confidence": "high",
        "deleted": True,
        "instruction": 0,
        "layer": 0,
        "line": 1,
        "message": "A Private Key",
        "path": "/root/.ssh/id_ed25519",
        "rule": "private-key",
        "where": "file",
    }


def test_a_clean_image_exits_with_0(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    image = ImageBuilder("app:1").layer({"usr/share/doc/x/demo.pem": Maker(9).pem().encode()})
    assert main(["secrets", write(image.build(), tmp_path / "app.tar")]) == 0
    assert "no secret, and 1 finding in doubt" in capsys.readouterr().out


def test_what_was_not_searched_does_not_exit_with_0(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image = ImageBuilder("app:1").layer({"dump.sql": b"a\n" * 1000}).build()
    reference = write(image, tmp_path / "app.tar")
    assert main(["secrets", reference, "--limit", "secret_file_bytes=1000"]) == 1
    assert "not searched: /dump.sql (layer 0) is larger" in capsys.readouterr().out


@pytest.fixture
def without_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if google-re2 was not installed."""
    load = builtins.__import__

    def refuse(name: str, *arguments: Any, **named: Any) -> ModuleType:
        if name == "re2":
            raise ImportError("no re2")
        return load(name, *arguments, **named)

    monkeypatch.setattr(builtins, "__import__", refuse)


@pytest.mark.usefixtures("without_engine")
def test_without_its_engine_the_search_says_what_to_install(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reference = write(leaky(), tmp_path / "app.tar")
    for arguments in (
        ["secrets", reference],
        ["report", reference, "--secrets", "--no-cache"],
        ["check", reference, "--forbid-secrets", "--no-cache"],
    ):
        assert main(arguments) == 2
        assert "pip install google-re2" in capsys.readouterr().err


@pytest.mark.usefixtures("without_engine")
def test_without_the_engine_a_report_has_no_findings_rather_than_none_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reference = write(leaky(), tmp_path / "app.tar")
    assert main(["report", reference, "--json", "--no-cache"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert "findings" not in document
    assert "secrets" not in document
    assert [row["code"] for row in document["notes"]] == ["secrets-not-searched"]


def test_the_text_lists_few_of_many_findings_in_doubt(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make = Maker(11)
    keys = {f"usr/share/doc/x/demo{each}.pem": make.pem().encode() for each in range(30)}
    reference = write(ImageBuilder("app:1").layer(keys).build(), tmp_path / "app.tar")
    assert main(["secrets", reference]) == 0
    out = capsys.readouterr().out
    assert out.count("/usr/share/doc/x/demo") == 20
    assert "and 10 more in doubt; --json lists them" in out


@pytest.mark.parametrize("name", sorted(SECRET_RENDERERS))
def test_every_format_has_the_findings_and_no_secret(name: str, tmp_path: Path) -> None:
    reference, path = write(leaky(), tmp_path / "app.tar"), tmp_path / "out"
    assert main(["secrets", reference, "--format", name, "-o", str(path), "--no-fail", "-q"]) == 0
    text = path.read_text()
    assert "private-key" in text or "A Private Key" in text
    assert "PRIVATE KEY-----" not in text
    assert {"waste/", "advice/", "table,index"}.isdisjoint(text.split('"'))


def test_several_formats_are_written_at_once(tmp_path: Path) -> None:
    reference = write(leaky(), tmp_path / "app.tar")
    sarif, table, page = (tmp_path / name for name in ("s.sarif", "s.csv", "s.md"))
    words = ["-o", str(sarif), "-o", f"csv={table}", "-o", f"markdown={page}"]
    assert main(["secrets", reference, *words]) == 1
    (run,) = json.loads(sarif.read_text())["runs"]
    assert all(each["ruleId"].startswith("secret/") for each in run["results"])
    rows = list(csv.DictReader(table.read_text().splitlines()))
    assert len(rows) == len(run["results"]) == 9
    assert rows[1]["path"] == "/root/.ssh/id_ed25519"
    assert [row["state"] for row in rows].count("in doubt") == 1
    assert page.read_text().startswith("### Secrets in ")
    assert page.read_text().count("\n| ") == 1 + len(rows)


def test_an_output_does_not_replace_the_image(tmp_path: Path) -> None:
    reference = write(leaky(), tmp_path / "app.tar")
    assert main(["secrets", reference, "-o", reference]) == 2
