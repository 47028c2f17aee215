from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.cli.conftest import Run


@pytest.mark.parametrize(
    ("limit", "code", "last"),
    [
        ("13MB", 1, "verdict: fail (1 of 1 rules)"),
        ("13000018", 1, "verdict: fail (1 of 1 rules)"),
        ("13000019", 0, "verdict: pass"),
        ("13.1MB", 0, "verdict: pass"),
    ],
)
def test_the_exit_code_is_the_verdict(run: Run, limit: str, code: int, last: str) -> None:
    done = run("check", "app.tar", "--max-size", limit)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (code, last)
    assert done.stderr == ""


def test_every_rule_gets_a_line(run: Run) -> None:
    done = run(
        "check",
        "app.tar",
        "--max-size",
        "1GB",
        "--max-wasted-percent",
        "5",
        "--min-efficiency",
        "90%",
    )
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert lines[0].split()[:2] == ["pass", "max_size"]
    assert [line.split()[1] for line in lines if line.startswith("  FAIL")] == [
        "max_wasted_percent",
        "min_efficiency",
    ]
    assert lines[-1] == "verdict: fail (2 of 3 rules)"
    assert "instruction 3, RUN chown -R app /app" in done.stdout


@pytest.mark.parametrize("form", [["--json"], ["-o", "json=-"]])
def test_json_keeps_standard_output_pure(run: Run, form: list[str]) -> None:
    done = run("check", "app.tar", "--max-size", "1MB", *form)
    assert done.returncode == 1
    assert json.loads(done.stdout)["verdict"]["rules"][0]["rule"] == "max_size"
    assert done.stderr.splitlines()[-1] == "verdict: fail (1 of 1 rules)"
    assert run("check", "app.tar", "--max-size", "1MB", "--quiet", *form).stderr == ""


def test_a_report_can_be_written_along_with_the_verdict(run: Run, folder: Path) -> None:
    done = run("check", "app.tar", "--max-size", "1GB", "-o", "json=r.json")
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1] == "verdict: pass"
    assert json.loads((folder / "r.json").read_text())["verdict"]["passed"] is True


def test_rules_come_from_the_file_and_options_override_them(run: Run, folder: Path) -> None:
    (folder / "layerscope.toml").write_text("[budget]\nmax_size = '1MB'\nmax_layers = 5")
    assert run("check", "app.tar").stdout.splitlines()[-1] == "verdict: fail (1 of 2 rules)"
    assert run("check", "app.tar", "--max-size", "1GB").returncode == 0
    (folder / "other.toml").write_text("max_layers = 4")
    done = run("check", "app.tar", "--config", "other.toml")
    assert done.stdout.splitlines()[-1] == "verdict: fail (1 of 1 rules)"


def test_an_unknown_number_fails_closed(run: Run) -> None:
    assert run("check", "app.tar", "--max-compressed-size", "1GB").returncode == 1
    assert run("check", "app-oci.tar", "--max-compressed-size", "1GB").returncode == 0


def test_a_baseline_is_an_image_or_a_saved_report(run: Run, folder: Path) -> None:
    assert run("report", "app.tar", "-o", "json=base.json").returncode == 0
    for baseline in ("app-oci.tar", "base.json", "report:base.json"):
        done = run("check", "app.tar", "--max-growth", "0", "--baseline", baseline)
        assert (done.returncode, done.stderr) == (0, "")
        assert f"0 B since {baseline}" in done.stdout
        assert run("check", "evil.tar", "--max-growth", "0", "--baseline", baseline).returncode == 0
    done = run("check", "app.tar", "--max-growth", "100%", "--baseline", "evil.tar", "--json")
    assert done.returncode == 1
    document = json.loads(done.stdout)
    assert document["baseline"]["reference"] == "evil.tar"
    assert document["baseline"]["grown"][0]["before"] <= document["baseline"]["grown"][0]["bytes"]
    (rule,) = document["verdict"]["rules"]
    assert (rule["rule"], rule["unit"], rule["limit"]) == ("max_growth", "percent", 100.0)


def test_a_missing_baseline_is_an_error_unless_allowed(run: Run) -> None:
    for option, rule in (("--baseline", "--max-growth"), ("--anchor", "--max-drift")):
        done = run("check", "app.tar", rule, "1%")
        assert done.returncode == 2
        assert f"give {option} with an image or a saved JSON report" in done.stderr
        done = run("check", "app.tar", rule, "1%", option, "gone.json")
        assert done.returncode == 3
        assert "'gone.json' was found" in done.stderr
        assert "--allow-missing-baseline" in done.stderr
        allowed = ["--allow-missing-baseline"]
        done = run("check", "app.tar", rule, "1%", option, "gone.json", *allowed)
        assert done.returncode == 0
        assert "not checked: there is no gone.json yet" in done.stdout
        assert len(done.stderr.splitlines()) == 1
        assert run("check", "app.tar", rule, "1%", *allowed).returncode == 0
        assert run("report", "app.tar", rule, "1%").returncode == 0


