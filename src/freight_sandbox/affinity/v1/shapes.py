"""API v1: records, lists and entries in its own shapes."""

from typing import Any

from freight_sandbox.affinity.collection import Gone, Merged
from freight_sandbox.affinity.rows import Company, Entity, ListEntry, Opportunity, Person, Record, WorkspaceList
from freight_sandbox.affinity.workspace import Workspace

ENTITY_CODES: dict[Entity, int] = {"person": 0, "company": 1, "opportunity": 8}
ENTITIES = {code: entity for entity, code in ENTITY_CODES.items()}
PERSON_CODES = {"external": 0, "internal": 1, "collaborator": 2}
STANDARD_ROLE = 2


def person(row: Person) -> dict[str, Any]:
    """A person as collections give it."""
    return {
        "id": row.id,
        "type": PERSON_CODES.get(row.type, 0),
        "first_name": row.first_name,
        "last_name": row.last_name,
        "primary_email": row.primary_email_address,
        "emails": row.email_addresses,
    }


def organization(row: Company) -> dict[str, Any]:
    """A company as collections give it."""
    return {
        "id": row.id,
        "name": row.name,
        "domain": row.domain,
        "domains": row.domains,
        "crunchbase_uuid": None,
        "global": row.is_global,
    }


def opportunity(workspace: Workspace, row: Opportunity) -> dict[str, Any]:
    """An opportunity with all that it is linked to; without an entry if its list is not to be seen."""
    return {
        "id": row.id,
        "name": row.name,
        "person_ids": row.person_ids,
        "organization_ids": row.company_ids,
        "list_entries": [entry(found) for found in workspace.entries_of("opportunity", row.id)],
    }


def record(row: Record) -> dict[str, Any]:
    """What stands on a list."""
    if isinstance(row, Person):
        return person(row)
    return organization(row) if isinstance(row, Company) else {"id": row.id, "name": row.name}


def entry(row: ListEntry) -> dict[str, Any]:
    """A list entry. None in this version has values."""
    return {
        "id": row.id,
        "list_id": row.list_id,
        "creator_id": row.creator_id,
        "entity_id": row.entity_id,
        "entity_type": ENTITY_CODES[row.type],
        "created_at": row.created_at,
    }


def workspace_list(workspace: Workspace, row: WorkspaceList) -> dict[str, Any]:
    """A list, with how many entries it truly has."""
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


def embedded(workspace: Workspace, entity: Entity, reference: dict[str, Any] | None) -> dict[str, Any] | None:
    """What a reminder refers to, as far as the workspace knows it."""
    if reference is None:
        return None
    try:
        return record(workspace.records(entity).row(reference["id"]))
    except (Gone, Merged):
        return reference
