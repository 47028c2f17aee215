"""Odd surroundings: the clock, the folders, the languages, and the rights that a process finds when it starts."""

from __future__ import annotations

import os
import random
import stat
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Final

from tests import mounts
from tests.faults.actions import ACTIONS, Action
from tests.faults.faults import Fault, Place, Ran, plain, start, wait

CLOCK: Final = Path(__file__).with_name("clock.c")
MOMENTS: Final = (0, 1, 315_532_800, (1 << 31) - 1, 4_102_444_800, 250_000_000_000)
"""1970, 1980, the last second of 32 bits, 2100, and a year after 9999."""
SETTINGS: Final = {
    "LC_ALL": ("", "C", "POSIX", "tr_TR.ISO-8859-9", "ja_JP.eucJP", "no such locale", "\x1b[31m"),
    "LANG": ("", "C", "de_DE@euro", "\udcff"),
    "LANGUAGE": ("xx:yy", ":"),
    "PYTHONUTF8": ("0", "1"),
    "PYTHONIOENCODING": ("ascii", "latin-1:replace", "utf-16"),
    "TZ": ("", "Mars/Olympus", ":/dev/null", "UTC+99"),
    "TERM": ("", "dumb", "no such terminal", "\x1b[31m"),
    "COLUMNS": ("0", "-1", "many", "99999999999"),
}
NO_HOMES: Final = (None, "", "/dev/null/home", "/dev/null", "/proc", "home", "~")
NO_FOLDERS: Final = ("/dev/null/folder", "/dev/null", "/proc", "relative", "")
"""Even root can make no folder at the absolute ones."""


def with_settings(place: Place, **settings: str | None) -> Place:
    """The place with other environment variables; None is without one."""
    kept = {name: value for name, value in place.environment.items() if name not in settings}
    given = {name: value for name, value in settings.items() if value is not None}
    return replace(place, environment=kept | given)


def _clock(action: Action, place: Place, source: random.Random) -> Ran:
    """The clock stands at an odd time, or goes backwards or forward by up to a day whenever something looks at it."""
    library = place.inputs / "clock.so"
    if not library.exists():
        command = ["cc", "-shared", "-fPIC", "-O1", "-o", str(library), str(CLOCK), "-ldl"]
        subprocess.run(command, check=True)
    settings = {"LD_PRELOAD": str(library), "CLOCK_AT": str(source.choice(MOMENTS))}
    if source.random() < 0.5:
        settings["CLOCK_AT"] = "1700000000"
        settings["CLOCK_STEP"] = str(source.choice((-86_400, -3600, -1, 86_400)))
    return plain(action, with_settings(place, **settings))


def _no_home(action: Action, place: Place, source: random.Random) -> Ran:
    """There is no home folder, or it can't be used, and with it the folder of the cache."""
    home = source.choice(NO_HOMES)
    # Without a path, the home is the one in the list of users, whose cache is not ours to use.
    absolute = home is not None and home.startswith("/")
    cache = None if absolute else str(place.folder / "cache")
    settings = {"HOME": home, "LAYERSCOPE_CACHE_DIR": None, "XDG_CACHE_HOME": cache}
    return plain(action, with_settings(place, **settings))


def _no_temporary_folder(action: Action, place: Place, source: random.Random) -> Ran:
    return plain(action, with_settings(place, TMPDIR=source.choice(NO_FOLDERS)))


def _small_disks(*names: str) -> Callable[[Action, Place, random.Random], Ran]:
    """Folders on a disk with room for a few pages."""

    def run(action: Action, place: Place, source: random.Random) -> Ran:
        mounts.own_mounts()
        with ExitStack() as stack:
            for name in names:
                (place.folder / name).mkdir(exist_ok=True)
                room = source.choice((4096, 16_384, 200_000))
                stack.enter_context(mounts.memory(place.folder / name, f"size={room},mode=700"))
            ran = plain(action, place)
            left = [path.name for path in (place.folder / "temporary").rglob("*")]
        return replace(ran, wrong=tuple(f"it left {name} on the full disk" for name in left))

    return run


def _cache(action: Action, place: Place, source: random.Random) -> Ran:
    """The cache can only be read, and holds what an earlier run left or nothing."""
    mounts.own_mounts()
    (place.folder / "cache").mkdir(mode=0o700)
    if source.random() < 0.5:
        plain(action, place)
    with mounts.read_only(place.folder / "cache"):
        return plain(action, place)


def _no_cache(action: Action, place: Place, source: random.Random) -> Ran:
    """The folder for the cache can't be one."""
    folder = source.choice(("/dev/null/folder", "/dev/null", "/proc"))
    return plain(action, with_settings(place, LAYERSCOPE_CACHE_DIR=folder))


def _languages(action: Action, place: Place, source: random.Random) -> Ran:
    names = source.sample(sorted(SETTINGS), 3)
    chosen = {name: source.choice(SETTINGS[name]) for name in names}
    return plain(action, with_settings(place, **chosen))


def _umask(action: Action, place: Place, source: random.Random) -> Ran:
    """Nothing that is written is open to more users than the mask allows, and the cache to nobody else."""
    mask = source.choice((0o000, 0o027, 0o077))
    for name in action.written:
        if (place.folder / name).is_file():
            (place.folder / name).unlink()  # a file that is replaced keeps its mode
    ran = wait(start(action, place, preexec_fn=lambda: os.umask(mask)))
    return replace(ran, wrong=tuple(_too_open(action, place, mask)) if ran.code == 0 else ())


def _too_open(action: Action, place: Place, mask: int) -> Iterator[str]:
    for path in filter(Path.is_file, place.folder.rglob("*")):
        name = path.relative_to(place.folder)
        mode = stat.S_IMODE(path.stat().st_mode)
        if name.parts[0] == "cache":
            forbidden = 0o077
        elif name.parts[0] == "out":
            forbidden = 0o022  # extracted files have the modes of the image
        else:
            forbidden = mask | 0o022
        if mode & forbidden:
            yield f"{name} has mode {mode:o} with umask {mask:03o}"


SURROUNDINGS: Final = (
    Fault(
        "wrong clock",
        _clock,
        frozenset(),
        frozenset(each.name for each in ACTIONS) - {"fleet"},  # Dask waits by this clock
        program="cc",
    ),
    Fault("no home", _no_home, frozenset()),
    Fault("no folder for temporary files", _no_temporary_folder, frozenset({3})),
    Fault(
        "full folder for temporary files",
        _small_disks("temporary"),
        frozenset({2, 3}),
        root=True,
    ),
    Fault("full cache", _small_disks("cache"), frozenset(), root=True),
    Fault("read-only cache", _cache, frozenset(), root=True),
    Fault("no cache", _no_cache, frozenset()),
    Fault("odd languages", _languages, frozenset()),
    Fault("odd umask", _umask, frozenset()),
)
