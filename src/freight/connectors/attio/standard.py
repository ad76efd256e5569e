"""The attributes of Attio's standard objects and lists that Freight writes, other than those of a firm's fields."""

from typing import Literal

import msgspec

from freight.connectors.attio.provenance import Marks
from freight.connectors.planning.target import Capabilities
from freight.model.crm import Entity
from freight.model.mapping import AttributeType

OBJECTS: tuple[Entity, ...] = ("companies", "people", "deals")
"""The entities that are objects of Attio, with the same names."""

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

UNIQUE = {"companies": "domains", "people": "email_addresses"}
"""The attribute whose values only one record can have. Attio allows no further unique ones on these objects."""

IDENTIFYING: dict[str, frozenset[str]] = {
    "companies": frozenset({"name", "domains"}),
    "people": frozenset({"name", "email_addresses", "company"}),
}
"""The attributes that identify a record. A field replaces them only if the job says so."""


class ManagedAttribute(msgspec.Struct, frozen=True, kw_only=True):
    """An attribute that Freight adds."""

    slug: str
    title: str
    type: Literal["text", "timestamp", "phone-number"] = "text"
    description: str | None = None
    multiple: bool = False
    unique: bool = False


PHONE_NUMBERS = ManagedAttribute(slug="phone_numbers", title="Phone numbers", type="phone-number", multiple=True)
"""Attio's people have this attribute, and its companies do not."""

DEMANDED = frozenset({"name", "stage", "owner"})
"""The attributes that every deal must have in Attio."""

LIST_SYSTEM = frozenset({"entry_id", "list_id", "parent_record", "parent_object", "created_at", "created_by"})
"""Slugs that every new list already has."""

PARENT = "parent_record"
"""The record of an entry, by which Attio matches entries; its value is the record's id."""

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
"""Attio's names of the types of attributes."""

CAPABILITIES = Capabilities(
    label="Attio",
    possible={
        "text": ("text", "select", "number", "currency", "date"),
        "number": ("number", "currency", "rating", "text", "checkbox"),
        "date": ("date", "timestamp", "text"),
        "location": ("location", "text"),
        "select": ("select", "status", "text"),
        "status": ("status", "select", "text"),
        "person": ("people", "members", "text"),
        "company": ("companies", "text"),
    },
    # As Attio documents them; of its types for fields only these can have several values.
    multiple=frozenset({"select", "people", "companies", "members"}),
    # Each is a write; Attio documents a limit of 25 a second.
    options_per_second=25,
)


def always_filled(owner: str, marks: Marks) -> frozenset[str]:
    """Return the attributes, among those that Attio can require, that Freight fills in every record it creates."""
    return DEMANDED | {marks.source_id} if owner == "deals" else frozenset()


def unique_attribute(entity: Entity, marks: Marks) -> str:
    """Return the attribute by which Attio matches the records of an object: that of deals is added by Freight."""
    return UNIQUE.get(entity, marks.source_id)


def parts_of(marks: Marks) -> dict[Entity, dict[str, str]]:
    """Return the attributes that hold the standard parts of records, by the names that `freight.model.crm` has for
    these."""
    return {
        "companies": {
            "id": marks.source_id,
            "name": "name",
            "domains": "domains",
            "description": "description",
            "phone_numbers": "phone_numbers",
            "location": "primary_location",
            "linkedin": "linkedin",
        },
        "people": {
            "id": marks.source_id,
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
            "id": marks.source_id,
            "name": "name",
            "person_ids": "associated_people",
            "company_ids": "associated_company",
        },
        "list_entries": {"id": marks.entry_id, "created_at": marks.added_at},
    }


def managed_attributes(owner: str, marks: Marks) -> tuple[ManagedAttribute, ...]:
    """Return the attributes that Freight adds to `companies`, `people`, `deals`, or else to a list."""
    label = marks.provenance.label
    source_id = ManagedAttribute(
        slug=marks.source_id, title=f"{label} ID", description=marks.of_ids, unique=owner == "deals"
    )
    match owner:
        case "companies":
            return (source_id, PHONE_NUMBERS)
        case "people" | "deals":
            return (source_id,)
        case _:
            of_list = marks.of_list(owner)
            return (
                ManagedAttribute(slug=marks.entry_id, title=f"{label} entry ID", description=of_list),
                ManagedAttribute(slug=marks.added_at, title=f"Added in {label}", description=of_list, type="timestamp"),
            )


def written_types(owner: str, marks: Marks) -> dict[str, str]:
    """Return the attributes, with their types, that Freight writes on `companies`, `people`, `deals`, or else on a
    list, other than those of fields."""
    return {**STANDARD.get(owner, {}), **{added.slug: added.type for added in managed_attributes(owner, marks)}}
