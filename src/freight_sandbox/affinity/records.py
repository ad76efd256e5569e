"""What the operations on companies, persons and opportunities have in common."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import msgspec
from litestar import delete, get, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from freight_sandbox.affinity.collection import Collection
from freight_sandbox.affinity.errors import AffinityError
from freight_sandbox.affinity.fields import RECORD_FIELD_TYPES, entry_fields, known_fields, record_fields, wanted_fields
from freight_sandbox.affinity.paging import COUNTABLE, cursor_page
from freight_sandbox.affinity.record_fields import entry_values, record_values
from freight_sandbox.affinity.requests import (
    SUCCESS,
    AnyRequest,
    entity_of,
    find_row,
    positive_integer,
    refused,
    version_of,
    versioned,
    workspace_of,
)
from freight_sandbox.affinity.rows import Company, FieldDefinition, ListEntry, Person, links
from freight_sandbox.affinity.workspace import COLLECTIONS, Workspace, value_of
from freight_sandbox.control import answer

R = TypeVar("R", bound=Company | Person)
COLLABORATOR = "collaborator"
LAST_CONTACT = "last-contact"

INTERACTION_DATES = (
    "first_email_date",
    "last_email_date",
    "first_event_date",
    "last_event_date",
    "next_event_date",
    "last_chat_message_date",
)


@get(["/v2/companies", "/v2/persons"], sync_to_thread=False)
def list_records(request: AnyRequest) -> ASGIResponse:
    """List companies or persons."""
    workspace, entity = workspace_of(request), entity_of(request)
    rows, version = workspace.records(entity), version_of(request)
    fields = wanted_fields(request, record_fields(workspace, entity), RECORD_FIELD_TYPES)
    ids = requested_ids(request, rows.ids)
    return cursor_page(request, ids, lambda row_id: _with_fields(workspace, rows.row(row_id), fields, version))


@get(["/v2/companies/{row_id:str}", "/v2/persons/{row_id:str}"], sync_to_thread=False)
def get_record(request: AnyRequest, row_id: FromPath[str]) -> ASGIResponse:
    """Get a company or a person."""
    workspace, entity = workspace_of(request), entity_of(request)
    fields = wanted_fields(request, record_fields(workspace, entity), RECORD_FIELD_TYPES)
    row = find_row(workspace.records(entity), row_id, entity)
    return versioned(request, _with_fields(workspace, row, fields, version_of(request)))


@post(["/v2/companies/search", "/v2/persons/search"], status_code=201)
async def search_records(request: AnyRequest) -> ASGIResponse:
    """Search companies or persons, with their number on request."""
    await refuse_criteria(request)
    workspace, entity = workspace_of(request), entity_of(request)
    rows, version = workspace.records(entity), version_of(request)
    fields = wanted_fields(request, record_fields(workspace, entity), RECORD_FIELD_TYPES)
    return cursor_page(
        request, rows.ids, lambda row_id: _with_fields(workspace, rows.row(row_id), fields, version), COUNTABLE, 201
    )


@get(["/v2/companies/{row_id:str}/list-entries", "/v2/persons/{row_id:str}/list-entries"], sync_to_thread=False)
def list_record_entries(request: AnyRequest, row_id: FromPath[str]) -> ASGIResponse:
    """List the list entries of a record, each with the values of all its fields."""
    workspace, entity, version = workspace_of(request), entity_of(request), version_of(request)
    row = find_row(workspace.records(entity), row_id, entity)
    entries = {entry.id: entry for entry in workspace.entries_of(entity, row.id)}

    def render(entry_id: int) -> dict[str, Any]:
        entry = entries[entry_id]
        fields = known_fields(version, entry_fields(workspace, entity, entry.list_id))
        return {**entry_head(entry), "fields": entry_values(workspace, entry, row, fields, version)}

    return cursor_page(request, sorted(entries), render)


@get(["/v2/companies/{row_id:str}/lists", "/v2/persons/{row_id:str}/lists"], sync_to_thread=False)
def list_record_lists(request: AnyRequest, row_id: FromPath[str]) -> ASGIResponse:
    """List the lists that a record is on."""
    workspace, entity = workspace_of(request), entity_of(request)
    row = find_row(workspace.records(entity), row_id, entity)
    ids = sorted({entry.list_id for entry in workspace.entries_of(entity, row.id)})
    return cursor_page(request, ids, lambda list_id: _list_data(workspace, list_id))


@delete(
    ["/persons/{row_id:str}", "/organizations/{row_id:str}", "/opportunities/{row_id:str}"],
    status_code=200,
    sync_to_thread=False,
)
def delete_record_v1(request: AnyRequest, row_id: FromPath[str]) -> ASGIResponse:
    """Delete a record and its entries. Affinity documents that a global company cannot be deleted."""
    workspace, entity = workspace_of(request), entity_of(request)
    row = find_row(workspace.records(entity), row_id, entity)
    if isinstance(row, Company) and row.is_global:
        raise refused(request, "A global organization cannot be deleted.", "id")
    workspace.delete(COLLECTIONS[entity], row.id)
    return answer(SUCCESS)


RECORD_OPERATIONS = (
    list_records,
    get_record,
    search_records,
    list_record_entries,
    list_record_lists,
    delete_record_v1,
)


def _with_fields(
    workspace: Workspace, row: Company | Person, fields: Sequence[FieldDefinition] | None, version: str
) -> Company | Person:
    """Return the record with the values of these fields, or without fields if they are None."""
    values = msgspec.UNSET if fields is None else record_values(workspace, row, fields, version)
    return msgspec.structs.replace(as_record(row), fields=values)


def as_record(row: R) -> R:
    """Return the record as the collections show it: a collaborator is an external person there."""
    if isinstance(row, Person) and row.type == COLLABORATOR:
        return msgspec.structs.replace(row, type="external")
    return row


def entry_head(entry: ListEntry) -> dict[str, Any]:
    """Return the properties of an entry that all operations show."""
    return {"id": entry.id, "listId": entry.list_id, "createdAt": entry.created_at, "creatorId": entry.creator_id}


async def refuse_criteria(request: AnyRequest) -> None:
    """Accept a search without criteria. Raise `AffinityError` for one with criteria, or without a body."""
    try:
        body = msgspec.json.decode(await request.body())
    except msgspec.DecodeError:
        raise AffinityError("bad-request", "The body must be a JSON object.") from None
    if not isinstance(body, dict):
        raise AffinityError("bad-request", "The body must be a JSON object.")
    if any(body.values()):
        raise AffinityError("validation", "The sandbox searches for everything only.", next(iter(body)))


def requested_ids(request: AnyRequest, ids: Sequence[int]) -> Sequence[int]:
    """Return the ids that were requested, by default all."""
    asked = {positive_integer(text, "ids") for text in request.query_params.getall("ids", [])}
    if not asked:
        return ids
    workspace, entity = workspace_of(request), entity_of(request)
    return sorted(
        row_id for row_id in asked if row_id in (ids if entity == "opportunity" else workspace.records(entity))
    )


def matching_ids(
    request: AnyRequest, rows: Collection[Any], words: Callable[[Any], Sequence[str | None]]
) -> Sequence[int]:
    """Return the ids that match the search term and have an interaction if interaction dates are requested."""
    ids = rows.ids
    if term := request.query_params.get("term", "").lower():
        ids = [row.id for row in rows if any(term in word.lower() for word in words(row) if word)]
    if is_on(request, "with_interaction_dates"):
        ids = [row_id for row_id in ids if value_of(rows.row(row_id), LAST_CONTACT)]
    return ids


def on_request(request: AnyRequest, workspace: Workspace, row: Person | Company) -> dict[str, Any]:
    """Return the properties of a person or a company that are shown only on request."""
    content: dict[str, Any] = {}
    if is_on(request, "with_opportunities"):
        entity = "person" if isinstance(row, Person) else "company"
        content["opportunity_ids"] = workspace.opportunities.by(links).get((entity, row.id), ())
    if is_on(request, "with_interaction_dates"):
        contact = value_of(row, LAST_CONTACT) or {}
        last = contact.get("sentAt") or contact.get("startTime")
        content["interaction_dates"] = {**dict.fromkeys(INTERACTION_DATES), "last_interaction_date": last}
    return content


def is_on(request: AnyRequest, name: str) -> bool:
    """Return whether a parameter of API v1 is `true`."""
    return bool(request.query_params.get(name) == "true")


def _list_data(workspace: Workspace, list_id: int) -> dict[str, Any]:
    row = workspace.lists.row(list_id)
    return {
        "id": row.id,
        "name": row.name,
        "creatorId": row.creator_id,
        "ownerId": row.owner_id,
        "isPublic": row.is_public,
    }
