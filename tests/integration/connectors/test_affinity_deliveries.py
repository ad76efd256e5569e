"""A storage over real sockets: deliveries that are slow, drip in, or end in the middle."""

import asyncio
import io
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import pytest
from tenacity import wait_none

from freight.connectors.affinity.client import AffinityClient
from freight.connectors.affinity.downloads import ATTEMPTS
from freight.connectors.errors import Unavailable
from freight.model.crm import File
from support.connector_parts import RecordingPacer

PDF = b"%PDF-1.7 " + b"x" * 589

Serve = Callable[[asyncio.StreamWriter], Awaitable[None]]


def file(size: int = len(PDF)) -> File:
    return File(id="5", name="deck.pdf", size=size)


@asynccontextmanager
async def affinity_with_storage(
    serve: Serve, downloads: list[str], *, grace_seconds: float = 30
) -> AsyncIterator[AffinityClient]:
    """Affinity over real sockets, whose storage at the same server sends what `serve` writes."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            path = (await reader.readuntil(b"\r\n\r\n")).decode().split(" ")[1]
            if path.startswith("/entity-files/download/"):
                downloads.append(path)
                writer.write(
                    b"HTTP/1.1 302 Found\r\nLocation: /stored\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                )
                await writer.drain()
            else:
                await serve(writer)
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    async with server:
        host, port = server.sockets[0].getsockname()
        client = AffinityClient(
            "key",
            base_url=f"http://{host}:{port}",
            pacer=RecordingPacer(),
            backoff=wait_none(),
            grace_seconds=grace_seconds,
        )
        yield client
        await client.aclose()


async def test_a_delivery_that_drips_in_ends_and_fails_that_file_alone():
    async def drip(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 598\r\n\r\n")
        while not writer.is_closing():
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.02)

    downloads: list[str] = []
    async with affinity_with_storage(drip, downloads, grace_seconds=0.2) as client:
        with pytest.raises(Unavailable, match="KiB a second"):
            await client.download(file(), io.BytesIO())
    assert len(downloads) == ATTEMPTS


async def test_a_slow_but_steady_delivery_may_take_longer_than_the_grace():
    part = b"x" * 16 * 1024

    async def steady(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (40 * len(part)))
        for _ in range(40):
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(0.03)

    async with affinity_with_storage(steady, [], grace_seconds=0.5) as client:
        content = await client.download(file(size=40 * len(part)), io.BytesIO())
    assert content.size == 40 * len(part)


@pytest.mark.parametrize("head", [b"Content-Length: 598\r\n", b""], ids=["announced", "unannounced"])
async def test_a_connection_that_ends_in_the_middle_of_a_file_leaves_no_half_of_it(head):
    bodies = iter([PDF[:300], PDF[:300], PDF])

    async def cut(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n" + head + b"\r\n" + next(bodies))
        await writer.drain()

    into = io.BytesIO()
    downloads: list[str] = []
    async with affinity_with_storage(cut, downloads) as client:
        await client.download(file(), into)
    assert into.read() == PDF
    assert len(downloads) == 3
