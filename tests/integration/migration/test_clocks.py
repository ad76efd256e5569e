"""PostgreSQL's clock is set: forward does no harm, back makes whatever waits due at once."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from freight import database
from freight.domain.migration.records.clocks import MAX_WAIT_SECONDS, TOLERANCE_SECONDS, WAITING, DatabaseClock
from freight.domain.migration.records.leases import LEASE_SECONDS
from freight.domain.tenancy import tenants
from freight.domain.tenancy.tenants import TenantRequest
from support import rows
from support.service import SOMEBODY

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)


class Monotonic:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("there", "here", "is_set_back"),
    [
        (5, 5, False),
        (5, 5 + TOLERANCE_SECONDS - 1, False),
        (3600, 5, False),
        (-3600, 5, True),
        (0, TOLERANCE_SECONDS + 1, True),
    ],
)
def test_a_clock_that_has_gone_less_far_than_ours_was_set_back(there: float, here: float, is_set_back: bool) -> None:
    monotonic = Monotonic()
    clock = DatabaseClock(monotonic)
    assert not clock.set_back(NOON)
    monotonic.now = here
    assert clock.set_back(NOON + timedelta(seconds=there)) == is_set_back


@pytest.fixture
async def tenant_id(database_url: str) -> AsyncIterator[UUID]:
    async with database.connected(database_url, pool_size=2):
        async with database.as_platform() as tx:
            tenant = await tenants.create(tx, SOMEBODY, TenantRequest(name=str(uuid4())))
        await rows.fill_all(tenant.id)
        yield tenant.id


async def put_off(*, due: float, lease: float) -> None:
    """Have every row that can wait be due, and leased, until so many seconds from now."""
    async with database.as_platform() as tx:
        for table in WAITING:
            await tx.execute(
                f"""UPDATE {table} SET due_at = now() + $1 * interval '1 second',
                                       lease_until = now() + $2 * interval '1 second'""",
                due,
                lease,
            )


async def waits() -> set[tuple[bool, bool]]:
    """For each row whether it waits to be due, and whether its lease is longer than one can be."""
    async with database.as_platform() as tx:
        return {
            tuple(row)
            for table in WAITING
            for row in await tx.fetch(
                f"SELECT due_at > now(), lease_until > now() + interval '{LEASE_SECONDS} seconds' FROM {table}"
            )
        }


async def test_when_the_clock_was_set_back_whatever_waits_is_due_at_once(tenant_id: UUID) -> None:
    monotonic = Monotonic()
    clock = DatabaseClock(monotonic)
    await clock.follow()
    await put_off(due=3600, lease=3600)
    await clock.follow()
    assert await waits() == {(True, True)}
    monotonic.now = TOLERANCE_SECONDS + 60
    await clock.follow()
    assert await waits() == {(False, False)}


async def test_a_worker_that_starts_ends_waits_that_are_longer_than_any_can_be_and_no_others(tenant_id: UUID) -> None:
    await put_off(due=MAX_WAIT_SECONDS - 60, lease=LEASE_SECONDS)
    await DatabaseClock().follow()
    assert await waits() == {(True, False)}
    await put_off(due=MAX_WAIT_SECONDS + 60, lease=3 * LEASE_SECONDS)
    await DatabaseClock().follow()
    assert await waits() == {(False, False)}
