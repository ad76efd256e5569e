"""Companies and people as Attio holds them."""

from collections.abc import Callable, Iterable
from typing import Any

from freight.connectors.attio import values
from freight.connectors.attio.countries import country_code
from freight.connectors.attio.drafting.conversion import field_values, location_item, text_items
from freight.connectors.attio.drafting.sketch import Sketch, shown
from freight.connectors.attio.standard import MULTIPLE, SOURCE_ID, UNIQUE
from freight.connectors.attio.values import InvalidValueError
from freight.connectors.protocols import Attributes, Draft
from freight.crm import Company, Person, entity_of


def draft_company(company: Company, sketch: Sketch) -> Draft:
    """A company, found again by its domains."""
    standard = {
        "name": text_items(company.name, "name", sketch),
        "domains": _valid(company.domains, values.domain, "invalid_domain", "domain", "domains", sketch),
        **_shared(company, sketch),
    }
    return _draft(company, standard, sketch)


def draft_person(person: Person, sketch: Sketch) -> Draft:
    """A person, found again by the e-mail addresses."""
    emails = _valid(person.emails, values.email_address, "invalid_email", "e-mail address", "email_addresses", sketch)
    employer = None
    if person.company_id is not None:
        employer = sketch.refer("companies", person.company_id, field="company", what="The person's current company")
    standard = {
        "name": _one(values.personal_name(person.first_name, person.last_name)),
        "email_addresses": emails,
        "job_title": text_items(person.job_title, "job_title", sketch),
        "company": _one(employer),
        **_shared(person, sketch),
    }
    return _draft(person, standard, sketch)


def _draft(record: Company | Person, standard: Attributes, sketch: Sketch) -> Draft:
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


def _shared(record: Company | Person, sketch: Sketch) -> Attributes:
    place = record.location
    return {
        "description": text_items(record.description, "description", sketch),
        "phone_numbers": _phone_numbers(record, sketch),
        "primary_location": _one(location_item(place, "primary_location", sketch) if place else None),
        "linkedin": text_items(record.linkedin, "linkedin", sketch),
        SOURCE_ID: [record.id],
    }


def _valid(
    given: Iterable[str], canonical: Callable[[str], str], code: str, noun: str, field: str, sketch: Sketch
) -> list[str]:
    found: dict[str, None] = {}
    for text in given:
        try:
            found[canonical(text)] = None
        except InvalidValueError as error:
            sketch.say(
                code,
                f"Attio does not take {shown(text)} as {_a(noun)} ({error}): it was left out. Correct it at the source "
                "and run the job again, or enter it in Attio.",
                field=field,
                value=text,
            )
    return list(found)


def _phone_numbers(record: Company | Person, sketch: Sketch) -> list[str]:
    place = record.location
    country = country_code(place.country) if place and place.country else None
    extended: list[tuple[str, values.PhoneNumber]] = []

    def canonical(text: str) -> str:
        phone = values.phone_number(text, country)
        if phone.extension:
            extended.append((text, phone))
        return phone.number

    numbers = _valid(
        record.phone_numbers, canonical, "invalid_phone_number", "telephone number", "phone_numbers", sketch
    )
    for text, phone in extended:
        sketch.say(
            "phone_extension_dropped",
            f"Attio has no place for the extension {phone.extension} of {shown(text)}: the number was written as "
            f"{phone.number}. Note the extension elsewhere in Attio if it is needed.",
            field="phone_numbers",
            value=text,
        )
    return numbers


def _one(value: object) -> list[Any]:
    return [value] if value else []


def _a(noun: str) -> str:
    return f"an {noun}" if noun.startswith("e") else f"a {noun}"
