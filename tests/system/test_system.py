"""What layerscope asks of the operating system, in the forms for POSIX and for Windows."""

from __future__ import annotations

import ast
import errno
import ntpath
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

import layerscope
from layerscope.analysis.mentions import paths_word
from layerscope.filesystem.items import Item
from layerscope.filesystem.twins import twins
from layerscope.layers.entry import FILE, Member
from layerscope.sources.files import split_tag
from layerscope.sources.reference import looks_like_path
from layerscope.system import positions
from layerscope.system.flags import READ
from layerscope.system.folder import Folder
from layerscope.system.locks import try_lock
from layerscope.system.names import unfit
from layerscope.system.windows_folder import WindowsFolder, long_path
from layerscope.tui.model.pages import _moment

POSIX_ONLY = {"fcntl", "grp", "pty", "pwd", "readline", "resource", "syslog", "termios", "tty"}


def top_imports(tree: ast.AST) -> Iterator[str]:
    """The modules imported when a module is loaded on any system: not in functions, nor behind `sys.platform`."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.partition(".")[0]
        elif isinstance(node, ast.If) and "sys.platform" in ast.unparse(node.test):
            continue
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from top_imports(node)


def test_no_module_needs_posix_when_it_is_imported() -> None:
    for path in Path(layerscope.__file__).parent.rglob("*.py"):
        found = POSIX_ONLY & set(top_imports(ast.parse(path.read_text(encoding="utf-8"))))
        assert not found, f"{path} imports {found}"


def test_an_import_of_a_posix_module_is_found() -> None:
    assert "fcntl" in set(
        top_imports(ast.parse("try:\n    import fcntl\nexcept OSError:\n    pass"))
    )
    guarded = 'if sys.platform != "win32":\n    import fcntl\ndef f():\n    import pwd'
    assert not set(top_imports(ast.parse(guarded)))


@pytest.mark.parametrize(
    "name",
    [
        "CON",
        "con",
        "Nul.txt",
        "aux.",
        "COM1",
        "lpt9.tar.gz",
        "com¹",
        "CONIN$",
        "a:b",
        "a?",
        "a*",
        'a"',
        "a<",
        "a>",
        "a|",
        "a\\b",
        "a/b",
        ".",
        "..",
        "a.",
    ],
)
def test_a_name_that_windows_reads_otherwise_is_unfit(name: str) -> None:
    assert unfit(name)


@pytest.mark.parametrize(
    "name", ["", "a ", "prn .txt", "a\n", "a\0", "x" * 256, "\U0001f600" * 128]
)
def test_a_name_that_windows_does_not_allow_is_unfit(name: str) -> None:
    assert unfit(name)


@pytest.mark.parametrize(
    "name", ["a", ".a", "console", "con1", "nulls.txt", "com", "com10", "a b", "ä", "x" * 255]
)
def test_a_usual_name_is_fit(name: str) -> None:
    assert unfit(name) is None


@pytest.fixture(params=["posix", "windows"])
def folder(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Folder | WindowsFolder]:
    found = (Folder if request.param == "posix" else WindowsFolder).at(tmp_path.as_posix())
    yield found
    found.close()


def test_files_in_a_folder_are_made_renamed_and_removed(
    folder: Folder | WindowsFolder, tmp_path: Path
) -> None:
    for name in ("a", b"b"):
        fd = folder.open(name, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
        positions.write_at(fd, b"data", 3)
        os.close(fd)
    assert (tmp_path / "a").read_bytes() == b"\0\0\0data"
    with pytest.raises(FileExistsError):
        posix_only_rename(folder, "a", "b")
    folder.replace("a", "b")
    folder.mkdir("d", 0o700)
    folder.touch("b", 1000)
    assert folder.lstat("b").st_mtime == 1000
    inner = folder.folder("d")
    inner.symlink(b"../b", "link")
    assert sorted(folder.names()) == ["b", "d"]
    with folder.entries() as entries:
        assert {entry.name for entry in entries} == {"b", "d"}
    inner.unlink("link")
    inner.close()
    folder.unlink("b")
    assert folder.names() == ["d"]
    folder.sync()


def posix_only_rename(folder: Folder | WindowsFolder, old: str, name: str) -> None:
    """Renames without replacing. Linux's `rename` replaces, where that of Windows refuses."""
    if isinstance(folder, WindowsFolder):
        raise FileExistsError
    folder.rename(old, name)


