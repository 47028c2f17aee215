"""Instructions with as many words as the configuration may have, and as many files as can be told something about."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.builder import FORMS, WHITEOUT, ImageBuilder
from tests.builder.image import BuiltImage
from tests.builder.nodes import MemberLike
from tests.hostile.running import layerscope

SIZE = 500_000
WORDS = " ".join(f"a{number}/b" for number in range(430))
REMOVALS = " ".join(f"rm -rf /app/p{number};" for number in range(1000))

TEXTS = {
    "options": "/bin/sh -c " + "-a b --pass c " * (SIZE // 14),
    "settings": "/bin/sh -c " + "a: b pass: c " * (SIZE // 13),
    "assignments": "/bin/sh -c " + " ".join(f"pin{number}=x" for number in range(SIZE // 11)),
    "members": "/bin/sh -c " + "'pass':'a'," * (SIZE // 11),
    "logins": "/bin/sh -c " + "mysql  -p " * (SIZE // 10),
    "possible keys": "LABEL " + " ".join(f"token{n}=abcdefgh{n}" for n in range(SIZE // 22)),
    "blanks": "/bin/sh -c " + " " * SIZE,
}
"""Half a megabyte each."""


Layer = tuple[str, list[MemberLike]]
"""The text of an instruction, and the members of its layer."""


def image(*layers: Layer) -> BuiltImage:
    builder = ImageBuilder("app:1")
    for text, members in layers:
        builder.layer(members, text)
    return builder.build()


def rewrite(number: int) -> Layer:
    return f"/bin/sh -c {REMOVALS}", [(f"app/p{path}", b"%d" % number) for path in range(100)]


def files(folder: str, ending: str = "", count: int = 5000) -> list[MemberLike]:
    return [(f"app/p{number}/{folder}/m{number}{ending}", b"x") for number in range(count)]


SHAPES = {
    "COPY of many names": image((f"COPY {WORDS} /app # buildkit", files(".git"))),
    "ADD of many names": image((f"ADD {WORDS} /app # buildkit", files(".git"))),
    "ADD of bytecode": image((f"ADD {WORDS} /app # buildkit", files("__pycache__", ".pyc"))),
    "RUN that names each file": image(
        ("COPY . /app # buildkit", files("__pycache__", ".pyc")),
        (f"/bin/sh -c {REMOVALS}", [(f"app/p{number}", WHITEOUT) for number in range(5000)]),
    ),
    "each RUN wastes the one before": image(*map(rewrite, range(127))),
}


@pytest.mark.parametrize("name", TEXTS)
def test_half_a_megabyte_of_words_is_read(name: str, tmp_path: Path) -> None:
    read(image((TEXTS[name], [("f", b"x")])), tmp_path)


@pytest.mark.parametrize("name", SHAPES)
def test_many_words_about_many_files_are_read(name: str, tmp_path: Path) -> None:
    read(SHAPES[name], tmp_path)


def read(built: BuiltImage, folder: Path) -> None:
    reference = FORMS["docker-legacy"].write([built], folder / "image.tar")
    ran = layerscope("report", "--json", "--no-cache", reference, cwd=folder)
    assert ran.code == 0, ran.err
    assert len(json.loads(ran.out)["layers"]) == len(built.layers)
