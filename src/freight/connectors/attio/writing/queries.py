"""Search for records by many values at once, in queries that Attio does not refuse as too complex.

Attio limits the score of a query, and answers 429 to one with a higher score, however often it is repeated. The limit
is not published, and the answer need not differ from that of an ordinary rate limit. So a query that is refused several
times is compared with a minimal one: if that succeeds, the values are searched in two halves.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import structlog

from freight.connectors.attio.client import AttioClient, read_id
from freight.connectors.errors import QueryTooComplex
from freight.connectors.http import QueryRetries
from freight.connectors.paging import Paging

QUERY_SIZE = 400
"""Values in one query. Usually each is in one record, so that the result fits on one page."""

PAGE_SIZE = 500
"""The maximum page size, as used by every known client."""

REFUSALS = 4
"""The waits between this many refusals exceed the ten seconds for which Attio sums the scores of all queries, so that
earlier queries no longer count at the last refusal."""

MAX_NAME_LENGTH = 100

log = structlog.get_logger(__name__)


class Sought(NamedTuple):
    """A value to search for."""

    slug: str
    field: str | None
    """The part of the attribute's value that is compared; None if it has no parts."""
    value: str


class Queries:
    """Queries of one workspace, which become smaller if Attio refuses them."""

    def __init__(self, client: AttioClient) -> None:
        self._client = client
        self._sizes: dict[str, int] = {}
        """The maximum values of a query by path, if less than `QUERY_SIZE`."""

    async def find(self, path: str, sought: Sequence[Sought], *, key: str) -> list[dict[str, Any]]:
        """Return every item with one of the values, the oldest first; `key` is the name of its id.

        Raise `QueryTooComplex` if a query for a single value is refused.
        """
        found: dict[str, dict[str, Any]] = {}
        left = list(dict.fromkeys(sought))
        while left:
            size = self._sizes.get(path, QUERY_SIZE)
            part = left[:size]
            try:
                items = await self._ask(path, part)
            except QueryTooComplex as error:
                if len(part) == 1:
                    raise QueryTooComplex(f"{error} It asked for nothing but {_named(part[0])}.") from error
                # Concurrent calls may have made it smaller meanwhile.
                self._sizes[path] = min(self._sizes.get(path, QUERY_SIZE), len(part) // 2)
                log.warning("query_halved", path=path, values=len(part), reason=str(error))
                continue
            found |= {read_id(item, key): item for item in items}
            left = left[size:]
        return sorted(found.values(), key=lambda item: (str(item.get("created_at") or ""), read_id(item, key)))

    async def _ask(self, path: str, part: Sequence[Sought]) -> list[dict[str, Any]]:
        filter_ = _filter(part)
        retries = QueryRetries(refusals=REFUSALS, trusts_vendor=len(part) > 1)
        try:
            return await self._pages(path, filter_, retries)
        except QueryTooComplex:
            # If all requests are limited, this waits until one succeeds.
            await self._client.query(path, None, limit=1)
            return await self._pages(path, filter_, QueryRetries(refusals=1, trusts_vendor=True))

    async def _pages(self, path: str, filter_: Mapping[str, Any], retries: QueryRetries) -> list[dict[str, Any]]:
        # Pages are in the order of ids: an item created meanwhile can shift another to the next page, where it is
        # read again, but none is missed.
        found: list[dict[str, Any]] = []
        paging = Paging(f"Attio's POST {path}/query")
        while True:
            offset = len(found)
            page = await self._client.query(path, filter_, limit=PAGE_SIZE, offset=offset, retries=retries)
            found += page
            if len(page) < PAGE_SIZE:
                return found
            paging.follow(offset or None, len(found), page)


def _filter(part: Sequence[Sought]) -> dict[str, Any]:
    values: dict[tuple[str, str | None], list[str]] = {}
    for slug, field, value in part:
        values.setdefault((slug, field), []).append(value)
    conditions = [
        {slug: {"$in": found} if field is None else {field: {"$in": found}}} for (slug, field), found in values.items()
    ]
    return conditions[0] if len(conditions) == 1 else {"$or": conditions}


def _named(sought: Sought) -> str:
    value = sought.value if len(sought.value) <= MAX_NAME_LENGTH else f"{sought.value[:MAX_NAME_LENGTH]}…"
    return f"the {sought.slug} {value!r}"
