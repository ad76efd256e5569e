"""What a client can do to the server before its request has arrived."""

import asyncio
import contextlib
import json
import resource
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn
from litestar.types import Receive, Scope, Send
from structlog.testing import capture_logs

from freight.api.http.connections import ConnectionLimits, Connections, most_connections, quiet_about_descriptors
from freight.api.http.request_log import RequestLog
from freight.settings import Settings
from freight.throttled import Throttle
from support.processes import BIN, environment, started
from support.service import Service, Tenant

HEAD = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n"

Address = tuple[str, int]


class Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Any:
        yield


async def slow_reader(_: Scope, receive: Receive, send: Send) -> None:
    """An application that answers when the whole body has come."""
    message = await receive()
    while message["type"] == "http.request" and message["more_body"]:
        message = await receive()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})  # type: ignore[typeddict-item]
    await send({"type": "http.response.body", "body": b"ok", "more_body": False})


@asynccontextmanager
async def serving(**limits: Any) -> AsyncIterator[Address]:
    """A server of that application with these limits."""
    protocol = Connections(ConnectionLimits(**limits)).protocol()
    config = uvicorn.Config(
        RequestLog(slow_reader), port=0, http=protocol, ws="none", lifespan="off", log_config=None, access_log=False
    )
    server = Server(config)
    task = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.005)
    try:
        yield server.servers[0].sockets[0].getsockname()[:2]
    finally:
        server.should_exit = True
        await task


async def exchanged(address: Address, *pieces: bytes) -> bytes:
    """What is answered to these bytes until the server closes the connection."""
    reader, writer = await asyncio.open_connection(*address)
    try:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        async with asyncio.timeout(20):
            return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()


async def answered(address: Address) -> bool:
    """Whether an ordinary client is answered."""
    return b"200 OK" in await exchanged(address, HEAD + b"Connection: close\r\n\r\n")


def error_in(answer: bytes) -> tuple[int, str]:
    """The status and the kind of an error, after a look at its form."""
    head, _, body = answer.partition(b"\r\n\r\n")
    headers = dict(line.lower().split(": ", 1) for line in head.decode().split("\r\n")[1:])
    error = json.loads(body)
    assert set(error) == {"error", "message", "details", "request_id", "timestamp"}
    assert headers["x-request-id"] == error["request_id"]
    assert headers["content-type"] == "application/json"
    return int(head.split()[1]), error["details"][0]["type"]


def address_of(service: Service) -> Address:
    host, _, port = service.url.removeprefix("http://").partition(":")
    return host, int(port)


