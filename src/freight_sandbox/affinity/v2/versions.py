"""The versions of API v2 and what differs between them."""

from collections.abc import Iterable
from typing import Any

import msgspec
from litestar.response.base import ASGIResponse

from freight_sandbox.affinity.errors import AffinityError
from freight_sandbox.affinity.requests import AnyRequest
from freight_sandbox.affinity.rows import Field, FieldDefinition
from freight_sandbox.control import answer

VERSION_HEADER = "X-Affinity-Api-Version"
OLDEST, RESTRICTIONS, LATEST = VERSIONS = ("2024-01-01", "2026-07-15", "2026-09-17")
"""Affinity documents that the second one hides what is restricted and that the third one has more value types."""

LATEST_VALUE_TYPES = frozenset({"list-multi", "note", "reminder"})
MOST_VALUES = 100
CAPPED = frozenset({"company-multi", "person-multi"})
"""The types of which the specification of the oldest version allows no more than `MOST_VALUES`; it bounds no others."""


def version_of(request: AnyRequest) -> str:
    """The version asked for, by default the one that the key is set to. Raises `AffinityError` for one that is none."""
    version: str = request.headers.get(VERSION_HEADER, request.app.state.default_version)
    if version not in VERSIONS:
        raise AffinityError("validation", f"The provided version: '{version}' is not valid.", VERSION_HEADER)
    return version


def versioned(request: AnyRequest, content: object, status: int = 200) -> ASGIResponse:
    """A JSON answer that names its version."""
    return answer(content, status, {VERSION_HEADER.lower(): version_of(request)})


def known_fields(version: str, definitions: Iterable[FieldDefinition]) -> list[FieldDefinition]:
    """The fields that a version knows."""
    return [field for field in definitions if version >= LATEST or field.value_type not in LATEST_VALUE_TYPES]


def described(version: str, field: FieldDefinition) -> dict[str, Any]:
    """A field as the operations for metadata give it."""
    content: dict[str, Any] = {
        "id": field.id,
        "name": field.name,
        "type": field.type,
        "enrichmentSource": field.enrichment_source,
        "valueType": field.value_type,
    }
    if version >= RESTRICTIONS:
        content |= {"description": None, "isRequired": False, "createdAt": None}
    return content


def shown(version: str, field: Field, *, restricted: bool) -> Field:
    """A field with its value as a version shows it.

    The oldest version gives the first hundred people or companies and all other values. Later ones say how many values
    there are, and give the first hundred of any type: that they do so is known of their pages of values alone.
    """
    value = field.value
    if restricted and version >= RESTRICTIONS:
        hidden = msgspec.structs.replace(value, data=None)
        return msgspec.structs.replace(field, type="hidden", value=hidden)
    if not value.type.endswith("-multi") or not isinstance(value.data, list | None):
        return field
    total = len(value.data or ())
    if value.data is not None and (version >= RESTRICTIONS or value.type in CAPPED):
        value = msgspec.structs.replace(value, data=value.data[:MOST_VALUES])
    if version >= RESTRICTIONS:
        value = msgspec.structs.replace(value, total_count=total)
    return msgspec.structs.replace(field, value=value)
