"""Resolve a mapping against a workspace. Pure: equal input gives equal plans.

`assemble` makes the plan from the results of `resolve_lists` and `resolve_fields` and the choices of the attributes
that these name. Every resolver returns its result and issues.
"""

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from freight.connectors.attio.definitions import Attribute
from freight.connectors.attio.planning import issues
from freight.connectors.attio.planning.attributes import field_owner
from freight.connectors.attio.planning.checks import check_managed, check_required
from freight.connectors.attio.planning.existing import LISTED, Existing
from freight.connectors.attio.planning.lists import matching_list
from freight.connectors.attio.planning.slugs import list_slug
from freight.connectors.attio.provenance import Marks
from freight.connectors.attio.standard import CAPABILITIES, IDENTIFYING, managed_attributes, parts_of
from freight.connectors.planning.checks import check_mapping, check_standard
from freight.connectors.planning.choices import Existing as ExistingChoices
from freight.connectors.planning.choices import complete_places, new_stages
from freight.connectors.planning.fields import place_fields
from freight.connectors.planning.lists import place_lists
from freight.connectors.planning.users import resolve_default_owner, unmatched_users
from freight.connectors.protocols import Issue, SchemaPlan
from freight.model.crm import LOAD_ORDER, Entity
from freight.model.mapping import Mapping as JobMapping
from freight.model.provenance import Provenance
from freight.model.resolved_mapping import ListPlace, Place, ResolvedMapping
from freight.model.schema import Schema

OWNING: tuple[Entity, ...] = ("deals", "tasks")
"""Entities whose records have an owner among the internal users."""

Lists = tuple[Sequence[ListPlace], Sequence[Issue]]
Fields = tuple[Sequence[Place], Sequence[Issue]]


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """The input of a plan, and the schema of the workspace."""

    schema: Schema
    mapping: JobMapping
    entities: Sequence[Entity]
    provenance: Provenance
    existing: Existing

    @property
    def marks(self) -> Marks:
        """The marks of the source system."""
        return Marks(self.provenance)

    @property
    def migrates_lists(self) -> bool:
        """Whether the lists themselves are migrated, or only read for the stages of deals."""
        return any(entity in self.entities for entity in LISTED)

    @property
    def has_deals(self) -> bool:
        """Whether deals are migrated and enabled in the workspace."""
        return "deals" in self.existing.objects


def resolve_lists(request: Request) -> Lists:
    """Return the places of the lists."""
    mapping, existing, marks = request.mapping, request.existing, request.marks
    if not (request.migrates_lists or "deals" in request.entities):
        return (), ()
    possible = [given for given in request.schema.lists if given.of in existing.enabled]
    matches = {
        given.id: match
        for given in possible
        if (match := matching_list(given, mapping, existing.lists, existing.list_attributes, marks)) is not None
    }
    places, found = place_lists(
        possible,
        mapping,
        matches,
        lambda given: list_slug(given.name, marks.list_ending(given.id)),
        migrated=request.migrates_lists,
        target=CAPABILITIES.label,
    )
    # Without deals in the workspace, a job that migrates them is refused anyway.
    impossible = [
        issues.list_needs_deals(given)
        for given in request.schema.lists
        if given.of not in existing.enabled and mapping.migrates_list(given.id) and request.migrates_lists
    ]
    return places, [*impossible, *found]


def resolve_fields(request: Request, lists: Sequence[ListPlace]) -> Fields:
    """Return the places of the fields, without the choices of attributes."""
    places: list[Place] = []
    found: list[Issue] = []
    for name, attributes in _owners_of_fields(request, lists):
        owner = field_owner(name, attributes, request.marks)
        fields, wanted = request.schema.fields_of(name), request.mapping.fields_of(name)
        placed, wrong = place_fields(owner, fields, wanted, CAPABILITIES)
        places += placed
        found += wrong
    return places, found


