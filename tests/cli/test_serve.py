"""`layerscope serve` serves the browser over HTTP, but only to its own pages."""

from __future__ import annotations

import asyncio
import signal
import socket
import subprocess
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import aiohttp
import pytest

from tests.cli.conftest import Run, command, environment

Address = str


@pytest.fixture
def served(folder: Path) -> Iterator[Address]:
    """The address of a server for `app.tar`."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with subprocess.Popen(
        command("serve", "app.tar", "--port", str(port)),
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stderr is not None
        assert "serving on" in server.stderr.readline()
        asyncio.run(until_it_answers(port))
        yield f"127.0.0.1:{port}"
        server.send_signal(signal.SIGTERM)
        assert server.wait(20) == 0
        assert server.stdout is not None
        assert server.stdout.read() == ""


async def until_it_answers(port: int) -> None:
    for _ in range(200):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.05)
        else:
            writer.close()
            await writer.wait_closed()
            return
    raise AssertionError("the server never listened")


def ask(script: Callable[[aiohttp.ClientSession], Awaitable[None]]) -> None:
    async def run() -> None:
        async with aiohttp.ClientSession() as session:
            await script(session)

    asyncio.run(run())


def test_a_visitor_sees_the_image(served: Address) -> None:
    async def script(session: aiohttp.ClientSession) -> None:
        async with session.get(f"http://{served}/") as page:
            assert page.status == 200
            assert f"ws://{served}/ws" in await page.text()
        origin = {"Origin": f"http://{served}"}
        async with session.ws_connect(
            f"http://{served}/ws?width=120&height=36", headers=origin
        ) as screen:
            seen = b""
            while b"chown" not in seen:
                message = await asyncio.wait_for(screen.receive(), 30)
                seen += message.data if isinstance(message.data, bytes) else b""

    ask(script)


def test_pages_from_elsewhere_are_refused(served: Address) -> None:
    async def script(session: aiohttp.ClientSession) -> None:
        async with session.get(f"http://{served}/", headers={"Host": "evil.example"}) as page:
            assert page.status == 403, "a name that was made to point here"
        for origin in ("http://evil.example", "null", f"http://{served}.evil.example"):
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await session.ws_connect(f"http://{served}/ws", headers={"Origin": origin})
            assert refused.value.status == 403

    ask(script)


def test_an_invalid_port_is_refused(run: Run) -> None:
    done = run("serve", "app.tar", "--port", "0")
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
