"""Deals and list entries in the form of Attio."""

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
    message="This person is an internal user: internal users are members of the workspace in Attio, and only records "
    "can be on a list.",
)


def draft_deal(deal: Deal, builder: DraftBuilder) -> Draft:
    """Return the draft of a deal, which is matched by its id at the source. `on_create` has the values that Attio
    requires."""
    drafted: Attributes = {
        "name": text_items(deal.name, "name", builder),
        "stage": _stage(deal, builder),
        "owner": _owner(deal, builder),
        "value": _value(deal, builder),
        builder.marks.source_id: [deal.id],
    }
    _refer_to_people(deal, builder)
    _refer_to_company(deal, builder)
    filled = {slug: items for slug, items in drafted.items() if items}
    return Draft(
        entity="deals",
        source_id=deal.id,
        values=filled,
        unique={builder.marks.source_id: (deal.id,)},
        multiple=frozenset(),
        on_create=_required_values(filled, builder),
        issues=tuple(builder.issues),
        slots=tuple(builder.slots.values()),
    )


def draft_entry(entry: ListEntry, builder: DraftBuilder) -> Draft:
    """Return the draft of an entry, which is matched by its record unless that is on the list several times."""
    place = builder.layout.of_list(entry.list_id)
    entity, source_id = entry.parent
    target_id = builder.references.found.get(entry.parent)
    skip: Issue | None = None
    if place is None or place.action == "skip":
        skip = _not_carried(entry, builder)
    elif entity == "people" and (known := builder.references.people.get(source_id)) is not None and known.internal:
        skip = INTERNAL_PERSON
    elif target_id is None:
        skip = _without_parent(entry, builder)
    if skip is not None or place is None or target_id is None:
        return Draft(
            entity="list_entries", source_id=entry.id, values={}, unique={}, multiple=frozenset(), skip=skip,
            parents=(entry.parent,),
        )  # fmt: skip
    fields, multiple = field_values(entry.list_id, entry.fields, builder)
    added = [values.moment(entry.created_at)] if entry.created_at else []
    drafted: Attributes = {**fields, builder.marks.entry_id: [entry.id], builder.marks.added_at: added}
    return Draft(
        entity="list_entries",
        source_id=entry.id,
        values={slug: items for slug, items in drafted.items() if items},
        unique={} if entry.repeated else {PARENT: (target_id,)},
        multiple=multiple,
        on_create={PARENT: [target_id]},
        issues=tuple(builder.issues),
        parents=(entry.parent,),
        container=place.target_id,
        slots=tuple(builder.slots.values()),
    )


def _field(deal: Deal, role: str, builder: DraftBuilder) -> tuple[Value, ...]:
    """Return the values of the field for the stage, the owner or the value of the deal."""
    place = builder.layout.of_list(deal.list_id) if deal.list_id is not None else None
    field_id = None if place is None else getattr(place, role)
    return () if field_id is None else deal.fields.get(field_id, ())


def _stage(deal: Deal, builder: DraftBuilder) -> list[Any]:
    for stage in _field(deal, "stage", builder)[:1]:
        if (title := str(stage).strip()) in builder.layout.stages:
            return [title]
        builder.add_issue(
            "unknown_option",
            f"{shown(title)} is not among the stages that the job found in the source: it was left out. Run the job "
            f"again if the stage is new.",
            field="stage",
            value=title,
        )
    return []


def _owner(deal: Deal, builder: DraftBuilder) -> list[Any]:
    owners = [person for person in _field(deal, "owner", builder) if isinstance(person, PersonRef)]
    for person in owners[:1]:
        if len(owners) > 1:
            builder.issues.append(_left_out("owner", [other.name or other.id for other in owners[1:]]))
        if person.internal:
            return list(filter(None, [builder.own(person, field="owner")]))
        builder.add_issue(
            "not_a_member",
            f"{person.name or person.id} is not an internal user and cannot own a deal in Attio: the owner was left "
            f"out. Select one in Attio.",
            field="owner",
            value=person.email or person.id,
        )
    return []


