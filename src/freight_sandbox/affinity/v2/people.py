"""API v2: the short forms in which other rows name people, companies and opportunities."""

from typing import Any

from freight_sandbox.affinity.collection import Gone, Merged
from freight_sandbox.affinity.rows import Opportunity, Person
from freight_sandbox.affinity.v2.versions import RESTRICTIONS
from freight_sandbox.affinity.workspace import Workspace


def person_data(workspace: Workspace, person_id: int) -> dict[str, Any]:
    """A person, or someone of whom no more is known than the id: a user who has left, say."""
    try:
        row = workspace.persons.row(workspace.persons.survivor(person_id))
    except Gone:
        row = Person(person_id, None, None, None, [], "internal")
    return {
        "id": row.id,
        "firstName": row.first_name,
        "lastName": row.last_name,
        "primaryEmailAddress": row.primary_email_address,
        "type": row.type,
    }


def company_data(workspace: Workspace, company_id: int) -> dict[str, Any]:
    """A company, or one that is there no more."""
    try:
        row = workspace.companies.row(workspace.companies.survivor(company_id))
    except Gone:
        return {"id": company_id, "name": "", "domain": None}
    return {"id": row.id, "name": row.name, "domain": row.domain}


def opportunity_data(workspace: Workspace, version: str, opportunity: Opportunity) -> dict[str, Any]:
    """An opportunity without anything else; newer versions say what the key's user may not see of it."""
    content: dict[str, Any] = {"id": opportunity.id, "name": opportunity.name, "listId": opportunity.list_id}
    if version >= RESTRICTIONS:
        content |= {
            "name": "[Hidden]" if opportunity.is_redacted else opportunity.name,
            "listName": _list_name(workspace, opportunity.list_id),
            "isRestricted": opportunity.is_restricted,
            "isRedacted": opportunity.is_redacted,
        }
    return content


def _list_name(workspace: Workspace, list_id: int) -> str | None:
    try:
        return workspace.lists.row(list_id).name
    except (Gone, Merged):
        return None
