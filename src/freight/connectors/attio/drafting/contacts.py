"""Companies and people as Attio holds them."""

from typing import Any

from freight.connectors.attio import values
from freight.connectors.attio.drafting import addresses
from freight.connectors.attio.drafting.builder import DraftBuilder
from freight.connectors.attio.drafting.conversion import field_values, location_item, text_items
from freight.connectors.attio.drafting.phones import phone_numbers
from freight.connectors.attio.standard import MULTIPLE, UNIQUE
from freight.connectors.protocols import Attributes, Draft
from freight.model.crm import Company, Person, entity_of


def draft_company(company: Company, sketch: DraftBuilder) -> Draft:
    """A company, found again by its domains."""
    shared = _shared(company, sketch)
    standard = {
        "name": text_items(company.name, "name", sketch),
        "domains": addresses.domains(company.domains, company.name, shared, sketch),
        **shared,
    }
    return _draft(company, standard, sketch)


def draft_person(person: Person, sketch: DraftBuilder) -> Draft:
    """A person, found again by the e-mail addresses."""
    shared = _shared(person, sketch)
    employer = None
    if person.company_id is not None:
        employer = sketch.refer("companies", person.company_id, field="company", what="The person's current company")
    standard = {
        "name": _one(values.personal_name(person.first_name, person.last_name)),
        "email_addresses": addresses.email_addresses(person.emails, shared, sketch),
        "job_title": text_items(person.job_title, "job_title", sketch),
        "company": _one(employer),
        **shared,
    }
    return _draft(person, standard, sketch)


def _draft(record: Company | Person, standard: Attributes, sketch: DraftBuilder) -> Draft:
    entity = entity_of(record)
    fields, multiple = field_values(entity, record.fields, sketch)
    for slug in fields.keys() & {slug for slug, items in standard.items() if items}:
        sketch.say(
            "replaced_by_field",
            f"The mapping leads a field to {slug}, where the record has a value of its own: that one was left out. "
            "Lead the field to another attribute to keep both.",
            field=slug,
            value=", ".join(map(str, standard[slug])),
        )
    filled: Attributes = {slug: items for slug, items in {**standard, **fields}.items() if items}
    unique = UNIQUE[entity]
    return Draft(
        entity=entity,
        source_id=record.id,
        values=filled,
        unique={unique: tuple(filled[unique])} if unique in filled else {},
        multiple=(MULTIPLE & filled.keys()) | multiple,
        issues=tuple(sketch.issues),
        pending=tuple(sketch.pending),
        waiting=frozenset(sketch.waiting),
    )


def _shared(record: Company | Person, sketch: DraftBuilder) -> Attributes:
    place = record.location
    return {
        "description": text_items(record.description, "description", sketch),
        "phone_numbers": phone_numbers(record.phone_numbers, place.country if place else None, sketch),
        "primary_location": _one(location_item(place, "primary_location", sketch) if place else None),
        "linkedin": text_items(record.linkedin, "linkedin", sketch),
        sketch.marks.source_id: [record.id],
    }


def _one(value: object) -> list[Any]:
    return [value] if value else []
