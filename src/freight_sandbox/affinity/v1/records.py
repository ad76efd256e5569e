"""API v1: persons, organizations and opportunities."""

from collections.abc import Callable, Sequence
from typing import Any

from litestar import get
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from freight_sandbox.affinity.collection import Collection
from freight_sandbox.affinity.errors import RefusedByVersion1
from freight_sandbox.affinity.links import links
from freight_sandbox.affinity.requests import AnyRequest, found, workspace_of
from freight_sandbox.affinity.rows import Company, Person
from freight_sandbox.affinity.v1 import shapes
from freight_sandbox.affinity.v1.paging import page_answer
from freight_sandbox.affinity.workspace import Workspace, employer_of, value_of
from freight_sandbox.control import answer

LAST_CONTACT = "last-contact"
INTERACTION_DATES = (
    "first_email_date",
    "last_email_date",
    "first_event_date",
    "last_event_date",
    "next_event_date",
    "last_chat_message_date",
)


@get("/persons", sync_to_thread=False)
def list_persons(request: AnyRequest) -> ASGIResponse:
    """A page of persons."""
    workspace = workspace_of(request)

    def render(row_id: int) -> dict[str, Any]:
        row = workspace.persons.row(row_id)
        content = {**shapes.person(row), **_further(request, workspace, row)}
        if _flag(request, "with_current_organizations"):
            content["current_organization_ids"] = employer_of(row)
        return content

    return page_answer(request, "persons", _ids(request, workspace.persons, _person_words), render)


@get("/persons/{row_id:str}", sync_to_thread=False)
def get_person(request: AnyRequest, row_id: FromPath[str]) -> ASGIResponse:
    """One person, with its organizations and the lists that it is on."""
    return whole_person(request, found(workspace_of(request).persons, row_id, "person"))


@get("/organizations", sync_to_thread=False)
def list_organizations(request: AnyRequest) -> ASGIResponse:
    """A page of companies."""
    workspace = workspace_of(request)

    def render(row_id: int) -> dict[str, Any]:
        row = workspace.companies.row(row_id)
        return {**shapes.organization(row), **_further(request, workspace, row)}

    return page_answer(request, "organizations", _ids(request, workspace.companies, _company_words), render)


@get("/organizations/{row_id:str}", sync_to_thread=False)
def get_organization(request: AnyRequest, row_id: FromPath[str]) -> ASGIResponse:
    """One company, with its people and the lists that it is on."""
    return whole_organization(request, found(workspace_of(request).companies, row_id, "organization"))


@get("/opportunities", sync_to_thread=False)
def list_opportunities(request: AnyRequest) -> ASGIResponse:
    """A page of opportunities, also of those on lists that the key may not see."""
    workspace = workspace_of(request)
    rows = workspace.opportunities
    ids = _ids(request, rows, lambda row: [row.name])
    return page_answer(request, "opportunities", ids, lambda row_id: shapes.opportunity(workspace, rows.row(row_id)))


@get("/opportunities/{row_id:str}", sync_to_thread=False)
def get_opportunity(request: AnyRequest, row_id: FromPath[str]) -> ASGIResponse:
    """One opportunity."""
    workspace = workspace_of(request)
    return answer(shapes.opportunity(workspace, found(workspace.opportunities, row_id, "opportunity")))


@get("/relationships-strengths", sync_to_thread=False)
def list_strengths(request: AnyRequest) -> ASGIResponse:
    """How well each user knows one external person. Without one it is refused."""
    external = request.query_params.get("external_id", "")
    if not external.isdecimal():
        raise RefusedByVersion1("external_id is missing")
    workspace = workspace_of(request)
    found(workspace.persons, external, "person")
    users = workspace.users
    asked = request.query_params.get("internal_id")
    return answer(
        [
            {"internal_id": user_id, "external_id": int(external), "strength": (int(external) * user_id % 101) / 100}
            for user_id in users[:3]
            if asked in {None, str(user_id)}
        ]
    )


def whole_person(request: AnyRequest, row: Person) -> ASGIResponse:
    """All that is told of one person."""
    workspace = workspace_of(request)
    content = {
        **shapes.person(row),
        "organization_ids": workspace.organizations_of(row),
        "list_entries": [shapes.entry(entry) for entry in workspace.entries_of("person", row.id)],
        **_further(request, workspace, row),
    }
    if _flag(request, "with_current_organizations"):
        content["current_organization_ids"] = employer_of(row)
    return answer(content)


def whole_organization(request: AnyRequest, row: Company) -> ASGIResponse:
    """All that is told of one company."""
    workspace = workspace_of(request)
    content = {
        **shapes.organization(row),
        "person_ids": workspace.staff_of(row.id),
        "list_entries": [shapes.entry(entry) for entry in workspace.entries_of("company", row.id)],
        **_further(request, workspace, row),
    }
    return answer(content)


def _ids(request: AnyRequest, rows: Collection[Any], words: Callable[[Any], Sequence[str | None]]) -> Sequence[int]:
    """The rows that the parameters leave: those with the term, and with an interaction where its dates are wanted."""
    ids = rows.ids
    if term := request.query_params.get("term", "").lower():
        ids = [row.id for row in rows if any(term in word.lower() for word in words(row) if word)]
    if _flag(request, "with_interaction_dates"):
        ids = [row_id for row_id in ids if value_of(rows.row(row_id), LAST_CONTACT)]
    return ids


def _further(request: AnyRequest, workspace: Workspace, row: Person | Company) -> dict[str, Any]:
    """What a person or company also has on request."""
    content: dict[str, Any] = {}
    if _flag(request, "with_opportunities"):
        entity = "person" if isinstance(row, Person) else "company"
        content["opportunity_ids"] = workspace.opportunities.by(links).get((entity, row.id), ())
    if _flag(request, "with_interaction_dates"):
        contact = value_of(row, LAST_CONTACT) or {}
        last = contact.get("sentAt") or contact.get("startTime")
        content["interaction_dates"] = {**dict.fromkeys(INTERACTION_DATES), "last_interaction_date": last}
    return content


def _person_words(row: Person) -> list[str | None]:
    return [row.first_name, row.last_name, *row.email_addresses]


def _company_words(row: Company) -> list[str | None]:
    return [row.name, *row.domains]


def _flag(request: AnyRequest, name: str) -> bool:
    return bool(request.query_params.get(name) == "true")
