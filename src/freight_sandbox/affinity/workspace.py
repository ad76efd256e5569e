"""One simulated Affinity workspace: its collections, its fields, and the relations between them."""

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from freight_sandbox.affinity.collection import Collection, Gone, Source, StoredRows
from freight_sandbox.affinity.rows import (
    Company,
    Entity,
    FieldDefinition,
    File,
    ListEntry,
    Note,
    Opportunity,
    Person,
    Record,
    Reminder,
    Row,
    WorkspaceList,
    links,
    relinked,
)

COLLECTIONS: dict[Entity, str] = {"company": "companies", "person": "persons", "opportunity": "opportunities"}
ENTITIES = {name: entity for entity, name in COLLECTIONS.items()}
CURRENT_ORGANIZATION = "affinity-data-current-organization"


class Contents(msgspec.Struct, frozen=True, kw_only=True):
    """The initial contents of a workspace."""

    companies: Source[Company]
    persons: Source[Person]
    users: Sequence[int]
    """Ids of the internal persons."""
    opportunities: Source[Opportunity] = StoredRows[Opportunity]({})
    lists: Source[WorkspaceList] = StoredRows[WorkspaceList]({})
    list_entries: Source[ListEntry] = StoredRows[ListEntry]({})
    notes: Source[Note] = StoredRows[Note]({})
    reminders: Source[Reminder] = StoredRows[Reminder]({})
    files: Source[File] = StoredRows[File]({})
    fields: Sequence[FieldDefinition]


