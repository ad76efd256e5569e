"""Faults at the vendors: which are in force, each for its time."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Literal

from freight_sandbox import Sandbox
from support import faults

Vendor = Literal["affinity", "attio"]
VendorFault = dict[str, Any]
"""What the sandbox is told: `kind` and whatever else belongs to it."""


class VendorFaults:
    """The faults that both vendors show now."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._urls: dict[Vendor, str] = {"affinity": sandbox.affinity_url, "attio": sandbox.attio_url}
        self._shown: list[tuple[Vendor, VendorFault]] = []

    @asynccontextmanager
    async def showing(self, shown: Sequence[tuple[Vendor, VendorFault]]) -> AsyncIterator[None]:
        """Have the vendors show faults, in this order of precedence, for as long as the context lasts."""
        self._shown += shown
        await self._put_in_force(shown)
        try:
            yield
        finally:
            for entry in shown:
                self._shown.remove(entry)
            # The sandbox can only end all of them.
            for url in self._urls.values():
                await faults.clear(url)
            await self._put_in_force(self._shown)

    async def _put_in_force(self, shown: Sequence[tuple[Vendor, VendorFault]]) -> None:
        for vendor, fault in shown:
            await faults.add(self._urls[vendor], **fault)
