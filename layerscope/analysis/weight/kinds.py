"""The kinds of dead weight, in order of precedence: a file that fits several kinds counts for the first of them."""

from __future__ import annotations

from typing import Final, Literal, get_args

WeightKind = Literal[
    "package_cache",
    "package_lists",
    "version_control",
    "crash_dumps",
    "logs",
    "leftovers",
    "generated",
    "dev_dependencies",
    "archives",
    "man_pages",
    "docs",
    "locales",
    "bytecode",
    "static_libraries",
    "headers",
    "tests",
    "sources",
    "compilers",
    "debug_symbols",
]
WEIGHT_KINDS: Final[tuple[WeightKind, ...]] = get_args(WeightKind)
RANKS: Final[dict[WeightKind, int]] = {kind: rank for rank, kind in enumerate(WEIGHT_KINDS)}
WEIGHT_WORDS: Final[dict[WeightKind, str]] = {
    "package_cache": "package caches",
    "package_lists": "package lists",
    "version_control": "version control",
    "crash_dumps": "crash dumps",
    "logs": "logs",
    "leftovers": "leftovers",
    "generated": "generated files",
    "dev_dependencies": "development dependencies",
    "archives": "unpacked archives",
    "man_pages": "man pages",
    "docs": "documentation",
    "locales": "locales",
    "bytecode": "bytecode",
    "static_libraries": "static libraries",
    "headers": "headers",
    "tests": "test suites",
    "sources": "sources",
    "compilers": "compilers and build tools",
    "debug_symbols": "debug symbols",
}
"""What each kind is called in a sentence."""

Evidence = Literal["contents", "folder", "package"]
"""How it is known that an archive was unpacked."""
EVIDENCE_WORDS: Final[dict[Evidence, str]] = {
    "contents": "its files are unpacked",
    "folder": "a directory of its name is beside it",
    "package": "its package is installed",
}
