"""Brake: a caller that goes on although it is refused gets its answers late.

Refusing a request costs several milliseconds of the process. A client that repeats it without a pause would take as
much of the process as all others together; held back, the same client costs next to nothing.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable

FREE = 20
"""Refusals of one caller within a minute that are answered at once."""

HOLD_SECONDS = 1.0
"""How long the answers to further ones are held back."""

MAX_HELD = 64
"""Answers to one caller that are held back at the same time; more are given at once, since each holds a connection."""

MINUTE = 60.0


class Brake:
    """Holds back the refusals of one process."""

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
        """By caller, in the minute that has begun at `_since`."""
        self._held: Counter[str] = Counter()

    async def refused(self, caller: str) -> None:
        """Count a refusal, and return when its answer should be given."""
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
