"""What becomes of requests when the service is told to stop, and that every process stops whatever is unavailable."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import msgspec
import pytest

from freight.settings import Settings
from freight.tasks import SWEEP_SECONDS
from support.clients import TLS
from support.errors import error_of
from support.processes import BIN, environment, started
from support.relay import relaying
from support.servers import redis_server
from support.service import Service, Tenant


class SlowVendor:
    """Answers no request before it may, and then that the key is wrong."""

    def __init__(self) -> None:
        self.url = ""
        self.asked, self.may_answer = asyncio.Event(), asyncio.Event()

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        self.asked.set()
        await self.may_answer.wait()
        body = b'{"errors": [{"code": "authentication", "message": "The key is wrong."}]}'
        head = "HTTP/1.1 401 Unauthorized\r\nContent-Type: application/json\r\nConnection: close\r\n"
        writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        await writer.drain()
        writer.close()


@asynccontextmanager
async def a_slow_vendor() -> AsyncIterator[SlowVendor]:
    vendor = SlowVendor()
    async with await asyncio.start_server(vendor.handle, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        vendor.url = f"http://127.0.0.1:{port}"
        yield vendor


async def test_a_request_that_is_being_answered_is_finished_and_new_ones_are_refused(
    settings: Settings, service: Service, tenant: Tenant
) -> None:
    async with a_slow_vendor() as vendor:
        allowing = msgspec.structs.replace(settings, vendor_hosts=urlsplit(vendor.url).netloc)
        async with started(str(BIN / "freight"), "serve", "--no-worker", env=environment(allowing)) as process:
            url = (await process.printed("Freight is ready at")).split(" at ")[1].split(" ")[0]
            request = {
                "source_system": "affinity",
                "target_system": "attio",
                "source_config": {"api_key": "some-key", "base_url": vendor.url},
                "target_config": {"api_key": "some-key", "base_url": vendor.url},
            }
            async with httpx.AsyncClient(
                verify=TLS, base_url=url, headers={"X-API-Key": tenant.key}, timeout=30
            ) as client:
                answering = asyncio.create_task(client.post("/api/v1/jobs", json=request))
                asked = asyncio.create_task(vendor.asked.wait())
                await asyncio.wait([asked, answering], return_when=asyncio.FIRST_COMPLETED)
                assert not answering.done(), answering.result().text
                process.process.send_signal(signal.SIGTERM)
                await refused(url)
                vendor.may_answer.set()
                assert error_of(await answering, 400)["error"] == "credentials_refused"
            assert await process.stop() == 0


async def refused(url: str) -> None:
    """Wait until nobody listens there any more."""
    while True:
        try:
            async with httpx.AsyncClient(verify=TLS) as client:
                await client.get(f"{url}/health/live")
        except httpx.TransportError:
            return
        await asyncio.sleep(0.05)


COMMANDS = {"serve": (str(BIN / "freight"), "serve"), "worker": (str(BIN / "arq"), "freight.worker")}

GRACE_SECONDS = 29
"""What a process that is told to stop has before it is killed, less a second."""


@pytest.mark.parametrize("trouble", ["redis is killed", "both hang"])
async def test_a_process_stops_when_it_is_told_to_whatever_is_unavailable(
    settings: Settings, tmp_path: Path, trouble: str
) -> None:
    # Each with servers of its own, and at the same time: most of it is waiting.
    async with asyncio.TaskGroup() as processes:
        for command in COMMANDS:
            folder = tmp_path / command
            folder.mkdir()
            processes.create_task(check_it_stops(settings, folder, command, trouble), name=command)


async def check_it_stops(settings: Settings, folder: Path, command: str, trouble: str) -> None:
    async with redis_server() as redis, relaying(folder, settings.database_url or "") as relay:
        own = msgspec.structs.replace(settings, redis_url=redis.url, database_url=relay.url)
        async with started(*COMMANDS[command], env=environment(own)) as process:
            await process.printed("worker_started")
            if trouble == "redis is killed":
                await redis.kill()
            else:
                redis.freeze()
                relay.hang()
                # For the sweep and the heartbeat to be waiting for an answer.
                await asyncio.sleep(SWEEP_SECONDS)
            assert await process.stop(timeout=GRACE_SECONDS) == 0
            assert "Traceback" not in "".join(process.lines)
            await relay.cut()


@pytest.mark.parametrize("command", COMMANDS)
async def test_a_process_that_is_starting_stops_when_it_is_told_to(
    settings: Settings, tmp_path: Path, command: str
) -> None:
    async with relaying(tmp_path, settings.database_url or "") as relay:
        relay.hang()
        own = msgspec.structs.replace(settings, database_url=relay.url)
        async with started(*COMMANDS[command], env=environment(own)) as process:
            await relay.wanted.wait()
            assert await process.stop(timeout=GRACE_SECONDS) == 0
            assert "Traceback" not in "".join(process.lines)
