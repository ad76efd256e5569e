"""Queries of records or list entries: filter, sort, page and score.

Attio gives the score of each query that finds something in a header. In recorded traffic it was 0 for a query that
neither sorts nor filters, and 84, 108 and 125 for queries sorted by creation over 5, 8 and 11 records, which is
52 times the natural logarithm of the number of records. Unknown are the score of filters and both limits. The sandbox
takes 1 for each value that a filter compares with, so that fewer ids in a query make it cheaper, and has no limit
unless one is set. Attio documents that a query beyond the first limit is refused with 429 as well, and that its
complexity has to be reduced; the second limit is on the sum within 10 seconds, for the workspace as a whole.
"""

import math
import time
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any

import msgspec
from litestar.response.base import ASGIResponse

from freight_sandbox.attio.errors import malformed, refused, too_many
from freight_sandbox.attio.filters import AnyTable, Condition, Step, compile_filter, field_reader, reached, resolve_path
from freight_sandbox.attio.requests import AnyRequest, decode, workspace_of
from freight_sandbox.attio.tables import Record
from freight_sandbox.attio.values import FILTER_FIELDS
from freight_sandbox.attio.workspace import Workspace
from freight_sandbox.control import answer
from freight_sandbox.limits import Clock, SlidingWindow

MAX_LIMIT = 500
OLDEST_FIRST = {"direction": "asc", "attribute": "created_at"}
"""The sort that requests the order in which the records are stored anyway."""

HEADER = "x-attio-record-query-score"
SORT_FACTOR = 52
WINDOW_SECONDS = 10.0


class Body(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a query."""

    filter: dict[str, Any] | None = None
    sorts: list[dict[str, Any]] | None = None
    limit: float = MAX_LIMIT
    """Any whole JSON number, such as 500.0."""
    offset: float = 0
    expand: Any = None
    """Accepted and ignored, as by Attio."""


class ScoreLimits(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """The limits on scores; None means no limit."""

    per_query: int | None = None
    per_10_seconds: int | None = None


class QueryScores:
    """Computes the scores of queries and refuses those beyond the limits."""

    def __init__(self, limits: ScoreLimits, clock: Clock = time.time) -> None:
        self._clock = clock
        self.set_limits(limits)

    def set_limits(self, limits: ScoreLimits) -> None:
        """Replace the limits and reset the sum to zero."""
        self.limits = limits
        total = limits.per_10_seconds
        self._window = None if total is None else SlidingWindow(total, WINDOW_SECONDS, self._clock)

    def admit(self, table: AnyTable, body: Body) -> int:
        """Return the score of a query. Raise 429 for one that is too complex or comes too soon."""
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


def scores_of(request: AnyRequest) -> QueryScores:
    """Return the scores of all queries of the workspace."""
    scores: QueryScores = request.app.state.scores
    return scores


async def query_answer(
    request: AnyRequest, table: AnyTable, render: Callable[[Record], dict[str, Any]]
) -> ASGIResponse:
    """Run the query in the body of a request. An empty answer has no score."""
    body = decode(await request.body() or b"{}", Body)
    score = scores_of(request).admit(table, body)
    found = run_query(workspace_of(request), table, body)
    return answer({"data": [render(record) for record in found]}, headers={HEADER: str(score)} if found else None)


def run_query(workspace: Workspace, table: AnyTable, body: Body) -> list[Record]:
    """Return the records that a query finds, ordered by id unless it sorts. Raise `AttioError`."""
    limit, offset = int(body.limit), int(body.offset)
    if limit != body.limit or not 1 <= limit <= MAX_LIMIT:
        raise malformed(("limit",), f"number from 1 to {MAX_LIMIT}", body.limit)
    if offset != body.offset or offset < 0:
        raise malformed(("offset",), "number from 0", body.offset)
    if not body.filter and not body.sorts:
        return [table.records[record_id] for record_id in table.ids[offset : offset + limit]]
    if not body.filter and body.sorts == [OLDEST_FIRST]:
        return list(islice(table.records.values(), offset, offset + limit))
    condition = compile_filter(workspace, table, body.filter or {})
    found = sorted(filter(condition.matches, _candidates(table, condition)), key=lambda record: record.id)
    for sort in reversed(body.sorts or []):
        _sort(workspace, table, found, sort)
    return found[offset : offset + limit]


def score_of(table: AnyTable, body: Body) -> int:
    """Return the score of a query on a table."""
    sorts = len(body.sorts or []) * SORT_FACTOR * math.log(max(len(table.records), 1))
    return round(sorts) + _compared_values(body.filter or {})


def _candidates(table: AnyTable, condition: Condition) -> Iterable[Record]:
    ids = condition.candidates()
    if ids is None:
        return table.records.values()
    return (table.records[record_id] for record_id in ids)


def _sort(workspace: Workspace, table: AnyTable, records: list[Record], sort: dict[str, Any]) -> None:
    direction = sort.get("direction")
    if direction not in ("asc", "desc") or ("attribute" in sort) == ("path" in sort):
        raise malformed(("sorts",), "a direction with an attribute or a path", sort)
    raw_path = sort["path"] if "path" in sort else [[table.definition.slug, sort["attribute"]]]
    read = _reader(resolve_path(workspace, table, raw_path), sort.get("field"))
    # Records without a value come last in either direction.
    present: dict[str, Any] = {record.id: item for record in records for item in islice(read(record), 1)}
    filled = [record for record in records if record.id in present]
    filled.sort(key=lambda record: present[record.id], reverse=direction == "desc")
    records[:] = [*filled, *(record for record in records if record.id not in present)]


def _reader(steps: list[Step], field: object) -> Callable[[Record], Iterable[Any]]:
    table, attribute = steps[-1]
    if attribute.is_implied and attribute.slug == "created_at":
        # Two records of the same millisecond still have an order.
        return lambda record: (target.number for target in reached(steps, record))
    fields = FILTER_FIELDS.get(attribute.type, ())
    wanted = fields[0] if field is None and fields else field
    if not isinstance(wanted, str) or wanted not in fields:
        raise refused(f'Error in sort. Unknown field: "{wanted}".', "invalid_filter_field")
    read = field_reader(table, attribute, wanted)
    return lambda record: (item for target in reached(steps, record) for item in read(target))


def _compared_values(raw: Any) -> int:
    """Count the values that a filter compares with, at any depth, without the steps of paths."""
    if isinstance(raw, dict):
        return sum(_compared_values(part) for key, part in raw.items() if key != "path")
    if isinstance(raw, list):
        return sum(_compared_values(part) for part in raw)
    return 1
