"""Affinity's rows, the records that they refer to, and its times.

Rows have the form of API v2 where it gives them completely, otherwise of API v1. Times are stored as received: with an
offset in API v1, in UTC in API v2. The contents of real workspaces are not checked: addresses, domains and value types
can be anything.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, Literal, TypeVar
from zoneinfo import ZoneInfo

import msgspec
from msgspec import UNSET, UnsetType

PACIFIC = ZoneInfo("America/Los_Angeles")
Entity = Literal["company", "person", "opportunity"]
"""The kinds of record that a list can hold and a field can belong to."""


class Value(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """A field's value. `type` is an open set, because Affinity adds types; an empty multi-value is None."""

    type: str
    data: Any
    total_count: int | UnsetType = UNSET
    """The number of values of a multi-value, of which at most 100 are shown; the oldest version does not show it."""


class Field(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """A field with its value on one record."""

    id: str
    name: str
    type: str
    enrichment_source: str | None
    value: Value


class DropdownOption(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An option of a dropdown field; only ranked ones have a rank and a colour: a name in API v2, a number in v1."""

    id: int
    text: str
    rank: int | None = None
    color: str | int | None = None


class FieldDefinition(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """A field of an entity, or of one list if it has a `list_id`. This is also a line of `fields.jsonl`."""

    entity: Entity
    id: str
    name: str
    type: str
    enrichment_source: str | None
    value_type: str
    list_id: int | None = None
    allows_multiple: bool | None = None
    """None means what the value type says."""
    dropdown_options: tuple[DropdownOption, ...] = ()
    is_managed: bool = False
    """Whether only administrators create options of the dropdown; API v1 has a separate value type for these."""

    @property
    def multiple(self) -> bool:
        """Whether the field takes several values."""
        return self.value_type.endswith("-multi") if self.allows_multiple is None else self.allows_multiple

    def holding(self, data: Any) -> Field:
        """Return the field with a value."""
        return Field(self.id, self.name, self.type, self.enrichment_source, Value(self.value_type, data))


class Company(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """A company; `fields` is absent from answers for which none were requested."""

    id: int
    name: str
    domain: str | None
    domains: list[str]
    is_global: bool
    fields: list[Field] | UnsetType = UNSET


class Person(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """A person; `fields` is absent from answers for which none were requested.

    `type` has the values that references to persons use, which include collaborators.
    """

    id: int
    first_name: str | None
    last_name: str | None
    primary_email_address: str | None
    email_addresses: list[str]
    type: str
    fields: list[Field] | UnsetType = UNSET


class Opportunity(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """An opportunity and its links, which API v2 shows only as fields of its list entry."""

    id: int
    name: str
    list_id: int
    person_ids: tuple[int, ...] = ()
    company_ids: tuple[int, ...] = ()
    is_restricted: bool = False
    """Whether its fields are hidden from the key's user."""
    is_redacted: bool = False
    """Whether its name is hidden too."""
    fields: list[Field] | UnsetType = UNSET
    """Present only within a list entry."""


Record = Company | Person | Opportunity


class WorkspaceList(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """A list."""

    id: int
    name: str
    type: Entity
    creator_id: int | None
    owner_id: int
    is_public: bool
    created_at: str | UnsetType = UNSET
    list_size: int | UnsetType = UNSET
    """Ignored, because Affinity's API v2 gives a wrong number."""


class ListEntry(msgspec.Struct, frozen=True):
    """An entry of a list."""

    id: int
    list_id: int
    type: Entity
    created_at: str
    creator_id: int | None
    entity_id: int
    cells: Callable[[], list[Field]]
    """Makes the values of the list's own fields, which costs more than all other properties together."""
    stated: Record | None = None
    """The record as the entry's own line gives it, for a record that the workspace does not have."""


class Note(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A note or, with `parent_id`, a reply; `type` is 0 plain, 1 from an e-mail, 2 HTML, 3 from AI."""

    id: int
    content: str
    created_at: str
    creator_id: int | None = None
    type: int = 0
    person_ids: tuple[int, ...] | UnsetType = UNSET
    """By default the persons that it is about and those of its interaction."""
    associated_person_ids: tuple[int, ...] = ()
    interaction_person_ids: tuple[int, ...] = ()
    interaction_id: int | None = None
    interaction_type: int | None = None
    is_meeting: bool = False
    mentioned_person_ids: tuple[int, ...] = ()
    organization_ids: tuple[int, ...] = ()
    opportunity_ids: tuple[int, ...] = ()
    parent_id: int | None = None
    updated_at: str | None = None
    html: str | UnsetType = UNSET
    """The content as API v2 gives it; by default the plain text in a paragraph."""


class Reminder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A reminder. `type` is 0 once or 1 recurring, `status` 0 completed, 1 active or 2 overdue.

    People and the record that it is about are objects with at least an `id`.
    """

    id: int
    type: int
    created_at: str
    due_date: str
    status: int
    content: str | None = None
    completed_at: str | None = None
    reset_type: int | None = None
    reminder_days: int | None = None
    creator: dict[str, Any] | None = None
    owner: dict[str, Any] | None = None
    completer: dict[str, Any] | None = None
    person: dict[str, Any] | None = None
    organization: dict[str, Any] | None = None
    opportunity: dict[str, Any] | None = None


class File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file of a record; `content` is its text, by default `size` bytes derived from its id."""

    id: int
    name: str
    size: int
    created_at: str
    uploader_id: int | None = None
    person_id: int | None = None
    organization_id: int | None = None
    opportunity_id: int | None = None
    content_type: str | UnsetType = UNSET
    content: str | UnsetType = UNSET


Row = Company | Person | Opportunity | WorkspaceList | ListEntry | Note | Reminder | File
R = TypeVar("R", bound=Row)

ID_LISTS: dict[type[Any], dict[str, Entity]] = {
    Opportunity: {"person_ids": "person", "company_ids": "company"},
    Note: {"associated_person_ids": "person", "organization_ids": "company", "opportunity_ids": "opportunity"},
}

ID_FIELDS: dict[type[Any], dict[str, Entity]] = {
    File: {"person_id": "person", "organization_id": "company", "opportunity_id": "opportunity"},
}

REFERENCES: dict[type[Any], dict[str, Entity]] = {
    Reminder: {"person": "person", "organization": "company", "opportunity": "opportunity"},
}


def links(row: Row) -> Iterator[tuple[Entity, int]]:
    """Yield the records that a row is about, as (entity, id)."""
    if isinstance(row, ListEntry):
        yield row.type, row.entity_id
    for name, entity in ID_LISTS.get(type(row), {}).items():
        for row_id in getattr(row, name):
            yield entity, row_id
    for name, entity in ID_FIELDS.get(type(row), {}).items():
        if (row_id := getattr(row, name)) is not None:
            yield entity, row_id
    for name, entity in REFERENCES.get(type(row), {}).items():
        if (reference := getattr(row, name)) is not None:
            yield entity, reference["id"]


def relinked(row: R, entity: Entity, old: int, new: int) -> R:
    """Return the row with references to the record `old` replaced by `new`."""
    if isinstance(row, ListEntry):
        return msgspec.structs.replace(row, entity_id=new)
    changes: dict[str, Any] = {}
    for name, kind in ID_LISTS.get(type(row), {}).items():
        if kind == entity:
            changes[name] = tuple(dict.fromkeys(new if row_id == old else row_id for row_id in getattr(row, name)))
    for name, kind in ID_FIELDS.get(type(row), {}).items():
        if kind == entity and getattr(row, name) == old:
            changes[name] = new
    for name, kind in REFERENCES.get(type(row), {}).items():
        if kind == entity and (getattr(row, name) or {}).get("id") == old:
            changes[name] = {"id": new}
    return msgspec.structs.replace(row, **changes)


def parse_time(text: str) -> datetime:
    """Parse a time with an offset. Raise `ValueError` for any other text."""
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ValueError(text)
    return time


def now() -> str:
    """Return the current time, in a form that both versions use."""
    return utc_text(datetime.now(UTC))


def utc_text(time: datetime) -> str:
    """Return a time as API v2 writes it."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def pacific_midnight(text: str) -> str:
    """Return a written date as Affinity stores it: midnight Pacific of its day, in UTC. Raise `ValueError` for no date.

    Affinity documents that it has stored dates in this way since 2026.
    """
    given = datetime.fromisoformat(text)
    day = (given if given.tzinfo is None else given.astimezone(UTC)).date()
    return utc_text(datetime(day.year, day.month, day.day, tzinfo=PACIFIC))


def in_utc(text: str) -> str:
    """Return the text as API v2 writes it, if it is a time."""
    try:
        return parse_time(text).astimezone(UTC).isoformat().replace("+00:00", "Z")
    except ValueError:
        return text
