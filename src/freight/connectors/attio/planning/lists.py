"""Which list of Attio takes the entries of which list; pure."""

from collections.abc import Collection, Mapping, Sequence

from freight.connectors.attio.definitions import Attribute, ListDefinition
from freight.connectors.attio.planning import issues
from freight.connectors.attio.planning.slugs import list_slug
from freight.connectors.attio.provenance import Marks
from freight.connectors.protocols import Issue
from freight.model.crm import List
from freight.model.fields import Field, FieldType
from freight.model.mapping import FieldMapping, owner_field, stage_field, value_field
from freight.model.mapping import Mapping as JobMapping
from freight.model.resolved_mapping import ListPlace

ROLES: dict[str, tuple[FieldType, ...]] = {
    "stage": ("select", "status"),
    "owner": ("person",),
    "value": ("number",),
}
"""What a field must hold to give the stage, owner or value of deals."""

UNCHANGED = FieldMapping()

ListAttributes = Mapping[str, Mapping[str, Attribute]]
"""The attributes of lists, by list id and slug."""


def matching_list(
    given: List, mapping: JobMapping, existing: Sequence[ListDefinition], attributes: ListAttributes, marks: Marks
) -> ListDefinition | None:
    """The list of Attio that the job names, or that Freight made for this one earlier: known by its slug, or, where
    somebody has changed that, by its attributes."""
    if (slug := mapping.of_list(given.id).to) is not None:
        return next((found for found in existing if found.slug == slug), None)
    ending = marks.list_ending(given.id)
    by_slug = next((found for found in existing if f"_{found.slug}".endswith(f"_{ending}")), None)
    description = marks.of_list(given.id)
    return by_slug or next((found for found in existing if _has(description, attributes.get(found.id, {}))), None)


def _has(description: str, attributes: Mapping[str, Attribute]) -> bool:
    return any(attribute.description == description for attribute in attributes.values())


def place_lists(
    lists: Sequence[List],
    mapping: JobMapping,
    existing: Sequence[ListDefinition],
    attributes: ListAttributes,
    enabled: Collection[str],
    marks: Marks,
    *,
    carried: bool,
) -> tuple[list[ListPlace], list[Issue]]:
    """Where the lists go that the job carries. With `carried` false, those of deals are only named for their stages,
    as the action `skip` says."""
    places: list[ListPlace] = []
    found: list[Issue] = []
    taken: dict[str, List] = {}
    for given in lists:
        if not mapping.carries_list(given.id) or (not carried and given.of != "deals"):
            continue
        if given.of not in enabled:
            # Without deals a job that carries them is forbidden anyway.
            found += [issues.list_needs_deals(given)] if carried else []
            continue
        place, wrong = _place(
            given, mapping, matching_list(given, mapping, existing, attributes, marks), marks, carried=carried
        )
        found += wrong
        if carried and place.slug in taken:
            found.append(issues.list_taken_twice(taken[place.slug], given, place.slug))
            continue
        taken[place.slug] = given
        places.append(place)
    return places, found


def _place(
    given: List, mapping: JobMapping, held: ListDefinition | None, marks: Marks, *, carried: bool
) -> tuple[ListPlace, list[Issue]]:
    wanted = mapping.of_list(given.id)
    roles, found = _roles(given, mapping) if given.of == "deals" else ({}, [])
    if carried and held is not None and given.of not in held.parents:
        found.append(issues.list_incompatible(given, held.slug, held.parents))
    slug = held.slug if held is not None else wanted.to or list_slug(given.name, marks.list_ending(given.id))
    place = ListPlace(
        list_id=given.id,
        name=held.name if held is not None and wanted.to else wanted.name or given.name or slug,
        slug=slug,
        parent=given.of,
        action="skip" if not carried else "make" if held is None else "use",
        target_id=held.id if carried and held is not None else None,
        shared=held is not None and wanted.to is not None,
        **roles,
    )
    return place, found


def _roles(given: List, mapping: JobMapping) -> tuple[dict[str, str | None], list[Issue]]:
    """The fields that hold the stage, owner and value of the deals of a list."""
    wanted = mapping.of_list(given.id)
    named = {"stage": wanted.stage, "owner": wanted.owner, "value": wanted.value}
    fields: Mapping[str, Field | None] = {
        "stage": stage_field(given, mapping),
        "owner": owner_field(given, mapping),
        "value": value_field(given, mapping),
    }
    found: list[Issue] = []
    roles: dict[str, str | None] = {}
    for role, field in fields.items():
        field_id = named[role]
        if field is None and field_id is not None:
            found.append(issues.unknown_field(given.id, field_id, field=f"lists.{given.id}.{role}"))
        elif field is not None and field.type not in ROLES[role]:
            found.append(issues.wrong_role(given.id, role, field, ROLES[role]))
        elif field is not None and not mapping.fields_of(given.id).get(field.id, UNCHANGED).skip:
            roles[role] = field.id
    return roles, found
