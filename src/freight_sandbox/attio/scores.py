"""The score of a query, and Attio's two limits on scores.

Attio tells the score of each query that finds something in a header. In recorded traffic it was 0 for a query that
neither sorts nor filters, and 84, 108 and 125 for queries sorted by creation over 5, 8 and 11 records, which is
52 times the natural logarithm of the number of records. Unknown are the score of filters and both limits. The sandbox
takes 1 for each value that a filter compares with, so that fewer ids in a query make it cheaper, and has no limit
unless told otherwise. Attio documents that a query beyond the first limit is refused with 429 as well, and that its
complexity has to be reduced; the second limit is on the sum within 10 seconds, for the workspace as a whole.
"""

import math
import time
from typing import Any

import msgspec

from freight_sandbox.attio.errors import too_many
from freight_sandbox.attio.filters import AnyTable
from freight_sandbox.attio.query import Body
from freight_sandbox.limits import Clock, SlidingWindow

HEADER = "x-attio-record-query-score"
SORT_FACTOR = 52
WINDOW_SECONDS = 10.0


class ScoreLimits(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """The limits on scores; None is no limit."""

    per_query: int | None = None
    per_10_seconds: int | None = None


class QueryScores:
    """Scores queries and refuses those beyond the limits."""

    def __init__(self, limits: ScoreLimits, clock: Clock = time.time) -> None:
        self._clock = clock
        self.set_limits(limits)

    def set_limits(self, limits: ScoreLimits) -> None:
        """Replace the limits. The sum starts at nought."""
        self.limits = limits
        total = limits.per_10_seconds
        self._window = None if total is None else SlidingWindow(total, WINDOW_SECONDS, self._clock)

    def admit(self, table: AnyTable, body: Body) -> int:
        """Return the score of a query. Raises 429 for one that is too complex or comes too soon."""
        score = score_of(table, body)
        if self.limits.per_query is not None and score > self.limits.per_query:
            raise too_many(
                f"The score of this query is {score}, which is too high. Please reduce the complexity and try again.",
                self._clock() + 1,
            )
        fits_at = None if self._window is None else self._window.admit(score)
        if fits_at is not None:
            raise too_many("The sum of the scores of recent queries is too high. Please try again later.", fits_at)
        return score


def score_of(table: AnyTable, body: Body) -> int:
    """Return the score of a query on a table."""
    sorts = len(body.sorts or []) * SORT_FACTOR * math.log(max(len(table.records), 1))
    return round(sorts) + _compared_values(body.filter or {})


def _compared_values(raw: Any) -> int:
    """The values with which a filter compares, wherever they stand in it; the steps of a path are none."""
    if isinstance(raw, dict):
        return sum(_compared_values(part) for key, part in raw.items() if key != "path")
    if isinstance(raw, list):
        return sum(_compared_values(part) for part in raw)
    return 1
