"""Pacing: turns to send requests, shared in Redis by everyone who talks to the same account.

Turns are handed out as slots at even distances (the generic cell rate algorithm): one number in Redis per account and
kind says when the next slot is. A pause moves that number into the future.
"""

import asyncio
import math
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import NamedTuple

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from freight.connectors.errors import Unavailable
from freight.connectors.protocols import KINDS, Kind

FACTOR = 0.98
"""Part of the allowed rate that is used. Where N requests are allowed in any one second, slots at this rate leave 20 ms
by which requests may arrive unevenly before N + 1 of them fall into one second."""

TOLERANCE = 0.008
"""Seconds by which a slot may be used late without moving those that follow."""

WARM_UP = 1.5
WARM_UP_DISTANCE = 1.25
SILENCE = 4.0
"""After so many seconds without a request a process has no open connection left. Requests that open a new one arrive
late by as long as that takes, and those after them do not: so for `WARM_UP` seconds its slots are a quarter longer."""

REDIS_TIMEOUT = 0.5
RETRY_REDIS_AFTER = 1.0

FAILURES_TO_OPEN = 8
SHORTEST_OPEN = 10.0
LONGEST_OPEN = 60.0
TRIAL_TIMEOUT = 90.0
"""Seconds after which a trial whose outcome was never reported is given up: longer than any request may take."""
CIRCUIT_POLL = 0.25
PATIENCE = 120.0
"""Seconds that a turn waits for an open circuit."""

