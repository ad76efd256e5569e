"""A vendor that, when told to refuse, quotes the key that it was sent wherever it can."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import httpx
import msgspec

from support.clients import TLS

PASSED_ON = ("authorization", "content-type", "accept", "x-attio-client")


@dataclass
class Quoting:
    """Stands before a vendor."""

    upstream: httpx.AsyncClient
    url: str = ""
    refusal: int | None = None
    """The status with which requests are refused; None passes them on to the vendor."""
    refused: str = "/"
    """How the paths of the requests begin that are refused; all others are passed on."""

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            first, *lines = head.rstrip().split("\r\n")
            method, path, _ = first.split()
            headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            status, said = await self._answer(method, path, headers, body)
            key = headers["authorization"].partition(" ")[2]
            writer.write(
                f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {len(said)}\r\n"
                f"Location: {self.url}/{key}\r\nX-Your-Key: {key}\r\nConnection: close\r\n\r\n".encode()
                + said
            )
            await writer.drain()
        writer.close()

    async def _answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        if self.refusal is None or not path.startswith(self.refused):
            passed_on = {name: value for name, value in headers.items() if name in PASSED_ON}
            answer = await self.upstream.request(method, path, headers=passed_on, content=body)
            return answer.status_code, answer.content
        sentence = f"The header {headers['authorization']} holds a key that is refused."
        refusal = {
            "errors": [{"code": "authentication", "message": sentence}],
            "status_code": self.refusal,
            "type": "auth_error",
            "code": "unauthorized",
            "message": sentence,
        }
        return self.refusal, msgspec.json.encode(refusal)


@asynccontextmanager
async def quoting(vendor_url: str) -> AsyncIterator[Quoting]:
    """Such a vendor, before the one at this URL, for as long as the context lasts."""
    async with httpx.AsyncClient(verify=TLS, base_url=vendor_url, timeout=30) as upstream:
        vendor = Quoting(upstream)
        server = await asyncio.start_server(vendor.connected, "127.0.0.1", 0)
        vendor.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield vendor
        finally:
            server.close()
