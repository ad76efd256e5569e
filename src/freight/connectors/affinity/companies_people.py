"""Affinity's companies and people as records."""

from freight.connectors.affinity.fields import (
    PERSON_TYPES,
    id_of,
    is_internal,
    quoted,
    read_companies,
    read_locations,
    read_texts,
)
from freight.connectors.affinity.row_parser import FieldSelection, FieldsParser, distinct, row_without_id
from freight.connectors.answers import Json
from freight.connectors.protocols import Issue, Row
from freight.model.crm import Company, Person


def company_row(row: Json, selection: FieldSelection) -> Row:
    """Return a company of Affinity as a record."""
    id_ = id_of(row)
    if id_ is None:
        return row_without_id(row)
    parser = FieldsParser(row, selection)
    company = Company(
        id=id_,
        name=parser.text("name"),
        domains=distinct(parser.texts("domain", "domains")),
        description=parser.fact("description", read_texts),
        phone_numbers=tuple(parser.facts("phone_numbers", read_texts)),
        location=parser.fact("location", read_locations),
        linkedin=parser.fact("linkedin", read_texts),
        fields=parser.fields,
    )
    return Row(id=id_, record=company, issues=tuple(parser.issues))


def person_row(row: Json, selection: FieldSelection) -> Row:
    """Return a person of Affinity as a record, also an internal user."""
    id_ = id_of(row)
    if id_ is None:
        return row_without_id(row)
    parser = FieldsParser(row, selection)
    employer = parser.fact("company_id", read_companies)
    type_ = row.get("type")
    internal = is_internal(id_, type_, selection.users)
    if type_ is not None and type_ not in PERSON_TYPES:
        parser.issues.append(_unknown_person_type(type_, internal=internal))
    person = Person(
        id=id_,
        first_name=parser.text("firstName"),
        last_name=parser.text("lastName"),
        emails=distinct(parser.texts("primaryEmailAddress", "emailAddresses")),
        phone_numbers=tuple(parser.facts("phone_numbers", read_texts)),
        job_title=parser.fact("job_title", read_texts),
        location=parser.fact("location", read_locations),
        linkedin=parser.fact("linkedin", read_texts),
        company_id=None if employer is None else employer.id,
        internal=internal,
        fields=parser.fields,
    )
    return Row(id=id_, record=person, issues=tuple(parser.issues))


def _unknown_person_type(type_: object, *, internal: bool) -> Issue:
    taken = "an internal user, because Affinity names the person among its users" if internal else "a contact"
    return Issue(
        level="info",
        code="unknown_person_type",
        message=f"Affinity gives this person a type that Freight does not know, so the person is treated as {taken}.",
        field="type",
        value=quoted(type_),
    )
