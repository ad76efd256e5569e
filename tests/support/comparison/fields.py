"""The fields of records and list entries: which are migrated, and the outcome of their values."""

from collections.abc import Iterator
from typing import Any

from support.comparison.sides import Sides
from support.comparison.source import Row, values
from support.comparison.values import Difference, compare, expected, found

FACTS = {
    "description": ("affinity-data-description",),
    "job_title": ("affinity-data-current-job-title", "affinity-data-job-titles"),
    "linkedin": ("affinity-data-linkedin-url",),
    "primary_location": ("affinity-data-location",),
    "company": ("affinity-data-current-organization",),
}
"""Affinity's own fields that existing attributes of the target hold."""
PHONE_NAMES = {"phone", "phone number", "phone numbers", "telephone"}
ASSOCIATIONS = {"persons", "companies"}
"""Fields that only show what a record is linked to."""
KNOWN_TYPES = {
    "text", "filterable-text", "number", "formula-number", "datetime", "location", "dropdown", "ranked-dropdown",
    "status-dropdown", "person", "company",
}  # fmt: skip


def is_phone(field: Row) -> bool:
    """Return whether a field holds telephone numbers, for which there is an attribute."""
    return field["name"].casefold() in PHONE_NAMES if field["type"] == "global" else "phone" in field["id"]


def is_carried(field: Row) -> bool:
    """Return whether a field is to have an attribute of its own."""
    is_fact = is_phone(field) or any(field["id"] in ids for ids in FACTS.values())
    return not is_fact and field["id"] not in ASSOCIATIONS and _why_left(field) is None


def compare_fields(
    sides: Sides, entity: str, source_id: str, row: Row, held: dict[str, Any], owner: str
) -> Iterator[Difference]:
    """Compare the values of all fields of `owner` other than standard facts."""
    data = values(row)
    for field in sides.source.fields[owner]:
        names = (field["name"].strip(), field["id"])
        attribute = sides.attribute(owner, field)
        if (why := _why_left(field)) is not None and field["id"] in data:
            yield Difference(entity, source_id, frozenset(names), why, (field["valueType"],))
        if attribute is not None:
            items = expected(field, data[field["id"]], attribute, sides.known) if field["id"] in data else []
            present = found(field, held.get(attribute.slug, []), attribute, sides.known)
            yield from compare(entity, source_id, (*names, attribute.slug, attribute.title), items, present)


def _why_left(field: Row) -> str | None:
    """Return why a field cannot be migrated."""
    if field["type"] == "relationship-intelligence":
        return "not writable"
    return None if field["valueType"].removesuffix("-multi") in KNOWN_TYPES else "unknown type"
