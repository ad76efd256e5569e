"""Slots: fair sharing of a worker's long steps between tenants and jobs.

A worker runs a fixed number of long steps concurrently. A tenant without a slot may take any free one; a tenant with
slots may take more only within its fair share, and while a few stay free for tenants that come later. The slots of a
tenant are shared between its jobs by the same rule. Among those that wait, the tenant with the fewest slots is next,
then the one that was served longest ago; a step that has held its slot for long yields to those that have fewer. The
slot of a step that only waits for a vendor that does not answer is lent to others meanwhile.
"""

import asyncio
import math
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Hashable, Iterable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import NamedTuple

RESERVED_PART = 4
"""One slot in this many stays free for tenants that have none, and one in this many of a tenant's for such jobs."""

SLICE_SECONDS = 5.0
"""How long a step may keep its slot while others with fewer slots wait."""

WAIT_TIMEOUT_SECONDS = 60.0
"""How long a step waits for a slot. After that the sweep enqueues it again."""

SILENT_SECONDS = 3.0
"""How long none of a step's requests is answered before its slot is lent."""

LOOK_SECONDS = 0.5
"""How often waiting steps check whether a slot can be lent."""

ROOM = 64
"""Steps that wait for a slot in one worker."""

REMEMBERED = 4096
"""Tenants and jobs for which the time of their last slot is remembered."""


class Step(NamedTuple):
    """A long step: a part of the work on one row."""

    tenant: Hashable
    job: Hashable
    row: Hashable


class Slot:
    """A slot that a step holds."""

    def __init__(self, slots: "Slots", step: Step) -> None:
        self.step = step
        self._slots = slots
        self._since = slots.clock()
        self._waiting_since: float | None = None
        """Since when the step has sent requests of which none has been answered."""
        self._under_way = 0

    def asked(self) -> None:
        """Record that a request of the step is sent."""
        self._under_way += 1
        if self._waiting_since is None:
            self._waiting_since = self._slots.clock()

    def answered(self, *, whole: bool) -> None:
        """Record that a request has ended, with a whole answer or without."""
        self._under_way -= 1
        if whole:
            self._waiting_since = self._slots.clock() if self._under_way else None

    @property
    def is_lent(self) -> bool:
        """Whether others may use the slot, because the step only waits for a vendor that does not answer."""
        since = self._waiting_since
        return since is not None and self._slots.clock() - since >= SILENT_SECONDS

    @property
    def is_wanted(self) -> bool:
        """Whether the step should end early, at a point where nothing is lost, to be enqueued again."""
        return self._slots.clock() - self._since >= self._slots.slice_seconds and self._slots.gives_way(self.step)


