"""A relay in front of a server that keeps what passes, so that a test can read the conversation afterwards."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httptools
import msgspec

from freight_sandbox import Sandbox


@dataclass
class Message:
    """A request or an answer."""

    start: str | int = ""
    """The method of a request, the status of an answer."""
    url: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def path(self) -> str:
        """The path of a request."""
        return urlsplit(self.url).path

    @property
    def params(self) -> dict[str, list[str]]:
        """What stands in the query of a request, with all values of each name."""
        found: dict[str, list[str]] = {}
        for name, value in parse_qsl(urlsplit(self.url).query, keep_blank_values=True):
            found.setdefault(name, []).append(value)
        return found

    @property
    def has_json(self) -> bool:
        """Whether the body is JSON."""
        return bool(self.body) and self.headers.get("content-type", "").startswith("application/json")

    def json(self) -> Any:
        """Return the body."""
        return json.loads(self.body)


@dataclass(frozen=True)
class Exchange:
    """A request with its answer."""

    request: Message
    answer: Message


class Recorder:
    """Passes bytes between clients and a server, and keeps them."""

    def __init__(self, url: str) -> None:
        there = urlsplit(url)
        self._there = (there.hostname, there.port)
        self._conversations: list[tuple[bytearray, bytearray]] = []

    async def open(self) -> str:
        """Begin to listen; the URL that clients shall use."""
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def close(self) -> None:
        """Listen no more; connections end with their clients."""
        self._server.close()

    def exchanges(self) -> Iterator[Exchange]:
        """Everything that was asked and answered, connection by connection."""
        for asked, answered in self._conversations:
            requests, answers = _Reader(httptools.HttpRequestParser), _Reader(httptools.HttpResponseParser)
            yield from map(Exchange, requests.read(asked), answers.read(answered))

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(*self._there)
        asked, answered = bytearray(), bytearray()
        self._conversations.append((asked, answered))
        await asyncio.gather(_pass(reader, back, asked), _pass(there, writer, answered))


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, kept: bytearray) -> None:
    with suppress(OSError):
        while data := await reader.read(65536):
            kept += data
            writer.write(data)
            await writer.drain()
    writer.close()


class _Reader:
    """Takes one direction of a connection apart; httptools calls the methods whose names begin with `on_`."""

    def __init__(self, parser: Any) -> None:
        self._parser = parser(self)
        self._messages: list[Message] = []

    def read(self, data: bytearray) -> list[Message]:
        self._parser.feed_data(bytes(data))
        return self._messages

    def on_message_begin(self) -> None:
        self._messages.append(Message())

    def on_url(self, url: bytes) -> None:
        self._messages[-1].url += url.decode()

    def on_header(self, name: bytes, value: bytes) -> None:
        self._messages[-1].headers[name.decode().lower()] = value.decode()

    def on_headers_complete(self) -> None:
        of_request = isinstance(self._parser, httptools.HttpRequestParser)
        self._messages[-1].start = self._parser.get_method().decode() if of_request else self._parser.get_status_code()

    def on_body(self, part: bytes) -> None:
        self._messages[-1].body += part


@dataclass(frozen=True)
class Recorded:
    """A sandbox whose conversations are kept."""

    sandbox: Sandbox
    affinity: Recorder
    attio: Recorder


@asynccontextmanager
async def recorded(sandbox: Sandbox) -> AsyncIterator[Recorded]:
    """Yield the sandbox as it is seen through two relays."""
    async with AsyncExitStack() as stack:
        affinity, attio = Recorder(sandbox.affinity_url), Recorder(sandbox.attio_url)
        seen = msgspec.structs.replace(sandbox, affinity_url=await affinity.open(), attio_url=await attio.open())
        for recorder in (affinity, attio):
            stack.push_async_callback(recorder.close)
        yield Recorded(seen, affinity, attio)
