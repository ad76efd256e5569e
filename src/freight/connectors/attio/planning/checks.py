"""Whether a job's mapping and key fit the two workspaces; pure."""

from collections.abc import Collection, Mapping

from freight.connectors.attio.planning import issues
from freight.connectors.attio.standard import IDENTIFYING
from freight.connectors.protocols import Issue
from freight.model.crm import Entity
from freight.model.mapping import FieldMapping
from freight.model.mapping import Mapping as JobMapping
from freight.model.schema import Schema

ALWAYS = ("record_permission:read-write", "object_configuration:read-write", "user_management:read")

SCOPES: dict[Entity, tuple[str, ...]] = {
    "lists": ("list_configuration:read-write",),
    "list_entries": ("list_configuration:read-write", "list_entry:read-write"),
    "notes": ("note:read-write",),
    "tasks": ("task:read-write",),
    "files": ("file:read-write",),
}
"""What each entity needs besides, as Attio documents its scopes."""

OF_LISTS: tuple[Entity, ...] = ("deals", "lists", "list_entries")


def check_scopes(scope: object, entities: Collection[Entity]) -> list[Issue]:
    """An issue for each scope that the key lacks; none where Attio does not say which it has."""
    if not isinstance(scope, str):
        return []
    given = set(scope.split())
    # Whoever may write may read.
    given |= {name.removesuffix("-write") for name in given if name.endswith(":read-write")}
    needed = [*ALWAYS, *(scope for entity in entities for scope in SCOPES.get(entity, ()))]
    return [issues.scope_missing(scope) for scope in dict.fromkeys(needed) if scope not in given]


def check_mapping(schema: Schema, mapping: JobMapping, entities: Collection[Entity]) -> list[Issue]:
    """Issues for fields and lists that the mapping names and the source does not have."""
    found: list[Issue] = []
    for owner, wanted in (("companies", mapping.companies), ("people", mapping.people)):
        if owner in entities:
            found += _unknown_fields(schema, owner, wanted)
    if not any(entity in entities for entity in OF_LISTS):
        return found
    known = {given.id for given in schema.lists}
    found += [issues.unknown_list(id_, f"lists.{id_}") for id_ in mapping.lists if id_ not in known]
    found += [issues.unknown_list(id_, "only_lists") for id_ in mapping.only_lists or () if id_ not in known]
    for list_id, wanted_of_list in mapping.lists.items():
        if list_id in known:
            found += _unknown_fields(schema, list_id, wanted_of_list.fields)
    return found


def check_standard(
    owner: Entity, schema: Schema, wanted: Mapping[str, FieldMapping], parts: Mapping[str, str]
) -> list[Issue]:
    """Warnings for fields that are led to an attribute which a standard or enriched value of the record fills too."""
    filled = {
        parts[fact.part]: fact
        for fact in schema.facts.get(owner, ())
        if fact.part in parts and not wanted.get(fact.field or "", FieldMapping()).skip
    }
    return [
        issues.standard_value_replaced(owner, field, mapping.to, filled[mapping.to].name)
        for field in schema.fields_of(owner)
        if (mapping := wanted.get(field.id)) is not None
        and not (mapping.skip or mapping.replace)
        and mapping.to is not None
        and mapping.to in filled
        and mapping.to not in IDENTIFYING.get(owner, ())
    ]


def _unknown_fields(schema: Schema, owner: str, wanted: Collection[str]) -> list[Issue]:
    known = {field.id for field in schema.fields_of(owner)}
    return [issues.unknown_field(owner, field_id) for field_id in wanted if field_id not in known]
