"""What a directory or a file must have besides its name before a rule counts it."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from typing import Final

from layerscope.analysis.weight.rule import Holds, Names, Surroundings
from layerscope.filesystem.node import Node

_MOST_NAMES: Final = 4096
"""The most names of a directory that are looked at for evidence."""


def has(*names: bytes) -> Holds:
    """The directory has one of these names."""

    def holds(node: Node, _: Surroundings) -> bool:
        return any(_exists(node, name) for name in names)

    return holds


def beside(*names: bytes) -> Holds:
    """The directory has one of these beside it."""

    def holds(node: Node, _: Surroundings) -> bool:
        return node.parent is not None and any(_exists(node.parent, name) for name in names)

    return holds


def no_plug_and_play(_: Node, surroundings: Surroundings) -> bool:
    return not surroundings.plug_and_play


def unspoken(node: Node, surroundings: Surroundings) -> bool:
    """A directory of translations into a language that the image doesn't ask for: not English, not the C locale."""
    name = node.name
    if name[:2] in (b"en", b"C") and name[2:3] in (b"", b"_", b"@", b"."):
        return False
    if name.startswith((b"C.", b"C_", b"POSIX")):
        return False
    return name not in surroundings.languages


def compiled_unspoken(node: Node, surroundings: Surroundings) -> bool:
    """A compiled locale that the image doesn't ask for. English ones count, since no program falls back to them."""
    name = node.name
    return not name.startswith((b"C.", b"POSIX")) and name not in surroundings.languages


# Test suites


def python_tests(node: Node, _: Surroundings) -> bool:
    """The directory, or one right below, has test modules. `django.test` has none: it is part of the program."""
    return _some(node, lambda name: name.startswith(b"test_") or name.endswith(b"_test.py"), b".py")


def node_tests(node: Node, _: Surroundings) -> bool:
    """The directory has test files and is not a package of that name itself."""
    above = node.parent
    if above is None or above.name == b"node_modules" or above.name.startswith(b"@"):
        return False
    return not _exists(node, b"package.json") and _some(
        node,
        lambda name: (
            name.startswith((b"test-", b"test_", b"test."))
            or b".test." in name
            or b".spec." in name
            or b"-test." in name
            or b"_test." in name
        ),
        b"js",
        b"ts",
        b"jsx",
        b"tsx",
    )


def ruby_tests(node: Node, _: Surroundings) -> bool:
    return _some(
        node,
        lambda name: (
            name.startswith((b"test_", b"tc_")) or name.endswith((b"_spec.rb", b"_test.rb"))
        ),
        b".rb",
    )


def php_tests(node: Node, _: Surroundings) -> bool:
    return _some(node, lambda name: name.endswith(b"Test.php"), b".php")


# Files


def unpacked_beside(name: bytes, _: bytes, names: Names) -> bool:
    """The directory of an archive's name is beside it, and not empty."""
    for ending in _ARCHIVES:
        if name.endswith(ending) and len(name) > len(ending):
            folder = names.all.get(name[: -len(ending)])
            return isinstance(folder, Node) and folder.visible and bool(folder.below)
    return False


def is_installed_wheel(name: bytes, folder: bytes, names: Names) -> bool:
    """A wheel of a package that is installed in this version. `ensurepip` and virtualenv install from theirs."""
    if folder in (b"_bundled", b"embed", b"python-wheels"):
        return False
    project, _, rest = name.partition(b"-")
    version = rest.partition(b"-")[0]
    project = re.sub(rb"[-_.]+", b"_", project.lower())
    return project + b"-" + version in names.surroundings.installed


def is_installed_deb(name: bytes, _: bytes, names: Names) -> bool:
    """A Debian package that is installed in this version."""
    parts = name.split(b"_", 2)
    version = parts[1].rpartition(b"%3a")[2] if len(parts) > 1 else b""
    return parts[0] + b"_" + version in names.surroundings.installed


def is_bytecode(name: bytes, folder: bytes, names: Names) -> bool:
    """Python writes it again, or never reads it. Without a source beside it, it is the program itself."""
    return folder == b"__pycache__" or names.has(name[:-1])


def is_archive_of_objects(name: bytes, folder: bytes, _: Names) -> bool:
    """A static library. libtool's `.la` files count only where a linker looks, since a program may load modules by them."""
    if name.endswith(b".la"):
        return name.startswith(b"lib") and is_linked_folder(folder)
    return name.startswith(b"lib") or is_linked_folder(folder)


def is_linked_folder(folder: bytes) -> bool:
    return folder in (b"lib", b"lib64", b"lib32") or b"-linux-" in folder


def is_startup_object(name: bytes, folder: bytes, _: Names) -> bool:
    return name in _STARTUP or folder.startswith(b"config-")


def is_header(name: bytes, _: bytes, __: Names) -> bool:
    """Python's `sysconfig` reads `pyconfig.h` at run time."""
    return name != b"pyconfig.h"


