"""How a container of the image runs, as the report tells it: without what looks secret."""

from __future__ import annotations

from typing import Any

from layerscope.analysis.secrets import mask_text, mask_value
from layerscope.image.config import ImageConfig
from layerscope.report.paths import clean_text


def configuration(config: ImageConfig) -> dict[str, Any]:
    """The `config` of the report; values that look secret are `***`."""
    return {
        "cmd": [_text(word) for word in config.cmd],
        "entrypoint": [_text(word) for word in config.entrypoint],
        "env": [_pair(pair) for pair in config.env],
        "exposed_ports": [clean_text(port) for port in config.exposed_ports],
        "labels": {
            clean_text(name): clean_text(mask_value(name, value)) for name, value in config.labels
        },
        "stop_signal": clean_text(config.stop_signal),
        "user": clean_text(config.user),
        "volumes": [clean_text(volume) for volume in config.volumes],
        "working_dir": clean_text(config.working_dir),
    }


def _text(word: str) -> str:
    return clean_text(mask_text(word))


def _pair(pair: str) -> str:
    name, sign, value = pair.partition("=")
    return clean_text(f"{name}{sign}{mask_value(name, value)}")
