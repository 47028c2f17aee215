"""The image config: opencontainers/image-spec config.md."""

from __future__ import annotations

from layerscope.errors import FormatError
from layerscope.image.descriptor import parse_platform
from layerscope.image.digest import Digest
from layerscope.image.document import Node
from layerscope.image.history import HistoryEntry
from layerscope.image.platform import Platform
from layerscope.notes import Notes
from layerscope.records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageConfig:
    """The parts of the config that a report needs. `created` is the RFC 3339 text as written."""

    platform: Platform
    created: str | None
    diff_ids: tuple[Digest, ...]
    history: tuple[HistoryEntry, ...]
    env: tuple[str, ...] = ()
    entrypoint: tuple[str, ...] = ()
    cmd: tuple[str, ...] = ()
    user: str = ""
    working_dir: str = ""
    exposed_ports: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    labels: tuple[tuple[str, str], ...] = ()
    stop_signal: str = ""

    @classmethod
    def parse(cls, node: Node, notes: Notes) -> ImageConfig:
        """Read a config document; raises `FormatError`.

        A history that breaks the specification is dropped with a note, because engines run such images anyway.
        """
        run = node.optional_object("config") or Node({}, node.document, "config")
        return cls(
            platform=parse_platform(node),
            created=node.optional_text("created"),
            diff_ids=read_diff_ids(node),
            history=_history(node, notes),
            env=run.optional_texts("Env"),
            entrypoint=_words(run, "Entrypoint"),
            cmd=_words(run, "Cmd"),
            user=run.optional_text("User") or "",
            working_dir=run.optional_text("WorkingDir") or "",
            exposed_ports=run.keys("ExposedPorts"),
            volumes=run.keys("Volumes"),
            labels=run.text_map("Labels"),
            stop_signal=run.optional_text("StopSignal") or "",
        )


def read_diff_ids(node: Node) -> tuple[Digest, ...]:
    """What a config document says about layers, without reading its history; raises `FormatError`."""
    rootfs = node.optional_object("rootfs")
    if rootfs is None or not rootfs.has("diff_ids"):
        return ()
    return tuple(
        Digest.parse(text, f"{rootfs.document}: {rootfs.path}.diff_ids[{index}]")
        for index, text in enumerate(rootfs.texts("diff_ids"))
    )


def _words(run: Node, key: str) -> tuple[str, ...]:
    """A command. Docker also accepts a single string."""
    if run.has(key) and isinstance(run.get(key).value, str):
        return (run.text(key),)
    return run.optional_texts(key)


def _history(node: Node, notes: Notes) -> tuple[HistoryEntry, ...]:
    try:
        return tuple(
            HistoryEntry(
                created=entry.optional_text("created"),
                created_by=entry.optional_text("created_by") or "",
                author=entry.optional_text("author") or "",
                comment=entry.optional_text("comment") or "",
                empty_layer=entry.optional_boolean("empty_layer"),
            )
            for entry in node.optional_objects("history")
        )
    except FormatError as error:
        notes.add("history-malformed", f"the history is left out: {error.message}")
        return ()
