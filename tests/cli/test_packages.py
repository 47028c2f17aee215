"""`layerscope packages` and the packages in reports, on the sample images' own databases."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from layerscope.cli.main import main
from tests.builder import FORMS, ImageBuilder
from tests.cli.conftest import ROOT
from tests.cli.images import web_app, write

FIXTURES = ROOT / "fixtures"
SLIM = str(FIXTURES / "python-3.8-slim.tar.gz")
APP = str(FIXTURES / "my-python-app-buildkit.tar")


def out(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main([*arguments]) == 0
    return capsys.readouterr().out


def document(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(out(capsys, *arguments))
    return loaded


def test_the_largest_package_comes_first_with_its_layer_and_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    lines = out(capsys, "packages", APP, "--top", "2").splitlines()
    head = ["content", "wasted", "download", "files", "layer", "line", "package"]
    assert lines[0].split() == head
    assert lines[1].split() == [
        "64.4",
        "kB",
        "–",
        "28.0",
        "kB",
        "4",
        "0",
        "1",
        "deb",
        "perl-base",
        "5.32.1-4+deb11u2",
    ]
    assert lines[3].startswith("and 15 more with ")
    assert lines[-1] == "17 packages own 321.6 kB (17.3 %), 1.5 MB belongs to none"


def test_patterns_pick_packages_by_type_and_name(capsys: pytest.CaptureFixture[str]) -> None:
    found = document(capsys, "packages", SLIM, "deb:lib*1", "perl-base", "--json")
    assert {row["name"] for row in found["largest"]} == {"perl-base", "libssl1.1"}
    assert found["count"] == 13


def test_the_download_is_shown_where_the_layers_are_compressed(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    files = {
        "app/node_modules/a/package.json": b'{"name": "a", "version": "1"}',
        "app/node_modules/a/x.js": bytes(100_000),
    }
    image = ImageBuilder("app:1").layer(files).build()
    packed = FORMS["oci-archive"].write([image], tmp_path / "packed.tar", "gzip")
    plain = FORMS["docker-legacy"].write([image], tmp_path / "plain.tar", "none")
    lines = out(capsys, "packages", packed).splitlines()
    assert lines[0].split()[:3] == ["content", "wasted", "download"]
    (row,) = document(capsys, "packages", packed, "--json")["largest"]
    assert 0 < row["compressed"] < 2_000 < row["content"]
    assert "download" not in out(capsys, "packages", plain)
    assert document(capsys, "packages", plain, "--json")["largest"][0]["compressed"] is None


def test_an_image_without_databases_says_so(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    write(web_app(), tmp_path / "app.tar")
    assert out(capsys, "packages", str(tmp_path / "app.tar")) == "no package database was found\n"


@pytest.mark.parametrize("image", [SLIM, APP])
def test_owned_and_unowned_are_the_whole_image_in_the_report(
    capsys: pytest.CaptureFixture[str], image: str
) -> None:
    report = document(capsys, "report", image, "--json", "--top", "3")
    packages = report["packages"]
    for size in ("content", "live", "wasted"):
        listed = sum(row[size] for row in (*packages["largest"], packages["rest"]))
        assert listed == packages["owned"][size]
        assert packages["owned"][size] + packages["unowned"][size] == report["sizes"][size]
    assert len(packages["largest"]) == 3
    assert packages["rest"]["count"] == packages["count"] - 3


def test_no_packages_leaves_them_out_everywhere(capsys: pytest.CaptureFixture[str]) -> None:
    assert "packages" not in document(capsys, "report", SLIM, "--json", "--no-packages")
    assert "perl-base" not in out(capsys, "report", SLIM, "--no-packages", "--top", "0")


@pytest.mark.parametrize(
    ("form", "shown"),
    [
        ("text", "packages  13 packages own 261.2 kB"),
        ("markdown", "<b>Packages</b>: 13 packages own 261.2 kB"),
        ("html", "13 packages own"),
    ],
)
def test_reports_show_the_packages(
    capsys: pytest.CaptureFixture[str], form: str, shown: str
) -> None:
    text = out(capsys, "report", SLIM, "--format", form)
    assert shown in text
    assert "perl-base" in text


def test_csv_has_a_row_for_each_package(capsys: pytest.CaptureFixture[str]) -> None:
    rows = list(csv.DictReader(io.StringIO(out(capsys, "report", SLIM, "--format", "csv"))))
    packages = [row for row in rows if row["table"] == "package"]
    assert len(packages) == 13
    assert packages[0]["text"] == "pkg:deb/perl-base@5.32.1-4%2Bdeb11u2?arch=amd64"
    assert packages[0]["bytes"] == packages[0]["content"]


def test_a_saved_report_still_shows_its_packages(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    saved = tmp_path / "report.json"
    assert main(["report", SLIM, "-o", f"json={saved}"]) == 0
    assert "13 packages own 261.2 kB" in out(capsys, "report", str(saved))


def test_a_saved_report_lists_the_same_packages(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    saved = str(tmp_path / "saved.json")
    assert main(["report", APP, "--files", "-o", f"json={saved}", "-q"]) == 0
    assert out(capsys, "packages", saved) == out(capsys, "packages", APP)
    assert document(capsys, "packages", saved, "--json") == document(
        capsys, "packages", APP, "--json"
    )
    found = out(capsys, "packages", saved, "deb:perl*", "--top", "1")
    assert found == out(capsys, "packages", APP, "deb:perl*", "--top", "1")


def test_a_report_with_only_the_largest_packages_says_so(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    saved = str(tmp_path / "saved.json")
    assert main(["report", APP, "--top", "3", "-o", f"json={saved}", "-q"]) == 0
    assert "leaves out 14 smaller packages" in out(capsys, "packages", saved)


@pytest.mark.parametrize("option", ["--no-packages", "--head"])
def test_a_report_without_packages_is_an_error(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, option: str
) -> None:
    saved = str(tmp_path / "saved.json")
    assert main(["report", APP, option, "-o", f"json={saved}", "-q"]) == 0
    assert main(["packages", saved]) == 2
    assert "has no packages" in capsys.readouterr().err


def test_an_option_that_reads_an_image_is_refused_beside_a_report(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    saved = str(tmp_path / "saved.json")
    assert main(["report", APP, "-o", f"json={saved}", "-q"]) == 0
    assert main(["packages", saved, "--no-cache"]) == 2
    assert "--no-cache has no effect" in capsys.readouterr().err
