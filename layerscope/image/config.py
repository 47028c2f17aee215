"""The image config: opencontainers/image-spec config.md."""

from __future__ import annotations

from dataclasses import dataclass

from layerscope.image.digest import Digest
from layerscope.image.history import HistoryEntry
from layerscope.image.platform import Platform


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageConfig:
    """What of the config concerns a report; `created` is the RFC 3339 text as written."""

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
