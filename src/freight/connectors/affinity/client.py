"""Affinity's HTTP API, versions 1 and 2, as it is: paths, paging, errors and limits."""

import re
from collections.abc import Awaitable
from datetime import datetime, timedelta
from typing import Any, BinaryIO, TypeVar

import httpx
import msgspec
import structlog
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt
from tenacity.wait import wait_base

from freight.connectors.affinity.fields import text_of
from freight.connectors.errors import (
    NotFound,
    PermissionMissing,
    QuotaExhausted,
    Rejected,
    RejectedBySource,
    Unavailable,
    UnexpectedAnswer,
)
from freight.connectors.http import BACKOFF, Complaint, HttpClient, Json, Params
from freight.connectors.protocols import FileContent, Pacer

Answer = TypeVar("Answer")

API_VERSION = "2024-01-01"
PAGE_SIZE = 100
PAGE_SIZE_V1 = 500

DOWNLOADS = "/entity-files/download/"
DOWNLOAD_ATTEMPTS = 3
CHUNK = 64 * 1024

GONE = re.compile(
    r"no longer exists as it has been merged into|expected\b.*\bto be a valid id\b", re.IGNORECASE | re.DOTALL
)
"""What a 422 says of a record that was merged into another, and in version 1 of an id that does not exist."""

log = structlog.get_logger(__name__)


