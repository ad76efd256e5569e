"""A request is not completed for a step that lost its row, whatever of it waits in the process by then."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from freight.connectors.http import LIMITS
from freight.domain.current_step import CurrentStep, Interrupted
from freight.domain.sending import OwnedTransport
from freight.egress import EgressPolicy

LARGE = 8 * 1024 * 1024
"""Bytes of a body that no system takes at once."""
SMALL_BUFFER = 4096


class SlowVendor:
    """Takes one request, and reads the body when it is told to."""

    def __init__(self) -> None:
        self.url = ""
        self.has_begun = asyncio.Event()
        self.may_read = asyncio.Event()
        self.received = 0
        self.has_ended = asyncio.Event()

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        self.has_begun.set()
        await self.may_read.wait()
        while self.received < LARGE and (part := await reader.read(LARGE)):
            self.received += len(part)
        self.has_ended.set()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        writer.close()


@asynccontextmanager
async def slow_vendor() -> AsyncIterator[SlowVendor]:
    vendor = SlowVendor()
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER)
    vendor.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    async with await asyncio.start_server(vendor.take, sock=listener, limit=SMALL_BUFFER):
        yield vendor


class Ownership:
    """Whether a step owns its row."""

    def __init__(self) -> None:
        self.is_lost = False

    async def ensure(self) -> None:
        if self.is_lost:
            raise Interrupted


async def send(vendor: SlowVendor, ownership: Ownership) -> None:
    policy = EgressPolicy(frozenset({vendor.url.removeprefix("http://")}))
    step = CurrentStep("batches", ownership.ensure)
    transport = OwnedTransport(policy.transport(LIMITS))
    async with httpx.AsyncClient(transport=transport) as client, step.running(seconds=60):
        (await client.post(vendor.url, content=b"x" * LARGE)).raise_for_status()


async def test_a_large_body_arrives_whole() -> None:
    async with slow_vendor() as vendor:
        vendor.may_read.set()
        await send(vendor, Ownership())
        assert vendor.received == LARGE


async def test_a_large_body_of_which_a_part_waits_in_the_process_when_the_row_is_lost_stays_incomplete() -> None:
    async with slow_vendor() as vendor:
        ownership = Ownership()
        sending = asyncio.create_task(send(vendor, ownership))
        await vendor.has_begun.wait()
        ownership.is_lost = True
        vendor.may_read.set()
        await vendor.has_ended.wait()
        assert vendor.received < LARGE
        with pytest.raises(Interrupted):
            await sending
