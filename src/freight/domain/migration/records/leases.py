"""Leases: which worker holds a job, a stream, a batch or a delivery, for how long, and what stops all others.

A lease lasts 30 s and is renewed every 10. Claiming raises the row's fence, and every later write checks it, so that
a worker that lost its lease without noticing can no longer store anything. It cannot send anything either: PostgreSQL
is asked every second whether the lease is still held, and a request is sent only within `SURE_SECONDS` of such an
answer. A process that was frozen, or a machine that was suspended, therefore asks before it sends. A worker that takes
over an expired lease waits for the same time first, so that no two workers send even if PostgreSQL's clock jumps.
"""

import asyncio
import contextvars
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec
import structlog

from freight import database, throttled
from freight.database import Connection
from freight.domain.current_step import Interrupted

LEASE_SECONDS = 30
RENEW_SECONDS = 10
ASK_SECONDS = 1.0
"""How often PostgreSQL is asked whether a lease is still held."""

SURE_SECONDS = 3.0
"""How long PostgreSQL's answer is valid."""

ASK_TIMEOUT = 2.0
"""How long a request waits for that answer. After that, the remaining time of the lease decides."""

FREE = f"(lease_until IS NULL OR lease_until < now() OR lease_until > now() + interval '{2 * LEASE_SECONDS} seconds')"
"""SQL: whether a row is not leased. A lease that lasts longer than possible dates from before PostgreSQL's clock was
set back."""

DUE = f"due_at <= now() AND {FREE}"
"""SQL: whether a row may be claimed now."""

REVOKED = "fence = fence + 1, lease_until = NULL, leased_by = NULL"
"""SQL: what an update sets to free a row. The new fence stops a worker that still holds its lease."""

RESET = f"attempt = 0, due_at = now(), {REVOKED}"
"""SQL: what an update sets to make a row claimable at once, without failed attempts."""

Leased = Literal["jobs", "streams", "batches", "webhook_deliveries"]

log = structlog.get_logger()


class LeaseLost(Interrupted):
    """Another worker has taken over, or PostgreSQL was unavailable for longer than the lease lasted."""


class Losses:
    """The number of leases that this process has lost."""

    def __init__(self) -> None:
        self.total = 0

    def note(self, lease: "Lease") -> None:
        """Count a lost lease."""
        self.total += 1
        log.warning("lease_lost", table=lease.table, id=str(lease.id))


LOSSES = Losses()


class Lease(msgspec.Struct, frozen=True, kw_only=True):
    """A claim on one row, valid as long as the row has this fence."""

    table: Leased
    tenant_id: UUID
    id: UUID
    fence: int
    attempt: int
    """How many attempts have failed before."""
    taken_over: bool = False
    """Whether the previous lease expired instead of being released: its holder may not have noticed yet."""


async def claim(tx: Connection, table: Leased, tenant_id: UUID, row_id: UUID, worker: str) -> Lease | None:
    """Claim a row and return its lease, or None if the row is not due or not free."""
    # Other transactions also lock rows of jobs, for their counters: claims wait for those.
    locking = "FOR UPDATE" if table == "jobs" else "FOR UPDATE SKIP LOCKED"
    row = await tx.fetchrow(
        f"""WITH free AS (
                SELECT id, lease_until IS NOT NULL AS taken_over FROM {table}
                WHERE id = $1 AND {DUE}
                {locking}
            )
            UPDATE {table} SET fence = fence + 1, leased_by = $2, lease_until = now() + $3 * interval '1 second'
            FROM free WHERE {table}.id = free.id
            RETURNING fence, attempt, taken_over""",
        row_id,
        worker,
        LEASE_SECONDS,
    )
    return None if row is None else Lease(table=table, tenant_id=tenant_id, id=row_id, **row)


async def check(tx: Connection, lease: Lease) -> None:
    """Lock the leased row for the rest of the transaction. Raise `LeaseLost` if another worker has taken over."""
    held = await tx.fetchval(
        f"SELECT true FROM {lease.table} WHERE id = $1 AND fence = $2 FOR NO KEY UPDATE", lease.id, lease.fence
    )
    if not held:
        raise LeaseLost


async def failed_attempts(tx: Connection, lease: Lease) -> int:
    """Return the failed attempts before this one, 0 once the step has progressed and reset them. Raise `LeaseLost`."""
    await check(tx, lease)
    return int(await tx.fetchval(f"SELECT attempt FROM {lease.table} WHERE id = $1", lease.id))


async def release(tx: Connection, lease: Lease) -> None:
    """Release the row, so that others can claim it at once. Do nothing if the lease is lost."""
    await tx.execute(
        f"UPDATE {lease.table} SET lease_until = NULL, leased_by = NULL WHERE id = $1 AND fence = $2",
        lease.id,
        lease.fence,
    )


async def postpone(tx: Connection, lease: Lease, *, seconds: float) -> datetime:
    """Count a failed attempt. Return when the next one may begin, in `seconds` from now. Raise `LeaseLost`."""
    await check(tx, lease)
    due_at: datetime = await tx.fetchval(
        f"""UPDATE {lease.table} SET attempt = attempt + 1, due_at = now() + $2 * interval '1 second'
            WHERE id = $1 RETURNING due_at""",
        lease.id,
        seconds,
    )
    return due_at


