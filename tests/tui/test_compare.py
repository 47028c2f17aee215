"""The browser for two images, driven by keys."""

from __future__ import annotations

import json
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Input

from layerscope.cli.main import main
from layerscope.report.comparison.renderers import COMPARISON_RENDERERS
from layerscope.tui.compare.lists import InstructionPairs, SettingList
from layerscope.tui.compare.pair_file_screen import CompareFileScreen
from layerscope.tui.compare.screen import CompareScreen
from layerscope.tui.compare.tree import CompareTreeView
from layerscope.tui.screens.dialogs import ErrorDialog
from layerscope.tui.screens.pane_letters import PaneLetters
from layerscope.units import format_delta
from tests.builder import FORMS, ImageBuilder
from tests.cli.conftest import run_in
from tests.tui.compared import NEW, PairDriver, browse_pair, first, second
from tests.tui.images import NARROW, WIDE, Driver, browse

FIXTURES = Path(__file__).parents[2] / "fixtures"
PYTHON = FIXTURES / "python-3.8.tar.gz", FIXTURES / "python-3.8-slim.tar.gz"
SIZES = pytest.mark.parametrize(
    "size", [NARROW, pytest.param(WIDE, marks=pytest.mark.slow)], ids=["80x24", "200x50"]
)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    folder = tmp_path_factory.mktemp("pair")
    a = FORMS["oci-archive"].write([first()], folder / "a.tar")
    return a, FORMS["docker-legacy"].write([second()], folder / "b.tar")


@SIZES
def test_every_tab_shows_the_python_pair(size: tuple[int, int]) -> None:
    async def script(driver: PairDriver) -> None:
        text = " ".join(driver.text.split())
        assert "python:3.8-slim is 6.6 MB (89.1 %) smaller than python:3.8." in text
        assert "7.4 MB" in text
        assert "806.9 kB" in text
        assert "−485" in text
        await driver.press("2")
        assert "−4.5 MB" in driver.text
        assert " - " in driver.text
        await driver.press("3")
        assert "756 differences" in driver.text
        assert "only what differs" in driver.text
        assert driver.rows()[:2] == ["", "  usr"]
        await driver.press("4")
        assert "created" in driver.text
        await driver.press("1")
        assert "Instructions" in driver.text
        await driver.press("q")

    assert browse_pair(str(PYTHON[0]), str(PYTHON[1]), script, size=size) == 0


@SIZES
def test_instructions_are_side_by_side(pair: tuple[str, str], size: tuple[int, int]) -> None:
    async def script(driver: PairDriver) -> None:
        await driver.press("2")
        pairs = driver.compared.query_one(InstructionPairs)
        assert [row["status"] for row in pairs.listed] == ["changed"] * 3 + ["only_b"]
        row = next(line for line in driver.text.splitlines() if 'ENV ["MODE=old' in line)
        assert " ~ " in row
        assert 'ENV ["MODE=new' in row
        await driver.press("down")
        details = driver.text
        assert 'ENV ["MODE=old"]' in details
        await driver.press("z")
        assert len(pairs.listed) == 3
        await driver.press("enter")
        assert driver.app.focused is driver.compared.query_one("#pair-details")

    browse_pair(*pair, script, size=size)


def test_equal_instructions_share_a_row_and_can_be_hidden(pair: tuple[str, str]) -> None:
    async def script(driver: PairDriver) -> None:
        await driver.press("2")
        pairs = driver.compared.query_one(InstructionPairs)
        assert {row["status"] for row in pairs.listed} == {"same"}
        assert " = " in driver.text
        await driver.press("u")
        assert not pairs.listed
        await driver.press("u", "4")
        assert "the configuration is the same" in driver.text
        await driver.press("3")
        assert "no file differs" in driver.text

    browse_pair(pair[0], pair[0], script, size=NARROW)


