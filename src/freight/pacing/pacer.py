"""Pacer: permission to send requests for one account. It waits; `pace`, `slots` and `circuit` decide for what."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta

import structlog
from redis.asyncio import Redis

from freight.connectors.errors import MustWait
from freight.connectors.protocols import Kind
from freight.pacing.circuit import SHORTEST_OPEN, Circuit
from freight.pacing.lane import MAX_WAIT, Lane
from freight.pacing.shared import REDIS_TIMEOUT, RETRY_REDIS_AFTER, Shared

TOO_LATE = 1.0
"""Seconds after which a slot is discarded: the process slept, and others have been sending meanwhile."""

log = structlog.get_logger(__name__)


class Pacer:
    """Grants requests for one account; see `freight.connectors.protocols.Pacer`. One object serves a whole process: it
    knows which connections are warm, and holds at most one future slot.

    `account` names the account in Redis and must not be a key in clear, `vendor` names it in messages. `rates` are the
    requests a second that the vendor allows, by kind; kinds with 0, and absent ones, are not paced. `workers` is the
    number of processes that share the rate while Redis is unavailable. The circuit is this process's own: another may
    reach what this one cannot.
    """

    def __init__(
        self,
        redis: Redis,
        *,
        account: str,
        rates: Mapping[Kind, float],
        vendor: str = "The vendor",
        workers: Callable[[], int] = lambda: 1,
        warm_up: bool = True,
        redis_timeout: float = REDIS_TIMEOUT,
        retry_redis_after: float = RETRY_REDIS_AFTER,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._account = account
        self._vendor = vendor
        self._rates = rates
        self._workers = workers
        self._clock = clock
        self._sleep = sleep
        self._circuit = Circuit()
        self._warm_up = warm_up
        self._shared = Shared(redis, account, timeout=redis_timeout, retry_after=retry_redis_after, clock=clock)
        self._lanes: dict[Kind, Lane] = {}

    async def turn(self, kind: Kind) -> None:
        """Wait until one request of this kind may be sent.

        Raise `MustWait` if that takes longer than `MAX_WAIT`: during a pause, or while the circuit is open.
        """
        lane = self._lane(kind)
        began = self._clock()
        async with lane.queue:
            while True:
                await self._wait_for_circuit(began)
                await self._wait_for_pause(lane)
                slot = await lane.take(MAX_WAIT)
                if not slot.is_taken:
                    raise self._limited(kind, slot.wait)
                if (wait := slot.at - self._clock()) > 0:
                    await self._sleep(wait)
                is_too_late = self._clock() - slot.at > TOO_LATE
                if is_too_late or lane.pause_left() or not self._circuit.admits(self._clock()):
                    continue
                lane.used(slot)
                return

    async def pause(self, kind: Kind, until: datetime) -> None:
        """Handle a 429: no worker sends such requests before `until` (aware), and then all send more slowly."""
        lane = self._lane(kind)
        seconds = (until - datetime.now(UTC)).total_seconds()
        await lane.pause(max(0.0, seconds))
        if (share := await lane.slow_down()) is not None:
            log.info("pace_fell", account=self._account, kind=kind, share=round(share, 3), paused=round(seconds, 3))

    async def succeeded(self) -> None:
        """Record that the vendor answered."""
        self._circuit.succeeded()

    async def failed(self) -> None:
        """Record that the vendor answered 5xx, or not at all."""
        if self._circuit.failed(self._clock()):
            log.warning("circuit_opened", account=self._account, seconds=self._circuit.open_for)

    def _lane(self, kind: Kind) -> Lane:
        if (lane := self._lanes.get(kind)) is None:
            lane = self._lanes[kind] = Lane(
                self._shared, kind, self._rates.get(kind, 0.0), self._workers, clock=self._clock, warm_up=self._warm_up
            )
        return lane

    async def _wait_for_circuit(self, began: float) -> None:
        while wait := self._circuit.wait(self._clock()):
            if self._clock() + wait > began + MAX_WAIT:
                raise self._unavailable(SHORTEST_OPEN if self._circuit.is_trying else wait)
            await self._sleep(wait)

    async def _wait_for_pause(self, lane: Lane) -> None:
        """Wait for a pause that this process knows, even if Redis has lost it."""
        while left := lane.pause_left():
            if left > MAX_WAIT:
                raise self._limited(lane.kind, left)
            await self._sleep(left)

    def _limited(self, kind: Kind, wait: float) -> MustWait:
        until = datetime.now(UTC) + timedelta(seconds=wait)
        return MustWait(
            f"{self._vendor} allows no further requests of the kind `{kind}` to this account before {until:%F %T} UTC, "
            "because of its rate limit. Freight goes on then; nothing has to be done.",
            until=until,
            code="rate_limited",
        )

    def _unavailable(self, wait: float) -> MustWait:
        until = datetime.now(UTC) + timedelta(seconds=wait)
        return MustWait(
            f"{self._vendor} cannot be used: the last {self._circuit.failures} requests were not answered, or with an "
            f"error of the server. Freight tries again at {until:%F %T} UTC, and goes on when it is answered; nothing "
            "has to be done.",
            until=until,
            code="vendor_unavailable",
        )
