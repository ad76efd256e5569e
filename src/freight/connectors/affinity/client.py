"""Affinity's HTTP API, version 2, as it is: paths, paging, errors and limits."""

import re
from datetime import datetime, timedelta
from typing import Any, Literal

import httpx
import msgspec
from tenacity.wait import wait_base

from freight.connectors.affinity.fields import text_of
from freight.connectors.errors import NotFound, QuotaExhausted, Rejected, UnexpectedAnswer
from freight.connectors.http import BACKOFF, Complaint, HttpClient, Json, Params
from freight.connectors.protocols import Pacer

API_VERSION = "2024-01-01"
PAGE_SIZE = 100
FIELD_TYPES = ("enriched", "global", "relationship-intelligence")

MERGED = re.compile(r"\d+\s+no longer exists as it has been merged into\s+\d+")

Collection = Literal["companies", "persons"]


class AffinityPage(msgspec.Struct, frozen=True):
    """Rows as Affinity gave them; `cursor` is the path and query of the next page, None on the last."""

    rows: list[Any]
    cursor: str | None


class AffinityClient(HttpClient):
    """Affinity's API behind one key. Every method raises a `ConnectorError` on failure."""

    vendor = "Affinity"

    def __init__(
        self,
        api_key: str,
        *,
        base_url: str,
        pacer: Pacer,
        transport: httpx.AsyncBaseTransport | None = None,
        backoff: wait_base = BACKOFF,
    ) -> None:
        super().__init__(
            api_key,
            base_url=base_url,
            pacer=pacer,
            # Without it the answers have the version that the key happens to be set to.
            headers={"X-Affinity-Api-Version": API_VERSION},
            transport=transport,
            backoff=backoff,
        )

    async def whoami(self) -> Json:
        """`{"tenant": {"id", "name", "subdomain"}, "user": {…}, "grant": {…}}`."""
        return await self._get("/v2/auth/whoami")

    async def read_rows(self, collection: Collection, cursor: str | None) -> AffinityPage:
        """A page of companies or persons with the values of all their fields."""
        # Affinity gives no field values at all unless it is asked for their types.
        return await self._page(f"/v2/{collection}", cursor, {"limit": PAGE_SIZE, "fieldTypes": FIELD_TYPES})

    async def read_fields(self, collection: Collection) -> list[Any]:
        """What fields companies or persons have: `[{"id", "name", "type", "enrichmentSource", "valueType"}]`."""
        page = await self._page(f"/v2/{collection}/fields", None, {"limit": PAGE_SIZE})
        fields = page.rows
        while page.cursor is not None:
            page = await self._page(f"/v2/{collection}/fields", page.cursor, {})
            fields.extend(page.rows)
        return fields

    async def _get(self, path: str, params: Params | None = None) -> Json:
        return await self.request("GET", path, kind="read", repeatable=True, params=params)

    async def _page(self, path: str, cursor: str | None, params: Params) -> AffinityPage:
        if cursor is None:
            answer = await self._get(path, params)
        else:
            answer = await self._get(f"{_origin(self.base_url)}{cursor}")
        match answer:
            case {"data": list() | None as rows, "pagination": {} as pagination}:
                following = self._cursor(pagination.get("nextUrl"))
            case _:
                raise UnexpectedAnswer(f"Affinity answered GET {path} with something that is not a page of rows.")
        if following is not None and following == cursor:
            raise UnexpectedAnswer(f"Affinity names a page of GET {path} as the one that follows itself.")
        return AffinityPage(rows or [], following)

    def _cursor(self, next_url: object) -> str | None:
        """The path and query of `nextUrl`, which is followed only to the server that the key belongs to."""
        if next_url is None:
            return None
        try:
            url = httpx.URL(str(next_url))
        except httpx.InvalidURL:
            url = httpx.URL()
        if _origin(url) != _origin(self.base_url):
            raise UnexpectedAnswer(
                f"Affinity says that the next page is at another server than {_origin(self.base_url)}; the API key is "
                "not sent there."
            )
        return url.raw_path.decode("ascii")

    def _complaint(self, body: object) -> Complaint:
        match body:
            case {"errors": [first, *_]} | {"error": first} | [first, *_]:
                pass
            case _:
                first = body
        match first:
            case str():
                return Complaint(message=first)
            case {}:
                message = first.get("message") or first.get("detail")
                return Complaint(text_of(first.get("code")), text_of(message))
            case _:
                return Complaint()

    def _rejection(self, status: int, complaint: Complaint, message: str) -> Rejected:
        if status == 422 and MERGED.search(complaint.message or ""):
            return NotFound(message, vendor_code=complaint.code)
        return super()._rejection(status, complaint, message)

    def _limited_until(self, headers: httpx.Headers, now: datetime) -> datetime | None:
        # Affinity documents its limits in headers: the user's minute, the organisation's month (absent where there is
        # none), and a limit on concurrency, which is what it must have been if something is left of both.
        if _number(headers, "X-Ratelimit-Limit-Org-Remaining") == 0:
            resets_at = now + timedelta(seconds=_number(headers, "X-Ratelimit-Limit-Org-Reset") or 3600)
            raise QuotaExhausted(
                f"The Affinity account has used up its API calls for this month; more are available from "
                f"{resets_at:%F %R} UTC.",
                resets_at=resets_at,
            )
        if _number(headers, "X-Ratelimit-Limit-User-Remaining") == 0:
            return now + timedelta(seconds=max(1.0, _number(headers, "X-Ratelimit-Limit-User-Reset") or 0))
        retry_after = _number(headers, "Retry-After")
        return None if retry_after is None else now + timedelta(seconds=max(1.0, retry_after))


def _number(headers: httpx.Headers, name: str) -> float | None:
    try:
        return float(headers[name])
    except (KeyError, ValueError):
        return None


def _origin(url: httpx.URL) -> str:
    return f"{url.scheme}://{url.netloc.decode('ascii')}"
