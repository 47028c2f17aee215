"""Real container engines, started for the tests with their own sockets and folders.

``DockerEngine`` is the machine's Docker (Debian 12: 20.10, graph drivers). ``ContainerdEngine`` is Docker 26
with the containerd image store, run from a Debian 13 root.
"""

from .containerd import ContainerdEngine
from .engine import DockerEngine, Engine, EngineError, NoEngineError

__all__ = ["ContainerdEngine", "DockerEngine", "Engine", "EngineError", "NoEngineError"]
