from __future__ import annotations

import json
import os
import re
from pathlib import Path

import jsonschema
import pytest

import layerscope
from tests.cli.conftest import Run


def test_the_default_is_a_text_report(run: Run) -> None:
    bare, report = run("app.tar"), run("report", "app.tar")
    assert bare.returncode == report.returncode == 0
    assert bare.stdout == report.stdout
    assert bare.stderr == report.stderr == ""
    assert "first: Instruction 1: use COPY --chown=app" in " ".join(bare.stdout.split())
    assert max(map(len, bare.stdout.splitlines())) <= 100
    assert "\x1b" not in bare.stdout


def test_columns_and_no_color_are_honored(run: Run) -> None:
    narrow = run("app.tar", env={"COLUMNS": "60", "FORCE_COLOR": "1", "CLICOLOR_FORCE": "1"})
    assert max(map(len, narrow.stdout.splitlines())) <= 60
    assert "\x1b" not in narrow.stdout


@pytest.mark.parametrize(
    "options", [["--json"], ["--format", "json"], ["-o", "json=-"], ["--json", "-o", "-"]]
)
def test_json_goes_to_standard_output(run: Run, options: list[str]) -> None:
    done = run("report", "app.tar", *options)
    assert done.returncode == 0
    document = json.loads(done.stdout)
    assert document["kind"] == "analysis"
    assert document["layerscope"] == layerscope.__version__
    assert document["sizes"]["wasted"] == 4_000_000
    assert "verdict" not in document


def test_the_printed_schema_fits_the_report(run: Run) -> None:
    schema = json.loads(run("schema").stdout)
    for image in ("app.tar", "app-oci.tar", "evil.tar"):
        jsonschema.Draft202012Validator(schema).validate(
            json.loads(run("report", image, "--json", "--files", "--max-size", "1").stdout)
        )


def test_several_formats_are_written_at_once(run: Run, folder: Path) -> None:
    done = run("report", "app.tar", "-o", "json=out.json", "-o", "text=-")
    assert done.returncode == 0
    assert done.stdout == run("report", "app.tar").stdout
    assert (folder / "out.json").read_text() == run("report", "app.tar", "--json").stdout
    both = run("report", "app.tar", "--json", "-o", "text=out.txt")
    assert both.stdout == (folder / "out.json").read_text()
    assert (folder / "out.txt").read_text() == done.stdout


def test_the_extension_picks_the_format_unless_one_is_given(run: Run, folder: Path) -> None:
    assert run("report", "app.tar", "-o", "a.json").stdout == ""
    assert run("report", "app.tar", "-o", "b.json", "--format", "text").stdout == ""
    assert run("report", "app.tar", "-o", "c").stdout == ""
    assert json.loads((folder / "a.json").read_text())
    assert (folder / "b.json").read_text() == (folder / "c").read_text()
    assert (folder / "c").read_text().startswith("app.tar")


def test_a_report_replaces_an_older_one_and_leaves_no_other_file(run: Run, folder: Path) -> None:
    target = folder / "r.json"
    target.write_text("old")
    target.chmod(0o600)
    before = sorted(os.listdir(folder))
    assert run("report", "app.tar", "-o", "r.json").returncode == 0
    assert json.loads(target.read_text())
    assert sorted(os.listdir(folder)) == before
    assert target.stat().st_mode & 0o777 == 0o600
    assert run("report", "app.tar", "-o", "new.json").returncode == 0
    assert (folder / "new.json").stat().st_mode & 0o777 == 0o644


def test_a_new_report_keeps_the_umask(run: Run, folder: Path) -> None:
    for mask, mode in ((0o077, 0o600), (0o000, 0o644)):
        assert run("report", "app.tar", "-o", f"{mask}.json", umask=mask).returncode == 0
        assert (folder / f"{mask}.json").stat().st_mode & 0o777 == mode


def test_top_cuts_rows_and_keeps_sums(run: Run) -> None:
    document = json.loads(run("report", "app.tar", "--json", "--top", "2").stdout)
    rows = document["waste"]
    assert [row["path"] for row in rows] == ["/app/model.bin", "/root/.cache/pip/0", None]
    assert (rows[2]["files"], sum(row["bytes"] for row in rows)) == (99, 4_000_000)
    text = run("report", "app.tar", "--top", "1").stdout
    assert "/app/model.bin" in text
    assert "/root/.cache/pip" not in text


def test_files_are_in_the_json_on_request(run: Run) -> None:
    without = json.loads(run("report", "app.tar", "--json").stdout)
    with_files = json.loads(run("report", "app.tar", "--json", "--files").stdout)
    assert all("entries" not in layer for layer in without["layers"])
    assert [len(layer["entries"]) for layer in with_files["layers"]] == [2, 2, 101, 1, 1]


def test_build_arguments_are_shown_only_on_request(run: Run) -> None:
    for options in ([], ["--json"], ["--json", "--files"]):
        assert "hunter2" not in run("report", "app.tar", *options).stdout
    assert "TOKEN=hunter2" in run("report", "app.tar", "--show-args").stdout
    assert "TOKEN=hunter2" in run("report", "app.tar", "--json", "--show-args").stdout


def test_a_tarball_is_read_from_standard_input(run: Run, folder: Path) -> None:
    with (folder / "app.tar").open("rb") as file:
        done = run("report", "-", "--json", stdin=file)
    assert done.returncode == 0
    assert json.loads(done.stdout)["sizes"]["wasted"] == 4_000_000


def test_rules_add_the_verdict_but_not_the_exit_code(run: Run, folder: Path) -> None:
    done = run("report", "app.tar", "--json", "--max-size", "1MB")
    assert done.returncode == 0
    assert json.loads(done.stdout)["verdict"]["passed"] is False
    (folder / "layerscope.toml").write_text("[budget]\nmax_layers = 9")
    assert json.loads(run("report", "app.tar", "--json").stdout)["verdict"]["passed"] is True
    assert run("app.tar").stdout.splitlines()[-1] == "verdict: pass"


@pytest.mark.parametrize("option", ["--verify", "--no-verify"])
def test_digests_are_verified_on_request(run: Run, option: str) -> None:
    document = json.loads(run("report", "app-oci.tar", "--json", option).stdout)
    assert {layer["verified"] for layer in document["layers"]} == {option == "--verify"}


def test_text_of_an_image_never_reaches_the_terminal_raw(run: Run) -> None:
    done = run("report", "evil.tar", "--top", "100")
    assert done.returncode == 0
    for line in done.stdout.split("\n"):
        assert not re.search(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069]", line)
        assert not line.lstrip().startswith("::")
        assert "##[" not in line
        assert "##vso[" not in line


def test_a_terminal_without_unicode_gets_ascii(run: Run) -> None:
    done = run("app.tar", env={"PYTHONIOENCODING": "ascii"})
    assert done.returncode == 0
    assert done.stdout.isascii()
    assert "###" in done.stdout


def test_the_directory_totals_of_the_html_are_in_the_json(run: Run) -> None:
    document = json.loads(run("report", "app.tar", "--json").stdout)
    nodes = document["filesystem"]["nodes"]
    assert nodes[0]["name"] == "/"
    assert nodes[0]["bytes"] == document["sizes"]["live"]
    below = sum(node["bytes"] for node in nodes if node["parent"] == 0)
    assert below == nodes[0]["bytes"]