def test_a_broken_baseline_is_always_an_error(run: Run, folder: Path) -> None:
    (folder / "broken.json").write_text('{"kind": "analysis"')
    done = run(
        "check",
        "app.tar",
        "--max-growth",
        "1%",
        "--baseline",
        "broken.json",
        "--allow-missing-baseline",
    )
    assert done.returncode == 2
    assert "broken.json is cut short" in done.stderr


def test_the_base_image_determines_the_own_layers(run: Run, folder: Path) -> None:
    assert run("check", "app.tar", "--max-own-size", "0", "--base", "app-oci.tar").returncode == 0
    done = run("check", "app.tar", "--max-own-size", "1GB")
    assert done.returncode == 1
    assert "name it with --base IMAGE" in " ".join(done.stdout.split())
    done = run("check", "app.tar", "--max-own-size", "1GB", "--base", "evil.tar")
    assert done.returncode == 2
    assert "evil.tar is not the base of app.tar" in done.stderr


def test_an_exception_expires_only_in_check(run: Run, folder: Path) -> None:
    (folder / "layerscope.toml").write_text(
        "max_wasted = '1GB'\n[[allow]]\nglob = '/root/**'\nreason = 'later'\nuntil = 2027-01-31\n"
    )
    assert run("check", "app.tar", "--today", "2027-01-31").returncode == 0
    done = run("check", "app.tar", "--today", "2027-02-01")
    assert done.returncode == 1
    assert "/root/**: was allowed until 2027-01-31; later" in done.stdout
    for epoch, code in (("1801353600", 0), ("1801440000", 1)):
        done = run("check", "app.tar", env={"SOURCE_DATE_EPOCH": epoch})
        assert done.returncode == code
    reports = [
        run("report", "app.tar", "--json", env={"SOURCE_DATE_EPOCH": epoch}).stdout
        for epoch in ("1801353600", "1801440000")
    ]
    assert reports[0] == reports[1]
    assert json.loads(reports[0])["verdict"]["passed"] is True


def test_a_first_budget_passes_and_can_be_raised(run: Run, folder: Path) -> None:
    done = run("check", "app.tar", "--init")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.startswith("wrote layerscope.toml")
    assert run("check", "app.tar").returncode == 0
    again = run("check", "app.tar", "--init")
    assert again.returncode == 2
    assert "already exists" in again.stderr
    path = folder / "layerscope.toml"
    text = path.read_text()
    path.write_text(text.replace('max_size = "14.4MB"', 'max_size = "1MB" # mine') + "# end\n")
    assert "# mine" in path.read_text()
    assert run("check", "app.tar").returncode == 1
    done = run("check", "app.tar", "--update", "max_size")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "verdict: pass")
    assert "layerscope.toml: max_size: 1MB → 14.4MB" in done.stderr
    assert path.read_text() == text.replace('"14.4MB"', '"14.4MB" # mine') + "# end\n"
    done = run("check", "app.tar", "--update", "max_sise")
    assert done.returncode == 2
    assert "has no such rule" in done.stderr
    assert run("check", "app.tar", "--init", "--force", "--headroom", "0").returncode == 0
    assert 'max_size = "13.1MB"' in path.read_text()
    assert run("check", "app.tar", "--config", "no/such.toml", "--init").returncode == 2


def test_dives_file_and_options_are_followed(run: Run, folder: Path) -> None:
    done = run("check", "app.tar", "--lowestEfficiency", "0.5", "--json")
    document = json.loads(done.stdout)
    assert set(document["dive_compatible"]) == {
        "efficiencyScore",
        "inefficientBytes",
        "sizeBytes",
        "userWastedPercent",
    }
    assert [rule["rule"] for rule in document["verdict"]["rules"]] == [
        "lowestEfficiency",
        "highestUserWastedPercent",
    ]
    (folder / ".dive-ci").write_text(
        "rules:\n  lowestEfficiency: disabled\n  highestUserWastedPercent: disabled\n"
        "  highestWastedBytes: 1kB\n"
    )
    done = run("check", "app.tar")
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1] == "verdict: fail (1 of 1 rules)"
    assert run("check", "app.tar", "--highestWastedBytes", "1GB").returncode == 0
    (folder / "ci.yaml").write_text("rules: {highestWastedBytes: 2GB, lowestEfficiency: 0.1}")
    done = run("check", "app.tar", "--ci-config", "ci.yaml", "--highestUserWastedPercent", "1")
    assert done.stdout.splitlines()[-1] == "verdict: pass"
    assert "verdict" not in json.loads(run("report", "app.tar", "--json").stdout)
    given = run("report", "app.tar", "--json", "--ci-config", ".dive-ci").stdout
    assert json.loads(given)["verdict"]["passed"] is False


def test_dive_compatible_adds_only_dives_numbers(run: Run) -> None:
    plain = json.loads(run("report", "app.tar", "--json").stdout)
    with_dive = json.loads(run("report", "app.tar", "--json", "--dive-compatible").stdout)
    assert "dive_compatible" not in plain
    assert with_dive.pop("dive_compatible")["sizeBytes"] == plain["sizes"]["content"]
    assert with_dive["notes"].pop()["code"] == "dive-differs"
    assert with_dive == plain


