"""Differences in how containers of two images run. Values that look like secrets are compared, but never shown."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Literal

from layerscope.analysis.comparison.side import Side
from layerscope.image.dialects import HIDDEN
from layerscope.records import dataclass

Field = Literal[
    "platform", "created", "env", "entrypoint", "cmd", "user", "working_dir", "exposed_ports",
    "volumes", "labels", "stop_signal",
]  # fmt: skip
FIELDS: tuple[Field, ...] = (
    "platform",
    "created",
    "env",
    "entrypoint",
    "cmd",
    "user",
    "working_dir",
    "exposed_ports",
    "volumes",
    "labels",
    "stop_signal",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingRow:
    """One setting that differs. `name` is the name of a variable, label, port, or volume, and "" for other fields.

    `a` and `b` are the masked values, None if a side doesn't have the setting. `known` is False if a saved report masks
    the value, in which case the two may be equal.
    """

    field: Field
    name: str
    a: str | None
    b: str | None
    known: bool


@dataclass(frozen=True, slots=True)
class _Setting:
    value: str
    shown: str


def compare_settings(a: Side, b: Side) -> tuple[SettingRow, ...]:
    """Every setting that differs, by field and name."""
    settings_a, settings_b = _settings(a), _settings(b)
    same_config = a.config_digest == b.config_digest
    rows = []
    for key in sorted(
        settings_a.keys() | settings_b.keys(), key=lambda key: (FIELDS.index(key[0]), key[1])
    ):
        one, other = settings_a.get(key), settings_b.get(key)
        row = _row(key, one, other, saved=a.saved or b.saved)
        if row is not None and not (same_config and not row.known):
            rows.append(row)
    return tuple(rows)


def _row(
    key: tuple[Field, str], one: _Setting | None, other: _Setting | None, *, saved: bool
) -> SettingRow | None:
    shown_a = None if one is None else one.shown
    shown_b = None if other is None else other.shown
    known = True
    if one is not None and other is not None:
        hidden = HIDDEN in one.shown and one.shown == other.shown
        if saved and hidden:
            known = False
        elif one.value == other.value or (saved and one.shown == other.shown):
            return None
    return SettingRow(field=key[0], name=key[1], a=shown_a, b=shown_b, known=known)


def _settings(side: Side) -> dict[tuple[Field, str], _Setting]:
    config, masks = side.config, side.masks
    found: dict[tuple[Field, str], _Setting] = {}
    commands: tuple[tuple[Field, tuple[str, ...]], ...] = (
        ("entrypoint", config.entrypoint),
        ("cmd", config.cmd),
    )

    def put(field: Field, name: str, value: str | None) -> None:
        if value:
            found[field, name] = _Setting(value, masks.text(value))

    put("platform", "", str(side.platform))
    put("created", "", side.created)
    for pair in config.env:
        name, _, value = pair.partition("=")
        found["env", name] = _Setting(value, masks.value(name, value))
    for field, words in commands:
        if words:
            found[field, ""] = _Setting(_list(words), _list(map(masks.text, words)))
    put("user", "", config.user)
    put("working_dir", "", config.working_dir)
    for port in config.exposed_ports:
        found["exposed_ports", port] = _Setting("", "")
    for volume in config.volumes:
        found["volumes", volume] = _Setting("", "")
    for name, value in config.labels:
        found["labels", name] = _Setting(value, masks.value(name, value))
    put("stop_signal", "", config.stop_signal)
    return found


def _list(words: Iterable[str]) -> str:
    return json.dumps(list(words), ensure_ascii=False)