class Slots:
    """The slots of one worker."""

    def __init__(
        self,
        number: int,
        *,
        room: int = ROOM,
        slice_seconds: float = SLICE_SECONDS,
        patience: float = WAIT_TIMEOUT_SECONDS,
        look_seconds: float = LOOK_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.clock = clock
        self.slice_seconds = slice_seconds
        self._number = number
        self._room = room
        self._patience = patience
        self._look_seconds = look_seconds
        self._held: dict[Step, Slot] = {}
        self._waiting: dict[Step, asyncio.Future[bool]] = {}
        """In the order in which they came."""
        self._served: dict[Hashable, int] = {}
        """When tenants and jobs last got a slot, as the number of that grant, the earliest first."""
        self._grants = 0

    @property
    def held(self) -> frozenset[Step]:
        """The steps that have a slot."""
        return frozenset(self._held)

    @property
    def waiting(self) -> tuple[Step, ...]:
        """The steps that wait for one."""
        return tuple(self._waiting)

    @asynccontextmanager
    async def taken(self, step: Step, *, wait: bool = True) -> AsyncIterator[Slot | None]:
        """Hold a slot for the step. If none is free, wait for one if `wait` is true.

        Yield None if there is no slot for it, no room to wait, or if a step on the same row holds or awaits one.
        """
        if not await self._acquire(step, wait=wait):
            yield None
            return
        slot = self._held[step]
        _current.set(slot)
        try:
            yield slot
        finally:
            _current.set(None)
            self._held.pop(step, None)
            self._grant()

    def gives_way(self, step: Step) -> bool:
        """Return whether a step should yield its slot to one that waits, whose tenant or job has fewer slots."""
        tenants, jobs = self._counts()
        return any(
            tenants[other.tenant] < tenants[step.tenant]
            if other.tenant != step.tenant
            else jobs[other.job] < jobs[step.job]
            for other in self._waiting
        )

    async def _acquire(self, step: Step, *, wait: bool) -> bool:
        if step in self._held or step in self._waiting:
            return False
        granted: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting[step] = granted
        self._grant()
        if not granted.done():
            if not wait:
                del self._waiting[step]
                return False
            if len(self._waiting) > self._room:
                self._turn_away(self._most_crowded())
        try:
            async with asyncio.timeout(self._patience):
                while not granted.done():
                    await asyncio.wait([granted], timeout=self._look_seconds)
                    if next(iter(self._waiting), None) is step:
                        # One task checks for all.
                        self._grant()
                return granted.result()
        except BaseException as error:
            # Cancelled or timed out: a slot that was granted at the same moment goes to the next step.
            self._waiting.pop(step, None)
            self._held.pop(step, None)
            self._grant()
            if isinstance(error, TimeoutError):
                return False
            raise

    def _grant(self) -> None:
        while (step := self._next()) is not None:
            granted = self._waiting.pop(step)
            if granted.done():  # its task has been cancelled
                continue
            self._held[step] = Slot(self, step)
            granted.set_result(True)
            self._note(step)

    def _note(self, step: Step) -> None:
        self._grants += 1
        for key in (step.tenant, step.job):
            self._served.pop(key, None)
            self._served[key] = self._grants
        while len(self._served) > REMEMBERED:
            del self._served[next(iter(self._served))]

    def _next(self) -> Step | None:
        """Return the step that gets the next slot, if any may."""
        if self._free() <= 0:
            return None
        tenants, jobs = self._counts()

        def rank(step: Step) -> tuple[int, int, int, int]:
            return (
                tenants[step.tenant],
                self._served.get(step.tenant, 0),
                jobs[step.job],
                self._served.get(step.job, 0),
            )

        return next((step for step in sorted(self._waiting, key=rank) if self._may_have(step)), None)

    def _may_have(self, step: Step) -> bool:
        """Return whether a step may take one of the free slots."""
        tenants, jobs = self._counts()
        if not tenants[step.tenant]:
            return True
        share = fair_share(self._number, len({other.tenant for other in self._all()}))
        if tenants[step.tenant] >= share or self._free() <= reserve(self._number):
            return False
        own = {other.job for other in self._all() if other.tenant == step.tenant}
        return not jobs[step.job] or jobs[step.job] < fair_share(share, len(own))

    def _free(self) -> int:
        """Return how many slots are free or lent.

        At most as many are lent as there are, so that at most twice as many steps continue when the vendors answer.
        """
        lent = sum(slot.is_lent for slot in self._held.values())
        return self._number - len(self._held) + min(lent, self._number)

    def _most_crowded(self) -> Step:
        """Return the last waiting step of the job with the most waiting steps, of the tenant with the most."""
        tenants = Counter(step.tenant for step in self._waiting)
        jobs = Counter(step.job for step in self._waiting)
        return max(reversed(self._waiting), key=lambda step: (tenants[step.tenant], jobs[step.job]))

    def _turn_away(self, step: Step) -> None:
        self._waiting.pop(step).set_result(False)

    def _counts(self) -> tuple[Counter[Hashable], Counter[Hashable]]:
        """Return how many slots each tenant and each job has."""
        return Counter(step.tenant for step in self._held), Counter(step.job for step in self._held)

    def _all(self) -> Iterable[Step]:
        yield from self._held
        yield from self._waiting


_current: ContextVar[Slot | None] = ContextVar("slot", default=None)


def current() -> Slot | None:
    """Return the slot in which this task runs, if any."""
    return _current.get()


def reserve(number: int) -> int:
    """Return how many of `number` slots stay free for those that have none."""
    return number // RESERVED_PART


def fair_share(number: int, parties: int) -> int:
    """Return how many of `number` slots one of `parties` may have at most."""
    return max(1, math.ceil((number - reserve(number)) / parties))