class AffinityPage(msgspec.Struct, frozen=True):
    """Rows as Affinity gave them; `cursor` leads to the next page, None on the last."""

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
        return await self.get("/v2/auth/whoami")

    async def get(self, path: str, params: Params | None = None) -> Json:
        """Any answer, of either version."""
        return await self.request("GET", path, kind="read", repeatable=True, params=params)

    async def page(self, path: str, cursor: str | None, params: Params | None = None) -> AffinityPage:
        """A page of up to 100 rows of version 2. `params` are for the first page; a cursor, which is the path and the
        query of a later one, holds them already."""
        if cursor is None:
            answer = await self.get(path, {"limit": PAGE_SIZE, **(params or {})})
        else:
            answer = await self.get(f"{_origin(self.base_url)}{cursor}")
        match answer:
            case {"data": list() | None as rows, "pagination": {} as pagination}:
                following = self._cursor(pagination.get("nextUrl"))
            case _:
                raise UnexpectedAnswer(f"Affinity answered GET {path} with something that is not a page of rows.")
        if following is not None and following == cursor:
            raise UnexpectedAnswer(f"Affinity names a page of GET {path} as the one that follows itself.")
        return AffinityPage(rows or [], following)

    async def all_rows(self, path: str) -> list[Any]:
        """The rows of all pages of version 2: for what there are few of."""
        page = await self.page(path, None)
        rows, seen = page.rows, {page.cursor}
        while page.cursor is not None:
            page = await self.page(path, page.cursor)
            if page.cursor is not None and page.cursor in seen:
                raise UnexpectedAnswer(f"Affinity names a page of GET {path} a second time.")
            seen.add(page.cursor)
            rows = rows + page.rows
        return rows

    async def count(self, path: str) -> int | None:
        """How many rows a collection of version 2 has, if Affinity says."""
        return _total(await self.get(path, {"limit": 1, "totalCount": "true"}))

    async def count_by_search(self, collection: str) -> int | None:
        """How many companies or persons there are, if Affinity says: their collections do not, but searches do."""
        path = f"/v2/{collection}/search"
        params: Params = {"limit": 1, "totalCount": "true"}
        return _total(await self.request("POST", path, kind="read", repeatable=True, params=params, json={}))

    async def page_v1(self, path: str, key: str, token: str | None) -> AffinityPage:
        """A page of up to 500 rows of version 1, which stand below `key` or are the whole answer. Affinity documents
        that a page may be empty although others follow, and that all parameters but the token stay the same."""
        params: Params = {"page_size": PAGE_SIZE_V1, **({} if token is None else {"page_token": token})}
        match await self.get(path, params):
            case list() as rows:
                following = None
            case {} as answer if isinstance(answer.get(key, ...), list | None):
                rows, following = answer[key] or [], answer.get("next_page_token") or None
            case _:
                raise UnexpectedAnswer(f"Affinity answered GET {path} with something that is not a page of rows.")
        cursor = None if following is None else str(following)
        if cursor is not None and cursor == token:
            raise UnexpectedAnswer(f"Affinity names a page of GET {path} as the one that follows itself.")
        return AffinityPage(rows, cursor)

    async def download(self, file_id: str, file: BinaryIO) -> FileContent:
        """Write the bytes of a file to `file`. Raises `NotFound` for one that is gone."""
        attempts = AsyncRetrying(
            retry=retry_if_exception_type(_NotDelivered),
            stop=stop_after_attempt(DOWNLOAD_ATTEMPTS),
            wait=self._backoff,
            reraise=True,
        )
        try:
            delivered: FileContent = await attempts(self._download, file_id, file)
        except _NotDelivered as failure:
            error = RejectedBySource if failure.refused else Unavailable
            raise error(
                f"Affinity's storage did not deliver the file {file_id} in {DOWNLOAD_ATTEMPTS} attempts; the last time "
                f"{failure}. Try again later, or add the file by hand."
            ) from None
        return delivered

    async def _download(self, file_id: str, file: BinaryIO) -> FileContent:
        # The storage takes an address for a minute only, so each attempt asks for a new one.
        request = self._client.build_request("GET", await self._storage_url(file_id), headers={"Accept": "*/*"})
        # The key is for Affinity and not for whoever stores its files.
        del request.headers["Authorization"]
        file.seek(0)
        file.truncate()
        try:
            response = await self._client.send(request, stream=True)
            try:
                _check_delivery(response, file_id)
                async for chunk in response.aiter_bytes(CHUNK):
                    file.write(chunk)
            finally:
                await response.aclose()
        except httpx.HTTPError as error:
            raise _NotDelivered(f"the connection failed ({type(error).__name__})") from None
        size = file.tell()
        file.seek(0)
        return FileContent(file=file, size=size, content_type=response.headers.get("Content-Type"))

    async def _storage_url(self, file_id: str) -> httpx.URL:
        try:
            await self.get(f"{DOWNLOADS}{file_id}")
        except _Redirected as redirect:
            url = self.base_url.join(redirect.location)
            if url.host and url.scheme in ("https", self.base_url.scheme):
                return url
        raise UnexpectedAnswer("Affinity did not say where a file is to be downloaded.")

    def _raise(self, response: httpx.Response, what: str) -> None:
        if response.has_redirect_location and DOWNLOADS in response.request.url.path:
            raise _Redirected(response.headers["Location"])
        super()._raise(response, what)

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
            case {"errors": list() as errors} | {"error": errors} | (list() as errors):
                pass
            case _:
                errors = body
        said = [_said(error) for error in (errors if isinstance(errors, list) else [errors])]
        return Complaint(
            code=next((complaint.code for complaint in said if complaint.code), None),
            message=" ".join(complaint.message for complaint in said if complaint.message) or None,
        )

    def _rejection(self, status: int, complaint: Complaint, message: str) -> Rejected:
        gone = status == 404 or (status == 422 and GONE.search(complaint.message or ""))
        return (NotFound if gone else RejectedBySource)(message, vendor_code=complaint.code)

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


class _Redirected(Exception):
    """The answer is elsewhere."""

    def __init__(self, location: str) -> None:
        super().__init__(location)
        self.location = location


class _NotDelivered(Exception):
    """The storage did not give a file, and may when it is asked again."""

    def __init__(self, reason: str, *, refused: bool = False) -> None:
        super().__init__(reason)
        self.refused = refused


async def optional(asked: Awaitable[Answer]) -> Answer | None:
    """The answer, or None where Affinity refuses the question or does not know it."""
    try:
        return await asked
    except (PermissionMissing, Rejected, UnexpectedAnswer) as error:
        log.info("affinity_question_refused", reason=str(error))
        return None


def _said(error: object) -> Complaint:
    match error:
        case str():
            return Complaint(message=text_of(error))
        case {}:
            return Complaint(text_of(error.get("code")), text_of(error.get("message") or error.get("detail")))
        case _:
            return Complaint()


def _check_delivery(response: httpx.Response, file_id: str) -> None:
    if response.status_code == 404:
        raise NotFound(f"Affinity's storage has no file {file_id} any more.")
    if not response.is_success:
        raise _NotDelivered(f"it answered {response.status_code}", refused=response.status_code < 500)


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
