"""Saved reports of extreme shapes: what each one has in place of a value of a small honest report."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import layerscope
from layerscope.report.document.builder import build
from layerscope.report.document.serialize import dumps
from tests.builder import FORMS, ImageBuilder

ENTRY = '{"type":"file","path":"/%s","size":0,"mode":0,"uid":0,"gid":0,"mtime":0}'
_MARK = "the value goes here"


@dataclass(frozen=True)
class SavedShape:
    """`value` makes the text at `place` of the document."""

    name: str
    place: tuple[str | int, ...]
    value: Callable[[], str]
    limit: str = ""
    """The limit that refuses it, if one does."""
    slow: bool = False

    def write(self, path: Path) -> str:
        document = json.loads(honest())
        parent = document
        for key in self.place[:-1]:
            parent = parent[key]
        parent[self.place[-1]] = _MARK
        path.write_text(json.dumps(document).replace(f'"{_MARK}"', self.value()))
        return str(path)


@cache
def honest() -> str:
    """The report of an image with one small file."""
    built = ImageBuilder("app:1").layer({"f": b"x"}, "RUN x").build()
    with TemporaryDirectory() as folder:
        reference = FORMS["docker-legacy"].write([built], Path(folder, "image.tar"))
        with layerscope.read(reference) as analysis:
            return dumps(build(analysis, files=True, hashes=True))


def rows(values: Iterable[str]) -> str:
    return f"[{','.join(values)}]"


def mapped(pairs: Iterable[tuple[str, str]]) -> str:
    return "{" + ",".join(f'"{key}":{value}' for key, value in pairs) + "}"


def text(length: int, end: str = "") -> str:
    return '"' + "x" * length + end + '"'


def entries(*more: str) -> str:
    """The honest entries, and more."""
    kept = json.loads(honest())["layers"][0]["entries"]
    return rows((*map(json.dumps, kept), *more))


def with_value(value: str) -> str:
    """An entry with one more value."""
    return f'{ENTRY[:-1] % "a"},"more":{value}}}'


def nested(depth: int) -> str:
    return "[" * depth + "]" * depth


def layers(number: int) -> str:
    row = json.dumps(json.loads(honest())["layers"][0])
    return rows([row] * number)


def instructions(number: int) -> str:
    first = json.loads(honest())["instructions"][0]
    sizes = dict.fromkeys(first["sizes"], 0)
    empty: dict[str, Any] = {**first, "layers": [], "sizes": sizes, "empty": True}
    more = (json.dumps({**empty, "index": at}) for at in range(1, number))
    return rows((json.dumps(first), *more))


def attributes(names: int, entry: int) -> str:
    values = mapped((f"user.{number}", '""') for number in range(names))
    return f'{ENTRY[:-1] % entry},"xattrs":{values}}}'


MORE = ("more",)
MANY = 50_000
ENTRIES = ("layers", 0, "entries")
REFUSED = (
    SavedShape("tiny values", MORE, lambda: rows(["[]"] * 1_100_000), "report_values"),
    SavedShape(
        "many keys",
        MORE,
        lambda: mapped((str(n), "0") for n in range(1_100_000)),
        "report_values",
        True,
    ),
    SavedShape(
        "tiny values in an entry",
        ENTRIES,
        lambda: entries(with_value(rows(["[]"] * 600_000))),
        "report_values",
    ),
    SavedShape("nested values", MORE, lambda: nested(201), "json_depth"),
    SavedShape("deeply nested values", MORE, lambda: "[" * 1_000_000, "json_depth"),
    SavedShape("an entry of nested values", ENTRIES, lambda: entries(with_value(nested(201))), "json_depth"),
    SavedShape("a long text", MORE, lambda: text(100_000_000), "report_bytes"),
    SavedShape("long texts", MORE, lambda: rows([text(1_000_000)] * 17), "report_bytes"),
    SavedShape("a long entry", ENTRIES, lambda: entries(with_value(text(5_000_000))), "report_bytes"),
    SavedShape("layers", ("layers",), lambda: layers(1_100), "layers"),
    SavedShape("instructions", ("instructions",), lambda: instructions(31_100), "history"),
    SavedShape("a long name", ENTRIES, lambda: entries(ENTRY % ("n" * 70_000)), "path_bytes"),
    SavedShape("a deep path", ENTRIES, lambda: entries(ENTRY % ("d/" * 17_000 + "f")), "path_depth"),
    SavedShape(
        "implied directories",
        ENTRIES,
        lambda: entries(*(ENTRY % (f"{n}/" + "d/" * 10_000 + "f") for n in range(100))),
        "implied_bytes",
    ),
    SavedShape(
        "attributes",
        ENTRIES,
        lambda: entries(*(attributes(1000, number) for number in range(1500))),
        "extra_bytes",
        True,
    ),
)  # fmt: skip
READ = (
    SavedShape("instructions", ("instructions",), lambda: instructions(30_000)),
    SavedShape("notes", ("notes",), lambda: rows(['{"code":"a","message":"b"}'] * 300_000)),
    SavedShape("tiny objects", MORE, lambda: rows(['{"a":1}'] * 450_000)),
    SavedShape(
        "wide texts", ("config", "labels"),
        lambda: mapped((str(n), text(1_000_000, "\U0001f600")) for n in range(15)),
    ),
)  # fmt: skip
"""Just below the limits."""
EACH = (
    SavedShape("files", ENTRIES, lambda: entries(*(ENTRY % n for n in range(MANY)))),
    SavedShape("files in directories of their own", ENTRIES, lambda: entries(*(ENTRY % f"{n}/d" for n in range(MANY)))),
    SavedShape("devices", ENTRIES, lambda: entries(*(ENTRY[:-1] % n + ',"device":[0,1]}' for n in range(MANY)))),
    SavedShape(
        "links with owners of their own", ENTRIES,
        lambda: entries(*(
            (ENTRY % n).replace('"file"', '"hardlink","linkname":"/f"').replace('"uid":0', f'"uid":{n}')
            for n in range(MANY)
        )),
    ),
)  # fmt: skip
"""Many entries of few bytes each."""