def test_no_link_is_followed(folder: Folder | WindowsFolder, tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(b"x")
    (tmp_path / "dir").mkdir()
    (tmp_path / "file").symlink_to("real")
    (tmp_path / "to-dir").symlink_to("dir")
    with pytest.raises(OSError, match=os.strerror(errno.ELOOP)):
        folder.open("file", os.O_RDONLY)
    with pytest.raises(OSError, match=r"symbolic links|Not a directory"):
        folder.folder("to-dir")
    with pytest.raises(NotADirectoryError):
        folder.folder("real")
    with pytest.raises(OSError, match=r"symbolic links|Not a directory"):
        type(folder).at(str(tmp_path / "to-dir"), follow=False)
    type(folder).at(str(tmp_path / "to-dir")).close()


def test_windows_gets_no_name_that_leads_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    folder = WindowsFolder.at(str(tmp_path / "in"))
    for name in ("..", "../x", "..\\x", "C:", "a:b", "NUL", b"\xff"):
        with pytest.raises(OSError, match=r"Windows|UTF-8"):
            folder.open(name, os.O_CREAT | os.O_RDWR)
        with pytest.raises(OSError, match=r"Windows|UTF-8"):
            folder.mkdir(name, 0o700)
    for target in (b"..\\..\\x", b"C:/x", b"\xff"):
        with pytest.raises(OSError, match=r"Windows|UTF-8"):
            folder.symlink(target, "link")
    assert not [*(tmp_path / "in").iterdir()]
    assert [each.name for each in tmp_path.iterdir()] == ["in"]


def test_a_long_path_of_windows_has_no_limit() -> None:
    assert long_path("C:\\a\\b") == "\\\\?\\C:\\a\\b"
    assert long_path("\\\\host\\share\\a") == "\\\\?\\UNC\\host\\share\\a"
    assert long_path("\\\\?\\C:\\a") == "\\\\?\\C:\\a"


def test_a_lock_belongs_to_one_descriptor(tmp_path: Path) -> None:
    first, second = (os.open(tmp_path / "x", os.O_CREAT | os.O_RDWR) for _ in "ab")
    assert try_lock(first)
    assert not try_lock(second)
    os.close(first)
    assert try_lock(second)
    os.close(second)


def test_buffers_are_filled_one_after_the_other(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(bytes(range(100)))
    fd = os.open(tmp_path / "x", READ)
    for fill in (positions.preadv, positions._fill):
        buffers = [bytearray(10), bytearray(20), bytearray(90)]
        assert fill(fd, [memoryview(each) for each in buffers], 5) == 95
        assert b"".join(buffers).rstrip(b"\0") == bytes(range(5, 100))
    os.close(fd)


def test_names_that_differ_only_in_case_are_found_once() -> None:
    entry = Member(b"", FILE, 0, 0, (0, 0, 0), 0)
    paths = ["d", "D", "D/x", "d/x", "d/X", "e\u0301", "\u00e9", "ß", "SS", "f"]
    found = twins([Item(each.encode(), entry) for each in paths])  # type: ignore[arg-type]
    assert {key.decode(): value.decode() for key, value in found.items()} == {
        "D": "d",
        "D/x": "d",
        "d/X": "d/x",
        "\u00e9": "e\u0301",
        "SS": "ß",
    }


def test_a_time_before_1970_has_a_date_on_windows_too() -> None:
    assert [_moment(each) for each in (-1, 0, 1 << 62)] == [
        "1969-12-31 23:59:59",
        "1970-01-01 00:00:00",
        str(1 << 62),
    ]


def test_a_folder_of_an_image_is_named_as_linux_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "path", ntpath)
    assert paths_word([b"srv/app/a\xe9", b"srv/app/b"]) == "2 files in /srv/app"


@pytest.mark.parametrize("path", ["C:\\image.tar", "c:/image.tar", "\\\\host\\x", "..\\x", "a\\b"])
def test_a_path_of_windows_is_a_path(path: str) -> None:
    assert looks_like_path(path)


def test_a_tag_follows_the_path_and_not_the_drive() -> None:
    assert split_tag("C:\\nope.tar:1") == ("C:\\nope.tar", "1")
    assert split_tag("C:/nope.tar") == ("C:/nope.tar", None)
    assert split_tag("nope.tar:1") == ("nope.tar", "1")
