"""Deals and list entries as Attio holds them."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from freight.connectors.attio import values
from freight.connectors.attio.drafting.builder import DraftBuilder, shown
from freight.connectors.attio.drafting.conversion import field_values, number_item, text_items
from freight.connectors.attio.standard import PARENT
from freight.connectors.attio.values import InvalidValueError
from freight.connectors.protocols import Attributes, Draft, Issue, SlotReference
from freight.model.crm import Deal, ListEntry
from freight.model.fields import PersonRef, Value

INTERNAL_PERSON = Issue(
    level="info",
    code="internal_person",
    message="This person belongs to the firm itself: in Attio such people are members of the workspace, and only "
    "records can stand on a list.",
)


def draft_deal(deal: Deal, sketch: DraftBuilder) -> Draft:
    """Return the draft of a deal, which is matched by its id at the source. `on_create` is what Attio demands of it."""
    drafted: Attributes = {
        "name": text_items(deal.name, "name", sketch),
        "stage": _stage(deal, sketch),
        "owner": _owner(deal, sketch),
        "value": _value(deal, sketch),
        sketch.marks.source_id: [deal.id],
    }
    _refer_to_people(deal, sketch)
    _refer_to_company(deal, sketch)
    filled = {slug: items for slug, items in drafted.items() if items}
    return Draft(
        entity="deals",
        source_id=deal.id,
        values=filled,
        unique={sketch.marks.source_id: (deal.id,)},
        multiple=frozenset(),
        on_create=_demanded(filled, sketch),
        issues=tuple(sketch.issues),
        slots=tuple(sketch.slots.values()),
    )


def draft_entry(entry: ListEntry, sketch: DraftBuilder) -> Draft:
    """Return the draft of an entry, which is matched by its record unless that one is on the list several times."""
    place = sketch.layout.of_list(entry.list_id)
    entity, source_id = entry.parent
    target_id = sketch.references.found.get(entry.parent)
    skip: Issue | None = None
    if place is None or place.action == "skip":
        skip = _not_carried(entry, sketch)
    elif entity == "people" and (known := sketch.references.people.get(source_id)) is not None and known.internal:
        skip = INTERNAL_PERSON
    elif target_id is None:
        skip = _without_parent(entry, sketch)
    if skip is not None or place is None or target_id is None:
        return Draft(
            entity="list_entries", source_id=entry.id, values={}, unique={}, multiple=frozenset(), skip=skip,
            parents=(entry.parent,),
        )  # fmt: skip
    fields, multiple = field_values(entry.list_id, entry.fields, sketch)
    added = [values.moment(entry.created_at)] if entry.created_at else []
    drafted: Attributes = {**fields, sketch.marks.entry_id: [entry.id], sketch.marks.added_at: added}
    return Draft(
        entity="list_entries",
        source_id=entry.id,
        values={slug: items for slug, items in drafted.items() if items},
        unique={} if entry.repeated else {PARENT: (target_id,)},
        multiple=multiple,
        on_create={PARENT: [target_id]},
        issues=tuple(sketch.issues),
        parents=(entry.parent,),
        container=place.target_id,
        slots=tuple(sketch.slots.values()),
    )


def _field(deal: Deal, role: str, sketch: DraftBuilder) -> tuple[Value, ...]:
    """Return the values of the field that holds the stage, the owner or the value of the deal."""
    place = sketch.layout.of_list(deal.list_id) if deal.list_id is not None else None
    field_id = None if place is None else getattr(place, role)
    return () if field_id is None else deal.fields.get(field_id, ())


def _stage(deal: Deal, sketch: DraftBuilder) -> list[Any]:
    for stage in _field(deal, "stage", sketch)[:1]:
        if (title := str(stage).strip()) in sketch.layout.stages:
            return [title]
        sketch.say(
            "unknown_option",
            f"{shown(title)} is not among the stages that the job found at the source: it was left out. Run the job "
            "again if the stage is new.",
            field="stage",
            value=title,
        )
    return []


def _owner(deal: Deal, sketch: DraftBuilder) -> list[Any]:
    owners = [person for person in _field(deal, "owner", sketch) if isinstance(person, PersonRef)]
    for person in owners[:1]:
        if len(owners) > 1:
            sketch.issues.append(_left_out("owner", [other.name or other.id for other in owners[1:]]))
        if person.internal:
            return list(filter(None, [sketch.own(person, field="owner")]))
        sketch.say(
            "not_a_member",
            f"{person.name or person.id} is not one of the firm's own people and cannot own a deal in Attio: the owner "
            "was left out. Choose one in Attio.",
            field="owner",
            value=person.email or person.id,
        )
    return []


def _value(deal: Deal, sketch: DraftBuilder) -> list[Any]:
    for value in _field(deal, "value", sketch)[:1]:
        try:
            return [number_item(value if isinstance(value, int) else float(value), "value", sketch)]  # type: ignore[arg-type]
        except (InvalidValueError, TypeError, ValueError):
            sketch.say(
                "value_not_convertible",
                f"{shown(value)} is not a number and cannot be the value of a deal: it was left out. Correct it at the "
                "source and run the job again.",
                field="value",
                value=str(value),
            )
    return []


def _refer_to_people(deal: Deal, sketch: DraftBuilder) -> None:
    found: list[SlotReference] = []
    for person_id in dict.fromkeys(deal.person_ids):
        if (colleague := sketch.own_person(("people", person_id))) is not None:
            _say_internal(colleague, sketch)
        else:
            what = "A person of this deal"
            found.append(sketch.reference(("people", person_id), field="associated_people", what=what))
    sketch.refer("associated_people", found)


def _say_internal(colleague: PersonRef, sketch: DraftBuilder) -> None:
    sketch.say(
        "internal_person_in_deal",
        f"{sketch.called(('people', colleague.id))}, linked to this deal, is one of the firm's own people. They are "
        "members in Attio and not people, so the link was left out. If it matters, make that member the owner of the "
        "deal in Attio, or add an attribute for members there.",
        field="associated_people",
        value=colleague.name or colleague.email or colleague.id,
    )


def _refer_to_company(deal: Deal, sketch: DraftBuilder) -> None:
    """Refer to the first company that is, or will be, in the target: a deal in Attio has one."""
    slug, what = "associated_company", "A company of this deal"
    companies = [
        sketch.reference(("companies", id_), field=slug, what=what, name=_company_name(id_, sketch))
        for id_ in dict.fromkeys(deal.company_ids)
    ]
    sketch.refer(slug, companies, partial(_left_out, slug))


def _company_name(company_id: str, sketch: DraftBuilder) -> str:
    name = sketch.references.names.get(("companies", company_id))
    return f"{name} ({company_id})" if name else company_id


def _left_out(slug: str, others: Sequence[str]) -> Issue:
    return Issue(
        code="further_values_left_out",
        message=f"A deal in Attio has one {slug.removeprefix('associated_')}, and this one has several at the source: "
        f"the first was kept. Left out: {', '.join(others)}.",
        field=slug,
        value=", ".join(others),
    )


def _demanded(filled: Attributes, sketch: DraftBuilder) -> Attributes:
    """Return what Attio demands of every deal and this one lacks."""
    demanded: Attributes = {}
    if "name" not in filled:
        name = f"Untitled {sketch.noun('deals')}"
        demanded["name"] = [name]
        _say_defaulted("name_defaulted", "name", f"is called {name}", sketch)
    if "stage" not in filled and sketch.layout.stages:
        demanded["stage"] = [sketch.layout.stages[0]]
        _say_defaulted("stage_defaulted", "stage", f"begins with {sketch.layout.stages[0]}", sketch)
    if "owner" not in filled and sketch.layout.deal_owner is not None:
        demanded["owner"] = [values.actor_reference(sketch.layout.deal_owner)]
        _say_defaulted(
            "owner_defaulted", "owner", "gets the default owner of the job, or else whoever made the API key", sketch
        )
    return demanded


def _say_defaulted(code: str, slug: str, what: str, sketch: DraftBuilder) -> None:
    sketch.say(
        code,
        f"No deal in Attio is without {slug}, and this one has none that can be migrated: if it is new "
        f"there, it {what}.",
        field=slug,
        info=True,
    )


def _not_carried(entry: ListEntry, sketch: DraftBuilder) -> Issue:
    return Issue(
        level="info",
        code="list_not_carried",
        message=f"The job does not migrate {sketch.called(('lists', entry.list_id))}, so its entries are left out.",
        value=entry.list_id,
    )


def _without_parent(entry: ListEntry, sketch: DraftBuilder) -> Issue:
    return Issue(
        code="parent_not_in_target",
        message=f"What is on the list here, {sketch.called(entry.parent)}, is not in Attio. See what became of it, "
        "then run the job again.",
        field=PARENT,
        value=entry.parent[1],
    )
