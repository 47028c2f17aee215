"""Serves the browser over HTTP with textual-serve, and only to its own pages."""

from __future__ import annotations

import logging
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from textual_serve.server import Server

LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")


class GuardedServer(Server):
    """Refuses requests from other pages in the same web browser.

    Any page can open a websocket to the loopback interface, and a DNS name that resolves to loopback can pose as it. So
    a request's Origin must be the host it was sent to, and on loopback that host must be loopback.
    """

    def initialize_logging(self) -> None:
        logging.basicConfig(level="WARNING", format="layerscope: %(message)s")

    async def on_startup(self, app: web.Application) -> None:
        """Print nothing. The command already did."""

    async def _make_app(self) -> web.Application:
        app: web.Application = await super()._make_app()
        app.middlewares.append(self._guard())
        return app

    def _guard(self) -> Middleware:
        public = urlsplit(self.public_url).netloc
        allowed = None
        if self.host in LOOPBACK:
            names = ("127.0.0.1", "localhost", "[::1]")
            allowed = {public, *(f"{name}:{self.port}" for name in names)}

        @web.middleware
        async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
            origin = request.headers.get("Origin")
            if allowed is not None and request.host not in allowed:
                raise web.HTTPForbidden(text="not the address that layerscope serves on")
            if origin is not None and urlsplit(origin).netloc not in (request.host, public):
                raise web.HTTPForbidden(text="requested by a page from another site")
            return await handler(request)

        return guard