@SIZES
def test_both_images_are_one_tree(pair: tuple[str, str], size: tuple[int, int]) -> None:
    async def script(driver: PairDriver) -> None:
        await driver.press("3")
        assert isinstance(driver.app.focused, CompareTreeView)
        assert "    main.py" in driver.rows()
        assert "    same.txt" not in driver.rows()
        lines = {line.split()[-1]: line for line in driver.text.splitlines() if line.strip()}
        new = next(line for line in driver.text.splitlines() if "new.txt" in line)
        assert "+" in new
        assert "+600 B" in new
        assert "│" in new.strip("│ ")
        assert lines
        await driver.press("u")
        assert "    same.txt" in driver.rows()
        assert "only what differs" not in driver.text
        await driver.press("u", "s")
        assert "by name" in driver.text
        assert driver.rows()[1] == "  app"
        await driver.press("s", "s")
        assert "by change" in driver.text

    browse_pair(*pair, script, size=size)


@SIZES
def test_a_filter_narrows_the_tree_and_can_be_cleared(
    pair: tuple[str, str], size: tuple[int, int]
) -> None:
    async def script(driver: PairDriver) -> None:
        await driver.press("3")
        await driver.filter("kind:moved")
        assert driver.rows() == ["", "  here", "    moved.bin", "  there", "    moved.bin"]
        assert "2 hits" in driver.text
        await driver.press("escape")
        assert "    main.py" in driver.rows()
        await driver.filter("same.txt")
        assert "nothing found; u also searches equal files" in driver.text
        await driver.press("u")
        assert driver.rows() == ["", "  app", "    same.txt"]
        await driver.press("escape")
        await driver.filter("kind:wasted")
        assert "kind: is one of added, removed" in driver.text

    browse_pair(*pair, script, size=size)


def test_compressed_bytes_are_columns_of_the_tree(tmp_path: Path) -> None:
    a = FORMS["oci-archive"].write([first()], tmp_path / "a", "gzip")
    b = FORMS["oci-archive"].write([second()], tmp_path / "b", "gzip")

    async def script(driver: PairDriver) -> None:
        await driver.press("3")
        assert "download A" not in driver.text
        await driver.press("C")
        assert "download A" in driver.text
        line = next(line for line in driver.text.splitlines() if "new.txt" in line)
        found = driver.compared.session.comparison.files
        assert found is not None
        change = next(each for each in found.changes if each.path == b"/app/new.txt")
        assert change.b_compressed
        assert f"{format_delta(change.b_compressed)} " in line
        await driver.press("C")
        assert "download A" not in driver.text

    browse_pair(a, b, script, size=(160, 40))


def test_columns_of_compressed_bytes_need_a_source_that_knows_them(tmp_path: Path) -> None:
    form = FORMS["docker-legacy"]
    plain = form.write([first()], tmp_path / "a"), form.write([second()], tmp_path / "b")

    async def script(driver: PairDriver) -> None:
        await driver.press("3", "C")
        assert "download A" not in driver.text

    browse_pair(*plain, script, size=(160, 40))


async def look_at(driver: PairDriver, name: str) -> CompareFileScreen:
    await driver.press("3")
    await driver.filter(name)
    await driver.press("enter")
    await driver.settle()
    screen: Any = driver.app.screen
    assert isinstance(screen, CompareFileScreen)
    return screen


@SIZES
def test_a_changed_file_opens_with_its_diff(pair: tuple[str, str], size: tuple[int, int]) -> None:
    async def script(driver: PairDriver) -> None:
        await look_at(driver, "main.py")
        assert "- " in driver.text
        assert "    return 'old'" in driver.text
        assert "+     return 'new'" in driver.text
        assert "diff · A to B" in driver.text
        await driver.press("t")
        assert "'new'" in driver.text
        assert "'old'" not in driver.text
        await driver.press("s")
        assert "'old'" in driver.text
        assert "'new'" not in driver.text
        await driver.press("x")
        assert "0000000000" in driver.text
        await driver.press("d")
        assert "+     return 'new'" in driver.text
        await driver.press("escape")
        assert driver.app.screen is driver.compared

    browse_pair(*pair, script, size=size)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("new.txt", ["newnewnew", "A –"]),
        ("gone.txt", ["gonegone", "B –"]),
        ("run.sh", ["rw-r--r--", "rwxr-xr-x", "the content is the same"]),
        ("turns", ["A   file", "B   symlink → main.py"]),
        ("kind:moved type:file", ["the content is the same"]),
    ],
)
def test_enter_shows_both_sides_of_a_file(
    pair: tuple[str, str], name: str, words: list[str]
) -> None:
    async def script(driver: PairDriver) -> None:
        await look_at(driver, name)
        for word in words:
            assert word in driver.text
        assert "Extract" not in driver.text

    browse_pair(*pair, script)


