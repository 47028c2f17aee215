"""Secrets in every format: where they are, and never which they are."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from layerscope.cli.main import main
from layerscope.report.formats.renderers import RENDERERS
from layerscope.report.saved.report import parse_saved
from tests.analysis.test_secrets import KEY, NPM, OLD_TOKEN, PASSWORD, SLACK, TOKEN, leaky
from tests.builder import ImageBuilder
from tests.cli.images import write

SECRETS = (TOKEN, OLD_TOKEN, NPM, PASSWORD, SLACK, KEY.splitlines()[3])


@pytest.fixture
def app(tmp_path: Path) -> str:
    return write(leaky(), tmp_path / "app.tar")


def report(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["report", *arguments]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("scope", ["--secrets", "--no-secrets", ""])
@pytest.mark.parametrize("name", sorted(RENDERERS))
def test_no_format_shows_a_secret(
    app: str, capsys: pytest.CaptureFixture[str], name: str, scope: str
) -> None:
    rules = ("--forbid-secrets", "--files") if name == "json" else ("--forbid-secrets",)
    text = report(capsys, app, "--format", name, *([scope] if scope else []), *rules)
    assert not [secret for secret in SECRETS if secret in text]


def test_the_cache_keeps_no_secret(
    app: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed = tmp_path / "oci.tar"
    from tests.builder import oci

    oci([leaky()], "gzip").write(packed)
    monkeypatch.setenv("LAYERSCOPE_CACHE_DIR", str(tmp_path / "cache"))
    assert main(["secrets", str(packed), "--no-fail"]) == 0
    kept = [path.read_bytes() for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    assert any(b"private-key" in data for data in kept)
    assert not [secret for secret in SECRETS for data in kept if secret.encode() in data]


@pytest.mark.parametrize("name", ["text", "markdown", "html", "csv", "sarif", "github", "gitlab"])
def test_every_format_for_people_and_tools_names_the_file(
    app: str, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    text = report(capsys, app, "--secrets", "--format", name)
    assert "id_ed25519" in text.replace("&#95;", "_")
    assert "private-key" in text or "Private Key" in text or "Secret in" in text


def test_sarif_has_the_layer_the_line_and_a_stable_fingerprint(
    app: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def results(*arguments: str) -> dict[str, Any]:
        log = json.loads(report(capsys, app, *arguments, "--format", "sarif"))
        rows = log["runs"][0]["results"]
        return {row["message"]["text"]: row for row in rows if row["ruleId"].startswith("secret/")}

    found = results("--secrets")
    key = next(row for text, row in found.items() if "/root/.ssh/id_ed25519:1" in text)
    assert key["level"] == "error"
    assert key["properties"] == {"layer": 0, "line": 1}
    assert "layer 0" in key["message"]["text"]
    assert "deleted" in key["message"]["text"]
    doubtful = next(row for text, row in found.items() if "In doubt" in text)
    assert doubtful["level"] == "note"
    prints = {text: row["partialFingerprints"] for text, row in results().items()}
    assert (
        prints.items() <= {text: row["partialFingerprints"] for text, row in found.items()}.items()
    )


def test_the_csv_table_has_a_row_for_each_finding(
    app: str, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = list(csv.DictReader(io.StringIO(report(capsys, app, "--secrets", "--format", "csv"))))
    secrets = [row for row in rows if row["table"] == "secret"]
    assert len(secrets) == 9
    assert secrets[1]["path"] == "/root/.ssh/id_ed25519"
    assert (secrets[1]["layer"], secrets[1]["line"], secrets[1]["kind"]) == (
        "0",
        "1",
        "file (deleted)",
    )


@pytest.mark.parametrize("name", sorted(RENDERERS))
def test_a_saved_report_shows_the_same_in_every_format(
    app: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    saved = tmp_path / "saved.json"
    assert main(["report", app, "--secrets", "--files", "-o", f"json={saved}"]) == 0
    capsys.readouterr()
    files = ("--files",) if name == "json" else ()
    fresh = report(capsys, app, "--secrets", "--format", name, *files)
    assert report(capsys, str(saved), "--format", name, *files) == fresh


def test_a_saved_report_is_judged_by_what_it_says(
    app: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for scope, word in (("--secrets", "8 of 0"), ("--no-secrets", "unknown")):
        saved = tmp_path / f"{scope}.json"
        assert main(["report", app, scope, "-o", f"json={saved}"]) == 0
        assert main(["check", str(saved), "--forbid-secrets"]) == 1
        assert word in capsys.readouterr().out


@pytest.mark.parametrize(
    ("key", "value"),
    [("where", "moon"), ("layer", 99), ("instruction", 99), ("confidence", "low"), ("line", -1)],
)
def test_a_saved_finding_that_makes_no_sense_is_refused(
    app: str, capsys: pytest.CaptureFixture[str], key: str, value: object
) -> None:
    from layerscope.errors import UsageError

    document = json.loads(report(capsys, app, "--json"))
    document["findings"][1][key] = value
    with pytest.raises(UsageError):
        parse_saved(json.dumps(document).encode(), "saved.json")


def test_a_report_without_findings_says_nothing_of_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clean = write(ImageBuilder("app:1").layer({"a": b"x"}).build(), tmp_path / "clean.tar")
    assert "secret" not in report(capsys, clean, "--secrets")
