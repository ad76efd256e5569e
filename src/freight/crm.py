"""The vocabulary of a CRM: vendor-neutral records, no I/O.

A connector that reads turns a vendor's rows into these; a connector that writes turns these into a vendor's rows.
Ids are the source's own, as text.
"""

from collections.abc import Collection
from typing import Literal
from urllib.parse import urlsplit

import msgspec

Entity = Literal["companies", "people"]

LOAD_ORDER: tuple[Entity, ...] = ("companies", "people")
"""Entities in the order in which they are written: whatever is referred to comes first."""


class Location(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A place as the source wrote it. `country` may be a name in English or an ISO 3166 code."""

    street: str | None = None
    city: str | None = None
    region: str | None = None
    postcode: str | None = None
    country: str | None = None
    continent: str | None = None


class Company(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="entity", tag="companies"):
    """A firm. `domains` are bare host names, the primary one first."""

    id: str
    name: str | None = None
    domains: tuple[str, ...] = ()
    description: str | None = None
    phone_numbers: tuple[str, ...] = ()
    location: Location | None = None
    linkedin: str | None = None


class Person(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="entity", tag="people"):
    """A person outside the firm that owns the workspace. `emails` has the primary address first."""

    id: str
    first_name: str | None = None
    last_name: str | None = None
    emails: tuple[str, ...] = ()
    phone_numbers: tuple[str, ...] = ()
    description: str | None = None
    job_title: str | None = None
    location: Location | None = None
    linkedin: str | None = None
    company_id: str | None = None
    """The current employer's id in the source."""


Record = Company | Person


def entity_of(record: Record) -> Entity:
    """The entity that a record belongs to."""
    return "companies" if isinstance(record, Company) else "people"


def references(record: Record) -> tuple[tuple[Entity, str], ...]:
    """The other source records that this one points to, as (entity, id)."""
    if isinstance(record, Person) and record.company_id is not None:
        return (("companies", record.company_id),)
    return ()


def claims(record: Record) -> tuple[str, ...]:
    """The values that only one record of its entity may hold: a company's domains, a person's e-mail addresses."""
    values = record.domains if isinstance(record, Company) else record.emails
    return tuple(dict.fromkeys(normalise_claim(value) for value in values))


def without_claims(record: Record, lost: Collection[str]) -> Record:
    """The record without those domains or e-mail addresses, given as `claims` writes them, that another one holds."""
    if not lost:
        return record
    if isinstance(record, Company):
        return msgspec.structs.replace(
            record, domains=tuple(value for value in record.domains if normalise_claim(value) not in lost)
        )
    return msgspec.structs.replace(
        record, emails=tuple(value for value in record.emails if normalise_claim(value) not in lost)
    )


def normalise_claim(value: str) -> str:
    """A domain or an e-mail address as it is compared: both ignore case and surrounding space."""
    return value.strip().casefold()


def bare_domain(value: str) -> str:
    """The host name in something that a person typed as a website: scheme, path, port and a final dot are dropped."""
    text = value.strip()
    try:
        host = urlsplit(text if "//" in text else f"//{text}").hostname
    except ValueError:
        host = None
    return (host or text).rstrip(".").casefold()
