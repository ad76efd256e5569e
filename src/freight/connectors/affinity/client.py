"""Affinity's HTTP API, versions 1 and 2: paths, paging, errors and limits."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, BinaryIO, TypeVar

import httpx
import msgspec
import structlog
from tenacity.wait import wait_base

from freight.connectors.affinity.downloads import GRACE_SECONDS, Downloads, is_fetchable
from freight.connectors.affinity.fields import text_of
from freight.connectors.affinity.spec import SPEC
from freight.connectors.answers import Accepts, Fault, Json, VendorErrorBody, any_json, has_keys
from freight.connectors.errors import (
    CursorRefused,
    NotFound,
    PermissionMissing,
    QuotaExhausted,
    Rejected,
    RejectedBySource,
    UnexpectedAnswer,
)
from freight.connectors.http import BACKOFF, REQUEST_SECONDS, HttpClient, Params
from freight.connectors.paging import Paging
from freight.connectors.protocols import FileContent, Pacer
from freight.connectors.waits import obeyed, seconds_asked
from freight.model.crm import File

Answer = TypeVar("Answer")

API_VERSION = "2024-01-01"
PAGE_SIZE = 100
PAGE_SIZE_V1 = 500

DOWNLOADS = "/entity-files/download/"

MONTH_SECONDS = 31 * 86400.0
UNKNOWN_MONTH = 3600.0
"""Seconds until a used-up quota is tried again if Affinity does not say when the month ends."""

GONE = re.compile(
    r"no longer exists as it has been merged into|expected\b.*\bto be a valid id\b", re.IGNORECASE | re.DOTALL
)
"""The message of a 422 for a record that was merged into another, and in version 1 for an id that does not exist."""

ABOUT_CURSOR = re.compile(r"cursor|page[ _]?token|pagination", re.IGNORECASE)
"""The message of a 404 that is about the page, and not about the collection."""

log = structlog.get_logger(__name__)


class AffinityPage(msgspec.Struct, frozen=True):
    """Rows as Affinity returned them; `cursor` is that of the next page, None on the last."""

    rows: list[Any]
    cursor: str | None


class AffinityClient(HttpClient):
    """Affinity's API with one key. Every method raises a `ConnectorError` on failure."""

    spec = SPEC

    def __init__(
        self,
        api_key: str,
        *,
        base_url: str,
        pacer: Pacer,
        transport: httpx.AsyncBaseTransport | None = None,
        backoff: wait_base = BACKOFF,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        request_seconds: float = REQUEST_SECONDS,
        grace_seconds: float = GRACE_SECONDS,
    ) -> None:
        """Allow `grace_seconds` for a download, however slow it is."""
        super().__init__(
            api_key,
            base_url=base_url,
            pacer=pacer,
            # Without it responses have the version that the key is set to.
            headers={"X-Affinity-Api-Version": API_VERSION},
            transport=transport,
            backoff=backoff,
            sleep=sleep,
            request_seconds=request_seconds,
        )
        self._paging: dict[str, Paging] = {}
        """The state of reading each collection, by its path, for the life of this object."""
        self._downloads = Downloads(
            self._client, self._storage_url, backoff=backoff, sleep=sleep, grace_seconds=grace_seconds
        )

    async def whoami(self) -> Json:
        """Return `{"tenant": {"id", "name", "subdomain"}, "user": {…}, "grant": {…}}`."""
        return await self.get("/v2/auth/whoami", accepts=has_keys("tenant"))

    async def get(self, path: str, params: Params | None = None, accepts: Accepts = any_json) -> Json:
        """Return the response to any GET, of either version."""
        return await self.request("GET", path, kind="read", idempotent=True, params=params, accepts=accepts)

    async def page(self, path: str, cursor: str | None, params: Params | None = None) -> AffinityPage:
        """Return a page of up to 100 rows of version 2.

        `params` are for the first page; a cursor, which is the path and the query of a later one, contains them
        already. Raise `CursorRefused` for one that is no longer valid, and `PagingLoops` if the pages never end.
        """
        return await self._page(path, cursor, params, self._paging_of(path))

    async def _page(self, path: str, cursor: str | None, params: Params | None, paging: Paging) -> AffinityPage:
        with _at(path, cursor):
            if cursor is None:
                answer = await self.get(path, {"limit": PAGE_SIZE, **(params or {})}, has_keys("data", "pagination"))
            else:
                answer = await self.get(f"{_origin(self.base_url)}{cursor}", None, has_keys("data", "pagination"))
        match answer:
            case {"data": list() | None as rows, "pagination": {} as pagination}:
                following = self._cursor(pagination.get("nextUrl"))
            case _:
                raise UnexpectedAnswer(f"Affinity answered GET {path} with something that is not a page of rows.")
        paging.follow(cursor, following, rows or [])
        return AffinityPage(rows or [], following)

    def _paging_of(self, path: str) -> Paging:
        return self._paging.setdefault(path, Paging(f"Affinity's GET {path}"))

    async def all_rows(self, path: str) -> list[Any]:
        """Return the rows of all pages of version 2, for small collections."""
        paging = Paging(f"Affinity's GET {path}")
        page = await self._page(path, None, None, paging)
        rows = page.rows
        while page.cursor is not None:
            page = await self._page(path, page.cursor, None, paging)
            rows = rows + page.rows
        return rows

    async def count(self, path: str) -> int | None:
        """Return the number of rows of a collection of version 2, or None if Affinity does not say."""
        return _total(await self.get(path, {"limit": 1, "totalCount": "true"}))

    async def count_by_search(self, collection: str) -> int | None:
        """Return the number of companies or persons, or None: Affinity gives it with searches and not with the
        collections.
        """
        path = f"/v2/{collection}/search"
        params: Params = {"limit": 1, "totalCount": "true"}
        return _total(await self.request("POST", path, kind="read", idempotent=True, params=params, json={}))

    async def page_v1(self, path: str, key: str, token: str | None) -> AffinityPage:
        """Return a page of up to 500 rows of version 1, which are below `key` or are the whole response.

        Affinity documents that a page can be empty although others follow, and that all parameters but the token stay
        the same. Raise `CursorRefused` and `PagingLoops` like `page`.
        """
        params: Params = {"page_size": PAGE_SIZE_V1, **({} if token is None else {"page_token": token})}
        with _at(path, token):
            answer = await self.get(path, params, lambda answer: isinstance(answer, list) or has_keys(key)(answer))
        match answer:
            case list() as rows:
                following = None
            case {} as answer if isinstance(answer.get(key, ...), list | None):
                rows, following = answer[key] or [], answer.get("next_page_token") or None
            case _:
                raise UnexpectedAnswer(f"Affinity answered GET {path} with something that is not a page of rows.")
        cursor = None if following is None else str(following)
        self._paging_of(path).follow(token, cursor, rows)
        return AffinityPage(rows, cursor)

    async def download(self, file: File, into: BinaryIO) -> FileContent:
        """Write the bytes of a file to `into`.

        Raise `NotFound` for one that no longer exists, `FileIncomplete` for one that differs from its listing.
        """
        return await self._downloads.fetch(file, into)

    async def _storage_url(self, file_id: str) -> httpx.URL:
        try:
            await self.get(f"{DOWNLOADS}{file_id}")
        except _Redirected as redirect:
            url = self.base_url.join(redirect.location)
            if is_fetchable(url, self.base_url):
                return url
        raise UnexpectedAnswer("Affinity did not say where a file is to be downloaded.")

    def _read(self, response: httpx.Response, accepts: Accepts) -> tuple[Json, Fault | None]:
        if _is_storage_address(response):
            return None, None
        return super()._read(response, accepts)

    def _raise(self, response: httpx.Response, what: str) -> None:
        if _is_storage_address(response):
            raise _Redirected(response.headers["Location"])
        super()._raise(response, what)

    def _cursor(self, next_url: object) -> str | None:
        """Return the path and query of `nextUrl`, which is followed only to the server that the key belongs to."""
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

    def _complaint(self, body: object) -> VendorErrorBody:
        match body:
            case {"errors": list() as errors} | {"error": errors} | (list() as errors):
                pass
            case _:
                errors = body
        parsed = [_parsed(error) for error in (errors if isinstance(errors, list) else [errors])]
        return VendorErrorBody(
            code=next((complaint.code for complaint in parsed if complaint.code), None),
            message=" ".join(complaint.message for complaint in parsed if complaint.message) or None,
        )

    def _rejection(self, status: int, complaint: VendorErrorBody, message: str) -> Rejected:
        gone = status == 404 or (status == 422 and GONE.search(complaint.message or ""))
        return (NotFound if gone else RejectedBySource)(message, status=status, vendor_code=complaint.code)

    def _limited_until(self, headers: httpx.Headers, now: datetime) -> datetime | None:
        # Affinity documents its limits in headers: the user's minute, the organisation's month (absent if there is
        # none), and a limit on concurrency, which must be the cause if something is left of both.
        if _number(headers, "X-Ratelimit-Limit-Org-Remaining") == 0:
            seconds = seconds_asked(headers, "X-Ratelimit-Limit-Org-Reset", now) or UNKNOWN_MONTH
            resets_at = now + timedelta(seconds=min(seconds, MONTH_SECONDS))
            raise QuotaExhausted(
                f"The Affinity account has used up its API calls for this month; more are available from "
                f"{resets_at:%F %R} UTC.",
                resets_at=resets_at,
            )
        if _number(headers, "X-Ratelimit-Limit-User-Remaining") == 0:
            return now + timedelta(
                seconds=obeyed(seconds_asked(headers, "X-Ratelimit-Limit-User-Reset", now) or 0.0, at_least=1.0)
            )
        asked = seconds_asked(headers, "Retry-After", now)
        return None if asked is None else now + timedelta(seconds=obeyed(asked, at_least=1.0))


