"""API v1: persons, and how well users know them."""

from collections.abc import Sequence
from typing import Any

import msgspec
from litestar import get, post, put
from litestar.params import FromPath
from litestar.response.base import ASGIResponse
from msgspec import UNSET, UnsetType

from freight_sandbox.affinity.errors import RefusedByVersion1
from freight_sandbox.affinity.paging import offset_page
from freight_sandbox.affinity.records import is_on, matching_ids, on_request
from freight_sandbox.affinity.requests import (
    AnyRequest,
    decode_body,
    find_row,
    given_properties,
    refused,
    require_known,
    workspace_of,
)
from freight_sandbox.affinity.rows import Person
from freight_sandbox.affinity.shapes import entry_v1, person_v1
from freight_sandbox.affinity.workspace import employer_of
from freight_sandbox.control import answer


class NewPerson(msgspec.Struct, frozen=True):
    """A person to be created."""

    first_name: str
    last_name: str
    emails: tuple[str, ...] = ()
    organization_ids: tuple[int, ...] = ()


class PersonChanges(msgspec.Struct, frozen=True):
    """Changes of a person; e-mail addresses and organizations are given in full."""

    first_name: str | UnsetType = UNSET
    last_name: str | UnsetType = UNSET
    emails: tuple[str, ...] | UnsetType = UNSET
    organization_ids: tuple[int, ...] | UnsetType = UNSET


@get("/persons", sync_to_thread=False)
def list_persons(request: AnyRequest) -> ASGIResponse:
    """List persons."""
    workspace = workspace_of(request)

    def render(row_id: int) -> dict[str, Any]:
        row = workspace.persons.row(row_id)
        content = {**person_v1(row), **on_request(request, workspace, row)}
        if is_on(request, "with_current_organizations"):
            content["current_organization_ids"] = employer_of(row)
        return content

    return offset_page(request, "persons", matching_ids(request, workspace.persons, _person_words), render)


@get("/persons/{row_id:str}", sync_to_thread=False)
def get_person(request: AnyRequest, row_id: FromPath[str]) -> ASGIResponse:
    """Get a person, with the organizations and list entries."""
    return _whole_person(request, find_row(workspace_of(request).persons, row_id, "person"))


@post("/persons", status_code=200)
async def create_person(request: AnyRequest) -> ASGIResponse:
    """Create a person. One of whom another person has an e-mail address is refused."""
    body = await decode_body(request, NewPerson)
    workspace = workspace_of(request)
    blank = Person(workspace.persons.new_id(), body.first_name, body.last_name, None, [], "external")
    row = _with_emails(request, blank, body.emails)
    require_known(request, "company", body.organization_ids)
    workspace.put("persons", row)
    workspace.link_person(row.id, body.organization_ids)
    return _whole_person(request, row)


@put("/persons/{row_id:str}")
async def update_person(request: AnyRequest, row_id: FromPath[str]) -> ASGIResponse:
    """Change a person."""
    changes = given_properties(await decode_body(request, PersonChanges))
    workspace = workspace_of(request)
    row: Person = find_row(workspace.persons, row_id, "person")
    organization_ids, emails = changes.pop("organization_ids", None), changes.pop("emails", None)
    require_known(request, "company", organization_ids or ())
    row = msgspec.structs.replace(row, **changes)
    workspace.put("persons", row if emails is None else _with_emails(request, row, emails))
    if organization_ids is not None:
        workspace.link_person(row.id, organization_ids)
    return _whole_person(request, workspace.persons.row(row.id))


@get("/relationships-strengths", sync_to_thread=False)
def list_strengths(request: AnyRequest) -> ASGIResponse:
    """List how well each user knows one external person, whose id is required."""
    external = request.query_params.get("external_id", "")
    if not external.isdecimal():
        raise RefusedByVersion1("external_id is missing")
    workspace = workspace_of(request)
    find_row(workspace.persons, external, "person")
    users = workspace.users
    asked = request.query_params.get("internal_id")
    return answer(
        [
            {"internal_id": user_id, "external_id": int(external), "strength": (int(external) * user_id % 101) / 100}
            for user_id in users[:3]
            if asked in {None, str(user_id)}
        ]
    )


PERSON_OPERATIONS = (
    list_persons,
    get_person,
    create_person,
    update_person,
    list_strengths,
)


def _emails_of(person: Person) -> list[str]:
    """Return the person's addresses in the form in which they are compared."""
    return [email.lower() for email in person.email_addresses]


def _whole_person(request: AnyRequest, row: Person) -> ASGIResponse:
    """Answer with everything that is known about one person."""
    workspace = workspace_of(request)
    content = {
        **person_v1(row),
        "organization_ids": workspace.organizations_of(row),
        "list_entries": [entry_v1(entry) for entry in workspace.entries_of("person", row.id)],
        **on_request(request, workspace, row),
    }
    if is_on(request, "with_current_organizations"):
        content["current_organization_ids"] = employer_of(row)
    return answer(content)


def _person_words(row: Person) -> list[str | None]:
    return [row.first_name, row.last_name, *row.email_addresses]


def _with_emails(request: AnyRequest, row: Person, emails: Sequence[str]) -> Person:
    """Return the person with exactly these addresses. Affinity guarantees that no other person has them."""
    owners = workspace_of(request).persons.by(_emails_of)
    for email in emails:
        if any(owner != row.id for owner in owners.get(email.lower(), ())):
            raise refused(request, f"The e-mail address {email} is that of another person.", "emails")
    return msgspec.structs.replace(
        row, primary_email_address=emails[0] if emails else None, email_addresses=list(emails)
    )
