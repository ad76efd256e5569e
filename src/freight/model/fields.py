"""Fields: a firm's data about its records other than the standard facts, and the values that fields can hold."""

from typing import Literal

import msgspec

FieldType = Literal["text", "number", "date", "location", "select", "status", "person", "company"]
"""The type of a field's values: `date` is an ISO date without a time, `select` and `status` are titles of options."""


class Location(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="kind", tag="location"):
    """A place as the source wrote it. `country` may be a name in English or an ISO 3166 code."""

    street: str | None = None
    city: str | None = None
    region: str | None = None
    postcode: str | None = None
    country: str | None = None
    continent: str | None = None


class PersonRef(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="kind", tag="person"):
    """A person whom a record names."""

    id: str
    name: str | None = None
    email: str | None = None
    internal: bool = False
    """Whether the person is an internal user, that is, a user of the source."""


class CompanyRef(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="kind", tag="company"):
    """A company that a record names."""

    id: str
    name: str | None = None


Value = str | int | float | Location | PersonRef | CompanyRef

FieldValues = dict[str, tuple[Value, ...]]
"""Values by field id, without empty fields."""


class Option(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One choice of a `select` or `status` field."""

    id: str
    text: str
    rank: int | None = None


class Field(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A field as the source defines it. Names need not be unique; ids are, for one kind of record or one list."""

    id: str
    name: str
    type: FieldType
    multiple: bool = False
    options: tuple[Option, ...] = ()
    """In the source's order."""
    enriched: bool = False
    """Whether the vendor fills the field, and not the firm."""


class Fact(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A standard part of every company, person, deal or list entry, and what the source calls it."""

    part: str
    """The attribute of the record in `freight.model.crm`, as `job_title`."""
    name: str
    field: str | None = None
    """The id of the field that holds it, if it is a field in the source."""
