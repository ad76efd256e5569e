"""What a vendor's client makes of connections that fail, over real sockets."""

import asyncio
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta

import pytest
from tenacity import wait_none

from freight.connectors.attio.client import AttioClient
from freight.connectors.errors import InDoubt, MustWait, Unavailable
from freight.connectors.http import ATTEMPTS

RECORDS = "/v2/objects/companies/records"
KEY = "secret-key-0123456789"


class Drip:
    """Answers with a body that never ends, a byte at a time."""

    def __init__(self) -> None:
        self.requests = 0

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        self.requests += 1
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n")
        with suppress(ConnectionError):
            while not writer.is_closing():
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(0.01)
        writer.close()


@pytest.mark.parametrize(("repeatable", "expected", "sent"), [(True, Unavailable, ATTEMPTS), (False, InDoubt, 1)])
async def test_an_answer_that_drips_in_has_a_deadline_as_a_whole(repeatable, expected, sent, pacer):
    drip = Drip()
    server = await asyncio.start_server(drip.handle, "127.0.0.1", 0)
    async with server:
        host, port = server.sockets[0].getsockname()
        url = f"http://{host}:{port}"
        client = AttioClient(KEY, base_url=url, pacer=pacer, backoff=wait_none(), request_seconds=0.1)
        with pytest.raises(expected):
            await client.request("GET", "/v2/thing", kind="read", idempotent=repeatable)
        await client.aclose()
        assert drip.requests == sent
        assert pacer.outcomes == ["failed"] * sent


@asynccontextmanager
async def dropping_server(bodies: list[bytes]):
    """A server that reads each request to its end and then hangs up without an answer."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        bodies.append(await reader.readexactly(length))
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        host, port = server.sockets[0].getsockname()
        yield f"http://{host}:{port}"


async def test_a_connection_dropped_after_the_body_arrived_leaves_a_create_in_doubt(pacer):
    bodies: list[bytes] = []
    async with dropping_server(bodies) as url:
        client = AttioClient(KEY, base_url=url, pacer=pacer, backoff=wait_none())
        with pytest.raises(InDoubt):
            await client.write("POST", RECORDS, {"values": {"name": ["Acme"]}}, idempotent=False)
        assert bodies == [b'{"data":{"values":{"name":["Acme"]}}}']
        with pytest.raises(Unavailable):
            await client.write("PUT", RECORDS, {"values": {"domains": ["acme.com"]}}, idempotent=True)
        assert len(bodies) == 1 + ATTEMPTS
        await client.aclose()


async def test_a_server_that_cannot_be_reached_is_waited_for_also_with_a_create(pacer):
    async with dropping_server([]) as url:
        pass
    client = AttioClient(KEY, base_url=url, pacer=pacer, backoff=wait_none())
    with pytest.raises(MustWait) as raised:
        await client.write("POST", RECORDS, {"values": {"name": ["Acme"]}}, idempotent=False)
    await client.aclose()
    assert raised.value.code == "vendor_unavailable"
    assert raised.value.until - datetime.now(UTC) <= timedelta(seconds=30)
    assert pacer.outcomes == ["failed"] * ATTEMPTS
