"""Detect that PostgreSQL's clock was set back: rows that are due later would wait for the same time in addition.

Leases and due times are instants of PostgreSQL's clock. A clock that is set forward does no harm: leases end early, and
fences keep their former holders from writing. A clock that is set back is detected by comparing it with this machine's
monotonic clock; then everything that waits becomes due at once. False alarms do no harm either: a step that still has
to wait is postponed again.
"""

import time
from collections.abc import Callable
from datetime import datetime
from typing import get_args

import structlog

from freight import database
from freight.domain.migration.records.leases import LEASE_SECONDS, Leased

TOLERANCE_SECONDS = 30.0
"""How much the two clocks may diverge between two checks, because a transaction may take long."""

MAX_WAIT_SECONDS = 90_000.0
"""The longest possible time until a row is due: the longest delay of a retry policy is a day."""

WAITING: tuple[Leased, ...] = get_args(Leased)

log = structlog.get_logger()


class DatabaseClock:
    """PostgreSQL's clock, as one worker observes it from sweep to sweep."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._last: tuple[datetime, float] | None = None

    def set_back(self, now: datetime) -> bool:
        """Return whether the clock, which shows `now`, has been set back since the last call."""
        here, before = self._monotonic(), self._last
        self._last = (now, here)
        if before is None:
            return False
        there_before, here_before = before
        return (now - there_before).total_seconds() < here - here_before - TOLERANCE_SECONDS

    async def follow(self) -> None:
        """Check the clock. If it was set back, make rows due that would wait longer than possible."""
        first = self._last is None
        async with database.as_platform() as tx:
            now: datetime = await tx.fetchval("SELECT now()")
        if self.set_back(now):
            log.warning("database_clock_set_back", consequence="Everything that waits for its time is due at once.")
            await _bring_forward(longest_wait=0.0)
        elif first:
            await _bring_forward(longest_wait=MAX_WAIT_SECONDS)


async def _bring_forward(*, longest_wait: float) -> None:
    """Make rows due that would wait longer than `longest_wait` seconds, and end leases longer than possible."""
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
