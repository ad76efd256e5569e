"""What the tests of the Attio connector share."""

from collections.abc import Collection, Sequence
from typing import Any

import msgspec

from freight.connectors import registry
from freight.connectors.attio import drafting
from freight.connectors.attio.definitions import Attribute, Member
from freight.connectors.attio.drafting import MappingIndex
from freight.connectors.attio.planning.existing import Existing
from freight.connectors.attio.planning.resolve import Request, assemble, resolve_fields, resolve_lists
from freight.connectors.attio.provenance import Marks
from freight.connectors.attio.standard import ATTIO_TYPES, STANDARD, managed_attributes
from freight.connectors.planning.choices import Choice
from freight.connectors.planning.choices import Existing as ExistingChoices
from freight.connectors.planning.lists import ListDefinition
from freight.connectors.protocols import Draft, References, SchemaPlan
from freight.domain.migration.planning.reference_slots import fill
from freight.model.crm import LOAD_ORDER, Entity, Record, Reference
from freight.model.fields import Field, FieldType, Option
from freight.model.mapping import Mapping
from freight.model.resolved_mapping import Place, ResolvedMapping
from freight.model.schema import Schema

AFFINITY = registry.provenance("affinity")
MARKS = Marks(AFFINITY)

MEMBER_ID = "50cf242c-7fa3-4cad-87d0-75b1af71c57b"

COMPANY = "b1f8c3a2-0000-4000-8000-000000000007"


def field(
    id_: str, name: str, type_: FieldType = "text", *, multiple: bool = False, options: Sequence[str] = ()
) -> Field:
    made = tuple(Option(id=str(number), text=text) for number, text in enumerate(options))
    return Field(id=id_, name=name, type=type_, multiple=multiple, options=made)


def attribute(slug: str, type_: str = "text", **more: Any) -> Attribute:
    return Attribute(id=f"id-{slug}", slug=slug, title=slug, type=type_, **more)


def standard(name: str) -> dict[str, Attribute]:
    """Return an object as a new workspace has it, as far as Freight writes to it."""
    found = {slug: attribute(slug, type_, is_system=True) for slug, type_ in STANDARD[name].items()}
    created = attribute("created_at", "timestamp", is_system=True, is_writable=False)
    categories = attribute("categories", "select", is_system=True, multiple=True)
    return found | {"created_at": created} | ({"categories": categories} if name == "companies" else {})


def workspace(*, deals: bool = True, **more: Any) -> Existing:
    """Return a workspace in which nothing was made yet."""
    names = ["companies", "people", *(["deals"] if deals else [])]
    given: dict[str, Any] = {
        "objects": {name: standard(name) for name in names},
        "enabled": frozenset(names),
        "stages": (Choice(id="s1", title="Lead"), Choice(id="s2", title="Lost")),
        "members": (Member(id=MEMBER_ID, email="ada@firm.example.com"),),
        "authorized_by": MEMBER_ID,
    }
    return Existing(**{**given, **more})


def planned(
    schema: Schema,
    existing: Existing | None = None,
    mapping: Mapping | None = None,
    entities: Sequence[Entity] = LOAD_ORDER,
    choices: ExistingChoices | None = None,
) -> SchemaPlan:
    """Return the plan where no attributes but these have choices yet."""
    request = Request(
        schema=schema,
        mapping=mapping or Mapping(),
        entities=entities,
        provenance=AFFINITY,
        existing=existing or workspace(),
    )
    lists = resolve_lists(request)
    return assemble(request, lists, resolve_fields(request, lists[0]), choices or {})


def made(existing: Existing, layout: ResolvedMapping) -> Existing:
    """Return the workspace after the layout has been prepared."""
    objects = {name: {**attributes, **_of_owner(name, layout)} for name, attributes in existing.objects.items()}
    lists = {found.id: found for found in existing.lists}
    list_attributes = dict(existing.list_attributes)
    for place in layout.lists:
        if place.action != "skip":
            id_ = place.target_id or f"list-{place.list_id}"
            lists[id_] = ListDefinition(id=id_, slug=place.slug, name=place.name, parents=(place.parent,))
            list_attributes[id_] = {**list_attributes.get(id_, {}), **_of_owner(place.list_id, layout)}
    stages = (*existing.stages, *(Choice(id=title, title=title) for title in layout.new_stages))
    return msgspec.structs.replace(
        existing, objects=objects, lists=tuple(lists.values()), list_attributes=list_attributes, stages=stages
    )


def _of_owner(owner: str, layout: ResolvedMapping) -> dict[str, Attribute]:
    added = {
        item.slug: attribute(
            item.slug,
            item.type,
            multiple=item.multiple,
            is_unique=item.unique,
            description=item.description,
        )
        for item in managed_attributes(owner, MARKS)
    }
    places = [place for place in layout.places if place.owner == owner and place.action in ("make", "restore")]
    return added | {place.attribute or "": _made(place) for place in places}


def _made(place: Place) -> Attribute:
    type_ = place.type or "text"
    return attribute(
        place.attribute or "",
        ATTIO_TYPES[type_],
        description=MARKS.of_field(place.field),
        multiple=place.multiple,
        allowed=frozenset({type_}) if type_ in ("people", "companies") else None,
    )


def draft(
    record: Record,
    references: References | None = None,
    layout: ResolvedMapping | None = None,
    to_come: Collection[Reference] = (),
) -> Draft:
    """Return the draft with its slots filled, as far as the records that they refer to are not still to come."""
    known = references or References()
    layout = msgspec.structs.replace(layout or ResolvedMapping(), provenance=AFFINITY)
    return fill(drafting.draft(record, known, MappingIndex(layout)), known.found, to_come)


def codes(drafted: Draft | SchemaPlan) -> list[str]:
    return [issue.code for issue in drafted.issues]