def test_every_format_of_a_full_verdict_is_written(run: Run, folder: Path) -> None:
    from layerscope.report.formats.renderers import RENDERERS

    (folder / "layerscope.toml").write_text(
        """
max_size = { limit = 1, level = "warn", reason = "<b>&[x](y)" }
[[path]]
glob = "**/*.bin"
max = 0
reason = "::error::"
[[instruction]]
match = "RUN *"
max = "1kB"
[[allow]]
glob = "/root/**"
reason = "later"
"""
    )
    outputs = [f"-o{name}={name}.out" for name in RENDERERS]
    options = ["--baseline", "evil.tar", "--max-growth", "1%", "--dive-compatible"]
    assert run("check", "app.tar", *options, *outputs).returncode == 1
    for name in RENDERERS:
        assert (folder / f"{name}.out").stat().st_size > 0
    import jsonschema

    from layerscope.report.schema import schema_text

    document = json.loads((folder / "json.out").read_text())
    jsonschema.validate(document, json.loads(schema_text("analysis")))
    assert document["verdict"]["allowed"][0]["files"] == 100
    assert "change from" in (folder / "markdown.out").read_text()


def test_an_empty_limit_is_an_error(run: Run) -> None:
    """`--max-size "$LIMIT"` passes an empty limit if the variable is not set."""
    done = run("check", "app.tar", "--max-layers", "9", "--max-size", "")
    assert done.returncode == 2
    assert "not a size" in done.stderr


@pytest.mark.parametrize(
    "options",
    [
        ("--config", "app.tar"),
        ("--config", "base.tar", "--base", "base.tar"),
        ("--config", "base.tar", "--base", "docker-archive:base.tar:app"),
        ("--config", "link.tar", "--base", "base.tar"),
    ],
)
def test_a_first_budget_does_not_replace_an_input(
    run: Run, folder: Path, options: tuple[str, ...]
) -> None:
    (folder / "base.tar").write_bytes(b"input")
    os.link(folder / "base.tar", folder / "link.tar")
    before = {path: path.read_bytes() for path in folder.iterdir()}
    done = run("check", "app.tar", "--init", "--force", *options)
    assert done.returncode == 2
    assert "this run reads" in done.stderr
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.parametrize("option", ["--baseline", "--anchor", "--base", "--dockerfile"])
def test_an_update_does_not_write_to_another_input(run: Run, folder: Path, option: str) -> None:
    path = folder / "layerscope.toml"
    path.write_text('max_size = 1\nmax_drift = "1%"\n')
    done = run("check", "app.tar", "--update", "max_size", option, "layerscope.toml")
    assert done.returncode == 2
    assert "this run reads layerscope.toml, as layerscope.toml" in done.stderr
    assert path.read_text() == 'max_size = 1\nmax_drift = "1%"\n'


@pytest.mark.parametrize("command", ["report", "check"])
@pytest.mark.parametrize("name", ["layerscope.toml", "pyproject.toml"])
def test_an_endless_size_in_the_rules_is_a_one_line_error(
    run: Run, folder: Path, command: str, name: str
) -> None:
    table = "[budget]" if name == "layerscope.toml" else "[tool.layerscope.budget]"
    (folder / name).write_text(f"{table}\nmax_size = 1e9999999999999999999\n")
    done = run(command, "app.tar")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("layerscope: error: ")
    assert name in done.stderr
    assert "a bug" not in done.stderr


@pytest.mark.parametrize(
    "options",
    [
        ("-o", "report.txt"),
        ("--json",),
        ("--format", "html"),
        ("--top", "3"),
        ("--files",),
        ("--show-args",),
        ("--max-size", "1GB"),
        ("--min-change", "1kB"),
        ("--baseline", "app.tar"),
        ("--anchor", "app.tar"),
        ("--default-baseline", "app.tar"),
        ("--ci-config", ".dive-ci"),
        ("--dockerfile", "Dockerfile"),
        ("--no-packages",),
        ("--no-duplicates",),
        ("--min-duplicate", "1kB"),
        ("--no-dead-weight",),
        ("--lowestEfficiency", "0.9"),
        ("--allow-missing-baseline",),
        ("--require-baseline",),
        ("--dive-compatible",),
        ("--update", "max_size"),
    ],
    ids=lambda options: options[0],
)
def test_init_refuses_options_that_it_would_ignore(
    run: Run, folder: Path, options: tuple[str, ...]
) -> None:
    done = run("check", "app.tar", "--init", *options)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") <= 2
    assert not (folder / "layerscope.toml").exists()


def test_headroom_alone_is_refused(run: Run) -> None:
    done = run("check", "app.tar", "--max-size", "1GB", "--headroom", "20")
    assert done.returncode == 2
    assert "--headroom has no effect" in done.stderr