def test_a_link_leads_to_its_target(pair: tuple[str, str]) -> None:
    async def script(driver: PairDriver) -> None:
        screen = await look_at(driver, "/link")
        assert "symlink → app/new.txt" in driver.text
        await driver.press("o")
        assert not screen.is_current
        assert driver.compared.files.path == b"app/new.txt"

    browse_pair(*pair, script)


@SIZES
def test_secrets_in_settings_are_masked(pair: tuple[str, str], size: tuple[int, int]) -> None:
    async def script(driver: PairDriver) -> None:
        await driver.press("4")
        listed = driver.compared.query_one(SettingList).listed
        assert {row["name"] for row in listed} >= {"API_TOKEN", "MODE"}
        assert "hunter" not in driver.text
        assert "old" in driver.text
        assert "new" in driver.text

    browse_pair(*pair, script, size=size)


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return run_in(Path(), *words)


def save(reference: str, path: Path, *, files: bool) -> str:
    words = ["report", reference, "--json", "--quiet", "-o", str(path)]
    result = run(*words, *(["--files"] if files else []))
    assert result.returncode == 0, result.stderr
    assert json.loads(path.read_text())["kind"] == "analysis"
    return str(path)


@pytest.mark.slow
def test_screens_say_what_a_saved_report_lacks(pair: tuple[str, str], tmp_path: Path) -> None:
    with_files = save(pair[0], tmp_path / "files.json", files=True)
    without = save(pair[0], tmp_path / "short.json", files=False)

    async def no_contents(driver: PairDriver) -> None:
        await look_at(driver, "main.py")
        assert "A is a saved report, which has the sizes and hashes" in driver.text
        await driver.press("t")
        assert "return 'new'" in driver.text
        await driver.press("s")
        assert "A is a saved report" in driver.text

    async def no_list(driver: PairDriver) -> None:
        assert "has no file list" in driver.text
        await driver.press("3")
        assert "the saved report of A has no file list" in driver.text
        await driver.press("enter", "u", "s", "n", "slash", "x", "enter", "2")
        assert 'ENV ["MODE=new' in driver.text

    browse_pair(with_files, pair[1], no_contents, size=WIDE)
    browse_pair(without, pair[1], no_list, size=WIDE)


@SIZES
def test_hostile_names_are_shown_escaped(
    pair: tuple[str, str], evil: str, size: tuple[int, int]
) -> None:
    async def script(driver: PairDriver) -> None:
        for tab in "1234":
            await driver.press(tab)
            assert all(line.isprintable() for line in driver.text.splitlines())
            assert "\u202e" not in driver.text
        await driver.press("3", "down", "right", "asterisk")
        assert all(line.isprintable() for line in driver.text.splitlines())
        await driver.filter("markup")
        assert "[bold]markup[" in driver.text
        await driver.press("n")
        await driver.press("enter")
        assert all(line.isprintable() for line in driver.text.splitlines())

    browse_pair(pair[0], evil, script, size=size)


def test_an_image_that_cannot_be_read_shows_an_error(pair: tuple[str, str], tmp_path: Path) -> None:
    broken = tmp_path / "broken.json"
    broken.write_text('{"kind": "analysis", "schema_version": 99}')

    async def script(driver: PairDriver) -> None:
        assert isinstance(driver.app.screen, ErrorDialog)
        assert "99" in driver.text
        await driver.press("enter")

    assert browse_pair(pair[0], str(broken), script) == 2


