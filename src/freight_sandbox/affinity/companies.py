"""API v1: companies, which it calls organizations."""

from typing import Any

import msgspec
from litestar import get, post, put
from litestar.params import FromPath
from litestar.response.base import ASGIResponse
from msgspec import UNSET, UnsetType

from freight_sandbox.affinity.paging import offset_page
from freight_sandbox.affinity.records import matching_ids, on_request
from freight_sandbox.affinity.requests import (
    AnyRequest,
    decode_body,
    find_row,
    given_properties,
    refused,
    require_known,
    workspace_of,
)
from freight_sandbox.affinity.rows import Company
from freight_sandbox.affinity.shapes import entry_v1, organization_v1
from freight_sandbox.control import answer


class NewOrganization(msgspec.Struct, frozen=True):
    """A company to be created."""

    name: str
    domain: str | None = None
    person_ids: tuple[int, ...] = ()


class OrganizationChanges(msgspec.Struct, frozen=True):
    """Changes of a company; its people are given in full."""

    name: str | UnsetType = UNSET
    domain: str | UnsetType = UNSET
    person_ids: tuple[int, ...] | UnsetType = UNSET


@get("/organizations", sync_to_thread=False)
def list_organizations(request: AnyRequest) -> ASGIResponse:
    """List companies."""
    workspace = workspace_of(request)

    def render(row_id: int) -> dict[str, Any]:
        row = workspace.companies.row(row_id)
        return {**organization_v1(row), **on_request(request, workspace, row)}

    return offset_page(request, "organizations", matching_ids(request, workspace.companies, _company_words), render)


@get("/organizations/{row_id:str}", sync_to_thread=False)
def get_organization(request: AnyRequest, row_id: FromPath[str]) -> ASGIResponse:
    """Get a company, with its people and its list entries."""
    return _whole_organization(request, find_row(workspace_of(request).companies, row_id, "organization"))


@post("/organizations", status_code=200)
async def create_organization(request: AnyRequest) -> ASGIResponse:
    """Create a company."""
    body = await decode_body(request, NewOrganization)
    workspace = workspace_of(request)
    require_known(request, "person", body.person_ids)
    domains = [body.domain] if body.domain else []
    row = Company(workspace.companies.new_id(), body.name, body.domain or None, domains, is_global=False)
    workspace.put("companies", row)
    workspace.link_company(row.id, body.person_ids)
    return _whole_organization(request, row)


@put("/organizations/{row_id:str}")
async def update_organization(request: AnyRequest, row_id: FromPath[str]) -> ASGIResponse:
    """Change a company. Affinity documents that a global one keeps its name and its domain."""
    changes = given_properties(await decode_body(request, OrganizationChanges))
    workspace = workspace_of(request)
    row: Company = find_row(workspace.companies, row_id, "organization")
    person_ids = changes.pop("person_ids", None)
    require_known(request, "person", person_ids or ())
    if changes and row.is_global:
        raise refused(request, "The name and the domain of a global organization cannot be changed.", "name")
    if "domain" in changes:
        changes["domains"] = list(dict.fromkeys((changes["domain"], *row.domains)))
    workspace.put("companies", msgspec.structs.replace(row, **changes))
    if person_ids is not None:
        workspace.link_company(row.id, person_ids)
    return _whole_organization(request, workspace.companies.row(row.id))


COMPANY_OPERATIONS = (
    list_organizations,
    get_organization,
    create_organization,
    update_organization,
)


def _whole_organization(request: AnyRequest, row: Company) -> ASGIResponse:
    """Answer with everything that is known about one company."""
    workspace = workspace_of(request)
    content = {
        **organization_v1(row),
        "person_ids": workspace.staff_of(row.id),
        "list_entries": [entry_v1(entry) for entry in workspace.entries_of("company", row.id)],
        **on_request(request, workspace, row),
    }
    return answer(content)


def _company_words(row: Company) -> list[str | None]:
    return [row.name, *row.domains]