def _value(deal: Deal, builder: DraftBuilder) -> list[Any]:
    for value in _field(deal, "value", builder)[:1]:
        try:
            return [number_item(value if isinstance(value, int) else float(value), "value", builder)]  # type: ignore[arg-type]
        except (InvalidValueError, TypeError, ValueError):
            builder.add_issue(
                "value_not_convertible",
                f"{shown(value)} is not a number and cannot be the value of a deal: it was left out. Correct it in "
                f"the source and run the job again.",
                field="value",
                value=str(value),
            )
    return []


def _refer_to_people(deal: Deal, builder: DraftBuilder) -> None:
    found: list[SlotReference] = []
    for person_id in dict.fromkeys(deal.person_ids):
        if (colleague := builder.own_person(("people", person_id))) is not None:
            _report_internal(colleague, builder)
        else:
            what = "A person of this deal"
            found.append(builder.reference(("people", person_id), field="associated_people", what=what))
    builder.refer("associated_people", found, multiple=True)


def _report_internal(colleague: PersonRef, builder: DraftBuilder) -> None:
    builder.add_issue(
        "internal_person_in_deal",
        f"{builder.called(('people', colleague.id))}, linked to this deal, is an internal user. Internal users are "
        f"members in Attio and not people, so the link was left out. If you need it, make that member the owner of "
        f"the deal in Attio, or add an attribute for members there.",
        field="associated_people",
        value=colleague.name or colleague.email or colleague.id,
    )


def _refer_to_company(deal: Deal, builder: DraftBuilder) -> None:
    """Refer to the first company that is, or will be, in the target: a deal in Attio has only one."""
    slug, what = "associated_company", "A company of this deal"
    companies = [
        builder.reference(("companies", id_), field=slug, what=what, name=_company_name(id_, builder))
        for id_ in dict.fromkeys(deal.company_ids)
    ]
    builder.refer(slug, companies, multiple=False, if_several=partial(_left_out, slug))


def _company_name(company_id: str, builder: DraftBuilder) -> str:
    name = builder.references.names.get(("companies", company_id))
    return f"{name} ({company_id})" if name else company_id


def _left_out(slug: str, others: Sequence[str]) -> Issue:
    return Issue(
        code="further_values_left_out",
        message=f"A deal in Attio has one {slug.removeprefix('associated_')}, and this one has several in the source: "
        f"the first was kept. Left out: {', '.join(others)}.",
        field=slug,
        value=", ".join(others),
    )


def _required_values(filled: Attributes, builder: DraftBuilder) -> Attributes:
    """Return values for what Attio requires of every deal and this one lacks."""
    required: Attributes = {}
    if "name" not in filled:
        name = f"Untitled {builder.noun('deals')}"
        required["name"] = [name]
        _report_defaulted("name_defaulted", "name", f"is called {name}", builder)
    if "stage" not in filled and builder.layout.stages:
        required["stage"] = [builder.layout.stages[0]]
        _report_defaulted("stage_defaulted", "stage", f"begins with {builder.layout.stages[0]}", builder)
    if "owner" not in filled and builder.layout.deal_owner is not None:
        required["owner"] = [values.actor_reference(builder.layout.deal_owner)]
        _report_defaulted(
            "owner_defaulted",
            "owner",
            "gets the default owner of the job, or else the member who created the API key",
            builder,
        )
    return required


def _report_defaulted(code: str, slug: str, what: str, builder: DraftBuilder) -> None:
    builder.add_issue(
        code,
        f"No deal in Attio is without {slug}, and this one has none that can be migrated: if it is new there, it "
        f"{what}.",
        field=slug,
        info=True,
    )


def _not_carried(entry: ListEntry, builder: DraftBuilder) -> Issue:
    return Issue(
        level="info",
        code="list_not_carried",
        message=f"The job does not migrate {builder.called(('lists', entry.list_id))}, so its entries are left out.",
        value=entry.list_id,
    )


def _without_parent(entry: ListEntry, builder: DraftBuilder) -> Issue:
    return Issue(
        code="parent_not_in_target",
        message=f"The record of this entry, {builder.called(entry.parent)}, is not in Attio. See its outcome, then "
        f"run the job again.",
        field=PARENT,
        value=entry.parent[1],
    )
