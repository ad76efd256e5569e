"""Affinity's rows: as its API v2 gives them where it gives them whole, else as API v1 does.

Times stay the text that they came as. What real workspaces hold is not checked: addresses, domains and value types are
whatever stands there.
"""

from collections.abc import Callable
from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

Entity = Literal["company", "person", "opportunity"]
"""What a list can hold and a field can belong to."""


class Value(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """A field's value. `type` is left open, because Affinity adds types; an empty multi-value is None."""

    type: str
    data: Any
    total_count: int | UnsetType = UNSET
    """Of a multi-value, of which at most 100 are given; the oldest version does not tell it."""


class Field(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """A field with its value on one record."""

    id: str
    name: str
    type: str
    enrichment_source: str | None
    value: Value


class DropdownOption(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A choice of a dropdown field; only ranked ones have a rank and a colour, which v2 names and v1 numbers."""

    id: int
    text: str
    rank: int | None = None
    color: str | int | None = None


class FieldDefinition(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """A field of an entity, or of one list if it has a `list_id`. It is a line of `fields.jsonl`, too."""

    entity: Entity
    id: str
    name: str
    type: str
    enrichment_source: str | None
    value_type: str
    list_id: int | None = None
    allows_multiple: bool | None = None
    """None is what the value type says."""
    dropdown_options: tuple[DropdownOption, ...] = ()
    is_managed: bool = False
    """Whether only administrators make options of the dropdown; API v1 has a value type of its own for these."""

    @property
    def multiple(self) -> bool:
        """Whether it takes several values."""
        return self.value_type.endswith("-multi") if self.allows_multiple is None else self.allows_multiple

    def holding(self, data: Any) -> Field:
        """The field with a value."""
        return Field(self.id, self.name, self.type, self.enrichment_source, Value(self.value_type, data))


class Company(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """A company; `fields` is absent from answers that were not asked for any."""

    id: int
    name: str
    domain: str | None
    domains: list[str]
    is_global: bool
    fields: list[Field] | UnsetType = UNSET


class Person(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """A person; `fields` is absent from answers that were not asked for any. `type` is that of values, which know
    collaborators."""

    id: int
    first_name: str | None
    last_name: str | None
    primary_email_address: str | None
    email_addresses: list[str]
    type: str
    fields: list[Field] | UnsetType = UNSET


class Opportunity(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """An opportunity and what it is linked to, which v2 shows only as fields of its list entry."""

    id: int
    name: str
    list_id: int
    person_ids: tuple[int, ...] = ()
    company_ids: tuple[int, ...] = ()
    is_restricted: bool = False
    """Its fields are hidden from the key's user."""
    is_redacted: bool = False
    """So is its name."""
    fields: list[Field] | UnsetType = UNSET
    """Only within a list entry."""


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
    """Read and not believed: Affinity's v2 gives it wrong."""


class ListEntry(msgspec.Struct, frozen=True):
    """A row of a list."""

    id: int
    list_id: int
    type: Entity
    created_at: str
    creator_id: int | None
    entity_id: int
    cells: Callable[[], list[Field]]
    """Makes the values of the list's own fields, which costs more than everything else here together."""
    stated: Record | None = None
    """The entity as the row itself told it, for one that the workspace does not know."""


class Note(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A note or, with `parent_id`, a reply; `type` is 0 plain, 1 from an e-mail, 2 HTML, 3 from AI."""

    id: int
    content: str
    created_at: str
    creator_id: int | None = None
    type: int = 0
    person_ids: tuple[int, ...] | UnsetType = UNSET
    """By default those that it is about and those of its interaction."""
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
    """The content as v2 gives it; by default the plain text in a paragraph."""


class Reminder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A reminder. `type` is 0 once or 1 recurring, `status` 0 completed, 1 active or 2 overdue.

    People and what it is about are objects with at least an `id`.
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
    """A file of a record; `content` is its text, by default `size` bytes that follow from its id."""

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
