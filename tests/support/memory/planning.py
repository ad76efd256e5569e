"""Where fields and lists go in the in-memory target. Pure, apart from `prepare`, which makes what is missing."""

import re
from collections.abc import Collection, Iterator
from itertools import count

import msgspec

from freight.connectors.planning.checks import check_mapping, check_standard
from freight.connectors.planning.choices import Choice, complete_places
from freight.connectors.planning.fields import place_fields
from freight.connectors.planning.lists import ListDefinition, place_lists
from freight.connectors.planning.target import FieldOwner, TargetAttribute
from freight.connectors.planning.users import resolve_default_owner, unmatched_users
from freight.connectors.protocols import Issue, SchemaPlan
from freight.model.crm import LOAD_ORDER, Entity
from freight.model.fields import Field
from freight.model.mapping import Mapping as JobMapping
from freight.model.provenance import Provenance
from freight.model.resolved_mapping import ListPlace, Place, ResolvedMapping
from freight.model.schema import Schema
from support.memory.spec import CAPABILITIES
from support.memory.workspaces import TYPE_NAMES, Attribute, TargetWorkspace

PARTS: dict[Entity, dict[str, str]] = {
    "companies": {
        "name": "name", "domains": "sites", "description": "summary", "phone_numbers": "phones", "location": "place",
        "linkedin": "profile",
    },
    "people": {
        "first_name": "name", "emails": "mails", "description": "summary", "phone_numbers": "phones",
        "job_title": "work", "location": "place", "linkedin": "profile", "company_id": "employer",
    },
}  # fmt: skip
"""The attributes of the standard parts of records."""

IDENTIFYING = frozenset({"name", "mails"})
"""Those of them that identify a record."""


def mark_slug(provenance: Provenance) -> str:
    """Return the slug of the attribute that holds the id of the source record."""
    return f"{provenance.system}_id"


def plan(
    held: TargetWorkspace,
    schema: Schema,
    mapping: JobMapping,
    entities: Collection[Entity],
    provenance: Provenance,
) -> SchemaPlan:
    """Return the plan for these entities."""
    has_lists = "lists" in entities or "list_entries" in entities
    needed = schema.lists if has_lists or "deals" in entities else ()
    lists, found = place_lists(
        needed,
        mapping,
        _existing_lists(held, schema, mapping, provenance),
        lambda given: f"list_{_word(given.id)}",
        migrated=has_lists,
        target=CAPABILITIES.label,
    )
    attributes = {owner: held.attributes.get(kept_as or "", {}) for owner, kept_as in _owners(entities, lists)}
    places: list[Place] = []
    for owner, existing in attributes.items():
        placed, refused = place_fields(
            _field_owner(owner, existing, provenance),
            schema.fields_of(owner),
            mapping.fields_of(owner),
            CAPABILITIES,
        )
        places += placed
        found += refused
    choices = {
        (owner, slug): attribute.choices
        for owner, existing in attributes.items()
        for slug, attribute in existing.items()
    }
    completed, many = complete_places(places, schema, choices, CAPABILITIES)
    default_owner, unknown = resolve_default_owner(mapping, held.members, CAPABILITIES.label)
    layout = ResolvedMapping(
        provenance=provenance,
        entities=tuple(entity for entity in LOAD_ORDER if entity in entities),
        places=completed,
        parts={entity: parts for entity, parts in PARTS.items() if entity in entities},
        lists=lists,
        members=held.members,
        default_owner=default_owner,
        own_domains=schema.own_domains,
        notes=mapping.notes,
    )
    issues = [*check_mapping(schema, mapping, entities), *found, *many, *unknown]
    if "tasks" in entities or "deals" in entities:
        issues += unmatched_users(schema, held.members, CAPABILITIES.label)
    return SchemaPlan(layout=layout, issues=(*issues, *_standard(schema, mapping, entities)))