async def wait(tx: Connection, lease: Lease, *, seconds: float) -> None:
    """Make the row due in `seconds` from now, without counting an attempt. Raise `LeaseLost`."""
    await check(tx, lease)
    await tx.execute(
        f"UPDATE {lease.table} SET due_at = now() + $2 * interval '1 second' WHERE id = $1", lease.id, seconds
    )


async def start_over(tx: Connection, lease: Lease) -> None:
    """Reset the failed attempts, because the next part of the work is independent. Raise `LeaseLost`."""
    await check(tx, lease)
    await tx.execute(f"UPDATE {lease.table} SET attempt = 0 WHERE id = $1", lease.id)


def now() -> float:
    """Return seconds on a clock that is never set and that includes time for which the machine was suspended."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


class Hold:
    """A lease that this process holds: until when it lasts, and when that was last confirmed."""

    def __init__(
        self,
        ask: Callable[[], Awaitable[float | None]],
        *,
        clock: Callable[[], float] = now,
        timeout: float = ASK_TIMEOUT,
    ) -> None:
        """`ask` renews the lease if needed and returns the seconds for which it lasts, or None if it is lost."""
        self.is_lost = False
        self.until = -math.inf
        """When the lease ends, by `clock`."""
        self._ask = ask
        self._clock = clock
        self._timeout = timeout
        self._asked_at = -math.inf
        self._ask_again_at = -math.inf
        self._asking: asyncio.Task[None] | None = None

    async def ensure(self) -> None:
        """Return if the lease is certainly held now; ask first if the last answer is too old. Raise `LeaseLost`."""
        while not self.is_lost:
            if self._clock() - self._asked_at < SURE_SECONDS:
                return
            asked_at = self._asked_at
            if self._clock() >= self._ask_again_at:
                await self.confirm()
            if self._lasts():
                return
            if self._asked_at == asked_at:
                break
        raise LeaseLost

    async def confirm(self) -> None:
        """Ask whether the lease is held, once for all callers. Stop waiting for the answer after `timeout` seconds."""
        if self._asking is None or self._asking.done():
            # A separate task, because the caller may be cancelled and the answer is for all callers.
            self._asking = asyncio.get_running_loop().create_task(self._confirm(), context=contextvars.Context())
        await asyncio.wait([self._asking], timeout=self._timeout)

    async def aclose(self) -> None:
        """Stop asking."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.wait([self._asking])

    def _lasts(self) -> bool:
        return not self.is_lost and self._clock() < self.until

    async def _confirm(self) -> None:
        asked_at = self._clock()
        try:
            lasts = await self._ask()
        except Exception as error:  # noqa: BLE001 - the next one may be answered; otherwise the lease expires
            throttled.warning("lease_not_renewed", error)
            self._ask_again_at = self._clock() + ASK_SECONDS
            return
        if lasts is None:
            self.is_lost = True
        else:
            self._asked_at, self.until = asked_at, asked_at + lasts


@asynccontextmanager
async def kept(lease: Lease) -> AsyncIterator[Hold]:
    """Hold the lease while the body runs. Raise `LeaseLost` in the body when it is lost."""
    hold = Hold(lambda: _renew(lease))
    try:
        async with asyncio.timeout(LEASE_SECONDS) as deadline:
            renewal = asyncio.create_task(_keep_renewed(hold, deadline))
            try:
                yield hold
            finally:
                renewal.cancel()
                await asyncio.wait([renewal])
                await hold.aclose()
    except TimeoutError:
        if deadline.expired():
            raise LeaseLost from None
        raise


async def _keep_renewed(hold: Hold, deadline: asyncio.Timeout) -> None:
    loop = asyncio.get_running_loop()
    while True:
        await asyncio.sleep(ASK_SECONDS)
        await hold.confirm()
        if deadline.expired():
            return
        if hold.is_lost:
            deadline.reschedule(loop.time())
            return
        if hold.until > -math.inf:
            deadline.reschedule(loop.time() + hold.until - now())


async def _renew(lease: Lease) -> float | None:
    """Renew the lease if due. Return the seconds for which it lasts, or None if it is lost."""
    async with database.as_tenant(lease.tenant_id) as tx:
        # Reading waits for no lock; renewing waits for the transaction that stores results of the same step.
        lasts: float | None = await tx.fetchval(
            f"""SELECT extract(epoch FROM coalesce(lease_until, now()) - now())::float8 FROM {lease.table}
                WHERE id = $1 AND fence = $2""",
            lease.id,
            lease.fence,
        )
        # A lease that lasts longer than possible dates from before PostgreSQL's clock was set back.
        if lasts is None or LEASE_SECONDS - RENEW_SECONDS < lasts <= LEASE_SECONDS:
            return lasts
        renewed = await tx.fetchval(
            f"""UPDATE {lease.table} SET lease_until = now() + $3 * interval '1 second'
                WHERE id = $1 AND fence = $2 RETURNING true""",
            lease.id,
            lease.fence,
            LEASE_SECONDS,
        )
        return LEASE_SECONDS if renewed else None
