"""Real container engines, started for the tests on their own sockets and folders.

``DockerEngine`` is the Docker of the machine (Debian 12: 20.10, graph drivers); ``ContainerdEngine`` is a
Docker 26 with the containerd image store, run from a Debian 13 root.
"""

from .containerd import ContainerdEngine
from .engine import DockerEngine, Engine, EngineError, NoEngineError

__all__ = ["ContainerdEngine", "DockerEngine", "Engine", "EngineError", "NoEngineError"]
