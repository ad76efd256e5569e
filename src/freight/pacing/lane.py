"""Lanes: the slots of one account for one kind of request, as one process takes them.

They come from Redis or, while it is unavailable, are this process's share of them.
"""

import asyncio
import math
import time
from collections.abc import Callable

from freight.connectors.protocols import Kind
from freight.pacing import pace as paces
from freight.pacing.pace import Pace
from freight.pacing.shared import Shared, Taken
from freight.pacing.slots import Slot, Slots

MAX_WAIT = 10.0
"""Seconds that a request waits for a slot, or at an open circuit, before `MustWait` is raised."""

SILENCE = 4.0
"""Seconds without a request after which a process has no open connection left."""

CHANGES = 3
"""Attempts to change the shared pace while other workers change it too."""


class Lane:
    """The slots of one kind of request, in Redis or, without it, this process's share of them."""

    def __init__(
        self,
        shared: Shared,
        kind: Kind,
        rate: float,
        workers: Callable[[], int],
        *,
        clock: Callable[[], float],
        warm_up: bool,
    ) -> None:
        # Of each process only one request at a time holds a future slot, so that a pause, which moves only slots that
        # are not granted yet, applies to all others.
        self.queue = asyncio.Lock()
        self.kind: Kind = kind
        self._shared = shared
        self._rate = rate
        self._workers = workers
        self._clock = clock
        self._warm_up = warm_up
        self._own = Slots()
        self._asked_at = -math.inf
        self._late = 0.0
        """The delay of a used slot that has not been reported to Redis yet."""
        self._late_at = 0.0
        self._pace = Pace()
        self._seen = b""
        """The pace that Redis held when it was last asked."""
        self._offset = time.time() - clock()
        """Redis's clock minus this process's own; a guess until Redis has been asked."""

    async def take(self, longest_wait: float) -> Slot:
        """Take a slot; `at` is on this process's clock."""
        asked = self._clock()
        if not self._rate:
            return self._own.take(asked, 0.0, longest_wait)
        is_cold, self._asked_at = asked - self._asked_at > SILENCE, asked
        distance = self._pace.distance(self._shared_now(), self._rate)
        share = distance * max(1, self._workers())
        taken = await self._shared.take(self.kind, distance, longest_wait, self._late, asked - self._late_at)
        if taken is None:
            return self._own.take(self._clock(), share, longest_wait)
        await self._learn(taken)
        if is_cold and self._warm_up:
            await self._change(Pace.warming_up)
        if taken.slot.is_taken:
            self._late = 0.0
            self._own.follow(asked, taken.slot.wait + share)
        return taken.slot._replace(at=asked + taken.slot.wait)

    def used(self, slot: Slot) -> None:
        """Record the use of a slot, so that those that follow compensate if it is late."""
        late = self._clock() - slot.at
        self._own.late(self._clock(), late)
        if late > self._late:
            self._late, self._late_at = late, slot.at

    async def pause(self, seconds: float) -> None:
        """Grant no slot for so many seconds, in any process."""
        self._own.pause(self._clock(), seconds)
        if self._rate:
            await self._shared.pause(self.kind, seconds)

    def pause_left(self) -> float:
        """Return the seconds left of a pause that this process knows of."""
        return self._own.pause_left(self._clock())

    async def slow_down(self) -> float | None:
        """Reduce the pace. Return the remaining share, or None if it was just reduced."""
        if not self._rate or not await self._change(Pace.after_refusal):
            return None
        return self._pace.share

    async def _change(self, change: Callable[[Pace, float], Pace]) -> bool:
        """Change the pace for all workers. Return whether this one did."""
        for _ in range(CHANGES):
            seen, changed = self._seen, change(self._pace, self._shared_now())
            if changed == self._pace:
                return False
            # At once, so that the next 429 of this process finds it changed.
            self._pace, self._seen = changed, paces.written(changed)
            kept = await self._shared.change(self.kind, seen, self._seen)
            if kept is None or kept == paces.written(changed):
                return True
            self._adopt(kept)
        return False

    async def _learn(self, taken: Taken) -> None:
        self._offset = taken.now - self._clock()
        if taken.pace != self._seen:
            self._adopt(taken.pace)
        await self._change(Pace.repaired)

    def _adopt(self, text: bytes) -> None:
        """Adopt the pace that another worker wrote. If Redis holds none, keep the own one."""
        self._seen = text
        if (known := paces.read(text)) is not None:
            self._pace = known

    def _shared_now(self) -> float:
        return self._clock() + self._offset
