"""API v1: persons, organizations and opportunities are made, changed and deleted."""

from collections.abc import Sequence

import msgspec
from litestar import delete, post, put
from litestar.params import FromPath
from litestar.response.base import ASGIResponse
from msgspec import UNSET, UnsetType

from freight_sandbox.affinity.given import given, refused, require_known, require_links, stated
from freight_sandbox.affinity.requests import AnyRequest, entity_of, found, found_list, workspace_of
from freight_sandbox.affinity.rows import Company, ListEntry, Opportunity, Person
from freight_sandbox.affinity.times import now
from freight_sandbox.affinity.v1 import shapes
from freight_sandbox.affinity.v1.records import whole_organization, whole_person
from freight_sandbox.affinity.workspace import COLLECTIONS
from freight_sandbox.control import answer

SUCCESS = {"success": True}


class NewPerson(msgspec.Struct, frozen=True):
    """A person to be made."""

    first_name: str
    last_name: str
    emails: tuple[str, ...] = ()
    organization_ids: tuple[int, ...] = ()


class PersonChanges(msgspec.Struct, frozen=True):
    """What shall change of a person; e-mails and organizations are given whole."""

    first_name: str | UnsetType = UNSET
    last_name: str | UnsetType = UNSET
    emails: tuple[str, ...] | UnsetType = UNSET
    organization_ids: tuple[int, ...] | UnsetType = UNSET


class NewOrganization(msgspec.Struct, frozen=True):
    """A company to be made."""

    name: str
    domain: str | None = None
    person_ids: tuple[int, ...] = ()


class OrganizationChanges(msgspec.Struct, frozen=True):
    """What shall change of a company; its people are given whole."""

    name: str | UnsetType = UNSET
    domain: str | UnsetType = UNSET
    person_ids: tuple[int, ...] | UnsetType = UNSET


class NewOpportunity(msgspec.Struct, frozen=True):
    """An opportunity to be made on a list."""

    name: str
    list_id: int
    person_ids: tuple[int, ...] = ()
    organization_ids: tuple[int, ...] = ()


class OpportunityChanges(msgspec.Struct, frozen=True):
    """What shall change of an opportunity; what it is linked to is given whole."""

    name: str | UnsetType = UNSET
    person_ids: tuple[int, ...] | UnsetType = UNSET
    organization_ids: tuple[int, ...] | UnsetType = UNSET


@post("/persons", status_code=200)
async def create_person(request: AnyRequest) -> ASGIResponse:
    """Make a person. Refused where somebody has one of the e-mail addresses."""
    body = await given(request, NewPerson)
    workspace = workspace_of(request)
    blank = Person(workspace.persons.new_id(), body.first_name, body.last_name, None, [], "external")
    row = _with_emails(request, blank, body.emails)
    require_known(request, "company", body.organization_ids)
    workspace.put("persons", row)
    workspace.link_person(row.id, body.organization_ids)
    return whole_person(request, row)


@put("/persons/{row_id:str}")
async def update_person(request: AnyRequest, row_id: FromPath[str]) -> ASGIResponse:
    """Change a person."""
    changes = stated(await given(request, PersonChanges))
    workspace = workspace_of(request)
    row: Person = found(workspace.persons, row_id, "person")
    organization_ids, emails = changes.pop("organization_ids", None), changes.pop("emails", None)
    require_known(request, "company", organization_ids or ())
    row = msgspec.structs.replace(row, **changes)
    workspace.put("persons", row if emails is None else _with_emails(request, row, emails))
    if organization_ids is not None:
        workspace.link_person(row.id, organization_ids)
    return whole_person(request, workspace.persons.row(row.id))


@post("/organizations", status_code=200)
async def create_organization(request: AnyRequest) -> ASGIResponse:
    """Make a company."""
    body = await given(request, NewOrganization)
    workspace = workspace_of(request)
    require_known(request, "person", body.person_ids)
    domains = [body.domain] if body.domain else []
    row = Company(workspace.companies.new_id(), body.name, body.domain or None, domains, is_global=False)
    workspace.put("companies", row)
    workspace.link_company(row.id, body.person_ids)
    return whole_organization(request, row)


