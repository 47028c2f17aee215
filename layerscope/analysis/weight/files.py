"""The names of files that a running container hardly needs, wherever they are."""

from __future__ import annotations

from typing import Final

from layerscope.analysis.weight.evidence import (
    at_root,
    in_folder,
    is_archive_of_objects,
    is_bytecode,
    is_declaration,
    is_header,
    is_installed_deb,
    is_installed_wheel,
    is_java_source,
    is_locale_archive,
    is_native_source,
    is_program,
    is_readme,
    is_script_source,
    is_startup_object,
    starting,
    stem_beside,
    unpacked_beside,
)
from layerscope.analysis.weight.rule import (
    GEMS,
    INCLUDE,
    LIBRARY,
    NODE,
    PYTHON,
    File,
)

_BINUTILS: Final = (
    *("addr2line", "ar", "as", "c++filt", "dwp", "elfedit", "gold", "gprof", "ld", "ld.bfd"),
    *("ld.gold", "ld.lld", "nm", "objcopy", "objdump", "ranlib", "readelf", "size", "strip"),
)
_COMPILERS: Final = (
    *("cc", "c++", "gcc", "g++", "cpp", "gfortran", "gcc-ar", "gcc-nm", "gcc-ranlib", "gcov"),
    *("gcov-dump", "gcov-tool", "lto-dump", "clang", "clang++", "make", "gmake", "cmake", "ctest"),
    *("cpack", "ninja", "meson", "bison", "flex", "autoconf", "automake", "libtool", "m4"),
)
_RUST: Final = (
    *("cargo", "rustc", "rustup", "rustdoc", "rustfmt", "rust-gdb", "rust-lldb", "rust-gdbgui"),
    *("rls", "rust-analyzer", "cargo-clippy", "cargo-fmt", "cargo-miri", "clippy-driver"),
)

FILES: Final = (
    File("package_cache", endings=(b".gem",), tool="gem", fits=in_folder(b"cache")),
    File("crash_dumps", endings=(b".hprof", b".stackdump", b".heapsnapshot", b".mdmp")),
    File("crash_dumps", names=(b"vmcore",)),
    File("crash_dumps", endings=(b".log",), fits=starting(b"hs_err_pid", b"replay_pid")),
    File(
        "logs",
        names=(
            b"npm-debug.log",
            b"yarn-error.log",
            b"yarn-debug.log",
            b"lerna-debug.log",
            b"pip-log.txt",
        ),
    ),
    File("leftovers", names=(b"swapfile", b"swap.img"), fits=at_root),
    File("leftovers", endings=(b".swp", b".swo", b".swn"), fits=starting(b".")),
    File("leftovers", endings=(b".orig",), fits=stem_beside(b"")),
    File("leftovers", endings=(b".rej", b".rpmsave", b".rpmorig", b".rpmnew", b".apk-new")),
    File(
        "leftovers",
        endings=(
            b".dpkg-old",
            b".dpkg-dist",
            b".dpkg-new",
            b".dpkg-tmp",
            b".ucf-old",
            b".ucf-dist",
        ),
    ),
    File("leftovers", names=(b".DS_Store", b"Thumbs.db", b"nohup.out")),
    File(
        "leftovers",
        names=(b"passwd-", b"group-", b"shadow-", b"gshadow-", b"subuid-", b"subgid-"),
        fits=in_folder(b"etc"),
    ),
    File(
        "leftovers",
        names=(b"config.dat-old", b"templates.dat-old", b"passwords.dat-old"),
        fits=in_folder(b"debconf"),
    ),
    File(
        "leftovers",
        names=(b"status-old", b"available-old", b"diversions-old", b"statoverride-old"),
        fits=in_folder(b"dpkg"),
    ),
    File("generated", names=(b".coverage",), tool="coverage"),
    File("generated", names=(b".eslintcache", b".stylelintcache")),
    File("generated", names=(b"celerybeat-schedule", b"celerybeat-schedule.db"), tool="celery"),
    File("generated", endings=(b".tsbuildinfo",), tool="typescript"),
    File(
        "archives",
        endings=(
            *(b".gz", b".tgz", b".xz", b".txz", b".bz2", b".tbz2", b".tbz", b".zst", b".lz"),
            *(b".lzma", b".tar", b".zip", b".7z"),
        ),
        fits=unpacked_beside,
        evidence="folder",
    ),
    File(
        "archives",
        endings=(b".whl",),
        fits=is_installed_wheel,
        tool="pip",
        evidence="package",
    ),
    File(
        "archives",
        endings=(b".deb",),
        fits=is_installed_deb,
        tool="dpkg",
        evidence="package",
    ),
    File("docs", endings=(b".md", b".markdown"), marks=NODE, fits=is_readme),
    File("locales", names=(b"locale-archive",), fits=is_locale_archive),
    File("bytecode", endings=(b".pyc", b".pyo"), fits=is_bytecode),
    File("static_libraries", endings=(b".a", b".la"), marks=LIBRARY, fits=is_archive_of_objects),
    File("static_libraries", endings=(b".rlib",), marks=LIBRARY),
    File("static_libraries", endings=(b".o",), marks=LIBRARY, fits=is_startup_object),
    File(
        "headers",
        endings=(b".h", b".hh", b".hpp", b".hxx", b".h++", b".cuh", b".ipp", b".tcc", b".inl"),
        marks=INCLUDE | LIBRARY | PYTHON | NODE | GEMS,
        fits=is_header,
    ),
    File("sources", endings=(b".map",), fits=stem_beside(b"")),
    File("sources", endings=(b".ts", b".mts", b".cts"), marks=NODE, fits=is_declaration),
    File("sources", endings=(b".ts", b".tsx", b".mts", b".cts"), fits=is_script_source),
    File("sources", endings=(b".flow",), marks=NODE, fits=stem_beside(b"")),
    File(
        "sources",
        endings=(b".pyx", b".pxd", b".c", b".cc", b".cpp", b".cxx", b".f", b".f90"),
        marks=PYTHON,
        fits=is_native_source,
    ),
    File("sources", names=(b"src.zip",), fits=is_java_source, tool="java"),
    File("sources", names=(b"php.tar.xz", b"php.tar.xz.asc"), fits=in_folder(b"src"), tool="php"),
    File(
        "compilers",
        names=tuple(name.encode() for name in _BINUTILS),
        fits=is_program,
        tool="binutils",
    ),
    File("compilers", names=tuple(name.encode() for name in _COMPILERS), fits=is_program),
    File("compilers", names=tuple(name.encode() for name in _RUST), fits=is_program, tool="rust"),
    File("debug_symbols", endings=(b".dwo", b".dwp")),
    File("debug_symbols", endings=(b".debug",), fits=in_folder(b".debug", b"debug")),
    File("debug_symbols", endings=(b".pdb",), fits=stem_beside(b".dll", b".exe")),
)
"""Rules by name. A program that a package owns is judged by its package instead (`build_tools.py`)."""

BACKUP: Final = File("leftovers")
"""A file whose name ends in `~`, as editors leave it."""


def _table(rows: tuple[tuple[bytes, File], ...]) -> dict[bytes, tuple[File, ...]]:
    table: dict[bytes, tuple[File, ...]] = {}
    for key, rule in rows:
        table[key] = (*table.get(key, ()), rule)
    return table


BY_NAME: Final = _table(tuple((name, rule) for rule in FILES for name in rule.names))
BY_ENDING: Final = _table(tuple((ending, rule) for rule in FILES for ending in rule.endings))
