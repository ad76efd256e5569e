"""Affinity's rows, in the shape of its API v2."""

from typing import Any, Literal

import msgspec

Entity = Literal["company", "person"]


class Value(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A field's value. `type` is left open, because Affinity adds types; an empty multi-value is None."""

    type: str
    data: Any


class Field(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """A field with its value on one record."""

    id: str
    name: str
    type: str
    enrichment_source: str | None
    value: Value


class FieldMetadata(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """A field as `/companies/fields` and `/persons/fields` describe it."""

    id: str
    name: str
    type: str
    enrichment_source: str | None
    value_type: str


class Company(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """A company; `fields` is absent from answers that were not asked for any."""

    id: int
    name: str
    domain: str | None
    domains: list[str]
    is_global: bool
    fields: list[Field] | msgspec.UnsetType = msgspec.UNSET


class Person(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """A person; `fields` is absent from answers that were not asked for any."""

    id: int
    first_name: str | None
    last_name: str | None
    primary_email_address: str | None
    email_addresses: list[str]
    type: str
    fields: list[Field] | msgspec.UnsetType = msgspec.UNSET


Row = Company | Person


def describe(field: Field) -> FieldMetadata:
    """The metadata that a field with a value tells about itself."""
    return FieldMetadata(field.id, field.name, field.type, field.enrichment_source, field.value.type)
