"""API v2: companies, persons and opportunities."""

from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec
from litestar import get, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from freight_sandbox.affinity.errors import AffinityError
from freight_sandbox.affinity.requests import AnyRequest, absent, entity_of, found, positive, workspace_of
from freight_sandbox.affinity.rows import Company, FieldDefinition, ListEntry, Person
from freight_sandbox.affinity.v2.fields import RECORD_TYPES, entry_fields, entry_values, record_fields, record_values
from freight_sandbox.affinity.v2.fields import wanted_fields as wanted
from freight_sandbox.affinity.v2.paging import COUNTABLE, page_answer
from freight_sandbox.affinity.v2.people import opportunity_data
from freight_sandbox.affinity.v2.versions import known_fields, version_of, versioned
from freight_sandbox.affinity.workspace import Workspace

R = TypeVar("R", bound=Company | Person)

COLLABORATOR = "collaborator"


@get(["/v2/companies", "/v2/persons"], sync_to_thread=False)
def list_records(request: AnyRequest) -> ASGIResponse:
    """A page of companies or persons."""
    workspace, entity = workspace_of(request), entity_of(request)
    rows, version = workspace.records(entity), version_of(request)
    fields = wanted(request, record_fields(workspace, entity), RECORD_TYPES)
    ids = _only(request, rows.ids)
    return page_answer(request, ids, lambda row_id: with_fields(workspace, rows.row(row_id), fields, version))


@get(["/v2/companies/{row_id:str}", "/v2/persons/{row_id:str}"], sync_to_thread=False)
def get_record(request: AnyRequest, row_id: FromPath[str]) -> ASGIResponse:
    """One company or person."""
    workspace, entity = workspace_of(request), entity_of(request)
    fields = wanted(request, record_fields(workspace, entity), RECORD_TYPES)
    row = found(workspace.records(entity), row_id, entity)
    return versioned(request, with_fields(workspace, row, fields, version_of(request)))


@post(["/v2/companies/search", "/v2/persons/search"], status_code=201)
async def search_records(request: AnyRequest) -> ASGIResponse:
    """A page of all companies or persons, with their number on request."""
    await refuse_criteria(request)
    workspace, entity = workspace_of(request), entity_of(request)
    rows, version = workspace.records(entity), version_of(request)
    fields = wanted(request, record_fields(workspace, entity), RECORD_TYPES)
    return page_answer(
        request, rows.ids, lambda row_id: with_fields(workspace, rows.row(row_id), fields, version), COUNTABLE, 201
    )


@get(["/v2/companies/{row_id:str}/list-entries", "/v2/persons/{row_id:str}/list-entries"], sync_to_thread=False)
def list_record_entries(request: AnyRequest, row_id: FromPath[str]) -> ASGIResponse:
    """A page of the entries that stand for a record, each with the values of all its fields."""
    workspace, entity, version = workspace_of(request), entity_of(request), version_of(request)
    row = found(workspace.records(entity), row_id, entity)
    entries = {entry.id: entry for entry in workspace.entries_of(entity, row.id)}

    def render(entry_id: int) -> dict[str, Any]:
        entry = entries[entry_id]
        fields = known_fields(version, entry_fields(workspace, entity, entry.list_id))
        return {**entry_head(entry), "fields": entry_values(workspace, entry, row, fields, version)}

    return page_answer(request, sorted(entries), render)


@get(["/v2/companies/{row_id:str}/lists", "/v2/persons/{row_id:str}/lists"], sync_to_thread=False)
def list_record_lists(request: AnyRequest, row_id: FromPath[str]) -> ASGIResponse:
    """A page of the lists that a record stands on."""
    workspace, entity = workspace_of(request), entity_of(request)
    row = found(workspace.records(entity), row_id, entity)
    ids = sorted({entry.list_id for entry in workspace.entries_of(entity, row.id)})
    return page_answer(request, ids, lambda list_id: _list_data(workspace, list_id))


@get("/v2/opportunities", sync_to_thread=False)
def list_opportunities(request: AnyRequest) -> ASGIResponse:
    """A page of opportunities, without fields and without what they are linked to."""
    workspace, version = workspace_of(request), version_of(request)
    ids = _only(request, workspace.visible_opportunities())
    return page_answer(
        request, ids, lambda row_id: opportunity_data(workspace, version, workspace.opportunities.row(row_id))
    )


@get("/v2/opportunities/{row_id:str}", sync_to_thread=False)
def get_opportunity(request: AnyRequest, row_id: FromPath[str]) -> ASGIResponse:
    """One opportunity."""
    workspace = workspace_of(request)
    row = found(workspace.opportunities, row_id, "opportunity")
    if row.list_id not in workspace.lists:
        raise absent(row_id, "opportunity")
    return versioned(request, opportunity_data(workspace, version_of(request), row))


def with_fields(
    workspace: Workspace, row: Company | Person, fields: Sequence[FieldDefinition] | None, version: str
) -> Company | Person:
    """The record with the values of these fields; None leaves them out altogether."""
    values = msgspec.UNSET if fields is None else record_values(workspace, row, fields, version)
    return msgspec.structs.replace(as_record(row), fields=values)


def as_record(row: R) -> R:
    """Return the record as the collections show it: a collaborator is an external person there."""
    if isinstance(row, Person) and row.type == COLLABORATOR:
        return msgspec.structs.replace(row, type="external")
    return row


def entry_head(entry: ListEntry) -> dict[str, Any]:
    """What an entry says of itself, wherever it is given."""
    return {"id": entry.id, "listId": entry.list_id, "createdAt": entry.created_at, "creatorId": entry.creator_id}


async def refuse_criteria(request: AnyRequest) -> None:
    """Take a search for everything, which counts; raise `AffinityError` for one with criteria, or without a body."""
    try:
        body = msgspec.json.decode(await request.body())
    except msgspec.DecodeError:
        raise AffinityError("bad-request", "The body must be a JSON object.") from None
    if not isinstance(body, dict):
        raise AffinityError("bad-request", "The body must be a JSON object.")
    if any(body.values()):
        raise AffinityError("validation", "The sandbox searches for everything only.", next(iter(body)))


def _only(request: AnyRequest, ids: Sequence[int]) -> Sequence[int]:
    """Those of the ids that were asked for, by default all."""
    asked = {positive(text, "ids") for text in request.query_params.getall("ids", [])}
    if not asked:
        return ids
    workspace, entity = workspace_of(request), entity_of(request)
    return sorted(
        row_id for row_id in asked if row_id in (ids if entity == "opportunity" else workspace.records(entity))
    )


def _list_data(workspace: Workspace, list_id: int) -> dict[str, Any]:
    row = workspace.lists.row(list_id)
    return {
        "id": row.id,
        "name": row.name,
        "creatorId": row.creator_id,
        "ownerId": row.owner_id,
        "isPublic": row.is_public,
    }
