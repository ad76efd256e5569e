"""Doubts: records that were sent to be created, of which it is unknown whether the target created them.

A missing response, or a gateway's 504, does not mean that a request had no effect: it may take effect seconds later. So
the record is looked for repeatedly before it is sent a second time, while other records continue.
"""

import time
from collections.abc import Callable

from freight.connectors.protocols import Issue
from freight.domain.migration.planning.plan import RecordPlan
from freight.domain.migration.records.records import Staged

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
