"""Attio's REST API, version 2, as it is: paths, wrapping, errors and limits."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote

import httpx
import msgspec

from freight.connectors.errors import Rejected, UnexpectedAnswer, UniquenessConflict
from freight.connectors.http import Complaint, HttpClient, Json, Method, Params
from freight.connectors.protocols import Kind

PAGE_SIZE = 500
SHORTEST_PAUSE = timedelta(milliseconds=100)

NAMED_ATTRIBUTE = re.compile(r'attribute(?: with)? (?:ID|slug|slug/ID) "([^"]+)"', re.IGNORECASE)

Values = Mapping[str, list[Any]]


class AttioRecord(msgspec.Struct, frozen=True):
    """A record as Attio gave it; `values` holds a list of objects for every attribute."""

    id: str
    values: dict[str, Any]


class AttioClient(HttpClient):
    """Attio's API behind one key. Every method raises a `ConnectorError` on failure."""

    vendor = "Attio"

    async def identify(self) -> Json:
        """`{"active", "scope", "workspace_id", "workspace_name", …}`; only `active` where the key is inactive."""
        return await self.request("GET", "/v2/self", kind="read", repeatable=True)

    async def list_attributes(self, entity: str) -> list[dict[str, Any]]:
        """All attributes of an object, archived ones included."""
        attributes: dict[str, dict[str, Any]] = {}
        while True:
            page = await self._data(
                "GET",
                _attributes(entity),
                kind="read",
                repeatable=True,
                params={"limit": PAGE_SIZE, "offset": len(attributes), "show_archived": "true"},
            )
            # Attio documents no largest page here, so a short one need not be the last.
            new = {item["api_slug"]: item for item in _dicts(page) if item.get("api_slug") not in {None, *attributes}}
            if not new:
                return list(attributes.values())
            attributes |= new

    async def create_attribute(self, entity: str, definition: Mapping[str, Any]) -> None:
        """Make an attribute; a slug that exists, archived or not, is `Rejected` with `slug_conflict`."""
        # Repeatable, as Attio takes a slug once only.
        await self._data("POST", _attributes(entity), kind="write", repeatable=True, json={"data": definition})

    async def update_attribute(self, entity: str, slug: str, changes: Mapping[str, Any]) -> None:
        """Change the definition of an attribute."""
        path = f"{_attributes(entity)}/{quote(slug, safe='')}"
        await self._data("PATCH", path, kind="write", repeatable=True, json={"data": changes})

    async def query(self, entity: str, filter_: Mapping[str, Any]) -> list[AttioRecord]:
        """All records that the filter finds, oldest first."""
        found: list[AttioRecord] = []
        while True:
            query = {
                "filter": filter_,
                "sorts": [{"attribute": "created_at", "direction": "asc"}],
                "limit": PAGE_SIZE,
                "offset": len(found),
            }
            page = await self._data("POST", f"{_records(entity)}/query", kind="read", repeatable=True, json=query)
            records = [_record(item) for item in _dicts(page)]
            if None in records:
                raise UnexpectedAnswer(f"Attio answered a query of {entity} with something that is not a record.")
            found.extend(record for record in records if record is not None)
            if len(records) < PAGE_SIZE:
                return found

    async def create(self, entity: str, values: Values) -> AttioRecord:
        """Make a record. Not repeatable: `InDoubt` where Attio may have made it."""
        return await self._write("POST", _records(entity), values, repeatable=False)

    async def upsert(self, entity: str, matching_attribute: str, values: Values) -> AttioRecord:
        """Make a record, or change the one that holds a value of the (unique) attribute.

        Values are added to those of the matching attribute and take the place of all others'.
        """
        params = {"matching_attribute": matching_attribute}
        return await self._write("PUT", _records(entity), values, repeatable=True, params=params)

    async def update(self, entity: str, record_id: str, values: Values) -> AttioRecord:
        """Give some attributes of a record exactly these values; an empty list clears one."""
        path = f"{_records(entity)}/{quote(record_id, safe='')}"
        return await self._write("PUT", path, values, repeatable=True)

    async def _write(
        self, method: Method, path: str, values: Values, *, repeatable: bool, params: Params | None = None
    ) -> AttioRecord:
        body = {"data": {"values": values}}
        answer = await self._data(method, path, kind="write", repeatable=repeatable, params=params, json=body)
        if (record := _record(answer)) is not None:
            return record
        if not repeatable:
            raise self._in_doubt(f"{method} {path}", "the answer holds no record")
        raise UnexpectedAnswer(f"Attio answered {method} {path} without the record.")

    async def _data(
        self,
        method: Method,
        path: str,
        *,
        kind: Kind,
        repeatable: bool,
        params: Params | None = None,
        json: object = None,
    ) -> Json:
        """The answer, taken out of the `{"data": …}` that Attio wraps nearly everything in."""
        answer = await self.request(method, path, kind=kind, repeatable=repeatable, params=params, json=json)
        if isinstance(answer, dict) and "data" in answer:
            return answer["data"]
        if not repeatable:
            raise self._in_doubt(f"{method} {path}", "the answer holds no `data`")
        raise UnexpectedAnswer(f"Attio answered {method} {path} without `data`.")

    def _complaint(self, body: Json) -> Complaint:
        match body:
            case {"message": str(message), "code": str(code)}:
                details = body.get("validation_errors")
            case _:
                return Complaint()
        attribute = None
        if named := NAMED_ATTRIBUTE.search(message):
            attribute = named[1]
        match details:
            case [{"path": ["data", "values", str(slug), *_], "message": str(detail)}, *_]:
                attribute, message = slug, f"{message} {slug}: {detail}"
            case [{"path": list(path), "message": str(detail)}, *_]:
                message = f"{message} {'.'.join(map(str, path))}: {detail}"
        return Complaint(code, message, attribute)

    def _rejection(self, status: int, complaint: Complaint, message: str) -> Rejected:
        # Attio answers this with 400 for records and with 409 elsewhere.
        if complaint.code == "uniqueness_conflict":
            return UniquenessConflict(message, vendor_code=complaint.code, attribute=complaint.attribute)
        return super()._rejection(status, complaint, message)

    def _limited_until(self, headers: httpx.Headers, now: datetime) -> datetime | None:
        # Attio documents `Retry-After` as an HTTP date; how far ahead it lies is measured by the server's own clock.
        retry_after = headers.get("Retry-After", "")
        try:
            wait = timedelta(seconds=float(retry_after))
        except (ValueError, OverflowError):
            until = _date(retry_after)
            wait = until - (_date(headers.get("Date", "")) or now) if until else timedelta(seconds=1)
        return now + max(wait, SHORTEST_PAUSE)


def _records(entity: str) -> str:
    return f"/v2/objects/{entity}/records"


def _attributes(entity: str) -> str:
    return f"/v2/objects/{entity}/attributes"


def _record(item: object) -> AttioRecord | None:
    match item:
        case {"id": {"record_id": str(record_id)}, "values": dict(values)}:
            return AttioRecord(record_id, values)
        case _:
            return None


def _dicts(items: object) -> list[dict[str, Any]]:
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise UnexpectedAnswer("Attio answered with something else than the list that was asked for.")
    return items


def _date(text: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(text)
    except ValueError:
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)