class _Redirected(Exception):
    """The response is elsewhere."""

    def __init__(self, location: str) -> None:
        super().__init__(location)
        self.location = location


async def optional(asked: Awaitable[Answer]) -> Answer | None:
    """Return the response, or None if Affinity refuses the request or does not know it."""
    try:
        return await asked
    except (PermissionMissing, Rejected, UnexpectedAnswer) as error:
        log.info("affinity_question_refused", reason=str(error))
        return None


def _parsed(error: object) -> VendorErrorBody:
    match error:
        case str():
            return VendorErrorBody(message=text_of(error))
        case {}:
            return VendorErrorBody(text_of(error.get("code")), text_of(error.get("message") or error.get("detail")))
        case _:
            return VendorErrorBody()


def _is_storage_address(response: httpx.Response) -> bool:
    """Return whether a response says where a file can be downloaded."""
    return response.has_redirect_location and DOWNLOADS in response.request.url.path


@contextmanager
def _at(path: str, cursor: str | None) -> Iterator[None]:
    """Distinguish a refused cursor from a refused collection: the first page was returned without one."""
    try:
        yield
    except Rejected as refusal:
        about_cursor = refusal.status == 404 and ABOUT_CURSOR.search(str(refusal))
        refused = isinstance(refusal, RejectedBySource) and refusal.status in (400, 410, 422)
        if cursor is None or not (about_cursor or refused):
            raise
        raise CursorRefused(
            f"Affinity no longer accepts the cursor of the next page of {path}, so they are read again from the "
            f"start: no action is needed. ({refusal})",
            status=refusal.status,
            vendor_code=refusal.vendor_code,
        ) from refusal


def _total(answer: Json) -> int | None:
    match answer:
        case {"pagination": {"totalCount": bool()}}:
            return None
        case {"pagination": {"totalCount": int() as total}}:
            return total
        case _:
            return None


def _number(headers: httpx.Headers, name: str) -> float | None:
    try:
        return float(headers[name])
    except (KeyError, ValueError):
        return None


def _origin(url: httpx.URL) -> str:
    return f"{url.scheme}://{url.netloc.decode('ascii')}"
