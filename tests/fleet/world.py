"""A registry's worth of images from a seed: bases that images share, layers of their own, waste, and packages."""

from __future__ import annotations

import random
from dataclasses import dataclass

from tests.builder import BuiltImage, ImageBuilder, Whiteout
from tests.builder.image import BuiltLayer
from tests.fleet.served import FleetRegistry

_TEAMS = ("web", "data", "ops", "mobile")


@dataclass(frozen=True)
class Made:
    """An image, and where it is pushed."""

    image: BuiltImage
    repository: str
    tag: str


def make(images: int, bases: int, layers: int, seed: int = 13) -> list[Made]:
    """`images` images built on `bases` bases, with `layers` different layers in all of them together.

    The bases are images, too. Every seventh image deletes or overwrites files of its base.
    """
    chance = random.Random(seed)
    own = images - bases
    of_bases = [2 + number % 3 for number in range(bases)]
    left = layers - sum(of_bases)
    assert own > 0
    assert left >= own
    made = [
        Made(base(number, count, chance), f"base/os{number % 8}", f"{number}")
        for number, count in enumerate(of_bases)
    ]
    for number in range(own):
        count = left // own + (number < left % own)
        below = made[number % bases].image
        image = on_top(below, number, count, chance)
        made.append(Made(image, f"{_TEAMS[number % 4]}/app{number % 23}", f"v{number}"))
    return made


def base(number: int, layers: int, chance: random.Random) -> BuiltImage:
    """A base image with a package, and files that others store as well."""
    builder = ImageBuilder(created=f"2024-{1 + number % 12:02d}-01T00:00:00Z")
    package = f"lib{number % 5}"
    builder.layer(
        {
            "etc/os-release": b"ID=debian\n",
            "etc/conf": b"conf of %d" % number,
            f"usr/lib/{package}.so": chance.randbytes(400) + b"0" * 2000,
            "usr/share/common": b"common" * 300,
            "var/lib/dpkg/status": (
                f"Package: {package}\nStatus: install ok installed\nVersion: 1.{number}\n"
                "Architecture: amd64\n\n"
            ).encode(),
            f"var/lib/dpkg/info/{package}.list": f"/.\n/usr/lib/{package}.so\n".encode(),
        },
        "ADD rootfs.tar / # buildkit",
        parents=True,
    )
    for layer in range(1, layers):
        builder.layer(
            {f"opt/base{number}/{layer}": chance.randbytes(300)},
            f"RUN make base {number} {layer}",
        )
    return builder.build()


def on_top(below: BuiltImage, number: int, layers: int, chance: random.Random) -> BuiltImage:
    """An image with `layers` layers above those of another one."""
    builder = ImageBuilder(
        created=f"2025-{1 + number % 12:02d}-02T00:00:00Z",
    )
    for layer in below.layers:
        again(builder, layer)
    builder.configure(Env=["TOKEN=hunter2-is-a-secret"])
    for layer_number in range(layers):
        members: dict[str, object] = {
            f"srv/app{number}/{layer_number}": chance.randbytes(200 + 40 * (number % 9)),
            f"srv/shared{number % 6}": b"shared %d" % (number % 6) * 50,
        }
        text = "COPY . /srv # buildkit"
        if layer_number == layers - 1 and number % 7 == 0:
            members["etc/conf"] = Whiteout() if number % 2 else b"changed"
            text = f"RUN rm -f /etc/conf && ./configure --token=abc{number}"
        builder.layer(members, text)
    return builder.build()


def again(builder: ImageBuilder, layer: BuiltLayer) -> None:
    """The same layer in another image."""
    builder.layers.append(layer)
    builder.step("RUN of the base")


def fill(registry: FleetRegistry, made: list[Made]) -> None:
    """Push the images."""
    for each in made:
        registry.push(each.image, each.repository, each.tag)
