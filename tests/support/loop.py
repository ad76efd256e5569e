"""How long the event loop is kept from everybody else."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass


@dataclass
class Blocks:
    """What has been seen of the loop."""

    longest: float = 0.0
    """The most processor seconds that the loop's thread spent between two turns of the watcher."""


@asynccontextmanager
async def watched() -> AsyncIterator[Blocks]:
    """Measure the loop for as long as the context lasts.

    In processor time of this thread: that others use the machine too makes nothing longer.
    """
    blocks = Blocks()

    async def watch() -> None:
        before = time.thread_time()
        while True:
            await asyncio.sleep(0)
            now = time.thread_time()
            blocks.longest, before = max(blocks.longest, now - before), now

    watcher = asyncio.create_task(watch())
    try:
        yield blocks
    finally:
        watcher.cancel()
        await asyncio.wait([watcher])
