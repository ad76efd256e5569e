"""What the source and the target of the in-memory vendor have in common: a key, a pace, and counted requests."""

import httpx

from freight.connectors.protocols import Kind, Pacer, Usage


class MemoryConnection:
    """Takes turns for requests, and counts them."""

    def __init__(
        self, api_key: str, *, base_url: str, pacer: Pacer, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self.key = api_key
        self._pacer = pacer
        self._requests: dict[Kind, int] = {}

    async def aclose(self) -> None:
        """Do nothing: there are no connections."""

    def take_usage(self) -> Usage:
        """Return the number of queries and changes since the last call."""
        requests, self._requests = self._requests, {}
        return Usage(reads=requests.get("query", 0), writes=requests.get("change", 0))

    async def take_turn(self, kind: Kind) -> None:
        """Wait until a request may be sent, and count it."""
        await self._pacer.turn(kind)
        self._requests[kind] = self._requests.get(kind, 0) + 1
