"""Attio's REST API, version 2: envelopes, paging, errors and limits."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import httpx
import structlog

from freight.connectors.answers import Json, VendorErrorBody, has_keys
from freight.connectors.attio.spec import SPEC
from freight.connectors.errors import CredentialsRefused, Rejected, UnexpectedAnswer, UniquenessConflict
from freight.connectors.http import HttpClient, Method, Params, QueryRetries
from freight.connectors.paging import Paging
from freight.connectors.protocols import FileContent, Kind
from freight.connectors.waits import obeyed, seconds_asked

SHORTEST_PAUSE = 0.1
"""Seconds to wait at least after a 429; Attio documents pauses of about a second."""

NAMED_ATTRIBUTE = re.compile(r'attribute(?: with)? (?:ID|slug|slug/ID) "([^"]+)"', re.IGNORECASE)

CONTENT_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+")

SCORE = "x-attio-record-query-score"
"""The header with the score of a query."""

TOO_COMPLEX = re.compile(r"too complex|reduce the complexity|(single|per|this)[ -]query", re.IGNORECASE)
"""Possible messages of a 429 that is about one query. Attio documents the advice, but no message."""

UNNAMED_TYPE = "application/octet-stream"
"""The content type of files for which the source gives none."""


log = structlog.get_logger(__name__)


class AttioClient(HttpClient):
    """Attio's API with one key. Every method raises a `ConnectorError` on failure."""

    spec = SPEC
    plan_limits = frozenset({"billing_error", "limit_reached", "particle_gate_violation", "quota_exceeded"})
    under_way: Mapping[str, str] = {
        "concurrent_write_conflict": "another write to the same record was in progress",
        "merge_in_progress": "the record was being merged with another",
    }
    _highest_score = 1.0
    """The highest score of the queries so far; only higher ones are logged."""

    async def identify(self) -> Json:
        """Return `{"active": true, "scope", "workspace_id", "workspace_name", …}`. Raise `CredentialsRefused`.

        Unlike the rest of Attio's API this answers 400 for a malformed key, and 200 with nothing but `active` for an
        unknown one.
        """
        try:
            answer = await self.request("GET", "/v2/self", kind="read", idempotent=True, accepts=has_keys("active"))
        except Rejected as error:
            if error.status != 400:
                raise
            raise CredentialsRefused(
                f"Attio does not recognise the API key: copy all of it again. ({error})"
            ) from error
        match answer:
            case {"active": False}:
                raise CredentialsRefused(
                    "Attio has no active API key like this one: it is mistyped, revoked or expired. Copy it again, or "
                    "create another in Attio's developer settings."
                )
            case _:
                return answer

    async def read(self, path: str, *, kind: Kind = "read", params: Params | None = None) -> Json:
        """Return what is at a path."""
        return await self._data("GET", path, kind=kind, idempotent=True, params=params)

    async def read_list(self, path: str, *, kind: Kind = "read", params: Params | None = None) -> list[dict[str, Any]]:
        """Return the list of objects at a path."""
        return _dicts(await self.read(path, kind=kind, params=params))

    async def read_pages(
        self, path: str, *, size: int, kind: Kind = "read", params: Params | None = None
    ) -> list[dict[str, Any]]:
        """Return all items at a path, read in pages of `size`."""
        found: list[dict[str, Any]] = []
        paging = Paging(f"Attio's GET {path}")
        while True:
            offset = len(found)
            page = await self.read_list(path, kind=kind, params={**(params or {}), "limit": size, "offset": offset})
            found += page
            if len(page) < size:
                return found
            paging.follow(offset or None, len(found), page)

    async def read_cursor(self, path: str, *, size: int, params: Params) -> list[dict[str, Any]]:
        """Return all items at a path that Attio pages with cursors. Restart once if a cursor expires."""
        try:
            return await self._read_cursor(path, {**params, "limit": size})
        except _CursorExpired:
            log.info("attio_cursor_expired", path=path)
        try:
            return await self._read_cursor(path, {**params, "limit": size})
        except _CursorExpired as expired:
            raise expired.refusal from None

    async def _read_cursor(self, path: str, params: dict[str, Any]) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        paging = Paging(f"Attio's GET {path}")
        cursor: str | None = None
        while True:
            at = {} if cursor is None else {"cursor": cursor}
            try:
                answer = await self.request(
                    "GET", path, kind="read", idempotent=True, params={**params, **at}, accepts=has_keys("data")
                )
            except Rejected as refusal:
                if cursor is not None and refusal.status in (400, 410, 422):
                    raise _CursorExpired(refusal) from None
                raise
            page = _dicts(answer.get("data"))
            found += page
            following = (answer.get("pagination") or {}).get("next_cursor")
            paging.follow(cursor, following, page)
            if following is None:
                return found
            cursor = str(following)

    async def query(
        self,
        path: str,
        filter_: Mapping[str, Any] | None,
        *,
        limit: int,
        offset: int = 0,
        retries: QueryRetries | None = None,
    ) -> list[dict[str, Any]]:
        """Return a page of the items that match the filter, in the order of ids. Raise `QueryTooComplex` after
        `retries`.

        Attio limits the score of one query, which depends on its filter and sort, and the sum of scores in ten seconds.
        The score is lowest without a sort.
        """
        query = {"limit": limit, "offset": offset, **({} if filter_ is None else {"filter": filter_})}
        answer = await self._data("POST", f"{path}/query", kind="read", idempotent=True, json=query, retries=retries)
        return _dicts(answer)

    async def write(
        self,
        method: Method,
        path: str,
        body: Mapping[str, Any],
        *,
        idempotent: bool,
        key: str | None = None,
        params: Params | None = None,
    ) -> dict[str, Any]:
        """Send a body in the envelope that Attio expects, and return what Attio answers.

        `key` is the name of the id that the answer must have. `InDoubt` if not idempotent.
        """
        answer = await self._data(method, path, kind="write", idempotent=idempotent, params=params, json={"data": body})
        return self._made(answer, f"{method} {path}", idempotent=idempotent, key=key)

    async def upload(self, path: str, fields: Mapping[str, str], name: str, content: FileContent) -> dict[str, Any]:
        """Send a file, read in parts while it is sent. Not idempotent: raise `InDoubt` if Attio may have stored it."""
        type_ = content.content_type or ""
        file = (name, content.file, type_ if CONTENT_TYPE.fullmatch(type_) else UNNAMED_TYPE)
        request = self._client.build_request("POST", path, data=dict(fields), files={"file": file})
        answer = await self._send(request, kind="upload", idempotent=False)
        made = answer.get("data") if isinstance(answer, dict) else None
        return self._made(made, f"POST {path}", idempotent=False, key="file_id")

    def _made(self, answer: Json, what: str, *, idempotent: bool, key: str | None) -> dict[str, Any]:
        match answer:
            case {"id": dict(ids)} if key is None or isinstance(ids.get(key), str):
                return dict(answer)
        if not idempotent:
            raise self._in_doubt(what, "the answer does not name what was created")
        raise UnexpectedAnswer(f"Attio answered {what} without what was asked for.")

    async def _data(
        self,
        method: Method,
        path: str,
        *,
        kind: Kind,
        idempotent: bool,
        params: Params | None = None,
        json: object = None,
        retries: QueryRetries | None = None,
    ) -> Json:
        """Return the content of the envelope `{"data": …}` that nearly every response has."""
        answer = await self.request(
            method,
            path,
            kind=kind,
            idempotent=idempotent,
            params=params,
            json=json,
            retries=retries,
            accepts=has_keys("data"),
        )
        return answer["data"]

    def _complaint(self, body: Json) -> VendorErrorBody:
        match body:
            case {"message": str(message), "code": str(code)}:
                details = body.get("validation_errors")
            case _:
                return VendorErrorBody()
        attribute = None
        if named := NAMED_ATTRIBUTE.search(message):
            attribute = named[1]
        match details:
            case [{"path": ["data", "values" | "entry_values", str(slug), *_], "message": str(detail)}, *_]:
                attribute, message = slug, f"{message} {slug}: {detail}"
            case [{"path": list(path), "message": str(detail)}, *_]:
                message = f"{message} {'.'.join(map(str, path))}: {detail}"
        return VendorErrorBody(code, message, attribute)

    def _rejection(self, status: int, complaint: VendorErrorBody, message: str) -> Rejected:
        # Attio answers this with 400 for records and with 409 elsewhere.
        if complaint.code == "uniqueness_conflict":
            return UniquenessConflict(message, status=status, vendor_code=complaint.code, attribute=complaint.attribute)
        return super()._rejection(status, complaint, message)

    def _says_too_complex(self, complaint: VendorErrorBody) -> bool:
        return TOO_COMPLEX.search(complaint.message or "") is not None

    def _observe(self, response: httpx.Response, what: str) -> None:
        try:
            score = float(response.headers.get(SCORE, ""))
        except ValueError:
            return
        # Every query has a score: only new highs are logged.
        if score > 2 * self._highest_score:
            self._highest_score = score
            log.info("query_score_rose", vendor=self.vendor, request=what, score=score)

    def _limited_until(self, headers: httpx.Headers, now: datetime) -> datetime | None:
        # Attio documents `Retry-After` as an HTTP date; it is compared with the server's own clock.
        asked = seconds_asked(headers, "Retry-After", now)
        return now + timedelta(seconds=obeyed(1.0 if asked is None else asked, at_least=SHORTEST_PAUSE))


def read_id(item: Mapping[str, Any], key: str) -> str:
    """Return the id with this name of an item that Attio returned. Raise `UnexpectedAnswer` if it has none."""
    match item.get("id"):
        case dict(ids) if isinstance(ids.get(key), str):
            return str(ids[key])
        case _:
            raise UnexpectedAnswer(f"Attio returned an item that has no `{key}`.")


def _dicts(items: object) -> list[dict[str, Any]]:
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise UnexpectedAnswer("The answer of Attio is not the list that was requested.")
    return items


class _CursorExpired(Exception):
    """Attio no longer accepts the cursor of a page."""

    def __init__(self, refusal: Rejected) -> None:
        super().__init__(str(refusal))
        self.refusal = refusal