def assemble(request: Request, lists: Lists, fields: Fields, choices: ExistingChoices) -> SchemaPlan:
    """Return the plan, given the choices of the existing attributes that fields use."""
    schema, mapping, existing = request.schema, request.mapping, request.existing
    places, many = complete_places(fields[0], schema, choices, CAPABILITIES)
    members = {member.email: member.id for member in existing.members}
    default_owner, unknown = resolve_default_owner(mapping, members, CAPABILITIES.label)
    deal_owner, ownerless = _deal_owner(request, default_owner)
    stages, added_stages = _stages(request, lists[0]) if request.has_deals else ((), ())
    parts = {entity: of for entity, of in parts_of(request.marks).items() if entity in request.entities}
    layout = ResolvedMapping(
        provenance=request.provenance,
        entities=tuple(
            entity
            for entity in LOAD_ORDER
            if entity in request.entities and (entity != "deals" or entity in existing.enabled)
        ),
        places=places,
        parts=parts,
        lists=tuple(lists[0]),
        members=members,
        default_owner=default_owner,
        deal_owner=deal_owner,
        stages=stages,
        new_stages=added_stages,
        new_additions=_new_additions(request, lists[0]),
        own_domains=schema.own_domains,
        notes=mapping.notes,
    )
    found = (
        *check_mapping(schema, mapping, request.entities),
        *_deals_disabled(request),
        *lists[1],
        *fields[1],
        *_check_attributes(request, lists[0]),
        *_check_standard(request, parts),
        *unknown,
        *ownerless,
        *_unmatched_users(request, places, members),
        *many,
    )
    return SchemaPlan(layout=layout, issues=found)


def _owners_of_fields(request: Request, lists: Sequence[ListPlace]) -> Iterator[tuple[str, Mapping[str, Attribute]]]:
    objects = request.existing.objects
    yield from ((name, objects[name]) for name in ("companies", "people") if name in objects)
    if "list_entries" in request.entities:
        yield from _lists_written(request, lists)


def _all_owners(request: Request, lists: Sequence[ListPlace]) -> Iterator[tuple[str, Mapping[str, Attribute]]]:
    yield from request.existing.objects.items()
    yield from _lists_written(request, lists)


def _lists_written(request: Request, lists: Sequence[ListPlace]) -> Iterator[tuple[str, Mapping[str, Attribute]]]:
    for place in lists:
        if place.action != "skip":
            yield place.list_id, request.existing.list_attributes.get(place.target_id or "", {})


def _new_additions(request: Request, lists: Sequence[ListPlace]) -> int:
    return sum(
        added.slug not in attributes or attributes[added.slug].is_archived
        for owner, attributes in _all_owners(request, lists)
        for added in managed_attributes(owner, request.marks)
    )


def _stages(request: Request, lists: Sequence[ListPlace]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return new_stages([(place.list_id, place.stage) for place in lists], request.schema, request.existing.stages)


def _deal_owner(request: Request, default_owner: str | None) -> tuple[str | None, list[Issue]]:
    """Return who owns deals without an owner: the default owner, or else the member who created the key."""
    owner = default_owner or request.existing.authorized_by
    return owner, [issues.no_deal_owner()] if request.has_deals and owner is None else []


def _deals_disabled(request: Request) -> list[Issue]:
    """Return an issue if deals are requested and switched off in the workspace."""
    schema = request.schema
    if "deals" not in request.entities or "deals" in request.existing.enabled:
        return []
    on_lists = any(given.of == "deals" and request.mapping.migrates_list(given.id) for given in schema.lists)
    return [issues.deals_disabled()] if on_lists or schema.counts.get("deals") != 0 else []


def _check_attributes(request: Request, lists: Sequence[ListPlace]) -> Iterator[Issue]:
    for owner, attributes in _all_owners(request, lists):
        yield from check_managed(owner, attributes, request.marks)
        yield from check_required(owner, attributes, request.marks)


def _check_standard(request: Request, parts: Mapping[Entity, Mapping[str, str]]) -> Iterator[Issue]:
    for owner, of_owner in parts.items():
        wanted = request.mapping.fields_of(owner)
        yield from check_standard(owner, request.schema, wanted, of_owner, IDENTIFYING.get(owner, frozenset()))


def _unmatched_users(request: Request, places: Sequence[Place], members: Mapping[str, str]) -> list[Issue]:
    owning = any(entity in request.entities for entity in OWNING) or any(place.type == "members" for place in places)
    return unmatched_users(request.schema, members, CAPABILITIES.label) if owning else []
