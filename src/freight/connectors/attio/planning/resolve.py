"""Works out the layout: where everything of a source goes in a workspace. Pure: equal input gives equal layouts."""

from collections.abc import Collection, Iterable

import msgspec

from freight.connectors.attio.definitions import Attribute
from freight.connectors.attio.planning import issues
from freight.connectors.attio.planning.attributes import check_added, check_demanded, place_fields
from freight.connectors.attio.planning.checks import check_mapping, check_standard
from freight.connectors.attio.planning.choices import Existing as ExistingChoices
from freight.connectors.attio.planning.choices import add_choices, complete, titles
from freight.connectors.attio.planning.existing import LISTED, Existing
from freight.connectors.attio.planning.lists import place_lists
from freight.connectors.attio.provenance import Marks
from freight.connectors.attio.standard import added_to, parts_of
from freight.connectors.protocols import Issue, SchemaPlan
from freight.model.crm import LOAD_ORDER, Entity
from freight.model.mapping import Mapping
from freight.model.provenance import Provenance
from freight.model.resolved_mapping import ListPlace, Place, ResolvedMapping
from freight.model.schema import Schema

OWNING: tuple[Entity, ...] = ("deals", "tasks")
"""Entities whose records belong to one of the firm's own people."""


def resolve(
    schema: Schema, mapping: Mapping, entities: Collection[Entity], existing: Existing, provenance: Provenance
) -> SchemaPlan:
    """The layout but for the choices of fields, which `with_choices` adds."""
    marks = Marks(provenance)
    all_parts = parts_of(marks)
    carried = any(entity in entities for entity in LISTED)
    found = check_mapping(schema, mapping, entities)
    if "deals" in entities and "deals" not in existing.enabled and _may_have_deals(schema, mapping):
        found.append(issues.deals_disabled())
    lists, wrong = (
        place_lists(
            schema.lists,
            mapping,
            existing.lists,
            existing.list_attributes,
            existing.enabled,
            marks,
            carried=carried,
        )
        if carried or "deals" in entities
        else ([], [])
    )
    found += wrong
    places: list[Place] = []
    for owner, attributes in _owners(entities, lists, existing):
        placed, wrong = place_fields(owner, schema.fields_of(owner), mapping.fields_of(owner), attributes, marks)
        places += placed
        found += wrong
    for owner, attributes in (*existing.objects.items(), *_of_lists(lists, existing)):
        found += check_added(owner, attributes, marks)
        found += check_demanded(owner, attributes, marks)
    for owner in all_parts:
        if owner in entities:
            found += check_standard(owner, schema, mapping.fields_of(owner), all_parts[owner])
    members = {member.email: member.id for member in existing.members}
    default_owner = members.get((mapping.default_owner or "").strip().lower())
    if mapping.default_owner is not None and default_owner is None:
        found.append(issues.unknown_member(mapping.default_owner))
    deal_owner = default_owner or existing.authorized_by
    if "deals" in existing.objects and deal_owner is None:
        found.append(issues.no_deal_owner())
    if any(entity in entities for entity in OWNING) or any(place.type == "members" for place in places):
        found += _unmatched_users(schema, members)
    stages, new_stages = _stages(schema, lists, existing) if "deals" in existing.objects else ((), ())
    layout = ResolvedMapping(
        provenance=provenance,
        entities=tuple(
            entity for entity in LOAD_ORDER if entity in entities and (entity != "deals" or entity in existing.enabled)
        ),
        places=tuple(places),
        parts={entity: parts for entity, parts in all_parts.items() if entity in entities},
        lists=tuple(lists),
        members=members,
        default_owner=default_owner,
        deal_owner=deal_owner,
        stages=stages,
        new_stages=new_stages,
        new_additions=_new_additions((*existing.objects.items(), *_of_lists(lists, existing)), marks),
        own_domains=schema.own_domains,
        notes=mapping.notes,
    )
    return SchemaPlan(layout=layout, issues=tuple(found))


def _may_have_deals(schema: Schema, mapping: Mapping) -> bool:
    on_lists = any(given.of == "deals" and mapping.carries_list(given.id) for given in schema.lists)
    return on_lists or schema.counts.get("deals") != 0


def with_choices(plan: SchemaPlan, schema: Schema, existing: ExistingChoices) -> SchemaPlan:
    """The plan with the choices of every field, given those of the attributes that exist."""
    places, found = add_choices(plan.layout.places, schema, existing)
    layout = msgspec.structs.replace(plan.layout, places=tuple(places))
    return SchemaPlan(layout=layout, issues=(*plan.issues, *found))


def _owners(
    entities: Collection[Entity], lists: Iterable[ListPlace], existing: Existing
) -> Iterable[tuple[str, dict[str, Attribute]]]:
    """Whatever has fields that are carried, each with the attributes that there are."""
    yield from ((name, existing.objects[name]) for name in ("companies", "people") if name in existing.objects)
    if "list_entries" in entities:
        yield from _of_lists(lists, existing)


def _of_lists(lists: Iterable[ListPlace], existing: Existing) -> Iterable[tuple[str, dict[str, Attribute]]]:
    for place in lists:
        if place.action != "skip":
            yield place.list_id, existing.list_attributes.get(place.target_id or "", {})


def _new_additions(owners: Iterable[tuple[str, dict[str, Attribute]]], marks: Marks) -> int:
    return sum(
        added.slug not in attributes or attributes[added.slug].is_archived
        for owner, attributes in owners
        for added in added_to(owner, marks)
    )


def _unmatched_users(schema: Schema, members: Collection[str]) -> list[Issue]:
    if schema.users is None:
        return [issues.owners_not_checked()]
    return [
        issues.owner_without_member(user) for user in schema.users if (user.email or "").strip().lower() not in members
    ]


def _stages(schema: Schema, lists: Iterable[ListPlace], existing: Existing) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The stages that deals will have: Attio's own, and those that the lists of deals know."""
    wanted = [
        title
        for place in lists
        for field in schema.fields_of(place.list_id)
        if field.id == place.stage
        for title in titles(field)
    ]
    return complete(wanted, existing.stages)
