"""`layerscope compare` on the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from layerscope.report.schema import schema_text
from tests.builder import FORMS, BuiltImage, File, ImageBuilder, docker_legacy
from tests.builder.oci import oci
from tests.cli.conftest import Run
from tests.cli.images import web_app, write

SECRET = "hunter2"


def app(version: str, *, tag: str = "app:1", architecture: str = "amd64") -> BuiltImage:
    return (
        ImageBuilder(tag, architecture=architecture)
        .layer({"usr/base": b"base" * 1000}, "/bin/sh -c #(nop) ADD file:" + "a" * 64 + " in / ")
        .layer({"usr/lib/app": version.encode() * 100, "etc/app": b"same"}, "/bin/sh -c make app")
        .configure(Env=[f"VERSION={version}", f"APP_SECRET={SECRET}{version}"])
        .build()
    )


@pytest.fixture
def two(folder: Path) -> Path:
    """The working folder with `a.tar` and `b.tar`, two builds of one application."""
    write(app("1"), folder / "a.tar")
    write(app("22"), folder / "b.tar")
    return folder


def compared(run: Run, *arguments: str) -> dict[str, Any]:
    done = run("compare", *arguments, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    found: dict[str, Any] = json.loads(done.stdout)
    jsonschema.validate(found, json.loads(schema_text(found["kind"])))
    return found


def test_text_is_the_default_format(run: Run, two: Path) -> None:
    done = run("compare", "a.tar", "b.tar")
    assert (done.returncode, done.stderr) == (0, "")
    assert "instruction 1 (RUN make app)" in " ".join(done.stdout.split())
    assert "/usr/lib/app" in done.stdout
    assert "~ env VERSION  1 → 22" in done.stdout
    assert SECRET not in done.stdout


@pytest.mark.usefixtures("two")
def test_several_formats_are_written_at_once(run: Run, folder: Path) -> None:
    files = ("-o", "json=c.json", "-o", "c.md", "-o", "html=c.html", "-o", "c.csv", "-o", "text=-")
    done = run("compare", "a.tar", "b.tar", *files)
    assert done.returncode == 0
    assert json.loads((folder / "c.json").read_text())["kind"] == "comparison"
    assert (folder / "c.md").read_text().startswith("<!-- layerscope compare -->")
    assert "cache  first breaks at instruction 1" in done.stdout
    assert (folder / "c.html").read_text().startswith("<!doctype html>")
    assert (folder / "c.csv").read_text().startswith("table,status,")
    for name in ("c.json", "c.md", "c.html", "c.csv"):
        assert SECRET not in (folder / name).read_text()


@pytest.mark.parametrize(
    ("pair", "code"), [(("a.tar", "b.tar"), 1), (("a.tar", "a.tar"), 0), (("a.tar", "a.json"), 0)]
)
def test_exit_code_reports_differences_only_on_request(
    run: Run, two: Path, pair: tuple[str, str], code: int
) -> None:
    assert run("report", "a.tar", "--json", "--files", "-o", "a.json").returncode == 0
    assert run("compare", *pair, "--exit-code").returncode == code
    assert run("compare", *pair).returncode == 0


@pytest.mark.parametrize("form", ["docker-legacy", "oci-archive"])
def test_a_saved_report_compares_like_its_image(run: Run, folder: Path, form: str) -> None:
    write(app("1"), folder / "one", form)
    write(app("22"), folder / "two", form)
    for name in ("one", "two"):
        done = run("report", name, "--json", "--files", "-o", f"{name}.json")
        assert (done.returncode, done.stderr) == (0, "")
    live = compared(run, "one", "two")
    for pair in (("one.json", "two.json"), ("one", "two.json"), ("report:one.json", "two")):
        saved = compared(run, *pair)
        hidden = [row for row in saved["config"] if not row["known"]]
        assert [row["name"] for row in hidden] == ["APP_SECRET"]
        assert [note["code"] for note in saved["notes"]] == ["settings-hidden"]
        for document in (saved, live):
            document.update(
                notes=[], config=[row for row in document["config"] if row["name"] != "APP_SECRET"]
            )
            for side in ("a", "b"):
                document[side].pop("saved", None)
        assert saved == live


def test_a_report_without_files_gets_a_note(run: Run, two: Path) -> None:
    run("report", "a.tar", "--json", "-o", "a.json")
    found = compared(run, "a.json", "b.tar")
    assert found["files"] is None
    assert found["notes"][0]["code"] == "no-file-list"
    assert found["sizes"]["content"]["delta"] == 100
    text = run("compare", "a.json", "b.tar").stdout
    assert "has no file list" in " ".join(text.split())


def test_path_depth_and_top_narrow_the_lists(run: Run, two: Path) -> None:
    found = compared(run, "a.tar", "b.tar", "--path", "/usr/**", "--depth", "1", "--top", "2")
    assert {row["path"] for row in found["directories"]} == {"/", "/usr"}
    assert [row["path"] for row in found["changes"]] == ["/usr/lib/app"]
    assert found["files"]["path"] == "/usr/**"
    nothing = compared(run, "a.tar", "b.tar", "--path", "/etc")
    assert nothing["changes"] == []
    assert nothing["files"]["outside"]["delta"] == 100


def test_several_images_are_a_table(run: Run, two: Path) -> None:
    write(web_app(), two / "c.tar")
    found = compared(run, "a.tar", "b.tar", "c.tar")
    assert found["kind"] == "images"
    assert [row["shared"]["layers"] for row in found["images"]] == [1, 1, 0]
    done = run("compare", "a.tar", "b.tar", "c.tar")
    assert done.stdout.splitlines()[-1].startswith("  all 3 on one host, each of the 8 layers once")
    assert run("compare", "a.tar", "b.tar", "c.tar", "--exit-code").returncode == 2


def test_each_side_can_have_its_own_platform_or_tag(run: Run, folder: Path) -> None:
    images = [app("1", architecture=name) for name in ("amd64", "arm64")]
    oci(images, "gzip", "index").write(folder / "index.tar")
    found = compared(
        run, "index.tar", "index.tar", "--platform", "linux/amd64", "--platform", "linux/arm64"
    )
    assert [found[side]["platform"] for side in "ab"] == ["linux/amd64", "linux/arm64"]
    assert [note["code"] for note in found["notes"]] == ["different-platforms"]
    same = compared(run, "index.tar", "index.tar", "--platform", "linux/arm64")
    assert same["different"] is False
    docker_legacy([app("1", tag="app:1"), app("22", tag="app:2")]).write(folder / "both.tar")
    found = compared(run, "both.tar", "both.tar", "--tag", "app:1", "--tag", "app:2")
    assert [found[side]["name"] for side in "ab"] == ["app:1", "app:2"]
    assert found["different"] is True


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["a.tar"], "there is only one image to compare"),
        (["-", "-"], "standard input holds only one image"),
        (["a.tar", "b.tar", "--path", ""], "the path pattern is empty"),
        (
            ["a.tar", "b.tar", *["--platform", "linux/amd64"] * 3],
            "--platform is given 3 times for 2 images",
        ),
        (["a.tar", "b.tar", "--format", "sarif"], "sarif"),
        (["a.tar", "b.tar", "a.tar", "--format", "html"], "--format html needs two images, not 3"),
        (["a.tar", "b.tar", "-o", "sarif=x"], "unknown format 'sarif'"),
        (["a.tar", "cut.json"], "cut.json is cut short"),
        (["a.tar", "other.json"], "schema version 2, but this layerscope reads 1"),
        (["a.tar", "c.json"], "of kind 'comparison'"),
        (["a.tar", "report:missing.json"], "missing.json cannot be read"),
    ],
)
def test_an_invalid_call_is_a_one_line_error(
    run: Run, two: Path, arguments: list[str], problem: str
) -> None:
    run("report", "a.tar", "--json", "--files", "-o", "a.json")
    run("compare", "a.tar", "b.tar", "-o", "c.json")
    text = (two / "a.json").read_text()
    (two / "cut.json").write_text(text[: len(text) // 2])
    (two / "other.json").write_text(text.replace('"schema_version": 1', '"schema_version": 2'))
    done = run("compare", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert problem in done.stderr
    assert done.stderr.startswith("layerscope: error: ")
    assert done.stderr.count("\n") == 1


def test_a_missing_or_broken_image_is_an_error(run: Run, two: Path) -> None:
    assert run("compare", "a.tar", "./nothing.tar").returncode == 3
    (two / "broken.tar").write_bytes((two / "a.tar").read_bytes()[:3000])
    done = run("compare", "a.tar", "broken.tar")
    assert done.returncode == 4
    assert done.stderr.count("\n") == 1


def test_hostile_text_is_escaped(run: Run, two: Path) -> None:
    done = run("compare", "a.tar", "evil.tar")
    assert done.returncode == 0
    assert "\x1b" not in done.stdout
    back = run("compare", "evil.tar", "a.tar", "--format", "markdown")
    assert back.returncode == 0
    assert "\x1b" not in back.stdout


def test_one_side_can_be_standard_input(run: Run, two: Path) -> None:
    with (two / "b.tar").open("rb") as file:
        done = run("compare", "a.tar", "-", "--exit-code", stdin=file)
    assert done.returncode == 1


def test_the_sample_images_are_compared(run: Run) -> None:
    fixtures = Path(__file__).parents[2] / "fixtures"
    found = compared(
        run, str(fixtures / "python-3.8.tar.gz"), str(fixtures / "python-3.8-slim.tar.gz")
    )
    assert "python:3.8-slim is" in found["sentence"]
    assert found["transfer"]["needed"]["layers"] == [0, 1, 2, 3, 4]


def test_forms_of_one_image_do_not_differ(run: Run, folder: Path) -> None:
    for form in ("docker-legacy", "oci-archive", "podman", "containerd"):
        FORMS[form].write([app("1")], folder / form)
        found = compared(run, str(folder / "docker-legacy"), str(folder / form))
        assert found["different"] is False, form


def test_a_file_that_keeps_size_mode_and_time_but_not_its_content_is_modified(
    run: Run, folder: Path
) -> None:
    for name, content in (("a", b"one"), ("b", b"two")):
        image = ImageBuilder("app:1").layer({"scripts.tar": File(content * 400, mtime=1)})
        write(image.build(), folder / f"{name}.tar")
    document = compared(run, "a.tar", "b.tar")
    assert [(row["path"], row["kind"], row["delta"]) for row in document["changes"]] == [
        ("/scripts.tar", "content", 0)
    ]
    assert document["different"] is True
    assert run("compare", "a.tar", "b.tar", "--exit-code").returncode == 1
    for name in ("a", "b"):
        run("report", f"{name}.tar", "--json", "--files", "-o", f"{name}.json")
    assert compared(run, "a.json", "b.json")["changes"] == document["changes"]
