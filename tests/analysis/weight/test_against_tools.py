"""Bytes of each kind against `find` and `strip`, on a real root filesystem in a layer."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest

import layerscope
from layerscope.analysis.weight.facts import DeadWeight
from tests.analysis.weight.weighing import kinds_of, weight_of
from tests.builder import FORMS, File, ImageBuilder
from tests.builder.image import BuiltLayer
from tests.builder.tools import run

pytestmark = pytest.mark.slow

ROOT = Path("/")
FOLDERS = (
    *("usr/share/man", "usr/share/doc", "usr/share/info", "usr/share/locale", "usr/lib/gcc"),
    *("usr/lib/python3.11", "usr/lib/python3/dist-packages/pip", "var/log", "var/lib/apt/lists"),
)
"""Parts of this machine's own filesystem: manuals, locales, Python, and what compilers need."""


@pytest.fixture(scope="module")
def rooted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, DeadWeight]:
    """A copy of parts of this machine's root, and the dead weight of an image that has nothing else."""
    root = tmp_path_factory.mktemp("root")
    for folder in FOLDERS:
        source = ROOT / folder
        if source.is_dir():
            (root / folder).parent.mkdir(parents=True, exist_ok=True)
            run("cp", "-a", "--reflink=auto", source, root / folder)
    packed = root.parent / f"{root.name}.tar"
    run("tar", "-C", root, "--format=pax", "--sort=name", "-cf", packed, ".")
    builder = ImageBuilder("root:1")
    builder.layers.append(BuiltLayer(packed.read_bytes(), ()))
    builder.step("/bin/sh -c step")
    path = FORMS["oci-archive"].write([builder.build()], root.parent / "image.tar", "none")
    with layerscope.load(path) as image:
        return root, weight_of(layerscope.analyze(image))


def counted(root: Path, folders: Sequence[str], *tests: str) -> int:
    """The bytes of regular files that `find` finds, each inode once."""
    seen: dict[str, int] = {}
    for folder in folders:
        if not (root / folder).is_dir():
            continue
        command = ["find", str(root / folder), "-type", "f", *tests, "-printf", "%i %s\\n"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        for line in done.stdout.splitlines():
            inode, _, size = line.partition(" ")
            seen[inode] = int(size)
    return sum(seen.values())


def of(weight: DeadWeight, kinds: Iterable[str]) -> dict[str, int]:
    found = {kind.kind: kind.bytes for kind in weight.kinds}
    return {str(kind): found.get(kind, 0) for kind in kinds}  # type: ignore[call-overload]


def test_kinds_that_are_directories_are_what_find_says(rooted: tuple[Path, DeadWeight]) -> None:
    root, weight = rooted
    expected = {
        "package_lists": counted(root, ["var/lib/apt/lists"]),
        "logs": counted(root, ["var/log"]),
        "man_pages": counted(root, ["usr/share/man"]),
    }
    assert of(weight, expected) == expected
    assert expected["man_pages"] > 0


def test_bytecode_and_documentation_are_what_find_says(rooted: tuple[Path, DeadWeight]) -> None:
    root, weight = rooted
    legal = [
        word
        for start in ("copyright", "licen[sc]e", "copying", "notice", "legal")
        for word in ("!", "-iname", f"{start}*")
    ]
    docs = [
        "usr/share/doc",
        "usr/share/info",
        "usr/share/doc-base",
        "usr/share/gtk-doc",
        "usr/share/help",
    ]
    others = ["!", "-name", "*~", "!", "-name", "*.swp"]
    expected = {"docs": counted(root, docs, *legal, *others)}
    found = of(weight, ["docs"])["docs"]
    assert abs(found - expected["docs"]) <= expected["docs"] // 20
    caches = counted(root, ["usr"], "-path", "*/__pycache__/*.pyc", "!", "-path", "*/share/doc/*")
    assert of(weight, ["bytecode"])["bytecode"] >= caches > 0


def test_static_libraries_are_what_find_says(rooted: tuple[Path, DeadWeight]) -> None:
    root, weight = rooted
    objects = ["(", "-name", "lib*.a", "-o", "-name", "crt*.o", "-o", "-name", "python.o", ")"]
    expected = counted(root, ["usr/lib"], *objects)
    assert of(weight, ["static_libraries"]) == {"static_libraries": expected}
    assert expected > 0


def test_symbols_are_what_strip_removes(tmp_path: Path) -> None:
    source = tmp_path / "app.c"
    functions = "\n".join(f"int f{n}(int a) {{ return a * {n}; }}" for n in range(2_000))
    source.write_text(f"{functions}\nint main(void) {{ return f0(1); }}\n")
    program, stripped = tmp_path / "app", tmp_path / "stripped"
    run("gcc", "-g", "-o", program, source)
    run("strip", "-o", stripped, program)
    removed = program.stat().st_size - stripped.stat().st_size
    found = kinds_of({"usr/bin/app": File(program.read_bytes(), mode=0o755)})["debug_symbols"]
    assert abs(found - removed) <= removed // 20
    assert kinds_of({"usr/bin/app": File(stripped.read_bytes(), mode=0o755)}) == {}
