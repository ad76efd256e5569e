"""Standard facts: which of Affinity's fields are not a firm's own, but parts of every company or person."""

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
"""What the fields of Affinity's own data become, by their documented ids. Of two for one thing the first wins."""

PHONE_FIELD_NAMES = frozenset({"phone", "phone number", "phone numbers", "telephone"})
"""Fields that a firm added itself have no telling id: telephone numbers are known by the field's name."""

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
"""What Affinity's records hold that is no field, as Affinity's interface calls it."""

FACT_TYPES: dict[str, FieldType] = {
    "company_id": "company",
    "description": "text",
    "job_title": "text",
    "linkedin": "text",
    "location": "location",
    "phone_numbers": "text",
}


def fact_of(owner: str, field: Described) -> str | None:
    """The part of a company or a person that the field is, if it is one; `owner` may also be the id of a list."""
    if owner not in FACTS:
        return None
    is_phone = field.name.casefold() in PHONE_FIELD_NAMES if field.kind == "global" else "phone" in field.id
    fact = "phone_numbers" if is_phone else FACTS[owner].get(field.id)
    return fact if fact and FIELD_TYPES.get(field.value_type) == FACT_TYPES[fact] else None
