"""Affinity as a source: rows in, records out."""

import hashlib
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import httpx
import msgspec

from freight.connectors.affinity.client import AffinityClient, Collection
from freight.connectors.affinity.fields import (
    KNOWN_TYPES,
    Field,
    id_of,
    quoted,
    read_company_ids,
    read_fields,
    read_locations,
    read_texts,
    text_of,
    unreadable,
)
from freight.connectors.errors import UnexpectedAnswer
from freight.connectors.http import Json
from freight.connectors.protocols import Issue, Pacer, Page, Row, Usage, Workspace
from freight.crm import Company, Entity, Location, Person, bare_domain, normalise_claim

Item = TypeVar("Item")

COLLECTIONS: dict[Entity, Collection] = {"companies": "companies", "people": "persons"}

INTERNAL_TYPES = ("internal", "collaborator")

TEXT_TYPES = frozenset({"text", "filterable-text", "filterable-text-multi"})

SHARED_FIELDS = {"affinity-data-location": "location", "affinity-data-linkedin-url": "linkedin"}
FIELDS: dict[Entity, dict[str, str]] = {
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

VALUE_TYPES = {
    "company_id": frozenset({"company", "company-multi"}),
    "description": TEXT_TYPES,
    "job_title": TEXT_TYPES,
    "linkedin": TEXT_TYPES,
    "location": frozenset({"location", "location-multi"}),
    "phone_numbers": TEXT_TYPES,
}


class AffinitySource:
    """Reads an Affinity workspace; see `freight.connectors.protocols.Source`."""

    def __init__(
        self, api_key: str, *, base_url: str, pacer: Pacer, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._client = AffinityClient(api_key, base_url=base_url, pacer=pacer, transport=transport)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._client.base_url}>"

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    def take_usage(self) -> Usage:
        """What has been asked of the vendor since this was called last."""
        return self._client.take_usage()

    async def identify(self) -> Workspace:
        """The account that the key opens."""
        match await self._client.whoami():
            case {"tenant": {"id": int() | str() as id_} as tenant}:
                return Workspace(id=str(id_), name=text_of(tenant.get("name")) or str(id_))
            case _:
                raise UnexpectedAnswer("Affinity did not say which account the API key opens.")

    async def read_page(self, entity: Entity, cursor: str | None) -> Page:
        """A page of up to 100 rows."""
        page = await self._client.read_rows(COLLECTIONS[entity], cursor)
        read = company_row if entity == "companies" else person_row
        return Page(rows=tuple(read(row) for row in page.rows), next_cursor=page.cursor)


def company_row(row: Json) -> Row:
    """A company as Affinity gives it, as a record."""
    id_ = id_of(row)
    if id_ is None:
        return _row_without_id(row)
    reader = _RowReader("companies", row)
    company = Company(
        id=id_,
        name=reader.text("name"),
        domains=_distinct(_domain(text) for text in reader.texts("domain", "domains")),
        description=reader.first("description", read_texts),
        phone_numbers=tuple(reader.values("phone_numbers", read_texts)),
        location=reader.first("location", read_locations),
        linkedin=reader.first("linkedin", read_texts),
    )
    return Row(id=id_, record=company, issues=tuple(reader.issues))


def person_row(row: Json) -> Row:
    """A person as Affinity gives it, as a record; the firm's own people are skipped."""
    id_ = id_of(row)
    if id_ is None:
        return _row_without_id(row)
    if row.get("type") in INTERNAL_TYPES:
        return Row(id=id_, record=None, skip=INTERNAL_PERSON)
    reader = _RowReader("people", row)
    person = Person(
        id=id_,
        first_name=reader.text("firstName"),
        last_name=reader.text("lastName"),
        emails=_distinct(reader.texts("primaryEmailAddress", "emailAddresses")),
        phone_numbers=tuple(reader.values("phone_numbers", read_texts)),
        job_title=reader.first("job_title", read_texts),
        location=reader.first("location", read_locations),
        linkedin=reader.first("linkedin", read_texts),
        company_id=reader.first("company_id", read_company_ids),
    )
    return Row(id=id_, record=person, issues=tuple(reader.issues))


INTERNAL_PERSON = Issue(
    level="info",
    code="internal_person",
    message="This person belongs to the firm itself: in Attio such people are members of the workspace, who are "
    "invited there and not migrated.",
)


class _RowReader:
    """Takes a row apart. What has no place in a record is named in `issues`."""

    def __init__(self, entity: Entity, row: dict[str, Any]) -> None:
        self.issues: list[Issue] = []
        self._row = row
        self._fields: dict[str, list[Field]] = {}
        left: dict[str, list[str]] = {}
        for field in read_fields(row, self.issues):
            becomes = _becomes(entity, field)
            if becomes is not None:
                self._fields.setdefault(becomes, []).append(field)
            elif field.value_type not in KNOWN_TYPES:
                self.issues.append(_unknown_value_type(field))
            else:
                code = "not_writable" if field.kind == "relationship-intelligence" else "field_not_mapped"
                left.setdefault(code, []).append(f"{field.label} ({field.id})")
        self.issues += [
            Issue(level="info", code=code, message=LEFT_OUT[code].format(", ".join(names)), field=", ".join(names))
            for code, names in left.items()
        ]
        order = list(FIELDS[entity])
        for fields in self._fields.values():
            fields.sort(key=lambda field: order.index(field.id) if field.id in order else len(order))

    def text(self, key: str) -> str | None:
        """A text of the row itself."""
        value = self._row.get(key)
        if value is not None and not isinstance(value, str):
            self.issues.append(unreadable(key, value))
        return text_of(value)

    def texts(self, primary: str, others: str) -> list[str]:
        """The texts under two keys of the row itself: a single one, then a list."""
        given = self._row.get(others)
        if given is not None and not isinstance(given, list):
            self.issues.append(unreadable(others, given))
        texts = [self.text(primary)]
        for item in given if isinstance(given, list) else ():
            texts.append(text_of(item))
            if item is not None and not isinstance(item, str):
                self.issues.append(unreadable(others, item))
        return [text for text in texts if text is not None]

    def values(self, name: str, read: Callable[[Field, list[Issue]], list[Item]]) -> list[Item]:
        """The values of all fields that become `name`, each once."""
        return list(dict.fromkeys(item for field in self._fields.get(name, ()) for item in read(field, self.issues)))

    def first(self, name: str, read: Callable[[Field, list[Issue]], list[Item]]) -> Item | None:
        """The first of those values; the others become an issue."""
        values = self.values(name, read)
        if len(values) > 1:
            left = "; ".join(_shown(value) for value in values[1:])
            self.issues.append(
                Issue(
                    code="further_values_left_out",
                    message=f"Only one value fits {name!r}; {_shown(values[0])} was taken and the others were left "
                    f"out: {left}.",
                    field=name,
                    value=left,
                )
            )
        return values[0] if values else None


LEFT_OUT = {
    "field_not_mapped": "These fields hold values for which the migration has no place, so they were left out: {}.",
    "not_writable": "These fields hold what Affinity worked out from mailboxes and calendars; Attio works out its own "
    "and lets nobody write it: {}.",
}


def _becomes(entity: Entity, field: Field) -> str | None:
    """The part of the record that the field becomes, if it has one."""
    is_phone = field.name.casefold() in PHONE_FIELD_NAMES if field.kind == "global" else "phone" in field.id
    becomes = "phone_numbers" if is_phone else FIELDS[entity].get(field.id)
    return becomes if becomes and field.value_type in VALUE_TYPES[becomes] else None


def _unknown_value_type(field: Field) -> Issue:
    return Issue(
        code="unknown_value_type",
        message=f"The field {field.label!r} ({field.id}) holds a value of the type {field.value_type!r}, which Freight "
        "does not know: it was left out.",
        field=field.label,
        value=quoted(field.data),
    )


def _row_without_id(row: Json) -> Row:
    digest = hashlib.sha256(msgspec.json.encode(row)).hexdigest()[:16]
    return Row(
        id=f"unreadable-{digest}",
        record=None,
        skip=Issue(
            level="error",
            code="unreadable_row",
            message="Affinity gave a row without an id, which cannot be migrated.",
            value=quoted(row),
        ),
    )


def _domain(text: str) -> str:
    """The bare host name, without the `www.` that names the same site."""
    host = bare_domain(text)
    return host.removeprefix("www.") if host.count(".") > 1 else host


def _distinct(texts: Iterable[str]) -> tuple[str, ...]:
    """Each once, ignoring case, in the order given."""
    first: dict[str, str] = {}
    for text in texts:
        first.setdefault(normalise_claim(text), text)
    return tuple(first.values())


def _shown(value: object) -> str:
    if isinstance(value, Location):
        return ", ".join(part for part in (value.street, value.city, value.region, value.country) if part)
    return str(value)
