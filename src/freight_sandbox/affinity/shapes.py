"""The forms in which other rows show a record, a list or an entry, in either version."""

from typing import Any

from freight_sandbox.affinity.collection import Gone, Merged
from freight_sandbox.affinity.requests import RESTRICTIONS
from freight_sandbox.affinity.rows import Company, Entity, ListEntry, Opportunity, Person, Record, WorkspaceList
from freight_sandbox.affinity.workspace import Workspace

ENTITY_CODES: dict[Entity, int] = {"person": 0, "company": 1, "opportunity": 8}
ENTITY_BY_CODE = {code: entity for entity, code in ENTITY_CODES.items()}
PERSON_CODES = {"external": 0, "internal": 1, "collaborator": 2}
STANDARD_ROLE = 2


def person_v1(row: Person) -> dict[str, Any]:
    """Return a person as API v1 shows it in collections."""
    return {
        "id": row.id,
        "type": PERSON_CODES.get(row.type, 0),
        "first_name": row.first_name,
        "last_name": row.last_name,
        "primary_email": row.primary_email_address,
        "emails": row.email_addresses,
    }


def organization_v1(row: Company) -> dict[str, Any]:
    """Return a company as API v1 shows it in collections."""
    return {
        "id": row.id,
        "name": row.name,
        "domain": row.domain,
        "domains": row.domains,
        "crunchbase_uuid": None,
        "global": row.is_global,
    }


def opportunity_v1(workspace: Workspace, row: Opportunity) -> dict[str, Any]:
    """Return an opportunity with all its links; without an entry if the key has no access to its list."""
    return {
        "id": row.id,
        "name": row.name,
        "person_ids": row.person_ids,
        "organization_ids": row.company_ids,
        "list_entries": [entry_v1(found) for found in workspace.entries_of("opportunity", row.id)],
    }


def record_v1(row: Record) -> dict[str, Any]:
    """Return the record of a list entry."""
    if isinstance(row, Person):
        return person_v1(row)
    return organization_v1(row) if isinstance(row, Company) else {"id": row.id, "name": row.name}


def entry_v1(row: ListEntry) -> dict[str, Any]:
    """Return a list entry. API v1 shows none with values."""
    return {
        "id": row.id,
        "list_id": row.list_id,
        "creator_id": row.creator_id,
        "entity_id": row.entity_id,
        "entity_type": ENTITY_CODES[row.type],
        "created_at": row.created_at,
    }


def list_v1(workspace: Workspace, row: WorkspaceList) -> dict[str, Any]:
    """Return a list, with the right number of entries."""
    return {
        "id": row.id,
        "type": ENTITY_CODES[row.type],
        "name": row.name,
        "public": row.is_public,
        "owner_id": row.owner_id,
        "creator_id": row.creator_id,
        "list_size": len(workspace.entries_in(row.id)),
        "additional_permissions": [
            {"internal_person_id": user_id, "role_id": STANDARD_ROLE}
            for user_id in workspace.users[:1]
            if not row.is_public
        ],
    }


def embedded_v1(workspace: Workspace, entity: Entity, reference: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return the record that a reminder refers to, or the reference if the workspace does not have it."""
    if reference is None:
        return None
    try:
        return record_v1(workspace.records(entity).row(reference["id"]))
    except (Gone, Merged):
        return reference


def person_data(workspace: Workspace, person_id: int) -> dict[str, Any]:
    """Return a person, or only the id of one that does not exist, such as a user who has left."""
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
    """Return a company, or only the id of one that no longer exists."""
    try:
        row = workspace.companies.row(workspace.companies.survivor(company_id))
    except Gone:
        return {"id": company_id, "name": "", "domain": None}
    return {"id": row.id, "name": row.name, "domain": row.domain}


def opportunity_data(workspace: Workspace, version: str, opportunity: Opportunity) -> dict[str, Any]:
    """Return an opportunity without links; newer versions say which parts of it are hidden from the key's user."""
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
