"""Delayed responses for a caller that goes on after it was refused.

Refusing a request costs several milliseconds of the process. A client that repeats it without a pause would take as
much of the process as all others together; delayed, the same client costs next to nothing.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable

FREE = 20
"""Refusals of one caller within a minute that are answered at once."""

HOLD_SECONDS = 1.0
"""The delay of further responses."""

MAX_HELD = 64
"""Responses to one caller that are delayed concurrently; further ones are sent at once, since each holds a connection.
"""

MINUTE = 60.0


class Brake:
    """Delays the refusals of one process."""

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._since = clock()
        self._refusals: Counter[str] = Counter()
        """By caller, in the minute that started at `_since`."""
        self._held: Counter[str] = Counter()

    async def refused(self, caller: str) -> None:
        """Count a refusal, and return when to answer it."""
        if self._clock() - self._since >= MINUTE:
            self._since = self._clock()
            self._refusals.clear()
        self._refusals[caller] += 1
        if self._refusals[caller] <= FREE or self._held[caller] >= MAX_HELD:
            return
        self._held[caller] += 1
        try:
            await self._sleep(HOLD_SECONDS)
        finally:
            self._held[caller] -= 1
            if not self._held[caller]:
                del self._held[caller]