@pytest.mark.parametrize(
    "sent",
    [
        b"FOO / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST /health HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
async def test_malformed_http_is_answered_in_the_form_of_every_error(sent: bytes, service: Service) -> None:
    assert error_in(await exchanged(address_of(service), sent))[0] in (400, 405)


async def test_a_head_is_taken_up_to_its_limit_and_no_further() -> None:
    async with serving(head_bytes=20_000) as address:
        filler = [b"X-A: " + b"a" * 900 + b"\r\n"]
        assert b"200 OK" in await exchanged(address, HEAD, *filler * 20, b"Connection: close\r\n\r\n")
        for pieces in ((HEAD, *filler * 60), (HEAD, b"X-A: " + b"a" * 2_000_000), (b"GET /" + b"a" * 60_000,)):
            assert error_in(await exchanged(address, *pieces)) == (431, "head_too_large")
        assert error_in(await exchanged(address, HEAD, b"a: b\r\n" * 101, b"\r\n")) == (431, "head_too_large")


async def test_trailers_and_extensions_of_chunks_count_like_a_head() -> None:
    async with serving(head_bytes=20_000) as address:
        chunked = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        for endless in (b"1;" + b"x" * 30_000, b"0\r\n" + b"X-A: " + b"a" * 30_000):
            assert error_in(await exchanged(address, chunked, endless))[0] in (400, 431)


async def test_a_large_body_does_not_count_as_head() -> None:
    async with serving(head_bytes=2_000) as address:
        request = b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 900000\r\n\r\n"
        assert b"200 OK" in await exchanged(address, request, b"a" * 900_000)


@pytest.mark.parametrize(
    ("sent", "kind"),
    [
        (HEAD, "head_too_slow"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{", "body_too_slow"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n", "body_too_slow"),
    ],
)
async def test_a_request_that_does_not_end_is_408_however_steadily_it_comes(sent: bytes, kind: str) -> None:
    async with serving(head_seconds=0.3, body_seconds=0.3) as address:
        assert error_in(await exchanged(address, sent)) == (408, kind)


async def test_a_connection_on_which_nothing_is_asked_is_closed_without_a_word() -> None:
    async with serving(head_seconds=0.2) as address:
        assert await exchanged(address) == b""


async def test_a_later_request_on_a_connection_has_a_deadline_too() -> None:
    async with serving(head_seconds=0.3) as address:
        answer = await exchanged(address, HEAD + b"\r\n", HEAD)
        assert answer.startswith(b"HTTP/1.1 200 OK")
        assert b"head_too_slow" in answer


async def test_half_sent_requests_make_room_for_whole_ones() -> None:
    async with serving(connections=20, head_seconds=30, body_seconds=30) as address, asyncio.timeout(20):
        half = [await asyncio.open_connection(*address) for _ in range(30)]
        for number, (_, writer) in enumerate(half):
            writer.write(HEAD if number % 2 else b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n")
        for _ in range(30):
            assert await answered(address)
        for _, writer in half:
            writer.close()


async def test_a_request_that_is_being_answered_is_never_closed_for_a_new_one() -> None:
    begun, done = asyncio.Event(), asyncio.Event()

    async def patient(_: Scope, __: Receive, send: Send) -> None:
        begun.set()
        await done.wait()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})  # type: ignore[typeddict-item]
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    protocol = Connections(ConnectionLimits(connections=1)).protocol()
    server = Server(uvicorn.Config(RequestLog(patient), port=0, http=protocol, lifespan="off", log_config=None))
    task = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.005)
    address = server.servers[0].sockets[0].getsockname()[:2]
    first = asyncio.create_task(exchanged(address, HEAD + b"Connection: close\r\n\r\n"))
    await begun.wait()
    assert error_in(await exchanged(address)) == (503, "too_many_connections")
    done.set()
    assert b"200 OK" in await first
    server.should_exit = True
    await task


async def test_head_is_answered_as_get_without_the_body(tenant: Tenant) -> None:
    for path in ("/health", "/health/live", "/api/v1/jobs", "/schema/openapi.json", "/api/v1/jobs?limit=0", "/nothing"):
        whole, head = await tenant.client.get(path), await tenant.client.head(path)
        assert (head.status_code, head.content) == (whole.status_code, b"")
        assert head.headers["Content-Type"] == whole.headers["Content-Type"]
    assert "HEAD" in (await tenant.client.options("/api/v1/jobs")).headers["Allow"]
    assert (await tenant.client.head("/api/v1/jobs/x/pause")).status_code in (404, 405)


def test_descriptors_are_kept_for_the_rest_of_the_process() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        most = most_connections(10_000_000, reserved=500)
        soft_now, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        assert 0 < most <= soft_now - 500
        assert most_connections(10, reserved=5) == 10
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_the_log_says_only_now_and_then_that_there_are_no_descriptors() -> None:
    loop = asyncio.new_event_loop()
    undo = quiet_about_descriptors(loop, throttle=Throttle(seconds=3600))
    with capture_logs() as lines:
        for _ in range(1000):
            loop.call_exception_handler(
                {"message": "socket.accept() out of system resource", "exception": OSError(24, "Too many open files")}
            )
    undo()
    loop.close()
    assert [line["event"] for line in lines] == ["descriptors_exhausted"]


async def test_a_thousand_half_sent_requests_stop_neither_the_service_nor_its_log(settings: Settings) -> None:
    command = f"ulimit -n 256; exec {BIN / 'freight'} serve"
    async with started("sh", "-c", command, env=environment(settings)) as running:
        address = _listening(await running.printed("ready at"))
        connections = await asyncio.gather(*(_half_sent(address) for _ in range(1000)))
        async with asyncio.timeout(30):
            assert all([await answered(address) for _ in range(10)])
        workers = await exchanged(address, b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert b'"count":1' in workers
        for writer in connections:
            if writer is not None:
                writer.close()
        assert len(running.lines) < 300
        assert not any("Traceback" in line for line in running.lines)


def _listening(line: str) -> Address:
    host, _, port = line.split("http://")[1].split(" ")[0].partition(":")
    return host, int(port)


async def _half_sent(address: Address) -> asyncio.StreamWriter | None:
    with contextlib.suppress(OSError):
        _, writer = await asyncio.open_connection(*address)
        writer.write(HEAD + b"X-Slow: ")
        return writer
    return None
