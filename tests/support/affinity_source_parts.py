"""Affinity as the tests of its connector play it: answers by path, and the pieces that answers are made of."""

from collections.abc import Callable
from typing import Any

import httpx
import msgspec
from tenacity import wait_none

from freight.connectors.affinity.client import AffinityClient
from freight.connectors.affinity.row_parser import FieldSelection
from freight.connectors.affinity.source import AffinityReader, AffinitySource
from freight.connectors.protocols import Page, Row
from freight.model.crm import Entity, List
from freight.model.fields import Field
from freight.model.mapping import Mapping
from freight.model.schema import Schema
from support.connector_parts import RecordingPacer

BASE = "https://api.affinity.co"

Answer = httpx.Response | Callable[[httpx.Request], httpx.Response]


class Paths:
    """Answers each path, with its query where one is given, as it was told, and every other with 404."""

    def __init__(self, answers: dict[str, Answer | list[Answer]]) -> None:
        self._answers = answers
        self.requests: list[httpx.Request] = []
        self.transport = httpx.MockTransport(self._answer)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        full = request.url.raw_path.decode()
        answer = self._answers.get(full, self._answers.get(request.url.path, refusal(404)))
        if isinstance(answer, list):
            answer = answer.pop(0) if len(answer) > 1 else answer[0]
        if isinstance(answer, httpx.Response):
            return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)
        return answer(request)

    def asked(self, path: str) -> list[httpx.Request]:
        return [request for request in self.requests if request.url.path == path]

    def client(self) -> AffinityClient:
        return AffinityClient(
            "key", base_url=BASE, pacer=RecordingPacer(), transport=self.transport, backoff=wait_none()
        )

    def source(self) -> AffinitySource:
        return AffinitySource(
            "key", base_url=BASE, pacer=RecordingPacer(), transport=self.transport, backoff=wait_none()
        )

    def reader(self, schema: Schema | None = None, mapping: Mapping | None = None) -> AffinityReader:
        return self.source().reader(schema or Schema(), mapping or Mapping())


def page(rows: object, next_url: object = None, **more: object) -> httpx.Response:
    """Return a page of version 2."""
    return json({"data": rows, "pagination": {"prevUrl": None, "nextUrl": next_url, **more}})


def json(body: object) -> httpx.Response:
    return httpx.Response(200, json=body)


def refusal(status: int) -> httpx.Response:
    return httpx.Response(status, json={"errors": [{"code": "refused", "message": "No."}]})


def field(
    id_: str, type_: str, data: object, *, kind: str = "global", name: str = "Name", **more: Any
) -> dict[str, Any]:
    """Return a field of a row, with its value."""
    value = {"type": type_, "data": data, **more}
    return {"id": id_, "name": name, "type": kind, "enrichmentSource": None, "value": value}


def described(
    id_: str, type_: str, *, kind: str = "global", name: str = "Name", source: str | None = None
) -> dict[str, Any]:
    """Return a field as the metadata describes it."""
    return {"id": id_, "name": name, "type": kind, "enrichmentSource": source, "valueType": type_}


def person(id_: object, name: str = "Ann", **more: object) -> dict[str, Any]:
    """Return a person as a value names one."""
    return {"id": id_, "firstName": name, "lastName": None, "primaryEmailAddress": None, "type": "external", **more}


def place(**parts: object) -> dict[str, object]:
    return dict.fromkeys(("streetAddress", "city", "state", "country", "continent")) | parts


def entry(id_: int, kind: str, entity: object, **more: object) -> dict[str, Any]:
    """Return a list entry."""
    row = {"id": id_, "type": kind, "listId": 1, "createdAt": "2025-01-02T03:04:05Z", "creatorId": None}
    return {**row, "entity": entity, **more}


def a_list(id_: str, of: Any, *fields: Field) -> List:
    return List(id=id_, name=f"List {id_}", of=of, fields=fields)


def reading(owner: str, *fields: Field, skipped: frozenset[str] = frozenset()) -> FieldSelection:
    return FieldSelection(owner, {field.id: field for field in fields}, skipped)


def codes(row: Row) -> list[str]:
    return [issue.code for issue in row.issues]


async def read_all(reader: AffinityReader, entity: Entity, cursor: str | None = None) -> Page:
    """Return all pages of a stream, or those from a cursor on, as one."""
    rows, replies = [], []
    while True:
        found = await reader.read(entity, cursor)
        rows += found.rows
        replies += found.replies
        cursor = found.next_cursor
        if cursor is None:
            return msgspec.structs.replace(found, rows=tuple(rows), replies=tuple(replies))
