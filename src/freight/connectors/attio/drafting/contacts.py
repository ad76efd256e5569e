"""Companies and people in the form of Attio."""

from typing import Any

from freight.connectors.attio import values
from freight.connectors.attio.drafting import addresses
from freight.connectors.attio.drafting.builder import DraftBuilder
from freight.connectors.attio.drafting.conversion import field_values, location_item, text_items
from freight.connectors.attio.drafting.phones import phone_numbers
from freight.connectors.attio.standard import MULTIPLE, UNIQUE
from freight.connectors.protocols import Attributes, Draft
from freight.model.crm import Company, Person, Reference, entity_of


def draft_company(company: Company, builder: DraftBuilder) -> Draft:
    """Return the draft of a company, which is matched by its domains."""
    shared = _shared(company, builder)
    standard = {
        "name": text_items(company.name, "name", builder),
        "domains": addresses.domains(company.domains, company.name, shared, builder),
        **shared,
    }
    return _draft(company, standard, builder)


def draft_person(person: Person, builder: DraftBuilder) -> Draft:
    """Return the draft of a person, who is matched by the e-mail addresses."""
    shared = _shared(person, builder)
    if person.company_id is not None:
        employer: Reference = ("companies", person.company_id)
        what = "The person's current company"
        name = builder.name_of(employer) or person.company_id
        reference = builder.reference(employer, field="company", what=what, name=name)
        builder.refer("company", [reference], multiple=False)
    standard = {
        "name": _one(values.personal_name(person.first_name, person.last_name)),
        "email_addresses": addresses.email_addresses(person.emails, shared, builder),
        "job_title": text_items(person.job_title, "job_title", builder),
        **shared,
    }
    return _draft(person, standard, builder)


def _draft(record: Company | Person, standard: Attributes, builder: DraftBuilder) -> Draft:
    entity = entity_of(record)
    own = {slug: [str(item) for item in items] for slug, items in standard.items() if items}
    own_slots = dict(builder.slots)
    fields, multiple = field_values(entity, record.fields, builder)
    own |= {
        slug: [one.name for one in slot.references]
        for slug, slot in own_slots.items()
        if builder.slots[slug] is not slot
    }
    for slug in own.keys() & (fields.keys() | builder.slots.keys()):
        builder.add_issue(
            "replaced_by_field",
            f"The mapping sends a field to {slug}, for which the record has a standard value: the standard value was "
            f"left out. Map the field to a different attribute to keep both.",
            field=slug,
            value=", ".join(own[slug]),
        )
    filled: Attributes = {slug: items for slug, items in {**standard, **fields}.items() if items}
    unique = UNIQUE[entity]
    return Draft(
        entity=entity,
        source_id=record.id,
        values=filled,
        unique={unique: tuple(filled[unique])} if unique in filled else {},
        multiple=(MULTIPLE & filled.keys()) | multiple,
        issues=tuple(builder.issues),
        slots=tuple(builder.slots.values()),
    )


def _shared(record: Company | Person, builder: DraftBuilder) -> Attributes:
    place = record.location
    return {
        "description": text_items(record.description, "description", builder),
        "phone_numbers": phone_numbers(record.phone_numbers, place.country if place else None, builder),
        "primary_location": _one(location_item(place, "primary_location", builder) if place else None),
        "linkedin": text_items(record.linkedin, "linkedin", builder),
        builder.marks.source_id: [record.id],
    }


def _one(value: object) -> list[Any]:
    return [value] if value else []
