"""Doubts: records that were sent to be created, of which it is unknown whether the target created them.

A missing response, or a gateway's 504, does not mean that a request had no effect: it may take effect seconds later. So
the record is looked for repeatedly before it is sent a second time, while other records continue.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from freight import database
from freight.connectors.errors import MustWait
from freight.connectors.protocols import Issue
from freight.domain.jobs.model import Job
from freight.domain.migration.planning.plan import RecordPlan
from freight.domain.migration.records import in_flight, leases, logs
from freight.domain.migration.records.batches import Batch
from freight.domain.migration.records.leases import Lease
from freight.domain.migration.records.logs import Entry
from freight.domain.migration.records.records import Staged
from freight.domain.migration.steps import doubles

LOOKS = (1 / 60, 3 / 60, 8 / 60, 20 / 60, 40 / 60, 1.0)
"""When to look for a record, as fractions of the time after which it may be sent again."""

UNKNOWN = 0.5
"""The fraction of that time for a record whose request may never have been sent, because its worker stopped."""

MAX_DOUBTS = 5
"""How many requests with unknown effect to create one record fail it, if the vendor answers others."""


SENT_TWICE = Issue(
    code="sent_twice",
    message="The target did not confirm that it created this record, and it was not found there afterwards, so it was "
    "sent a second time. If the first request took effect after all, the target holds it twice: Freight looks for that "
    "at the end of the batch and removes the second one.",
)


class Doubts:
    """The records of one batch that are in doubt.

    They are looked for for `seconds` before they are sent again.
    """

    def __init__(self, seconds: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._next: dict[int, float] = {}

    def __len__(self) -> int:
        return len(self._next)

    def may_send(self, plan: RecordPlan) -> bool:
        """Return whether a record that is not in the target may be sent now. Others are looked for again."""
        staged = plan.staged
        if plan.write != "create" or staged.in_flight != "create" or plan.draft.unique:
            # A record that the target identifies by a unique value can be sent twice.
            return True
        if staged.in_flight_seconds >= self._seconds * (1.0 if staged.is_doubted else UNKNOWN):
            return True
        self.add(staged)
        return False

    def is_hopeless(self, plan: RecordPlan) -> bool:
        """Return whether a record that is still not in the target was sent often enough."""
        return plan.write == "create" and plan.staged.is_doubted and plan.staged.doubts > MAX_DOUBTS

    def add(self, staged: Staged) -> None:
        """Look for this record again later."""
        last = 1.0 if staged.is_doubted else UNKNOWN
        looks = (self._seconds * min(part, last) - staged.in_flight_seconds for part in LOOKS)
        self._next[staged.id] = self._clock() + next((wait for wait in looks if wait > 0), 0.0)

    def seconds_left(self) -> float:
        """Return the seconds until the next look, which includes those that follow soon."""
        return max(0.0, min(self._next.values()) - self._clock()) + self._seconds * LOOKS[0]

    def take_due(self) -> list[int]:
        """Remove and return the ids of the records to look for now."""
        now = self._clock()
        due = [record_id for record_id, at in self._next.items() if at <= now]
        for record_id in due:
            del self._next[record_id]
        return due


class CreatesInDoubt:
    """What one attempt at a batch stores about records in doubt. `schedule` says when they are looked for and sent."""

    def __init__(self, job: Job, batch: Batch, lease: Lease, *, seconds: float) -> None:
        self.schedule = Doubts(seconds)
        self._job = job
        self._batch = batch
        self._lease = lease
        self._seconds = seconds
        self._double_at = 0.0
        """When to look for doubles, on the clock of `time.monotonic`."""
        self._uncounted: list[int] = []
        """Records whose latest doubt is not counted yet."""

    async def before_write(self, plan: RecordPlan) -> None:
        """Store that a record is sent again whose earlier request may still take effect."""
        if plan.write != "create":
            return
        if plan.staged.is_doubted or plan.staged.doubts:
            await self._name_sent_twice(plan)
        elif plan.staged.in_flight == "create" and not plan.draft.unique:
            await self._expect_double(plan)

    async def mark(self, plan: RecordPlan, issues: Sequence[Issue]) -> None:
        """Mark a record as doubted, and log what was left out of it."""
        async with database.as_tenant(self._job.tenant_id) as tx:
            await leases.check(tx, self._lease)
            await in_flight.mark_doubted(tx, [plan.staged.id])
            await logs.write(tx, self._job.tenant_id, self._job.id, [self._entry(plan, issue) for issue in issues])

    def add(self, plan: RecordPlan) -> None:
        """Look for a marked record again later, and count the doubt unless an outage caused it."""
        self._uncounted.append(plan.staged.id)
        self.schedule.add(msgspec.structs.replace(plan.staged, in_flight_seconds=0.0, is_doubted=True))

    async def count(self) -> None:
        """Count the doubts of this attempt, which no outage has ended: the records may be the cause."""
        counted, self._uncounted = self._uncounted, []
        if counted:
            async with database.as_tenant(self._job.tenant_id) as tx:
                await leases.check(tx, self._lease)
                await in_flight.count_doubts(tx, counted)

    def wait(self, seconds: float) -> MustWait:
        """Return the wait with which an attempt ends if the next look is in so many seconds."""
        message = (
            f"The target did not confirm whether it created {len(self.schedule):,} of the {self._batch.entity}, and "
            "they have not been found there so far. Freight looks for them again before it sends them a second time. "
            "You do not have to do anything."
        )
        return MustWait(message, until=datetime.now(UTC) + timedelta(seconds=seconds), code="create_in_doubt")

    async def doubles_appear(self) -> None:
        """Wait until the doubles of what this attempt has sent again would be found."""
        await asyncio.sleep(self._double_at - time.monotonic())

    async def _expect_double(self, plan: RecordPlan) -> None:
        """Have a record looked for once more whose worker stopped: it may only be frozen in the middle of sending."""
        self._look_for_doubles_later()
        async with database.as_tenant(self._job.tenant_id) as tx:
            await leases.check(tx, self._lease)
            await in_flight.mark_sent_again(tx, [plan.staged.id])

    async def _name_sent_twice(self, plan: RecordPlan) -> None:
        self._look_for_doubles_later()
        async with database.as_tenant(self._job.tenant_id) as tx:
            await leases.check(tx, self._lease)
            await logs.write(tx, self._job.tenant_id, self._job.id, [self._entry(plan, SENT_TWICE)])

    def _look_for_doubles_later(self) -> None:
        self._double_at = time.monotonic() + self._seconds * doubles.LOOK

    def _entry(self, plan: RecordPlan, issue: Issue) -> Entry:
        return Entry(issue=issue, entity=self._batch.entity, source_id=plan.staged.source_id)
