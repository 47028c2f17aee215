"""A registry on loopback with many repositories: a catalog in pages, tags, manifests, and blobs, all from memory."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.builder import BuiltImage, digest_of, oci
from tests.registry.server import Handler, Registry


@dataclass
class FleetRegistry(Registry):
    """Serves `repositories`: for each name its tags, and for each tag the digest of a manifest."""

    repositories: dict[str, dict[str, str]] = field(default_factory=dict)
    page: int = 7
    """The most names on a page, whatever was asked for."""
    busiest: int = 0
    """The most requests for blobs and manifests that were answered at the same time."""
    busy: int = 0

    def push(self, image: BuiltImage, repository: str, tag: str, compression: str = "gzip") -> str:
        """Serve an image under a tag of a repository. Returns its manifest's digest."""
        layout = oci([image], compression)
        top = json.loads(layout["index.json"])["manifests"][0]
        for path in layout:
            if path.startswith("blobs/") and not path.endswith("/") and path.count("/") == 2:
                self.blobs[digest_of(layout[path])] = layout[path]
        self._add_manifest(top)
        self.repositories.setdefault(repository, {})[tag] = str(top["digest"])
        return str(top["digest"])

    def serve_manifest(self, body: bytes, repository: str, tag: str) -> None:
        """Serve any bytes as a manifest."""
        digest = digest_of(body)
        self.manifests[digest] = body, "application/vnd.oci.image.manifest.v1+json"
        self.repositories.setdefault(repository, {})[tag] = digest

    def __enter__(self) -> Any:
        super().__enter__()
        self.server.RequestHandlerClass = type("Bound", (FleetHandler,), {"served": self})
        return self

    def reference(self, repository: str, tag: str) -> str:
        return f"registry:{self.netloc}/{repository}:{tag}"

    def references(self) -> list[str]:
        return [
            self.reference(name, tag) for name, tags in self.repositories.items() for tag in tags
        ]

    def blobs_sent(self) -> list[str]:
        """The digests of the blobs that were asked for."""
        return [path.rpartition("/")[2] for path in self.paths("/blobs/")]


class FleetHandler(Handler):
    served: FleetRegistry

    def answer(self) -> None:
        parts = urlsplit(self.path)
        if parts.path == "/v2/_catalog" and self._allowed():
            self._names("repositories", sorted(self.served.repositories), parts.path, parts.query)
            return
        match = re.fullmatch(r"/v2/(.+)/(tags/list|manifests/[^/]+|blobs/[^/]+)", parts.path)
        if match is None or not self._allowed():
            super().answer()
            return
        tags = self.served.repositories.get(match[1])
        what, _, name = match[2].partition("/")
        if tags is None:
            self.send(404, json.dumps({"errors": [{"code": "NAME_UNKNOWN"}]}).encode())
        elif what == "tags":
            self._names("tags", sorted(tags), parts.path, parts.query)
        elif what == "blobs":
            self.blob(self.served.blobs.get(name))
        else:
            found = self.served.manifests.get(tags.get(name, name))
            if found is None:
                self.send(404, json.dumps({"errors": [{"code": "MANIFEST_UNKNOWN"}]}).encode())
            else:
                self.send(200, found[0], {"Content-Type": found[1]})

    def _names(self, key: str, names: list[str], path: str, query: str) -> None:
        asked = parse_qs(query)
        count = min(self.served.page, int(asked.get("n", ["100"])[0]))
        last = asked.get("last", [""])[0]
        rest = [name for name in names if name > last]
        headers = {"Content-Type": "application/json"}
        if len(rest) > count:
            headers["Link"] = f'<{path}?last={rest[count - 1]}&n={count}>; rel="next"'
        self.send(200, json.dumps({key: rest[:count]}).encode(), headers)