def in_folder(*folders: bytes) -> Callable[[bytes, bytes, Names], bool]:
    """The file's directory has one of these names."""
    allowed = frozenset(folders)

    def fits(_: bytes, folder: bytes, __: Names) -> bool:
        return folder in allowed

    return fits


def starting(*starts: bytes) -> Callable[[bytes, bytes, Names], bool]:
    """The file's name starts like this."""

    def fits(name: bytes, _: bytes, __: Names) -> bool:
        return name.startswith(starts)

    return fits


def stem_beside(*endings: bytes) -> Callable[[bytes, bytes, Names], bool]:
    """A file with the same name, but with one of these endings instead of the last one, is beside it."""

    def fits(name: bytes, _: bytes, names: Names) -> bool:
        stem = name[: name.rfind(b".")]
        return any(names.has(stem + ending) for ending in endings)

    return fits


def is_script_source(name: bytes, _: bytes, names: Names) -> bool:
    """TypeScript beside the JavaScript made of it."""
    stem = name[: name.rfind(b".")]
    return not stem.endswith(b".d") and any(
        names.has(stem + ending) for ending in (b".js", b".mjs", b".cjs", b".jsx")
    )


def is_declaration(name: bytes, folder: bytes, names: Names) -> bool:
    """TypeScript's declarations, except those that its compiler loads at run time, or sources."""
    stem = name[: name.rfind(b".")]
    if stem.endswith(b".d"):
        return not (folder == b"lib" and names.has(b"typescript.js"))
    return is_script_source(name, folder, names)


def is_native_source(name: bytes, _: bytes, names: Names) -> bool:
    """The source of a native module that is beside it."""
    return name[: name.find(b".")] in names.native


def is_readme(name: bytes, _: bytes, __: Names) -> bool:
    return name.upper().startswith((b"README", b"CHANGELOG", b"HISTORY", b"CHANGES"))


def is_locale_archive(_: bytes, folder: bytes, names: Names) -> bool:
    """The archive of all compiled locales, unless the image asks for one."""
    return folder == b"locale" and not names.surroundings.languages


def is_java_source(_: bytes, folder: bytes, names: Names) -> bool:
    return folder == b"lib" and names.has(b"modules")


def at_root(_: bytes, folder: bytes, __: Names) -> bool:
    return not folder


def is_program(_: bytes, folder: bytes, __: Names) -> bool:
    return folder in (b"bin", b"sbin")


# What places spare


def is_legal(name: bytes) -> bool:
    """Licenses and copyright files must stay with what they cover."""
    return name.lower().startswith(_LEGAL)


def is_shared_library(name: bytes) -> bool:
    return b".so" in name and (name.endswith(b".so") or b".so." in name)


def unless(*endings: bytes) -> Callable[[bytes], bool]:
    """Spares every file without one of these endings."""

    def spares(name: bytes) -> bool:
        return not name.endswith(endings)

    return spares


def is_read_by_perl(name: bytes) -> bool:
    """`use diagnostics` explains messages from this page."""
    return name == b"perldiag.pod"


def is_python_configuration(name: bytes) -> bool:
    return name == b"pyconfig.h"


_LEGAL: Final = (b"copyright", b"license", b"licence", b"copying", b"notice", b"legal")
_STARTUP: Final = frozenset(
    (
        *(
            b"crt1.o",
            b"crti.o",
            b"crtn.o",
            b"Scrt1.o",
            b"gcrt1.o",
            b"grcrt1.o",
            b"Mcrt1.o",
            b"rcrt1.o",
        ),
        *(
            b"crtbegin.o",
            b"crtbeginS.o",
            b"crtbeginT.o",
            b"crtend.o",
            b"crtendS.o",
            b"crtfastmath.o",
        ),
        *(b"crtoffloadbegin.o", b"crtoffloadend.o", b"crtoffloadtable.o", b"crtprec32.o"),
        *(b"crtprec64.o", b"crtprec80.o"),
    )
)
_ARCHIVES: Final = (
    *(b".tar.gz", b".tgz", b".tar.xz", b".txz", b".tar.bz2", b".tbz2", b".tbz", b".tar.zst"),
    *(b".tar.lz", b".tar.lzma", b".tar", b".zip", b".7z"),
)


def _exists(node: Node, name: bytes) -> bool:
    below = node.below
    child = below.get(name) if below else None
    return child is not None and (type(child) is int or child.visible)  # type: ignore[union-attr]


def _some(node: Node, wanted: Callable[[bytes], bool], *endings: bytes) -> bool:
    """Whether a name in the directory, or in a directory right below, has one of the endings and is wanted."""
    return any(name.endswith(endings) and wanted(name) for name in _names(node))


def _names(node: Node) -> Iterator[bytes]:
    below = node.below
    if not below:
        return
    left = _MOST_NAMES
    folders: list[Collection[bytes]] = []
    for name, child in below.items():
        yield name
        left -= 1
        if not left:
            return
        if isinstance(child, Node) and child.below:
            folders.append(child.below)
    for names in folders:
        for name in names:
            yield name
            left -= 1
            if not left:
                return