@put("/organizations/{row_id:str}")
async def update_organization(request: AnyRequest, row_id: FromPath[str]) -> ASGIResponse:
    """Change a company; Affinity documents that a global one keeps its name and its domain."""
    changes = stated(await given(request, OrganizationChanges))
    workspace = workspace_of(request)
    row: Company = found(workspace.companies, row_id, "organization")
    person_ids = changes.pop("person_ids", None)
    require_known(request, "person", person_ids or ())
    if changes and row.is_global:
        raise refused(request, "The name and the domain of a global organization cannot be changed.", "name")
    if "domain" in changes:
        changes["domains"] = list(dict.fromkeys((changes["domain"], *row.domains)))
    workspace.put("companies", msgspec.structs.replace(row, **changes))
    if person_ids is not None:
        workspace.link_company(row.id, person_ids)
    return whole_organization(request, workspace.companies.row(row.id))


@post("/opportunities", status_code=200)
async def create_opportunity(request: AnyRequest) -> ASGIResponse:
    """Make an opportunity and, with it, its only entry."""
    body = await given(request, NewOpportunity)
    workspace = workspace_of(request)
    if found_list(workspace, str(body.list_id)).type != "opportunity":
        raise refused(request, f"There is no list of opportunities with id {body.list_id}.", "list_id")
    row = Opportunity(workspace.opportunities.new_id(), body.name, body.list_id, body.person_ids, body.organization_ids)
    require_links(request, row)
    workspace.put("opportunities", row)
    entry_id, user_id = workspace.list_entries.new_id(), workspace.user.id
    workspace.put("list_entries", ListEntry(entry_id, row.list_id, "opportunity", now(), user_id, row.id, list))
    return answer(shapes.opportunity(workspace, row))


@put("/opportunities/{row_id:str}")
async def update_opportunity(request: AnyRequest, row_id: FromPath[str]) -> ASGIResponse:
    """Change an opportunity."""
    changes = stated(await given(request, OpportunityChanges))
    workspace = workspace_of(request)
    if "organization_ids" in changes:
        changes["company_ids"] = changes.pop("organization_ids")
    require_known(request, "person", changes.get("person_ids", ()))
    require_known(request, "company", changes.get("company_ids", ()))
    row = msgspec.structs.replace(found(workspace.opportunities, row_id, "opportunity"), **changes)
    workspace.put("opportunities", row)
    return answer(shapes.opportunity(workspace, row))


@delete(
    ["/persons/{row_id:str}", "/organizations/{row_id:str}", "/opportunities/{row_id:str}"],
    status_code=200,
    sync_to_thread=False,
)
def delete_record(request: AnyRequest, row_id: FromPath[str]) -> ASGIResponse:
    """Delete a record and its entries; Affinity documents that a global company stays."""
    workspace, entity = workspace_of(request), entity_of(request)
    row = found(workspace.records(entity), row_id, entity)
    if isinstance(row, Company) and row.is_global:
        raise refused(request, "A global organization cannot be deleted.", "id")
    workspace.delete(COLLECTIONS[entity], row.id)
    return answer(SUCCESS)


def emails_of(person: Person) -> list[str]:
    """The person's addresses as they are compared."""
    return [email.lower() for email in person.email_addresses]


def _with_emails(request: AnyRequest, row: Person, emails: Sequence[str]) -> Person:
    """The person with these addresses and no others. Affinity guarantees that nobody else has them."""
    owners = workspace_of(request).persons.by(emails_of)
    for email in emails:
        if any(owner != row.id for owner in owners.get(email.lower(), ())):
            raise refused(request, f"The e-mail address {email} is that of another person.", "emails")
    return msgspec.structs.replace(
        row, primary_email_address=emails[0] if emails else None, email_addresses=list(emails)
    )