def test_the_mouse_and_the_help_work(pair: tuple[str, str]) -> None:
    async def script(driver: PairDriver) -> None:
        lines = driver.text.splitlines()
        row = next(y for y, line in enumerate(lines) if "3 Files" in line)
        await driver.pilot.click(offset=(lines[row].index("Files"), row))
        await driver.settle()
        assert "differences" in driver.text
        lines = driver.text.splitlines()
        row = next(y for y, line in enumerate(lines) if "▾ app" in line)
        await driver.pilot.click(offset=(lines[row].index("▾"), row))
        await driver.settle()
        assert "    main.py" not in driver.rows()
        await driver.press("question_mark")
        assert "moved from here" in driver.text
        await driver.press("escape")
        assert driver.app.screen is driver.compared

    browse_pair(*pair, script)


def test_c_compares_from_the_browser_of_one_image(pair: tuple[str, str]) -> None:
    async def script(driver: Driver) -> None:
        await driver.press("c")
        driver.app.screen.query_one("#answer").value = pair[1]  # type: ignore[attr-defined]
        await driver.press("enter")
        await driver.settle()
        await driver.settle()
        assert isinstance(driver.app.screen, CompareScreen)
        assert "my-app:2" in driver.text
        await driver.press("3", "escape")
        assert driver.is_browsing
        await driver.press("c")
        driver.app.screen.query_one("#answer").value = "docker-archive:/nowhere"  # type: ignore[attr-defined]
        await driver.press("enter")
        await driver.settle()
        assert isinstance(driver.app.screen, ErrorDialog)
        await driver.press("enter")
        assert driver.is_browsing

    browse(pair[0], script)


@pytest.mark.parametrize("cache", [False, True])
def test_comparing_from_the_browser_uses_the_cache_as_the_browser_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cache: bool
) -> None:
    monkeypatch.setenv("LAYERSCOPE_CACHE_DIR", str(tmp_path / "cache"))
    form = FORMS["oci-archive"]
    a, b = (
        form.write([first()], tmp_path / "a", "gzip"),
        form.write([second()], tmp_path / "b", "gzip"),
    )

    async def script(driver: Driver) -> None:
        await driver.press("c")
        driver.app.screen.query_one("#answer").value = b  # type: ignore[attr-defined]
        await driver.press("enter")
        await driver.settle()
        assert isinstance(driver.app.screen, CompareScreen)

    browse(a, script, cache=cache)
    assert (tmp_path / "cache").exists() == cache


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["a", "b"], "--tui needs a terminal"),
        (["a", "b", "c"], "--tui needs two images, not 3"),
        (["a", "b", "--json"], "--json has no effect with --tui"),
    ],
)
def test_tui_is_refused_where_it_makes_no_sense(words: list[str], told: str) -> None:
    result = run("compare", "--tui", *words)
    assert result.returncode == 2
    assert told in result.stderr


@pytest.mark.slow
def test_the_comparison_is_saved_in_every_format(pair: tuple[str, str], tmp_path: Path) -> None:
    def told(suffix: str) -> str:
        return str(tmp_path / f"{suffix}")

    async def script(driver: PairDriver) -> None:
        for form in COMPARISON_RENDERERS.values():
            await driver.press("S")
            driver.app.screen.query_one(Input).value = told(f"here{form.suffix}")
            await driver.press("enter")

    browse_pair(*pair, script)
    for form in COMPARISON_RENDERERS.values():
        if form.name == "text":
            assert "larger than" in Path(told("here.txt")).read_text()
            continue
        there = told(f"there{form.suffix}")
        assert main(["compare", *pair, "--quiet", "-o", f"{form.name}={there}"]) == 0
        assert Path(told(f"here{form.suffix}")).read_bytes() == Path(there).read_bytes(), form.name


