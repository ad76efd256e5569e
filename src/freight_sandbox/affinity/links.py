"""What refers to which record: the rows that hang on one, and that move when it is merged into another."""

from collections.abc import Iterator
from typing import Any, TypeVar

import msgspec

from freight_sandbox.affinity.rows import Entity, File, ListEntry, Note, Opportunity, Reminder, Row

R = TypeVar("R", bound=Row)

ID_LISTS: dict[type[Any], dict[str, Entity]] = {
    Opportunity: {"person_ids": "person", "company_ids": "company"},
    Note: {"associated_person_ids": "person", "organization_ids": "company", "opportunity_ids": "opportunity"},
}
IDS: dict[type[Any], dict[str, Entity]] = {
    File: {"person_id": "person", "organization_id": "company", "opportunity_id": "opportunity"},
}
REFERENCES: dict[type[Any], dict[str, Entity]] = {
    Reminder: {"person": "person", "organization": "company", "opportunity": "opportunity"},
}


def links(row: Row) -> Iterator[tuple[Entity, int]]:
    """The records that a row is about, as (entity, id)."""
    if isinstance(row, ListEntry):
        yield row.type, row.entity_id
    for name, entity in ID_LISTS.get(type(row), {}).items():
        for row_id in getattr(row, name):
            yield entity, row_id
    for name, entity in IDS.get(type(row), {}).items():
        if (row_id := getattr(row, name)) is not None:
            yield entity, row_id
    for name, entity in REFERENCES.get(type(row), {}).items():
        if (reference := getattr(row, name)) is not None:
            yield entity, reference["id"]


def relinked(row: R, entity: Entity, old: int, new: int) -> R:
    """The row, about the record `new` wherever it was about `old`."""
    if isinstance(row, ListEntry):
        return msgspec.structs.replace(row, entity_id=new)
    changes: dict[str, Any] = {}
    for name, kind in ID_LISTS.get(type(row), {}).items():
        if kind == entity:
            changes[name] = tuple(dict.fromkeys(new if row_id == old else row_id for row_id in getattr(row, name)))
    for name, kind in IDS.get(type(row), {}).items():
        if kind == entity and getattr(row, name) == old:
            changes[name] = new
    for name, kind in REFERENCES.get(type(row), {}).items():
        if kind == entity and (getattr(row, name) or {}).get("id") == old:
            changes[name] = {"id": new}
    return msgspec.structs.replace(row, **changes)
