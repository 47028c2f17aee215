"""`report` and `check` give the same output for a saved report as for its image."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from layerscope.report.formats.renderers import RENDERERS
from tests.builder import WHITEOUT, BuiltImage, File, ImageBuilder
from tests.cli.conftest import run_in
from tests.cli.images import hostile_text, web_app, write

FIXTURES = Path(__file__).parents[2] / "fixtures"
IMAGES = (
    "my-python-app-buildkit.tar",
    "my-python-app.tar.gz",
    "python-3.8-slim.tar.gz",
    "python-3.8.tar.gz",
)


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return run_in(FIXTURES, *arguments)


def everything(reference: str, folder: Path, *more: str) -> dict[str, bytes]:
    """The output in each format for an image or a saved report."""
    folder.mkdir()
    outputs = [word for name in RENDERERS for word in ("-o", f"{name}={folder / name}")]
    done = run("report", reference, *outputs, *more)
    assert done.returncode == 0, done.stderr
    return {name: (folder / name).read_bytes() for name in RENDERERS}


def saved(reference: str, path: Path, *more: str) -> str:
    done = run("report", reference, "--json", "-o", str(path), *more)
    assert done.returncode == 0, done.stderr
    return str(path)


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An image with every kind of waste, a hard link, a name that is not UTF-8, and metadata."""
    image = (
        ImageBuilder("app:latest")
        .layer(
            {
                "a/one": File(b"1" * 5000),
                "a/two": b"2" * 4000,
                "a/three": b"3" * 3000,
                b"b/\xff<&": b"4" * 2000,
            },
            created_by="COPY . /a",
        )
        .layer(
            [
                ("a/one", File(b"1" * 5000, uid=7)),
                ("a/two", File(b"5" * 100)),
                ("a/two", File(b"6" * 4000)),
                ("a/three", WHITEOUT),
            ],
            created_by="RUN chown -R 7 /a",
        )
        .build()
    )
    return write(image, tmp_path_factory.mktemp("image") / "app.tar")


@pytest.mark.parametrize("name", IMAGES)
@pytest.mark.parametrize("files", [(), ("--files",)], ids=["without files", "with files"])
def test_a_saved_report_says_the_same_as_the_fixture_in_every_format(
    name: str, files: tuple[str, ...], tmp_path: Path
) -> None:
    reference = str(FIXTURES / name)
    report = saved(reference, tmp_path / "report.json", "--files")
    of_image = everything(reference, tmp_path / "image", *files)
    of_report = everything(report, tmp_path / "saved", *files)
    for format_name, text in of_image.items():
        assert of_report[format_name] == text, format_name


@pytest.mark.parametrize("built", [web_app, hostile_text], ids=["web app", "hostile text"])
def test_a_saved_report_of_odd_text_says_the_same_in_every_format(
    built: Callable[[], BuiltImage], tmp_path: Path
) -> None:
    reference = write(built(), tmp_path / "image.tar")
    report = saved(reference, tmp_path / "report.json", "--files")
    assert everything(reference, tmp_path / "a") == everything(report, tmp_path / "b")


def test_a_saved_report_says_the_same_in_every_format(image: str, tmp_path: Path) -> None:
    rules = ("--max-wasted", "1kB", "--max-size", "1GB", "--top", "2")
    report = saved(image, tmp_path / "report.json", "--files")
    assert everything(image, tmp_path / "a", *rules) == everything(report, tmp_path / "b", *rules)


def test_a_saved_report_is_reproduced_byte_for_byte(image: str, tmp_path: Path) -> None:
    rules = ("--max-wasted", "1kB", "--dive-compatible", "--top", "1", "--baseline", image)
    for more in ((), ("--files",), rules):
        report = saved(image, tmp_path / "report.json", *more)
        again = run("report", report, "--json", *(("--files",) if "--files" in more else ()))
        assert again.stdout == Path(report).read_text(), more


def test_a_saved_report_breaks_the_rules_that_the_image_breaks(image: str, tmp_path: Path) -> None:
    (tmp_path / "layerscope.toml").write_text(
        "[budget]\nmax_wasted = '1kB'\nmax_size = '1GB'\n"
        "[[budget.path]]\nglob = '/a/**'\nmax = '10B'\n"
        "[[budget.allow]]\nglob = '/a/three'\nreason = 'known'\n"
    )
    report = saved(image, tmp_path / "report.json", "--files")
    rules = ("--config", str(tmp_path / "layerscope.toml"))
    of_image, of_report = (run("check", each, *rules) for each in (image, report))
    assert of_image.returncode == of_report.returncode == 1
    assert of_image.stdout == of_report.stdout
    assert "max_path_size" in of_image.stdout


def test_a_rule_about_paths_fails_closed_on_a_report_without_files(
    image: str, tmp_path: Path
) -> None:
    (tmp_path / "layerscope.toml").write_text("[[budget.path]]\nglob = '/a/**'\nmax = '1GB'\n")
    report = saved(image, tmp_path / "report.json")
    done = run("check", report, "--config", str(tmp_path / "layerscope.toml"))
    assert done.returncode == 1
    assert "save it with --files" in done.stdout


@pytest.mark.parametrize(
    "option",
    [
        ("--platform", "linux/amd64"),
        ("--tag", "a"),
        ("--dockerfile", "Dockerfile"),
        ("--pull",),
        ("--no-packages",),
        ("--no-duplicates",),
        ("--min-duplicate", "1kB"),
        ("--no-dead-weight",),
        ("--verify",),
        ("--no-verify",),
        ("--base", "other.tar"),
        ("--show-args",),
        ("--files",),
    ],
    ids=lambda option: str(option[0]),
)
def test_an_option_that_needs_the_image_is_refused(
    option: tuple[str, ...], image: str, tmp_path: Path
) -> None:
    report = saved(image, tmp_path / "report.json")
    done = run("report", report, *option)
    assert done.returncode == 2, done.stdout
    assert len(done.stderr.splitlines()) <= 2


def broken(document: Any, *path: Any, value: object) -> str:
    text = json.loads(json.dumps(document))
    place = text
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return json.dumps(text)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("advice",), {}),
        (("advice", 0, "message"), 5),
        (("waste", 0, "written_by"), 99),
        (("waste", 0, "path"), None),
        (("waste_pairs", 0, "kind"), "eaten"),
        (("waste_groups", 0, "bytes"), -1),
        (("largest", 0, "layer"), 17),
        (("efficiency",), "all"),
        (("verdict",), {"passed": True}),
        (("baseline",), []),
        (("layers", 0, "media_type"), None),
    ],
)
def test_a_malformed_saved_report_is_a_one_line_error(
    path: tuple[object, ...], value: object, image: str, tmp_path: Path
) -> None:
    document = json.loads(Path(saved(image, tmp_path / "report.json")).read_text())
    (tmp_path / "broken.json").write_text(broken(document, *path, value=value))
    done = run("report", str(tmp_path / "broken.json"))
    assert done.returncode == 2, done.stdout
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) <= 2