def prepare(held: TargetWorkspace, layout: ResolvedMapping) -> ResolvedMapping:
    """Make the lists, attributes and choices that are missing, and return the layout with the ids of the lists."""
    lists = tuple(_list(held, place, _mark(layout.provenance, place.list_id)) for place in layout.lists)
    held.schema_changes += sum(place.action == "make" for place in (*layout.lists, *layout.places))
    held.schema_changes += sum(len(place.new_options) for place in layout.places)
    kept_as = {"companies": "companies", "people": "people", **{one.list_id: one.target_id for one in lists}}
    for place in layout.places:
        owner = kept_as[place.owner]
        if place.attribute is None or place.type is None or owner is None:
            continue
        attribute = held.attributes.setdefault(owner, {}).setdefault(
            place.attribute,
            Attribute(
                slug=place.attribute,
                type=place.type,
                multiple=place.multiple,
                title=place.title or place.name,
                made_for=_mark(layout.provenance, place.field),
            ),
        )
        present = {choice.title for choice in attribute.choices}
        attribute.choices += [
            Choice(id=f"choice-{title}", title=title) for title in place.new_options if title not in present
        ]
    return msgspec.structs.replace(layout, lists=lists)


def _owners(entities: Collection[Entity], lists: Collection[ListPlace]) -> list[tuple[str, str | None]]:
    """Return the owners of fields, each with the key of its attributes in the target, None for a list to be made."""
    found: list[tuple[str, str | None]] = [(name, name) for name in ("companies", "people") if name in entities]
    return [*found, *((place.list_id, place.target_id) for place in lists if place.action != "skip")]


def _field_owner(owner: str, attributes: dict[str, Attribute], provenance: Provenance) -> FieldOwner:
    def slugs(field: Field) -> Iterator[str]:
        # An attribute is called by the id of its field, whose name may change.
        slug = f"x_{_word(field.id)}"
        yield slug
        yield from (f"{slug}_{number}" for number in count(2))

    parts = frozenset(PARTS[owner].values()) if owner in ("companies", "people") else frozenset[str]()
    return FieldOwner(
        name=owner,
        attributes={
            slug: TargetAttribute(
                slug=slug,
                types=frozenset({attribute.type}),
                type=TYPE_NAMES[attribute.type],
                multiple=attribute.multiple,
                made_for=_field_of(attribute, provenance),
                is_the_firms=attribute.made_for is None,
            )
            for slug, attribute in attributes.items()
        },
        kept=frozenset({mark_slug(provenance), "record"}),
        standard=parts,
        identifying=IDENTIFYING & parts,
        slugs=slugs,
    )


def _existing_lists(
    held: TargetWorkspace, schema: Schema, mapping: JobMapping, provenance: Provenance
) -> dict[str, ListDefinition]:
    by_slug = {one.slug: one for one in held.lists.values()}
    found: dict[str, ListDefinition] = {}
    for given in schema.lists:
        named, marked = mapping.of_list(given.id).to, held.list_marks.get(_mark(provenance, given.id))
        if named is not None and named in by_slug:
            found[given.id] = by_slug[named]
        elif named is None and marked in held.lists:
            found[given.id] = held.lists[marked]
    return found


def _list(held: TargetWorkspace, place: ListPlace, mark: str) -> ListPlace:
    if place.action == "skip" or place.target_id is not None:
        return place
    target_id = held.list_marks.get(mark)
    if target_id not in held.lists:
        target_id = f"list-{next(held.ids)}"
        held.lists[target_id] = ListDefinition(id=target_id, slug=place.slug, name=place.name, parents=(place.parent,))
        held.list_marks[mark] = target_id
    return msgspec.structs.replace(place, target_id=target_id)


def _standard(schema: Schema, mapping: JobMapping, entities: Collection[Entity]) -> list[Issue]:
    return [
        issue
        for entity, parts in PARTS.items()
        if entity in entities
        for issue in check_standard(entity, schema, mapping.fields_of(entity), parts, IDENTIFYING)
    ]


def _mark(provenance: Provenance | None, id_: str) -> str:
    return f"{provenance.system if provenance else ''}:{id_}"


def _field_of(attribute: Attribute, provenance: Provenance) -> str | None:
    system, _, field_id = (attribute.made_for or "").partition(":")
    return field_id if system == provenance.system else None


def _word(id_: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", id_.lower())