# In microseconds of Redis's own clock. ARGV: distance between slots, tolerance, earliest slot as seen from now.
TAKE_SLOT = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local slot = tonumber(redis.call('GET', KEYS[1]) or 0)
if slot < now - ARGV[2] then slot = now end
slot = math.max(slot, now + ARGV[3])
local following = slot + ARGV[1]
local kept = (following - now) / 1000 + 60000
redis.call('SET', KEYS[1], string.format('%.0f', following), 'PX', string.format('%.0f', kept))
return {string.format('%.0f', slot), string.format('%.0f', slot - now)}
"""

log = structlog.get_logger(__name__)


class Slot(NamedTuple):
    """A time at which one request may be sent."""

    at: float
    """Seconds on the clock of whoever handed it out: Redis's, or this process's own."""
    wait: float
    """Seconds from now; negative if it has just gone by."""


class Pacer:
    """Turns for one account; see `freight.connectors.protocols.Pacer`. One object serves a whole process: it knows
    which connections are warm, and holds no more than one slot ahead.

    `account` names the account in Redis and must not be a key in clear. `rates` are requests a second that the vendor
    allows, by kind; 0, and a kind that is absent, are unpaced. `workers` says among how many processes the rate is
    shared while Redis cannot be reached. The circuit is this process's own: what it cannot reach another may.
    """

    def __init__(
        self,
        redis: Redis,
        *,
        account: str,
        rates: Mapping[Kind, float],
        workers: Callable[[], int] = lambda: 1,
    ) -> None:
        self.requests = 0
        """Turns handed out."""
        self.seconds_waited = 0.0
        """What those who asked for turns waited, added up."""
        self._account = account
        self._rates = rates
        self._workers = workers
        self._take_slot = redis.register_script(TAKE_SLOT)
        self._retry_redis_at = 0.0
        self._own: dict[Kind, _OwnSlots] = {kind: _OwnSlots() for kind in KINDS}
        self._asked_at: dict[Kind, float] = dict.fromkeys(KINDS, -math.inf)
        self._warm_at: dict[Kind, float] = dict.fromkeys(KINDS, 0.0)
        # Of each process only one request at a time holds a slot that lies ahead, so that a pause, which moves only
        # slots that are not handed out yet, holds for all others.
        self._queues: dict[Kind, asyncio.Lock] = {kind: asyncio.Lock() for kind in KINDS}
        self._circuit = _Circuit()

    async def turn(self, kind: Kind) -> None:
        """Wait until one request of this kind may be sent. Raises `Unavailable` if the circuit stays open."""
        began = time.monotonic()
        waited = 0.0
        while not await self._admitted(kind):
            if waited >= PATIENCE:
                raise Unavailable(
                    f"The vendor has not answered for {PATIENCE:.0f} seconds and more; nothing is sent to it until it "
                    "does. Try again later."
                )
            await asyncio.sleep(CIRCUIT_POLL)
            waited += CIRCUIT_POLL
        self.requests += 1
        self.seconds_waited += time.monotonic() - began

    async def pause(self, kind: Kind, until: datetime) -> None:
        """Nobody sends requests of this kind before `until` (aware)."""
        wait = (until - datetime.now(UTC)).total_seconds()
        if wait <= 0:
            return
        self._own[kind].take(0, wait)
        if self._rates.get(kind):
            await self._take_shared(kind, 0, wait)

    async def succeeded(self) -> None:
        """The vendor answered."""
        self._circuit.succeeded()

    async def failed(self) -> None:
        """The vendor answered 5xx, or not at all."""
        if self._circuit.failed(time.monotonic()):
            log.warning("circuit_opened", account=self._account, seconds=self._circuit.open_for)

    async def _admitted(self, kind: Kind) -> bool:
        async with self._queues[kind]:
            if not self._circuit.admits(time.monotonic()):
                return False
            asked = time.monotonic()
            slot = await self._take(kind)
            await asyncio.sleep(max(0, asked + slot.wait - time.monotonic()))
            late = time.monotonic() - asked - slot.wait
            if self._rates.get(kind) and late > TOLERANCE:
                await self._shift(kind, late - TOLERANCE)
            return True

    async def _take(self, kind: Kind) -> Slot:
        rate = self._rates.get(kind)
        if not rate:
            return self._own[kind].take(0)
        now = time.monotonic()
        if now - self._asked_at[kind] > SILENCE:
            self._warm_at[kind] = now + WARM_UP
        self._asked_at[kind] = now
        distance = 1 / (rate * FACTOR) * (WARM_UP_DISTANCE if now < self._warm_at[kind] else 1)
        share = distance * max(1, self._workers())
        slot = await self._take_shared(kind, distance)
        if slot is None:
            return self._own[kind].take(share)
        self._own[kind].follow(slot.wait + share)
        return slot

    async def _shift(self, kind: Kind, seconds: float) -> None:
        """Slots keep their distance from when a request is really sent, not from when it should have been."""
        self._own[kind].take(seconds)
        await self._take_shared(kind, seconds)

    async def _take_shared(self, kind: Kind, distance: float, earliest: float = -TOLERANCE) -> Slot | None:
        """A slot from Redis, or None while it cannot be reached."""
        if time.monotonic() < self._retry_redis_at:
            return None
        try:
            async with asyncio.timeout(REDIS_TIMEOUT):
                at, wait = await self._take_slot(
                    keys=[f"freight:pace:{self._account}:{kind}"],
                    args=[round(seconds * 1_000_000) for seconds in (distance, TOLERANCE, earliest)],
                )
        except (RedisError, OSError) as error:
            if not self._retry_redis_at:
                log.warning("pacing_without_redis", account=self._account, reason=str(error) or type(error).__name__)
            self._retry_redis_at = time.monotonic() + RETRY_REDIS_AFTER
            return None
        if self._retry_redis_at:
            log.info("pacing_with_redis_again", account=self._account)
            self._retry_redis_at = 0.0
        return Slot(int(at) / 1_000_000, int(wait) / 1_000_000)


class _OwnSlots:
    """The same slots as Redis hands out, for this process alone."""

    def __init__(self) -> None:
        self._following = 0.0

    def take(self, distance: float, earliest: float = -TOLERANCE) -> Slot:
        now = time.monotonic()
        slot = now if self._following < now - TOLERANCE else self._following
        slot = max(slot, now + earliest)
        self._following = slot + distance
        return Slot(slot, slot - now)

    def follow(self, wait: float) -> None:
        """The next slot is so many seconds from now."""
        self._following = time.monotonic() + wait


class _Circuit:
    """Open after so many failures in a row; then one request at a time tries whether the vendor is back."""

    def __init__(self) -> None:
        self.open_for = 0.0
        """Seconds for which it was opened last; 0 while it is closed."""
        self._failures = 0
        self._trial_at = 0.0
        self._trial_under_way = False

    def admits(self, now: float) -> bool:
        """Whether a request may be sent. On an open circuit that makes it the trial, whose outcome must be reported."""
        if not self.open_for:
            return True
        if now < self._trial_at:
            return False
        self._trial_under_way = True
        self._trial_at = now + TRIAL_TIMEOUT
        return True

    def succeeded(self) -> None:
        self._failures = 0
        self.open_for = 0.0
        self._trial_under_way = False

    def failed(self, now: float) -> bool:
        """Count a failure; True if that opened the circuit."""
        self._failures += 1
        # Requests that were already on their way when the circuit opened say nothing new.
        if self._failures < FAILURES_TO_OPEN or (self.open_for and not self._trial_under_way):
            return False
        self.open_for = min(LONGEST_OPEN, self.open_for * 2 or SHORTEST_OPEN)
        self._trial_at = now + self.open_for
        self._trial_under_way = False
        return True
