"""Deals as Attio holds them, and their places on lists."""

from typing import Any

from freight.connectors.attio import values
from freight.connectors.attio.drafting.builder import DraftBuilder, shown
from freight.connectors.attio.drafting.conversion import field_values, number_item, text_items
from freight.connectors.attio.standard import PARENT
from freight.connectors.attio.values import InvalidValueError
from freight.connectors.protocols import Attributes, Draft, Issue
from freight.model.crm import Deal, ListEntry
from freight.model.fields import PersonRef, Value

INTERNAL_PERSON = Issue(
    level="info",
    code="internal_person",
    message="This person belongs to the firm itself: in Attio such people are members of the workspace, and only "
    "records can stand on a list.",
)


def draft_deal(deal: Deal, sketch: DraftBuilder) -> Draft:
    """A deal, found again by the id that it has at the source. What Attio demands of a new one is in `on_create`."""
    drafted: Attributes = {
        "name": text_items(deal.name, "name", sketch),
        "stage": _stage(deal, sketch),
        "owner": _owner(deal, sketch),
        "value": _value(deal, sketch),
        "associated_people": _people(deal, sketch),
        "associated_company": _company(deal, sketch),
        sketch.marks.source_id: [deal.id],
    }
    filled = {slug: items for slug, items in drafted.items() if items}
    return Draft(
        entity="deals",
        source_id=deal.id,
        values=filled,
        unique={sketch.marks.source_id: (deal.id,)},
        multiple=frozenset({"associated_people"} & filled.keys()),
        on_create=_demanded(filled, sketch),
        issues=tuple(sketch.issues),
        pending=tuple(sketch.pending),
        waiting=frozenset(sketch.waiting),
    )


def draft_entry(entry: ListEntry, sketch: DraftBuilder) -> Draft:
    """A place on a list; matched by the record that stands there, unless that one stands there several times."""
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
        pending=tuple(sketch.pending),
        waiting=frozenset(sketch.waiting),
    )


def _field(deal: Deal, role: str, sketch: DraftBuilder) -> tuple[Value, ...]:
    """The values of the field that holds the stage, the owner or the value of the deal."""
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
            _say_left_out("owner", [other.name or other.id for other in owners[1:]], sketch)
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


def _people(deal: Deal, sketch: DraftBuilder) -> list[Any]:
    found: list[Any] = []
    for person_id in dict.fromkeys(deal.person_ids):
        if (colleague := sketch.own_person(("people", person_id))) is not None:
            _say_internal(colleague, sketch)
        elif reference := sketch.refer("people", person_id, field="associated_people", what="A person of this deal"):
            found.append(reference)
    return found


def _say_internal(colleague: PersonRef, sketch: DraftBuilder) -> None:
    sketch.say(
        "internal_person_in_deal",
        f"{sketch.called(('people', colleague.id))}, linked to this deal, is one of the firm's own people. They are "
        "members in Attio and not people, so the link was left out. If it matters, make that member the owner of the "
        "deal in Attio, or add an attribute for members there.",
        field="associated_people",
        value=colleague.name or colleague.email or colleague.id,
    )


def _company(deal: Deal, sketch: DraftBuilder) -> list[Any]:
    """The first company that is, or will be, in the target: a deal in Attio has one."""
    kept: list[Any] = []
    others: list[str] = []
    chosen = False
    for company_id in dict.fromkeys(deal.company_ids):
        if chosen:
            others.append(company_id)
            continue
        reference = sketch.refer("companies", company_id, field="associated_company", what="A company of this deal")
        kept += [reference] if reference else []
        chosen = reference is not None or sketch.is_expected("companies", company_id)
    if others:
        _say_left_out("associated_company", [_company_name(id_, sketch) for id_ in others], sketch)
    return kept


def _company_name(company_id: str, sketch: DraftBuilder) -> str:
    name = sketch.references.names.get(("companies", company_id))
    return f"{name} ({company_id})" if name else company_id


def _say_left_out(slug: str, others: list[str], sketch: DraftBuilder) -> None:
    sketch.say(
        "further_values_left_out",
        f"A deal in Attio has one {slug.removeprefix('associated_')}, and this one has several at the source: the "
        f"first was kept. Left out: {', '.join(others)}.",
        field=slug,
        value=", ".join(others),
    )


def _demanded(filled: Attributes, sketch: DraftBuilder) -> Attributes:
    """What Attio demands of every deal and this one lacks."""
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
        f"No deal in Attio is without {slug}, and this one has none that can be carried: if it is new "
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
