"""Checks of a mapping against the source; pure."""

from collections.abc import Collection, Mapping

from freight.connectors.planning import issues
from freight.connectors.protocols import Issue
from freight.model.crm import Entity
from freight.model.mapping import FieldMapping
from freight.model.mapping import Mapping as JobMapping
from freight.model.schema import Schema

OF_LISTS: tuple[Entity, ...] = ("deals", "lists", "list_entries")


def check_mapping(schema: Schema, mapping: JobMapping, entities: Collection[Entity]) -> list[Issue]:
    """Return an issue for each field and list that the mapping names and the source does not have."""
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
    owner: Entity,
    schema: Schema,
    wanted: Mapping[str, FieldMapping],
    parts: Mapping[str, str],
    identifying: Collection[str],
) -> list[Issue]:
    """Return a warning for each field that is mapped to an attribute which a standard part of the record fills too.

    `parts` are attributes by part; a field replaces an `identifying` one only if the job says so.
    """
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
        and mapping.to not in identifying
    ]


def _unknown_fields(schema: Schema, owner: str, wanted: Collection[str]) -> list[Issue]:
    known = {field.id for field in schema.fields_of(owner)}
    return [issues.unknown_field(owner, field_id) for field_id in wanted if field_id not in known]
