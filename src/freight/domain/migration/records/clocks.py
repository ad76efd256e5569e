"""A clock of PostgreSQL that is set back: what it says is due later would wait for as long as it was set back.

Leases and due times are instants of PostgreSQL's clock. A clock that is set forward does no harm: leases end early, and
fences keep their former holders from writing. One that is set back is noticed by comparing it with this machine's
monotonic clock, and then everything that waits is looked at at once. Doing so too often does no harm either: whatever
still has to wait is told to wait again.
"""

import time
from collections.abc import Callable
from datetime import datetime
from typing import get_args

import structlog

from freight import database
from freight.domain.migration.records.leases import LEASE_SECONDS, Leased

TOLERANCE_SECONDS = 30.0
"""How much the two clocks may differ between two looks, since a transaction may take long."""

MAX_WAIT_SECONDS = 90_000.0
"""No row is ever due later than this: the longest delay of a retry policy is a day."""

WAITING: tuple[Leased, ...] = get_args(Leased)

log = structlog.get_logger()


class DatabaseClock:
    """PostgreSQL's clock as one worker sees it from sweep to sweep."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._last: tuple[datetime, float] | None = None

    def set_back(self, now: datetime) -> bool:
        """Return whether the clock, which says `now`, has been set back since the last call."""
        here, before = self._monotonic(), self._last
        self._last = (now, here)
        if before is None:
            return False
        there_before, here_before = before
        return (now - there_before).total_seconds() < here - here_before - TOLERANCE_SECONDS

    async def follow(self) -> None:
        """Look at the clock, and let nothing wait for an instant that lies further away than it can."""
        first = self._last is None
        async with database.as_platform() as tx:
            now: datetime = await tx.fetchval("SELECT now()")
        if self.set_back(now):
            log.warning("database_clock_set_back", consequence="Whatever waits for its time is looked at at once.")
            await _bring_forward(longest_wait=0.0)
        elif first:
            await _bring_forward(longest_wait=MAX_WAIT_SECONDS)


async def _bring_forward(*, longest_wait: float) -> None:
    """Make rows due that would wait longer than so many seconds, and end leases that last longer than any can."""
    for table in WAITING:
        async with database.as_platform() as tx:
            await tx.execute(
                f"""UPDATE {table}
                    SET due_at = CASE WHEN due_at > now() + $1 * interval '1 second' THEN now() ELSE due_at END,
                        lease_until = CASE WHEN lease_until > now() + $2 * interval '1 second'
                                           THEN now() + $3 * interval '1 second' ELSE lease_until END
                    WHERE due_at > now() + $1 * interval '1 second'
                       OR lease_until > now() + $2 * interval '1 second'""",
                longest_wait,
                2 * LEASE_SECONDS,
                LEASE_SECONDS,
            )
