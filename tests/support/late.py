"""What the simulated Attio does by itself a little after a request."""

import httpx

from freight_sandbox import Sandbox
from support.clients import client


async def finish(attio: httpx.AsyncClient) -> None:
    """Have the Attio do now what it would do within the next second, so that no test waits for it."""
    (await attio.post("/_sandbox/late")).raise_for_status()


async def finish_in(sandbox: Sandbox) -> None:
    """Have the Attio of this sandbox do now what it would do within the next second."""
    async with client(sandbox.attio_url) as attio:
        await finish(attio)
