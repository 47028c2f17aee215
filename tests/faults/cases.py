"""One case is an action, a fault, and a moment, drawn from a seed. `wrong` is what must not be afterwards."""

from __future__ import annotations

import json
import os
import random
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.faults.actions import (
    ACTIONS,
    HELD,
    OLD,
    Action,
    contents,
    engine,
    prepare,
    registry,
    write_inputs,
)
from tests.faults.faults import FAULTS, ROOT, Fault, Place, Ran, others_may_run, plain
from tests.faults.surroundings import SURROUNDINGS
from tests.sources.stores.fake_engine import listening

EVERY: Final = (*FAULTS, *SURROUNDINGS)
SAME: Final = frozenset({0})
RARELY: Final = 40
"""One of this many cases has a slow fault."""


@dataclass
class World:
    """The images, the engine, and what each action writes if nothing happens."""

    folder: Path
    inputs: Path
    environment: Mapping[str, str]
    registry: str
    right: dict[str, dict[str, bytes]]
    seconds: dict[str, float]

    def place(self, action: Action, folder: Path, inputs: Path) -> Place:
        folder.mkdir(parents=True)
        (folder / "temporary").mkdir()
        environment = {
            **self.environment,
            "LAYERSCOPE_CACHE_DIR": str(folder / "cache"),
            "TMPDIR": str(folder / "temporary"),
            "HOME": str(folder),
        }
        size = sum(map(len, self.right.get(action.name, {}).values())) or 1 << 20
        images = tuple(
            each.removeprefix("INPUTS/") for each in action.arguments if each.startswith("INPUTS/")
        )
        seconds = self.seconds.get(action.name, 1)
        return Place(folder, inputs, environment, seconds, size, self.registry, images)


def make_world(folder: Path, stack: ExitStack) -> World:
    """Write the images, start the engine, and run each action once."""
    inputs = folder / "inputs"
    write_inputs(inputs)
    address = stack.enter_context(listening(engine(inputs), folder / "engine.sock"))
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "LC_ALL": "C.UTF-8",
        "DOCKER_HOST": address,
        "PYTHONDONTWRITEBYTECODE": "1",  # Python keeps what a full disk cuts off
    }
    served = stack.enter_context(registry())
    return World(folder, inputs, environment, served.netloc, {}, {})


def learn(world: World, action: Action) -> None:
    """Run an action once without a fault."""
    if action.name in world.right:
        return
    place = world.place(action, world.folder / "right" / action.name, world.inputs)
    prepare(action, place.folder)
    began = time.monotonic()
    ran = plain(action, place)
    assert ran.code == 0, (action.name, ran)
    world.seconds[action.name] = time.monotonic() - began
    world.right[action.name] = contents(place.folder, action.written)
    shutil.rmtree(place.folder)


def fits(fault: Fault) -> bool:
    """Whether the fault can happen on this machine."""
    if fault.other_user and not others_may_run():
        return False
    if fault.program and shutil.which(fault.program) is None:
        return False
    return os.geteuid() == 0 or not fault.root


def draw(number: int, seed: int, only: str | None) -> tuple[Action, Fault, random.Random]:
    source = random.Random(f"fault {seed}/{number}")
    faults = [fault for fault in EVERY if fault.name == only or (only is None and fits(fault))]
    if only is None:
        slow = number % RARELY == RARELY - 1
        faults = [fault for fault in faults if fault.slow == slow]
    fault = faults[number % len(faults)]
    fitting = [
        action
        for action in ACTIONS
        for _ in range(action.weight)
        if not fault.actions or action.name in fault.actions
    ]
    return source.choice(fitting), fault, source


def try_case(world: World, number: int, seed: int, only: str | None) -> tuple[str, list[str]]:
    """Run a case. Returns its name with the exit code, and what is wrong afterwards."""
    action, fault, source = draw(number, seed, only)
    learn(world, action)
    folder = world.folder / str(number)
    inputs = world.inputs
    if fault.changes_images:
        inputs = world.folder / "changing" / str(number)
        shutil.copytree(world.inputs, inputs)
    place = world.place(action, folder / "here", inputs)
    prepare(action, place.folder)
    ran = fault.run(action, place, source)
    found = [*ran.wrong, *wrong(world, action, fault, place, ran)]
    shutil.rmtree(folder)
    if inputs != world.inputs:
        shutil.rmtree(inputs)
    name = f"{fault.name}: {action.name}"
    return f"{fault.name}: exit code {ran.code}", [f"{name}: {each}" for each in found]


def wrong(world: World, action: Action, fault: Fault, place: Place, ran: Ran) -> Iterator[str]:
    if ran.code not in SAME | fault.codes:
        yield f"exit code {ran.code}, {(ran.errors or b'')[-300:]!r}"
    if ran.errors is not None:
        text = ran.errors.decode("utf-8", "replace")
        said = [line for line in text.splitlines() if line.startswith("layerscope: error: ")]
        if "Traceback" in text or "a bug:" in text or len(said) > 1:
            yield f"it says {text[-500:]!r}"
        if 0 < ran.code < 100 and not said:
            yield f"exit code {ran.code} without a line, but {text[-300:]!r}"
    right = world.right[action.name]
    for name, data in contents(place.folder, action.written).items():
        before = HELD.get(name.removeprefix("out/"), OLD)
        whole = data == right.get(name) or (fault.changes_images and is_whole(name, data))
        if not whole and data != before:
            yield f"{name} has {len(data)} of {len(right.get(name, b''))} bytes"
        if ran.code == 0 and data == before != right.get(name) and fault.name != "early reader":
            yield f"exit code 0, and {name} is the old one"
    expected = {*action.written, *action.keeps, "temporary", "cache", ".cache"}
    for path in place.folder.iterdir():
        if path.name not in expected:
            yield f"it left {path.name}"
    for path in (place.folder / "temporary").rglob("*"):
        # Nobody removes the folder of a killed scan's workers.
        if not (action.name == "fleet" and fault.name == "killed"):
            yield f"it left {path.name} in the folder for temporary files"
    if action.keeps and not fault.changes_images:
        yield from again(world, action, place)


def is_whole(name: str, data: bytes) -> bool:
    """Whether a report of another image is complete."""
    if name.endswith(".json"):
        try:
            return isinstance(json.loads(data), dict)
        except ValueError:
            return False
    return name.startswith("out/") or data.rstrip().endswith((b"</html>", b"</testsuites>"))


def again(world: World, action: Action, place: Place) -> Iterator[str]:
    """A second run in the same folder ends as if nothing had happened."""
    ran = plain(action, place)
    if ran.code or (ran.errors and b"error" in ran.errors):
        yield f"the second run ends with {ran.code}: {(ran.errors or b'')[-300:]!r}"
    if contents(place.folder, action.written) != world.right[action.name]:
        yield "the second run writes something else"


def run(
    first: int, count: int, seed: int, only: str | None = None
) -> tuple[Counter[str], list[str]]:
    """Run the cases with these numbers."""
    counts: Counter[str] = Counter()
    finds = []
    with tempfile.TemporaryDirectory(prefix="faults-") as name, ExitStack() as stack:
        os.chmod(name, 0o755)  # some cases run as another user
        world = make_world(Path(name), stack)
        for number in range(first, first + count):
            what, found = try_case(world, number, seed, only)
            counts["all"] += 1
            counts[what] += 1
            finds += [f"seed {seed}, case {number}: {each}" for each in found]
    return counts, finds
