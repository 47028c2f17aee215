"""What layerscope is doing when something goes wrong, and what it writes."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.builder import FORMS, WHITEOUT, BuiltImage, ImageBuilder
from tests.registry.server import Registry
from tests.sources.stores.fake_engine import FakeEngine

OLD: Final = b"what was there before"
HELD: Final = {"d0/f00": OLD, "d0/f07": OLD}
"""What the folder of an extraction has before."""


@dataclass(frozen=True)
class Action:
    """A command. `INPUTS` in an argument is the folder of the images, `REGISTRY` a registry."""

    name: str
    arguments: tuple[str, ...]
    written: tuple[str, ...] = ()
    """The files and folders that it creates. Each file is whole, or what it was before."""
    stdin: str | None = None
    keeps: tuple[str, ...] = ()
    """Folders in which it may leave what a second run needs. That run has to say the same as if nothing had happened."""
    weight: int = 4


ACTIONS: Final = (
    Action(
        "report",
        ("report", "INPUTS/app.tar", "-o", "html=x.html", "-o", "json=x.json", "--force"),
        ("x.html", "x.json"),
    ),
    Action(
        "check",
        ("check", "INPUTS/app.tar", "--max-size", "1GB", "-o", "junit=x.xml", "--force"),
        ("x.xml",),
    ),
    Action(
        "compare",
        ("compare", "INPUTS/app.tar", "INPUTS/b.tar", "-o", "json=x.json", "--force"),
        ("x.json",),
    ),
    Action("extract", ("extract", "INPUTS/app.tar", "/d0", "-o", "out", "--force"), ("out",)),
    Action("export", ("export", "docker:app:1", "-o", "x.tar", "--force"), ("x.tar",)),
    Action("engine", ("report", "docker:app:1", "-o", "json=x.json", "--force"), ("x.json",)),
    Action(
        "standard input",
        ("report", "-", "-o", "json=x.json", "--force"),
        ("x.json",),
        stdin="app.tar",
    ),
    Action(
        "cache",
        ("report", "INPUTS/b.tar", "-o", "json=x.json", "--force"),
        ("x.json",),
        keeps=("cache",),
    ),
    Action(
        "registry",
        ("report", "registry:REGISTRY/team/app:1", "-o", "json=x.json", "--force"),
        ("x.json",),
    ),
    Action(
        "fleet",
        ("fleet", "scan", "INPUTS/images", "--out", "fleet", "--workers", "1"),
        keeps=("fleet",),
        weight=1,
    ),
)


def image(tag: str, seed: int) -> BuiltImage:
    source = random.Random(seed)
    builder = ImageBuilder(tag)
    for layer in range(3):
        files = {f"d{layer}/f{number:02}": source.randbytes(2000) * 8 for number in range(20)}
        builder.layer(files, f"/bin/sh -c step {layer}")
    return builder.layer({"d1/f03": WHITEOUT}, "/bin/sh -c rm").build()


def write_inputs(folder: Path) -> None:
    (folder / "images").mkdir(parents=True)
    one, two = image("app:1", 1), image("app:2", 2)
    FORMS["docker-legacy"].write([one], folder / "app.tar")
    FORMS["oci-archive"].write([two], folder / "b.tar", "gzip")
    FORMS["oci-archive"].write([one], folder / "images/one.tar", "zstd")
    FORMS["oci-archive"].write([two], folder / "images/two.tar", "gzip")


def registry() -> Registry:
    """A registry with the second image."""
    served = Registry()
    served.add(image("app:2", 2))
    return served


def engine(inputs: Path) -> FakeEngine:
    """An engine that saves the first image."""
    told = {
        "Id": "sha256:" + "1" * 64,
        "RepoTags": ["app:1"],
        "Size": 1,
        "Os": "linux",
        "Architecture": "amd64",
        "RootFS": {"Type": "layers", "Layers": []},
    }
    return FakeEngine(
        told, {"Driver": "none", "DockerRootDir": "/nonexistent"}, (inputs / "app.tar").read_bytes()
    )


def prepare(action: Action, folder: Path) -> None:
    """Put there what a run replaces."""
    for name in action.written:
        if name == "out":
            for path, data in HELD.items():
                (folder / "out" / path).parent.mkdir(parents=True, exist_ok=True)
                (folder / "out" / path).write_bytes(data)
        else:
            (folder / name).write_bytes(OLD)


def contents(folder: Path, names: tuple[str, ...]) -> dict[str, bytes]:
    """The files with these names, or below folders with these names."""
    found = {}
    for name in names:
        top = folder / name
        for path in sorted(top.rglob("*")) if top.is_dir() else [top]:
            if path.is_file():
                found[str(path.relative_to(folder))] = path.read_bytes()
    return found
