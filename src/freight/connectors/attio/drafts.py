"""Turns records into what Attio can hold, and says which values it cannot."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from freight.connectors.attio import values
from freight.connectors.attio.countries import country_code
from freight.connectors.attio.values import InvalidValueError
from freight.connectors.protocols import Attributes, Draft, Issue
from freight.crm import Company, Entity, Location, Person, Record, entity_of


def draft(record: Record, references: Mapping[tuple[Entity, str], str]) -> Draft:
    """The record in Attio's terms; see `freight.connectors.protocols.Target.draft`."""
    issues: list[Issue] = []
    drafted = _company(record, issues) if isinstance(record, Company) else _person(record, references, issues)
    filled: Attributes = {slug: items for slug, items in drafted.items() if items}
    entity = entity_of(record)
    unique = values.UNIQUE_ATTRIBUTE[entity]
    return Draft(
        entity=entity,
        source_id=record.id,
        values=filled,
        unique={unique: tuple(filled[unique])} if unique in filled else {},
        multiple=frozenset(slug for slug in filled if values.ATTRIBUTES[entity][slug] in values.MULTIPLE_TYPES),
        issues=tuple(issues),
    )


def _company(company: Company, issues: list[Issue]) -> Attributes:
    return {
        "name": _text(company.name),
        "domains": _valid(company.domains, values.domain, "invalid_domain", "domain", "domains", issues),
        **_shared(company, issues),
    }


def _person(person: Person, references: Mapping[tuple[Entity, str], str], issues: list[Issue]) -> Attributes:
    emails = _valid(person.emails, values.email_address, "invalid_email", "e-mail address", "email_addresses", issues)
    return {
        "name": _one(values.personal_name(person.first_name, person.last_name)),
        "email_addresses": emails,
        "job_title": _text(person.job_title),
        "company": _one(_employer(person, references, issues)),
        **_shared(person, issues),
    }


def _shared(record: Record, issues: list[Issue]) -> Attributes:
    return {
        "description": _text(record.description),
        "phone_numbers": _phone_numbers(record, issues),
        "primary_location": _one(_location(record.location, issues)),
        "linkedin": _text(record.linkedin),
        "affinity_id": [record.id],
    }


def _valid(
    given: Iterable[str],
    canonical: Callable[[str], str],
    code: str,
    noun: str,
    field: str,
    issues: list[Issue],
) -> list[str]:
    found: dict[str, None] = {}
    for text in given:
        try:
            found[canonical(text)] = None
        except InvalidValueError as error:
            issues.append(
                Issue(
                    code=code,
                    message=f"Attio does not take {text!r} as {_a(noun)} ({error}): it was left out. Correct it at "
                    "the source and run the job again, or enter it in Attio.",
                    field=field,
                    value=text,
                )
            )
    return list(found)


def _phone_numbers(record: Record, issues: list[Issue]) -> list[str]:
    place = record.location
    country = country_code(place.country) if place and place.country else None
    extended: list[tuple[str, values.PhoneNumber]] = []

    def canonical(text: str) -> str:
        phone = values.phone_number(text, country)
        if phone.extension:
            extended.append((text, phone))
        return phone.number

    numbers = _valid(
        record.phone_numbers, canonical, "invalid_phone_number", "telephone number", "phone_numbers", issues
    )
    issues.extend(
        Issue(
            code="phone_extension_dropped",
            message=f"Attio has no place for the extension {phone.extension} of {text!r}: the number was written as "
            f"{phone.number}. Note the extension elsewhere in Attio if it is needed.",
            field="phone_numbers",
            value=text,
        )
        for text, phone in extended
    )
    return numbers


def _location(place: Location | None, issues: list[Issue]) -> dict[str, str | None] | None:
    if place is None:
        return None
    location = values.location(place)
    country = (place.country or "").strip()
    if country and country_code(country) is None:
        issues.append(
            Issue(
                code="unknown_country",
                message=f"{country!r} is not a country that Attio knows: it was left out of the location. Correct it "
                "at the source and run the job again, or choose it in Attio.",
                field="primary_location",
                value=country,
            )
        )
    if place.continent and (location is None or location["country_code"] is None):
        issues.append(
            Issue(
                code="continent_not_carried",
                message=f"A location in Attio has no continent: {place.continent!r} was left out. Enter a country "
                "there if it is known.",
                field="primary_location",
                value=place.continent,
            )
        )
    return location


def _employer(
    person: Person, references: Mapping[tuple[Entity, str], str], issues: list[Issue]
) -> dict[str, str] | None:
    if person.company_id is None:
        return None
    target_id = references.get(("companies", person.company_id))
    if target_id is not None:
        return values.record_reference("companies", target_id)
    issues.append(
        Issue(
            code="reference_not_found",
            message=f"The person's current company ({person.company_id} at the source) is not in Attio: the link was "
            "left out. See what became of that company, then run the job again.",
            field="company",
            value=person.company_id,
        )
    )
    return None


def _text(text: str | None) -> list[Any]:
    return _one((text or "").strip())


def _one(value: object) -> list[Any]:
    return [value] if value else []


def _a(noun: str) -> str:
    return f"an {noun}" if noun.startswith("e") else f"a {noun}"
