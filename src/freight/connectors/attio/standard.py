"""What Attio's standard objects and lists hold that Freight writes itself, besides the fields of a firm."""

from typing import Literal

import msgspec

from freight.model.crm import Entity
from freight.model.mapping import AttributeType

SOURCE_ID = "affinity_id"
ENTRY_ID = "affinity_entry_id"
ADDED_AT = "affinity_added_at"

OBJECTS: tuple[Entity, ...] = ("companies", "people", "deals")
"""The entities that are objects of Attio, called there as here."""

SOCIAL = ("angellist", "facebook", "instagram", "linkedin", "twitter")
"""The attributes of companies and people that hold a profile on a platform."""

PROFILE_OF_PLATFORM = {
    "facebook": "facebook",
    "instagram": "instagram",
    "linkedin": "linkedin",
    "wellfound": "angellist",
    "x": "twitter",
}
"""The attributes that hold profiles, by the platform's name in `freight.model.platforms`."""

STANDARD: dict[str, dict[str, str]] = {
    "companies": {
        "name": "text",
        "domains": "domain",
        "description": "text",
        "primary_location": "location",
        **dict.fromkeys(SOCIAL, "text"),
    },
    "people": {
        "name": "personal-name",
        "email_addresses": "email-address",
        "phone_numbers": "phone-number",
        "description": "text",
        "job_title": "text",
        "primary_location": "location",
        **dict.fromkeys(SOCIAL, "text"),
        "company": "record-reference",
    },
    "deals": {
        "name": "text",
        "stage": "status",
        "owner": "actor-reference",
        "value": "currency",
        "associated_people": "record-reference",
        "associated_company": "record-reference",
    },
}
"""The attributes that Attio's standard objects have and Freight writes, with their types, as Attio documents them."""

MULTIPLE = frozenset({"domains", "email_addresses", "phone_numbers", "associated_people"})
"""Those among them that hold several values."""

UNIQUE = {"companies": "domains", "people": "email_addresses", "deals": SOURCE_ID}
"""The attribute whose values only one record may hold. Attio allows no further unique ones on companies and people."""


PARTS: dict[Entity, dict[str, str]] = {
    "companies": {
        "id": SOURCE_ID,
        "name": "name",
        "domains": "domains",
        "description": "description",
        "phone_numbers": "phone_numbers",
        "location": "primary_location",
        "linkedin": "linkedin",
    },
    "people": {
        "id": SOURCE_ID,
        "name": "name",
        "emails": "email_addresses",
        "description": "description",
        "phone_numbers": "phone_numbers",
        "job_title": "job_title",
        "company_id": "company",
        "location": "primary_location",
        "linkedin": "linkedin",
    },
    "deals": {
        "id": SOURCE_ID,
        "name": "name",
        "person_ids": "associated_people",
        "company_ids": "associated_company",
    },
    "list_entries": {"id": ENTRY_ID, "created_at": ADDED_AT},
}
"""The attributes that hold the standard parts of records, by the names that `freight.model.crm` has for these."""


IDENTIFYING: dict[str, frozenset[str]] = {
    "companies": frozenset({"name", "domains"}),
    "people": frozenset({"name", "email_addresses", "company"}),
}
"""The attributes that hold what a record is known by. A field takes their place only if the job says so."""


class Added(msgspec.Struct, frozen=True, kw_only=True):
    """An attribute that Freight adds for itself."""

    slug: str
    title: str
    type: Literal["text", "timestamp", "phone-number"] = "text"
    multiple: bool = False
    unique: bool = False


LIST_ADDED = (
    Added(slug=ENTRY_ID, title="Affinity entry ID"),
    Added(slug=ADDED_AT, title="Added in Affinity", type="timestamp"),
)
"""What Freight adds to lists."""

ADDED: dict[str, tuple[Added, ...]] = {
    "companies": (
        Added(slug=SOURCE_ID, title="Affinity ID"),
        Added(slug="phone_numbers", title="Phone numbers", type="phone-number", multiple=True),
    ),
    "people": (Added(slug=SOURCE_ID, title="Affinity ID"),),
    "deals": (Added(slug=SOURCE_ID, title="Affinity ID", unique=True),),
}
"""What Freight adds to Attio's standard objects."""

ALWAYS_FILLED = {"deals": frozenset({"name", "stage", "owner", SOURCE_ID})}
"""Attributes that every record that Freight makes has a value for."""

LIST_SYSTEM = frozenset({"entry_id", "list_id", "parent_record", "parent_object", "created_at", "created_by"})
"""Slugs that every list takes for itself from the moment it is made."""

PARENT = "parent_record"
"""The record that stands on a list, by which Attio matches entries; its value is the record's id."""

ATTIO_TYPES: dict[AttributeType, str] = {
    "text": "text",
    "number": "number",
    "currency": "currency",
    "date": "date",
    "timestamp": "timestamp",
    "checkbox": "checkbox",
    "rating": "rating",
    "select": "select",
    "status": "status",
    "location": "location",
    "people": "record-reference",
    "companies": "record-reference",
    "members": "actor-reference",
}
"""What Attio calls the types of attributes."""

MULTIPLE_TYPES: frozenset[AttributeType] = frozenset({"select", "people", "companies", "members"})
"""Types whose attributes can hold several values, as Attio documents them."""


def added_to(owner: str) -> tuple[Added, ...]:
    """What Freight adds to `companies`, `people`, `deals`, or else to a list."""
    return ADDED.get(owner, LIST_ADDED)


def own_types(owner: str) -> dict[str, str]:
    """The attributes, with their types, that Freight writes on `companies`, `people`, `deals`, or else on a list,
    besides those of fields."""
    return {**STANDARD.get(owner, {}), **{added.slug: added.type for added in added_to(owner)}}
