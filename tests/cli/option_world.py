"""A folder, an engine, and two registries in which every option can make a difference."""

from __future__ import annotations

import base64
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.builder import (
    FORMS,
    WHITEOUT,
    Archive,
    BuiltImage,
    ImageBuilder,
    buildkit,
    docker_legacy,
    oci,
)
from tests.builder.chunked import estargz
from tests.fleet.inline import write_fleet
from tests.registry.server import REPOSITORY, Registry
from tests.secrets.tokens import Maker
from tests.sources.stores.fake_engine import FakeEngine, listening

USER, PASSWORD = "me", "pa:ss"
DOCKERFILE = """FROM debian
COPY . /app
RUN --mount=type=cache,target=/x make TOKEN
RUN rm -rf /opt
"""
DPKG = b"Package: %b\nStatus: install ok installed\nArchitecture: all\nVersion: 1\n\n"


def base() -> ImageBuilder:
    return ImageBuilder("app:1").layer(
        {
            "etc/hosts": b"localhost\n",
            "usr/bin/one": bytes(3000),
            "var/lib/dpkg/status": DPKG % b"one",
            "var/lib/dpkg/info/one.list": b"/usr/bin/one\n",
        },
        created_by="/bin/sh -c #(nop) ADD file:" + "0" * 64 + " in / ",
    )


def app() -> BuiltImage:
    return (
        base()
        .layer(
            {
                "app/model": b"old" * 900,
                "opt/big": bytes(9000),
                "usr/bin/two": bytes(2000),
                "srv/first": b"again" * 1000,
                "srv/second": b"again" * 1000,
                "srv/small": b"s" * 1500,
                "srv/smaller": b"s" * 1500,
                "var/lib/dpkg/status": DPKG % b"one" + DPKG % b"two",
                "var/lib/dpkg/info/two.list": b"/usr/bin/two\n",
            },
            **buildkit.copy(".", "/app"),
        )
        .layer({"app/model": b"new" * 900}, **buildkit.run("make TOKEN", {"TOKEN": "hunter2"}))
        .layer({"opt": WHITEOUT}, **buildkit.run("rm -rf /opt"))
        .build()
    )


def changed_blob(layout: Archive, digest: str, position: int) -> Archive:
    """The layout with another byte in one blob."""
    path = f"blobs/sha256/{digest.removeprefix('sha256:')}"
    data = bytearray(layout[path])
    data[position] ^= 1
    layout.replace(path, bytes(data))
    return layout


def layer_digests(layout: Archive) -> list[str]:
    top = json.loads(layout["index.json"])["manifests"][0]["digest"]
    manifest = json.loads(layout[f"blobs/sha256/{top.removeprefix('sha256:')}"])
    return [layer["digest"] for layer in manifest["layers"]]


def write_files(folder: Path) -> None:
    """The files that the cases name."""
    image = app()
    FORMS["docker-legacy"].write([image], folder / "app.tar")
    FORMS["docker-legacy"].write([base().build()], folder / "base.tar")
    leak = base().layer({"app/settings.py": f"token = '{Maker().github()}'\n".encode()})
    FORMS["docker-legacy"].write([leak.build()], folder / "leak.tar")
    oci([image], "gzip").write(folder / "oci.tar")
    oci([base().build()], "gzip").write(folder / "base-oci.tar")
    plain, packed = oci([image], "none"), oci([image], "gzip")
    # 512 bytes of header come before the first file's content; byte 9 of gzip names the operating system.
    changed_blob(plain, layer_digests(plain)[1], 600).write(folder / "flipped.tar")
    changed_blob(packed, layer_digests(packed)[1], 9).write(folder / "flipped-gzip.tar")
    chunked = ImageBuilder("app:1")
    for number, layer in enumerate(image.layers):
        chunked.chunked_layer(estargz(layer.tar), f"RUN step {number}")
    oci([chunked.build()]).write(folder / "lazy.tar")
    (folder / "Dockerfile").write_text(DOCKERFILE)
    (folder / "tight.toml").write_text("[budget]\nmax_size = 1\n")
    (folder / "until.toml").write_text(
        '[budget]\nmax_wasted = 1\n[[budget.allow]]\nglob = "/**"\nreason = "test"\nuntil = 2030-01-01\n'
    )
    (folder / "dive.yaml").write_text("rules:\n  highestWastedBytes: 1B\n")
    (folder / "link.json").symlink_to("target.json")
    (folder / "taken" / "etc").mkdir(parents=True)
    (folder / "taken" / "hosts").write_text("mine")
    (folder / "taken" / "etc" / "hosts").write_text("mine")
    oci([image], "gzip").write_folder(folder / "layouts" / "app")
    oci([base().build()], "gzip").write_folder(folder / "layouts" / "base")
    write_fleet(folder / "fleet", str(folder / "layouts"))
    (folder / "plugins").mkdir()
    (folder / "plugins" / "docker-layerscope").write_text("old")


class Engine(FakeEngine):
    """An engine without the image `missing:1`, and with a store that nobody can read."""

    def answer(self, path: str) -> tuple[int, bytes]:
        if "missing" in path:
            return 404, b'{"message": "No such image: missing:1"}'
        return super().answer(path)


@dataclass(frozen=True)
class World:
    """A folder to copy, the environment of each run, and what the names in the cases mean."""

    folder: Path
    env: dict[str, str]
    names: dict[str, str]


@contextmanager
def world(folder: Path) -> Iterator[World]:
    files = folder / "files"
    docker = files / "docker"
    docker.mkdir(parents=True)
    write_files(files)
    image = app()
    engine = Engine(
        image={"Id": image.config_digest, "RepoTags": ["app:1"]},
        info={"DockerRootDir": "/none/such", "Driver": "overlay2", "DriverStatus": []},
        save=docker_legacy([image]).pack(),
    )
    # 0.0.0.0 is this machine, but it does not look like it.
    with (
        tempfile.TemporaryDirectory() as place,
        listening(engine, Path(place, "s")) as host,
        Registry() as open_registry,
        Registry(user=(USER, PASSWORD), scheme="bearer") as secured,
        Registry(host="127.0.0.2", user=(USER, PASSWORD)) as tokens,
    ):
        open_registry.add(image)
        secured.add(image)
        secured.realm = f"http://{tokens.netloc}/token"
        auth = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        logins = {"auths": {secured.netloc: {"auth": auth}}}
        (docker / "config.json").write_text(json.dumps(logins))
        yield World(
            folder=files,
            env={
                "DOCKER_HOST": host,
                "DOCKER_CONFIG": "docker",
                "HOME": str(folder),
                "XDG_RUNTIME_DIR": str(folder),
                "XDG_CONFIG_HOME": str(folder),
                "PATH": os.defpath,
            },
            names={
                "CACHELESS": "oci.tar",
                "REGISTRY": open_registry.name().replace("127.0.0.1", "0.0.0.0"),
                "SECURED": secured.name(),
                "CATALOG": f"registry:0.0.0.0:{open_registry.netloc.partition(':')[2]}",
                "LISTED": f"registry:{secured.netloc}/{REPOSITORY}",
                "FLEET-APP": str(files / "layouts" / "app"),
                "FLEET-BASE": str(files / "layouts" / "base"),
                "REALM": tokens.netloc.partition(":")[0],
            },
        )
