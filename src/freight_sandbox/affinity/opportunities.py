"""Opportunities, in both versions."""

import msgspec
from litestar import get, post, put
from litestar.params import FromPath
from litestar.response.base import ASGIResponse
from msgspec import UNSET, UnsetType

from freight_sandbox.affinity.paging import cursor_page, offset_page
from freight_sandbox.affinity.records import matching_ids, requested_ids
from freight_sandbox.affinity.requests import (
    AnyRequest,
    decode_body,
    find_list,
    find_row,
    given_properties,
    not_found,
    refused,
    require_known,
    require_links,
    version_of,
    versioned,
    workspace_of,
)
from freight_sandbox.affinity.rows import ListEntry, Opportunity, now
from freight_sandbox.affinity.shapes import opportunity_data, opportunity_v1
from freight_sandbox.control import answer


class NewOpportunity(msgspec.Struct, frozen=True):
    """An opportunity to be created on a list."""

    name: str
    list_id: int
    person_ids: tuple[int, ...] = ()
    organization_ids: tuple[int, ...] = ()


class OpportunityChanges(msgspec.Struct, frozen=True):
    """Changes of an opportunity; its links are given in full."""

    name: str | UnsetType = UNSET
    person_ids: tuple[int, ...] | UnsetType = UNSET
    organization_ids: tuple[int, ...] | UnsetType = UNSET


@get("/opportunities", sync_to_thread=False)
def list_opportunities_v1(request: AnyRequest) -> ASGIResponse:
    """List opportunities, including those on lists that the key has no access to."""
    workspace = workspace_of(request)
    rows = workspace.opportunities
    ids = matching_ids(request, rows, lambda row: [row.name])
    return offset_page(request, "opportunities", ids, lambda row_id: opportunity_v1(workspace, rows.row(row_id)))


@get("/opportunities/{row_id:str}", sync_to_thread=False)
def get_opportunity_v1(request: AnyRequest, row_id: FromPath[str]) -> ASGIResponse:
    """Get an opportunity."""
    workspace = workspace_of(request)
    return answer(opportunity_v1(workspace, find_row(workspace.opportunities, row_id, "opportunity")))


@post("/opportunities", status_code=200)
async def create_opportunity_v1(request: AnyRequest) -> ASGIResponse:
    """Create an opportunity and its only list entry."""
    body = await decode_body(request, NewOpportunity)
    workspace = workspace_of(request)
    if find_list(workspace, str(body.list_id)).type != "opportunity":
        raise refused(request, f"There is no list of opportunities with id {body.list_id}.", "list_id")
    row = Opportunity(workspace.opportunities.new_id(), body.name, body.list_id, body.person_ids, body.organization_ids)
    require_links(request, row)
    workspace.put("opportunities", row)
    entry_id, user_id = workspace.list_entries.new_id(), workspace.user.id
    workspace.put("list_entries", ListEntry(entry_id, row.list_id, "opportunity", now(), user_id, row.id, list))
    return answer(opportunity_v1(workspace, row))


@put("/opportunities/{row_id:str}")
async def update_opportunity_v1(request: AnyRequest, row_id: FromPath[str]) -> ASGIResponse:
    """Change an opportunity."""
    changes = given_properties(await decode_body(request, OpportunityChanges))
    workspace = workspace_of(request)
    if "organization_ids" in changes:
        changes["company_ids"] = changes.pop("organization_ids")
    require_known(request, "person", changes.get("person_ids", ()))
    require_known(request, "company", changes.get("company_ids", ()))
    row = msgspec.structs.replace(find_row(workspace.opportunities, row_id, "opportunity"), **changes)
    workspace.put("opportunities", row)
    return answer(opportunity_v1(workspace, row))


@get("/v2/opportunities", sync_to_thread=False)
def list_opportunities(request: AnyRequest) -> ASGIResponse:
    """List opportunities, without fields and links."""
    workspace, version = workspace_of(request), version_of(request)
    ids = requested_ids(request, workspace.visible_opportunities())
    return cursor_page(
        request, ids, lambda row_id: opportunity_data(workspace, version, workspace.opportunities.row(row_id))
    )


@get("/v2/opportunities/{row_id:str}", sync_to_thread=False)
def get_opportunity(request: AnyRequest, row_id: FromPath[str]) -> ASGIResponse:
    """Get an opportunity."""
    workspace = workspace_of(request)
    row = find_row(workspace.opportunities, row_id, "opportunity")
    if row.list_id not in workspace.lists:
        raise not_found(row_id, "opportunity")
    return versioned(request, opportunity_data(workspace, version_of(request), row))


OPPORTUNITY_OPERATIONS = (
    list_opportunities_v1,
    get_opportunity_v1,
    create_opportunity_v1,
    update_opportunity_v1,
    list_opportunities,
    get_opportunity,
)
