"""Availability: tell one record at which a vendor fails from a vendor that fails."""

import asyncio

from freight.connectors.errors import ConnectorError
from freight.connectors.protocols import Source, Target

MAX_FAILURES_IN_A_ROW = 10
"""Records at which a vendor may fail, without a success in between, before it counts as unavailable."""


class Availability:
    """Watches whether the vendors of a step answer at all."""

    def __init__(self, target: Target, source: Source | None) -> None:
        self._vendors: list[Source | Target] = [target, *([source] if source is not None else [])]
        self._failures = 0
        self._asking = asyncio.Lock()
        self._is_down = False

    def succeeded(self) -> None:
        """Note that a record was written."""
        self._failures = 0

    async def is_about_one_record(self) -> bool:
        """Return whether the vendors answer other requests, after they gave no usable answer about a record."""
        self._failures += 1
        async with self._asking:
            if self._is_down or self._failures > MAX_FAILURES_IN_A_ROW:
                return False
            try:
                for vendor in self._vendors:
                    await vendor.identify()
            except ConnectorError:
                self._is_down = True
        return not self._is_down
