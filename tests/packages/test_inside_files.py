"""Packages inside programs and archives: Go's build information, cargo-auditable, Java archives."""

from __future__ import annotations

import io
import json
import struct
import zipfile
import zlib
from collections.abc import Mapping

import pytest

from layerscope.packages import executables, java
from layerscope.packages.elf import ReadAt
from layerscope.packages.package import Installed

GUARD = b"0" * 15 + b"\n"
MODULES = (
    b"path\texample.com/app/cmd/app\nmod\texample.com/app\tv1.4.0\th1:x=\n"
    b"dep\tgithub.com/spf13/cobra\tv1.8.0\th1:y=\n"
    b"dep\tgolang.org/x/sys\tv0.1.0\n=>\texample.com/fork/sys\tv0.2.0\th1:z=\n"
    b"build\t-compiler=gc\n"
)


def reader(data: bytes) -> ReadAt:
    return lambda offset, count: data[offset : offset + count]


def elf(sections: Mapping[bytes, bytes], *, wide: bool = True, order: str = "<") -> bytes:
    """An ELF file of these sections."""
    size = 64 if wide else 52
    names = b"\0"
    body = b""
    rows = [(0, 0, 0, 0)]
    for name, data in {**sections, b".shstrtab": b""}.items():
        at = len(names)
        names += name + b"\0"
        if name == b".shstrtab":
            data = names
        rows.append((at, 1, size + len(body), len(data)))
        body += data
    row = struct.Struct(f"{order}IIQQQQIIQQ" if wide else f"{order}IIIIIIIIII")
    table = size + len(body)
    head = b"\x7fELF" + bytes((2 if wide else 1, 1 if order == "<" else 2, 1)) + bytes(9)
    if wide:
        head += struct.pack(
            f"{order}HHIQQQIHHHHHH",
            2,
            62,
            1,
            0,
            0,
            table,
            0,
            64,
            0,
            0,
            row.size,
            len(rows),
            len(rows) - 1,
        )
    else:
        head += struct.pack(
            f"{order}HHIIIIIHHHHHH",
            2,
            3,
            1,
            0,
            0,
            table,
            0,
            52,
            0,
            0,
            row.size,
            len(rows),
            len(rows) - 1,
        )
    return (
        head
        + body
        + b"".join(
            row.pack(at, kind, 0, 0, start, length, 0, 0, 0, 0) for at, kind, start, length in rows
        )
    )


def varint(number: int) -> bytes:
    out = b""
    while number >= 0x80:
        out += bytes((number & 0x7F | 0x80,))
        number >>= 7
    return out + bytes((number,))


def build_info(modules: bytes = MODULES, flags: int = 2) -> bytes:
    head = b"\xff Go buildinf:" + bytes((8, flags)) + bytes(16)
    info = GUARD + modules + GUARD
    return head + varint(8) + b"go1.22.1" + varint(len(info)) + info


def read(clipped: bytes | None) -> Installed:
    assert clipped is not None
    assert executables.is_document(clipped)
    (found,) = executables.read(b"app", {b"app": clipped}, "")
    return found


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("wide", [True, False])
def test_a_go_program_names_its_module_and_those_in_it(order: str, wide: bool) -> None:
    data = elf({b".text": b"x" * 99, b".go.buildinfo": build_info()}, wide=wide, order=order)
    found = read(executables.clip(reader(data)))
    assert found.package.purl == "pkg:golang/example.com/app@v1.4.0"
    assert found.files == (b"app",)
    assert [each.purl for each in found.inside] == [
        "pkg:golang/github.com/spf13/cobra@v1.8.0",
        "pkg:golang/example.com/fork/sys@v0.2.0",
    ]


def test_a_go_program_outside_of_a_module_is_named_by_its_path() -> None:
    data = elf({b".go.buildinfo": build_info(b"path\tcmd/go\nbuild\t-compiler=gc\n")})
    found = read(executables.clip(reader(data)))
    assert (found.package.purl, found.inside) == ("pkg:golang/cmd/go", ())


def test_a_rust_program_names_its_crate_without_what_only_built_it() -> None:
    rows = {
        "packages": [
            {"name": "app", "version": "0.1.0", "root": True},
            {"name": "serde", "version": "1.0.2"},
            {"name": "cc", "version": "1.0", "kind": "build"},
        ]
    }
    data = elf({b".dep-v0": zlib.compress(json.dumps(rows).encode())})
    found = read(executables.clip(reader(data)))
    assert found.package.purl == "pkg:cargo/app@0.1.0"
    assert [each.name for each in found.inside] == ["serde"]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"#!/bin/sh\n",
        b"\x7fELF" + bytes(8),
        elf({b".text": b"x"}),
        elf({b".go.buildinfo": build_info(flags=0)}),
        elf({b".go.buildinfo": b"\xff Go buildinf:"}),
        elf({b".dep-v0": b"not zlib"}),
        elf({b".dep-v0": zlib.compress(bytes(9 * 1024 * 1024))}),
    ],
)
def test_programs_that_say_nothing_are_left_alone(data: bytes) -> None:
    assert executables.clip(reader(data)) is None


def test_every_cut_of_an_elf_file_is_survived() -> None:
    data = elf({b".go.buildinfo": build_info()})
    for end in range(len(data)):
        executables.clip(reader(data[:end]))


def jar(members: Mapping[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return file.getvalue()


def pom(group: str, name: str, version: str) -> dict[str, bytes]:
    text = f"#Created\nversion={version}\ngroupId={group}\nartifactId={name}\n"
    return {f"META-INF/maven/{group}/{name}/pom.properties": text.encode()}


def clipped(path: bytes, data: bytes) -> Installed:
    document = java.clip(path, reader(data), len(data))
    assert document is not None
    (found,) = java.read(path, {path: document}, "")
    return found


def test_a_java_archive_names_itself_and_what_is_nested_in_it() -> None:
    inner = jar(pom("org.slf4j", "slf4j-api", "2.0.9"))
    plain = jar({"a.class": b"x"})
    data = jar(
        {
            **pom("com.example", "app", "1.0"),
            "BOOT-INF/lib/slf4j-api-2.0.9.jar": inner,
            "BOOT-INF/lib/plain-3.1.jar": plain,
            "BOOT-INF/lib/broken.jar": b"PK not a zip",
        }
    )
    found = clipped(b"srv/app-1.0.jar", data)
    assert found.package.purl == "pkg:maven/com.example/app@1.0"
    assert [each.purl for each in found.inside] == [
        "pkg:maven/org.slf4j/slf4j-api@2.0.9",
        "pkg:maven/plain@3.1",
    ]


def test_a_shaded_archive_is_the_one_it_is_named_after() -> None:
    data = jar({**pom("org.a", "a", "1"), **pom("org.b", "b", "2")})
    found = clipped(b"srv/b-2.jar", data)
    assert found.package.name == "b"
    assert [each.name for each in found.inside] == ["a"]


def test_archives_without_coordinates_or_that_are_damaged_say_nothing() -> None:
    data = jar({"a.class": b"x"})
    assert java.clip(b"srv/app.jar", reader(data), len(data)) is None
    for end in range(0, len(data), 3):
        java.clip(b"srv/app.jar", reader(data[:end]), len(data))


def test_nested_archives_are_followed_a_few_levels_and_no_further() -> None:
    data = jar(pom("g", "deepest", "1"))
    for level in range(6):
        data = jar({**pom("g", f"level{level}", "1"), "next.jar": data})
    found = clipped(b"srv/level5.jar", data)
    assert [each.name for each in found.inside] == ["level4", "level3", "level2"]
