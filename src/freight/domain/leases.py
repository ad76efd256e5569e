"""Leases: who works on a job, a stream, a batch or a delivery, for how long, and what stops everyone else.

A lease lasts 30 s and is renewed every 10. Claiming raises the row's fence, and every later write checks it, so that
a worker that lost its lease without noticing can write nothing any more.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal
from uuid import UUID

import msgspec
import structlog

from freight import database, throttled
from freight.database import Connection

LEASE_SECONDS = 30
RENEW_SECONDS = 10

Leased = Literal["jobs", "streams", "batches", "webhook_deliveries"]

log = structlog.get_logger()


class LeaseLost(Exception):
    """Somebody else has taken over, or the database was away for longer than the lease lasts."""


class Losses:
    """How many leases this process has lost."""

    def __init__(self) -> None:
        self.total = 0

    def note(self, lease: "Lease") -> None:
        """One more."""
        self.total += 1
        log.warning("lease_lost", table=lease.table, id=str(lease.id))


LOSSES = Losses()


class Lease(msgspec.Struct, frozen=True, kw_only=True):
    """A claim on one row, good as long as the row's fence is this one."""

    table: Leased
    tenant_id: UUID
    id: UUID
    fence: int
    attempt: int
    """How many attempts have failed before."""


async def claim(tx: Connection, table: Leased, tenant_id: UUID, row_id: UUID, worker: str) -> Lease | None:
    """Claim a row that is due and that nobody holds; None if that cannot be had."""
    row = await tx.fetchrow(
        f"""UPDATE {table} SET fence = fence + 1, leased_by = $2, lease_until = now() + $3 * interval '1 second'
            WHERE id = (
                SELECT id FROM {table}
                WHERE id = $1 AND due_at <= now() AND (lease_until IS NULL OR lease_until < now())
                FOR UPDATE SKIP LOCKED
            ) RETURNING fence, attempt""",
        row_id,
        worker,
        LEASE_SECONDS,
    )
    return None if row is None else Lease(table=table, tenant_id=tenant_id, id=row_id, **row)


async def check(tx: Connection, lease: Lease) -> None:
    """Lock the leased row for the rest of the transaction. Raises `LeaseLost` if the lease is not ours any more."""
    held = await tx.fetchval(
        f"SELECT true FROM {lease.table} WHERE id = $1 AND fence = $2 FOR NO KEY UPDATE", lease.id, lease.fence
    )
    if not held:
        raise LeaseLost


async def release(tx: Connection, lease: Lease) -> None:
    """Let others claim the row at once; does nothing if the lease is lost."""
    await tx.execute(
        f"UPDATE {lease.table} SET lease_until = NULL, leased_by = NULL WHERE id = $1 AND fence = $2",
        lease.id,
        lease.fence,
    )


async def postpone(tx: Connection, lease: Lease, *, seconds: float) -> None:
    """Count a failed attempt and let nobody begin the next one for so many seconds. Raises `LeaseLost`."""
    await check(tx, lease)
    await tx.execute(
        f"UPDATE {lease.table} SET attempt = attempt + 1, due_at = now() + $2 * interval '1 second' WHERE id = $1",
        lease.id,
        seconds,
    )


async def wait(tx: Connection, lease: Lease, *, seconds: float) -> None:
    """Let no worker go on with the row for so many seconds; counts as no attempt. Raises `LeaseLost`."""
    await check(tx, lease)
    await tx.execute(
        f"UPDATE {lease.table} SET due_at = now() + $2 * interval '1 second' WHERE id = $1", lease.id, seconds
    )


async def start_over(tx: Connection, lease: Lease) -> None:
    """Forget failed attempts, since what comes next is another thing. Raises `LeaseLost`."""
    await check(tx, lease)
    await tx.execute(f"UPDATE {lease.table} SET attempt = 0 WHERE id = $1", lease.id)


@asynccontextmanager
async def kept(lease: Lease) -> AsyncIterator[None]:
    """Renew the lease while the body runs, and end the body with `LeaseLost` when that fails for too long."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(LEASE_SECONDS) as deadline:
            renewer = asyncio.create_task(_renew(lease, loop, deadline))
            try:
                yield
            finally:
                renewer.cancel()
                await asyncio.wait([renewer])
    except TimeoutError:
        if deadline.expired():
            raise LeaseLost from None
        raise


async def _renew(lease: Lease, loop: asyncio.AbstractEventLoop, deadline: asyncio.Timeout) -> None:
    while True:
        await asyncio.sleep(RENEW_SECONDS)
        asked_at = loop.time()
        try:
            async with database.as_tenant(lease.tenant_id) as tx:
                renewed = await tx.fetchval(
                    f"""UPDATE {lease.table} SET lease_until = now() + $3 * interval '1 second'
                        WHERE id = $1 AND fence = $2 RETURNING true""",
                    lease.id,
                    lease.fence,
                    LEASE_SECONDS,
                )
        except Exception as error:  # noqa: BLE001 - the next renewal may succeed; the deadline ends it if none does
            throttled.warning("lease_not_renewed", error, table=lease.table, id=str(lease.id))
            continue
        if not renewed:
            deadline.reschedule(loop.time())
            return
        deadline.reschedule(asked_at + LEASE_SECONDS)
