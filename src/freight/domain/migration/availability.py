"""Availability: distinguish a record at which a vendor fails from a vendor that is unavailable.

A step waits for a vendor that does not answer at all, however long that takes: an outage is not a failed attempt.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID

from freight.connectors.errors import ConnectorError, InDoubt, MustWait, Unavailable, UnexpectedAnswer
from freight.connectors.protocols import Source, Target

MAX_FAILURES_IN_A_ROW = 10
"""Consecutive records at which a vendor may fail before the failures are attributed to the vendor."""

FIRST_WAIT_SECONDS = 2.0
MAX_WAIT_SECONDS = 30.0
"""How long a step waits before it asks an unavailable vendor again; work resumes within a minute after an outage."""

MAX_WAITS = 10_000
"""Jobs whose waits are remembered. One process rarely has more that wait at the same time."""

UNUSABLE = (Unavailable, UnexpectedAnswer, InDoubt)
"""Errors that may be about one record or about all requests to the vendor."""


class Waits:
    """How long the steps of each job wait for an unavailable vendor: twice as long each time until one succeeds."""

    def __init__(self) -> None:
        self._last: dict[UUID, float] = {}

    def next(self, job_id: UUID) -> float:
        """Return the seconds to wait this time."""
        if len(self._last) >= MAX_WAITS:
            self._last.clear()
        seconds = min(MAX_WAIT_SECONDS, 2 * self._last.get(job_id, FIRST_WAIT_SECONDS / 2))
        self._last[job_id] = seconds
        return seconds

    def over(self, job_id: UUID) -> None:
        """Reset the waits of a job, because the vendors answer."""
        self._last.pop(job_id, None)


class Availability:
    """Tracks whether the vendors of a step answer at all."""

    def __init__(
        self, job_id: UUID, waits: Waits, *, source: Source | None = None, target: Target | None = None
    ) -> None:
        vendors: list[tuple[str, Source | Target | None]] = [("source", source), ("target", target)]
        self.successes = 0
        """How many records a vendor has accepted or returned so far."""
        self._job_id = job_id
        self._waits = waits
        self._vendors = [(side, vendor) for side, vendor in vendors if vendor is not None]
        self._failures = 0
        self._asking = asyncio.Lock()
        self._outage: ConnectorError | None = None

    def succeeded(self) -> None:
        """Record that a vendor gave a usable answer about a record."""
        self.successes += 1
        self._failures = 0
        self._waits.over(self._job_id)

    async def failed(self, error: ConnectorError) -> None:
        """Record that a vendor gave no usable answer about a record.

        Return if the record may be the cause. Otherwise raise the reason that stops all records: `MustWait` in an
        outage, even if only writes fail, or the error itself if it occurs too often.
        """
        self._failures += 1
        await self.ask()
        if self._failures <= MAX_FAILURES_IN_A_ROW:
            return
        if isinstance(error, InDoubt) or (isinstance(error, Unavailable) and not self.successes):
            raise self._must_wait("The vendor gives no usable answer about any record", error)
        raise error

    async def ask(self) -> None:
        """Raise the reason for which a vendor does not answer, if there is one."""
        async with self._asking:
            if self._outage is not None:
                raise self._outage
            for side, vendor in self._vendors:
                try:
                    await vendor.identify()
                except UNUSABLE as error:
                    self._outage = self._must_wait(f"The {side} is not available", error)
                    raise self._outage from error
                except ConnectorError as error:
                    self._outage = error
                    raise

    def _must_wait(self, what: str, error: ConnectorError) -> MustWait:
        until = datetime.now(UTC) + timedelta(seconds=self._waits.next(self._job_id))
        message = (
            f"{what}: {error} The job continues by itself as soon as that changes. You do not have to do anything."
        )
        return MustWait(message, until=until)

    @asynccontextmanager
    async def outages_waited_for(self) -> AsyncIterator[None]:
        """Convert an error of the body that means an unavailable vendor to `MustWait`."""
        try:
            yield
        except UNUSABLE:
            await self.ask()
            raise
