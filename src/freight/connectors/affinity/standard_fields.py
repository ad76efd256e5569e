"""Standard facts: the fields of Affinity that are not custom, but parts of every company or person."""

from freight.connectors.affinity.fields import FIELD_TYPES, Described
from freight.model.crm import Entity
from freight.model.fields import Fact, FieldType

SHARED_FIELDS = {"affinity-data-location": "location", "affinity-data-linkedin-url": "linkedin"}
FACTS: dict[str, dict[str, str]] = {
    "companies": SHARED_FIELDS | {"affinity-data-description": "description"},
    "people": SHARED_FIELDS
    | {
        "affinity-data-current-job-title": "job_title",
        "affinity-data-job-titles": "job_title",
        "affinity-data-current-organization": "company_id",
    },
}
"""The parts of records, by the documented ids of Affinity's fields. The first field with a part takes precedence."""

PHONE_FIELD_NAMES = frozenset({"phone", "phone number", "phone numbers", "telephone"})
"""Custom fields have no meaningful id: telephone numbers are recognised by the field's name."""

ALWAYS: dict[Entity, tuple[Fact, ...]] = {
    "companies": (
        Fact(part="id", name="ID"),
        Fact(part="name", name="Name"),
        Fact(part="domains", name="Domains"),
    ),
    "people": (
        Fact(part="id", name="ID"),
        Fact(part="name", name="First and last name"),
        Fact(part="emails", name="Email addresses"),
    ),
    "deals": (
        Fact(part="id", name="ID"),
        Fact(part="name", name="Name"),
        Fact(part="person_ids", name="People"),
        Fact(part="company_ids", name="Organizations"),
    ),
    "list_entries": (
        Fact(part="id", name="Entry ID"),
        Fact(part="created_at", name="Date added"),
    ),
}
"""The parts of Affinity's records that are not fields, as Affinity's interface calls them."""

FACT_TYPES: dict[str, FieldType] = {
    "company_id": "company",
    "description": "text",
    "job_title": "text",
    "linkedin": "text",
    "location": "location",
    "phone_numbers": "text",
}


def fact_of(owner: str, field: Described) -> str | None:
    """Return the part of a company or a person that the field is, or None; `owner` can also be the id of a list."""
    if owner not in FACTS:
        return None
    is_phone = field.name.casefold() in PHONE_FIELD_NAMES if field.kind == "global" else "phone" in field.id
    fact = "phone_numbers" if is_phone else FACTS[owner].get(field.id)
    return fact if fact and FIELD_TYPES.get(field.value_type) == FACT_TYPES[fact] else None