class Workspace:
    """One tenant's data. Its id is new on every start, because the data's history is new too."""

    def __init__(self, contents: Contents) -> None:
        self.tenant_id = 1 + secrets.randbelow(2**40)
        self.tenant_name = "Sandbox Ventures"
        self.subdomain = "sandbox-ventures"
        self.companies = Collection(contents.companies)
        self.persons = Collection(contents.persons)
        self.opportunities = Collection(contents.opportunities)
        self.lists = Collection(contents.lists)
        self.list_entries = Collection(contents.list_entries)
        self.notes = Collection(contents.notes)
        self.reminders = Collection(contents.reminders)
        self.files = Collection(contents.files)
        self.collections: Mapping[str, Collection[Any]] = {
            "companies": self.companies,
            "persons": self.persons,
            "opportunities": self.opportunities,
            "lists": self.lists,
            "list_entries": self.list_entries,
            "notes": self.notes,
            "reminders": self.reminders,
            "files": self.files,
        }
        self._memberships: set[tuple[int, int]] = set()
        self._users = set(contents.users)
        self._fields = {(field.entity, field.list_id, field.id): field for field in contents.fields}
        self._field_ids = {field.id for field in contents.fields}
        self._frozen_fields: list[FieldDefinition] | None = None
        self.oddities: dict[tuple[str, int], dict[str, Any]] = {}
        """Values that rows show in the pages of collections instead of their own, by the collection's path and the
        row's id.
        """
        self.user = self._first_user()

    @property
    def users(self) -> list[int]:
        """The ids of the internal users, which are the internal persons."""
        return sorted(row_id for row_id in self._users if row_id in self.persons)

    @property
    def all_fields(self) -> list[FieldDefinition]:
        """Every field, of every entity and list."""
        return list(self._fields.values())

    @property
    def fields_of_version_1(self) -> list[FieldDefinition]:
        """Every field as API v1 shows it, which may be minutes behind."""
        return self.all_fields if self._frozen_fields is None else self._frozen_fields

    def records(self, entity: Entity) -> Collection[Any]:
        """Return the collection of this kind of record."""
        return self.collections[COLLECTIONS[entity]]

    def fields(self, entity: Entity, list_id: int | None = None) -> list[FieldDefinition]:
        """Return the fields of all records of an entity, or those that one list adds."""
        return [field for field in self._fields.values() if (field.entity, field.list_id) == (entity, list_id)]

    def put_field(self, field: FieldDefinition) -> None:
        """Add or change a field."""
        self._fields[field.entity, field.list_id, field.id] = field
        self._field_ids.add(field.id)

    def new_field_id(self) -> str:
        """Return an id that no field has or had, because records may still hold values of a deleted field."""
        numbers = (field_id.removeprefix("field-") for field_id in self._field_ids)
        return f"field-{1 + max((int(number) for number in numbers if number.isdecimal()), default=0)}"

    def delete_field(self, field_id: str) -> None:
        """Delete a field from every entity that has it. Raise `Gone` if none has."""
        found = [key for key in self._fields if key[2] == field_id]
        if not found:
            raise Gone
        for key in found:
            del self._fields[key]

    def put(self, collection: str, row: Row) -> None:
        """Add or replace a row of a collection."""
        self.collections[collection].put(row)
        if isinstance(row, Person):
            (self._users.add if row.type == "internal" else self._users.discard)(row.id)

    def delete(self, collection: str, row_id: int) -> None:
        """Delete a row and everything that depends on it. Raise `Gone` or `Merged`.

        Affinity documents that an opportunity is deleted with its list or its entry; the entries of a record are
        deleted with it.
        """
        row = self.collections[collection].row(row_id)
        self.collections[collection].delete([row_id])
        match row:
            case Company() | Person() | Opportunity():
                entity = ENTITIES[collection]
                self.list_entries.delete(self.list_entries.by(links).get((entity, row_id), ()))
            case WorkspaceList():
                self.opportunities.delete(self.opportunities.by(list_of).get(row_id, ()))
                self.list_entries.delete(self.entries_in(row_id))
            case ListEntry(type="opportunity"):
                self.opportunities.delete([row.entity_id])

    def merge(self, entity: Entity, row_id: int, into: int) -> None:
        """Merge a record into another, which takes over its entries, notes, files and other links.

        Raise `Gone` or `Merged` if one of them does not exist.
        """
        self.records(entity).merge(row_id, into)
        self._memberships = {
            (
                into if (entity, row_id) == ("person", person_id) else person_id,
                into if (entity, row_id) == ("company", company_id) else company_id,
            )
            for person_id, company_id in self._memberships
        }
        for name in ("opportunities", "list_entries", "notes", "reminders", "files"):
            self._move_links(self.collections[name], entity, row_id, into)

    def hide_list(self, list_id: int) -> None:
        """Hide a list from the key, with its entries and the opportunities on it. Raise `Gone` if it does not exist."""
        self.lists.row(list_id)
        self.opportunities.hide(self.opportunities.by(list_of).get(list_id, ()))
        self.list_entries.hide(self.entries_in(list_id))
        self.lists.hide([list_id])

    def hides_list(self, list_id: int) -> bool:
        """Return whether a list with this id exists and is hidden from the key."""
        if list_id in self.lists:
            return False
        return self.lists.is_hidden(list_id) or list_id in self.opportunities.by(list_of)

    def freeze_fields(self) -> None:
        """Freeze the fields that API v1 shows, whatever changes."""
        self._frozen_fields = self.all_fields

    def thaw_fields(self) -> None:
        """Let API v1 show the current fields."""
        self._frozen_fields = None

    def entries_in(self, list_id: int) -> Sequence[int]:
        """Return the ids of a list's entries."""
        return self.list_entries.by(list_of).get(list_id, ())

    def entries_of(self, entity: Entity, record_id: int) -> list[ListEntry]:
        """Return the entries of a record, on lists that the key has access to."""
        entries = (self.list_entries.row(row_id) for row_id in self.list_entries.by(links).get((entity, record_id), ()))
        return [entry for entry in entries if entry.list_id in self.lists]

    def record_of(self, entry: ListEntry) -> Record:
        """Return the current record of an entry, or the one that the entry contains if the workspace has none."""
        records = self.records(entry.type)
        try:
            record: Record = records.row(records.survivor(entry.entity_id))
        except Gone:
            if entry.stated is None:
                raise
            return entry.stated
        return record

    def visible_opportunities(self) -> list[int]:
        """Return the ids of the opportunities on lists that the key has access to; only API v1 shows the others."""
        found = self.opportunities.by(list_of)
        return sorted(row_id for list_id, row_ids in found.items() if list_id in self.lists for row_id in row_ids)

    def staff_of(self, company_id: int) -> list[int]:
        """Return the ids of the people whose current organization this is, or whom a client linked with it."""
        linked = {person_id for person_id, linked_id in self._memberships if linked_id == company_id}
        employed = self.persons.by(employer_of).get(company_id, ())
        return sorted({*employed, *(row_id for row_id in linked if row_id in self.persons)})

    def organizations_of(self, person: Person) -> list[int]:
        """Return the ids of the person's current organization and of those that a client linked."""
        linked = {company_id for person_id, company_id in self._memberships if person_id == person.id}
        return sorted({*employer_of(person), *(row_id for row_id in linked if row_id in self.companies)})

    def link_person(self, person_id: int, company_ids: Sequence[int]) -> None:
        """Replace the companies that a person is linked with."""
        others = {pair for pair in self._memberships if pair[0] != person_id}
        self._memberships = others | {(person_id, company_id) for company_id in company_ids}

    def link_company(self, company_id: int, person_ids: Sequence[int]) -> None:
        """Replace the people that a company is linked with."""
        others = {pair for pair in self._memberships if pair[1] != company_id}
        self._memberships = others | {(person_id, company_id) for person_id in person_ids}

    def roots(self) -> Sequence[int]:
        """Return the ids of the notes that are not replies."""
        return self.notes.by(parent_of).get(0, ())

    def replies_to(self, note_id: int) -> Sequence[int]:
        """Return the ids of a note's replies."""
        return self.notes.by(parent_of).get(note_id, ())

    def _move_links(self, collection: Collection[Any], entity: Entity, row_id: int, into: int) -> None:
        for linked in collection.by(links).get((entity, row_id), ()):
            collection.put(relinked(collection.row(linked), entity, row_id, into))

    def _first_user(self) -> Person:
        """Return the owner of the key."""
        if self._users:
            return self.persons.row(min(self._users))
        email = "admin@sandbox-ventures.example.com"
        return Person(1, "Sandbox", "Admin", email, [email], "internal")


def list_of(row: Opportunity | ListEntry) -> tuple[int]:
    """Return the id of the list that the row is on."""
    return (row.list_id,)


def parent_of(note: Note) -> tuple[int]:
    """Return the id of the note that this one replies to, or 0."""
    return (note.parent_id or 0,)


def employer_of(person: Person) -> tuple[int, ...]:
    """Return the id of the company in the person's field for the current one."""
    data = value_of(person, CURRENT_ORGANIZATION)
    return (data["id"],) if data else ()


def value_of(record: Record, field_id: str) -> Any:
    """Return what a record holds in a field, or None."""
    return next((field.value.data for field in record.fields or () if field.id == field_id), None)