def test_extracting_prefers_the_file_of_b(pair: tuple[str, str], tmp_path: Path) -> None:
    async def script(driver: PairDriver) -> None:
        await driver.press("e")
        assert driver.app.screen is driver.compared, "there is no file on the overview"
        await driver.press("3")
        for name in ("main.py", "gone.txt"):
            await driver.filter(f"/app/{name}")
            await driver.press("e")
            letter = "B" if name == "main.py" else "A"
            assert f"/app/{name}, as in {letter}" in driver.text
            driver.app.screen.query_one(Input).value = str(tmp_path)
            await driver.press("enter")

    browse_pair(*pair, script)
    assert (tmp_path / "main.py").read_bytes() == NEW
    assert (tmp_path / "gone.txt").read_bytes()


def test_nothing_can_be_extracted_from_saved_reports(pair: tuple[str, str], tmp_path: Path) -> None:
    saved = []
    for number, reference in enumerate(pair):
        saved.append(str(tmp_path / f"{number}.json"))
        assert main(["report", reference, "--quiet", "--files", "-o", f"json={saved[-1]}"]) == 0

    async def script(driver: PairDriver) -> None:
        await driver.press("3", "e")
        assert driver.told == ["A and B are saved reports, which don't hold file contents."]
        assert driver.app.screen is driver.compared

    browse_pair(saved[0], saved[1], script)


def test_jumping_and_copying_work(pair: tuple[str, str]) -> None:
    async def script(driver: PairDriver) -> None:
        await driver.press("2", "apostrophe")
        assert isinstance(driver.app.screen, PaneLetters)
        await driver.press("s")
        assert driver.app.focused is driver.compared.query_one("#pair-details")
        await driver.press("Y")
        assert driver.app.clipboard == shlex.join(["layerscope", "compare", *pair])
        await driver.press("3", "home", "y")
        assert driver.app.clipboard == "/"

    browse_pair(*pair, script)


@SIZES
def test_each_list_explains_the_signs_it_uses(pair: tuple[str, str], size: tuple[int, int]) -> None:
    async def script(driver: PairDriver) -> None:
        if size == WIDE:  # the overview scrolls on a small terminal
            assert "~ changed   + only in B" in driver.text
        await driver.press("2")
        assert "~ changed   + only in B" in driver.text
        assert "= same" not in driver.text
        await driver.press("3")
        text = " ".join(driver.text.replace("│", " ").split())
        assert "+ only in B - only in A ~ other content m other metadata only t other type" in text
        assert "→ moved from here" in text
        await driver.press("4")
        assert "~ other value" in driver.text

    browse_pair(*pair, script, size=size)


@SIZES
def test_a_path_narrows_every_screen(pair: tuple[str, str], size: tuple[int, int]) -> None:
    async def script(driver: PairDriver) -> None:
        for key in ("1", "2", "4"):
            await driver.press(key)
            text = driver.text
            assert "only /app/**" in text
            assert "files+links" in text
            for absent in ("Layers", "Configuration", "pull", "cache", "wasted", "download"):
                assert absent not in text
        assert any("--path compares files only" in text for text in driver.told)
        await driver.press("3")
        assert "main.py" in driver.text
        assert "moved.bin" not in driver.text
        await driver.press("tab")
        assert driver.compared.tab == "overview"
        await driver.press("Y")
        assert shlex.quote("/app/**") in driver.app.clipboard

    browse_pair(*pair, script, size=size, path="/app/**")


def test_images_with_similar_names_are_distinguished(tmp_path: Path) -> None:
    beginning = "registry.example.com/team/a-very-long-name-of-an-application-that-is-cut"
    files = []
    for number, tag in enumerate(("-one:1", "-two:1")):
        image = ImageBuilder(beginning + tag).layer({"f": b"x" * (number + 1)}).build()
        files.append(FORMS["docker-legacy"].write([image], tmp_path / f"{number}.tar"))

    async def script(driver: PairDriver) -> None:
        head = next(
            line for line in driver.text.splitlines() if line.rstrip("│ ").endswith("change")
        )
        assert "one:1" in head
        assert "two:1" in head
        await driver.press("2")
        head = next(line for line in driver.text.splitlines() if "size  A" in line)
        assert "one:1" in head
        assert "two:1" in head

    browse_pair(files[0], files[1], script, size=NARROW)
