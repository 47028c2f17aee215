"""How a container of the image runs, as part of the report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from layerscope.report.paths import clean_text

if TYPE_CHECKING:
    from layerscope.image.config import ImageConfig
    from layerscope.report.document.rows import ConfigRow


def configuration(config: ImageConfig) -> ConfigRow:
    """The `config` of the report."""
    return {
        "cmd": [clean_text(word) for word in config.cmd],
        "entrypoint": [clean_text(word) for word in config.entrypoint],
        "env": [clean_text(pair) for pair in config.env],
        "exposed_ports": [clean_text(port) for port in config.exposed_ports],
        "labels": {clean_text(name): clean_text(value) for name, value in config.labels},
        "stop_signal": clean_text(config.stop_signal),
        "user": clean_text(config.user),
        "volumes": [clean_text(volume) for volume in config.volumes],
        "working_dir": clean_text(config.working_dir),
    }
