"""The vocabulary of a CRM: vendor-neutral records, no I/O.

A source turns a vendor's rows into these; a target turns these into a vendor's rows. Ids are the source's own, as text.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Literal, get_args

import msgspec

from freight.model.contacts import Part, read_email, read_website
from freight.model.fields import CompanyRef, Field, FieldValues, Location, PersonRef

Entity = Literal["companies", "people", "deals", "lists", "list_entries", "notes", "tasks", "files"]

LOAD_ORDER: tuple[Entity, ...] = get_args(Entity)
"""Entities in the order in which they are written: those that others refer to come first."""

UniquePart = Literal["domains", "emails", "parent"]
"""A value that a target may allow in one record only: a company's domains, a person's e-mail addresses, the place of a
record on a list."""

Reference = tuple[Entity, str]
"""A record of the source: its entity and its id."""


class Company(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="entity", tag="companies"):
    """A firm. `domains` are its web addresses as typed in the source, the primary one first."""

    id: str
    name: str | None = None
    domains: tuple[str, ...] = ()
    description: str | None = None
    phone_numbers: tuple[str, ...] = ()
    location: Location | None = None
    linkedin: str | None = None
    fields: FieldValues = {}


class Person(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="entity", tag="people"):
    """A person. `emails` are e-mail addresses as typed in the source, the primary one first."""

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
    internal: bool = False
    """Whether the person is an internal user, that is, a user of the source."""
    fields: FieldValues = {}


class Deal(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="entity", tag="deals"):
    """An opportunity. Its stage, owner and value are among `fields`, which are those of its list."""

    id: str
    name: str | None = None
    list_id: str | None = None
    """The list that it is on; None if the key has no access to it."""
    person_ids: tuple[str, ...] = ()
    company_ids: tuple[str, ...] = ()
    fields: FieldValues = {}


class List(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="entity", tag="lists"):
    """A list of companies, of people or of deals, with fields of its own."""

    id: str
    name: str
    of: Literal["companies", "people", "deals"]
    fields: tuple[Field, ...] = ()
    size: int | None = None
    """The number of entries, if the source gives it."""


class ListEntry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="entity", tag="list_entries"):
    """A record's entry on a list. A list can have several entries of one record."""

    id: str
    list_id: str
    parent: Reference
    """The record that is on the list."""
    created_at: datetime | None = None
    fields: FieldValues = {}
    repeated: bool = False
    """Whether the list has another entry of the same record."""


class Reply(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A reply to a note, its content in Markdown or plain text."""

    id: str
    content: str
    is_markdown: bool = False
    author_id: str | None = None
    created_at: datetime | None = None


class Note(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="entity", tag="notes"):
    """A note, its content in Markdown or plain text. `replies` are in the order in which they were written."""

    id: str
    content: str
    is_markdown: bool = False
    author_id: str | None = None
    created_at: datetime | None = None
    person_ids: tuple[str, ...] = ()
    """The people that the note was attached to."""
    company_ids: tuple[str, ...] = ()
    deal_ids: tuple[str, ...] = ()
    participant_ids: tuple[str, ...] = ()
    """The participants of the meeting, call or e-mail that the note is about."""
    replies: tuple[Reply, ...] = ()
    part_of: str | None = None
    """The id of the note that this is a copy of, for one of its records; None for a note itself."""
    stands_in: bool = True
    """Whether it can be attached to a participant if nothing that it is attached to is in the target; of the copies of
    a note, only the first can."""


class Task(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="entity", tag="tasks"):
    """A task or reminder."""

    id: str
    content: str | None = None
    due_at: datetime | None = None
    created_at: datetime | None = None
    completed_at: datetime | None = None
    completed: bool = False
    recurrence: str | None = None
    """How it recurs, in words; None if it does not."""
    owner: PersonRef | None = None
    creator: PersonRef | None = None
    person_id: str | None = None
    company_id: str | None = None
    deal_id: str | None = None


class File(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="entity", tag="files"):
    """A file that was attached to a record; `size` is in bytes."""

    id: str
    name: str
    size: int | None = None
    content_type: str | None = None
    uploader_id: str | None = None
    created_at: datetime | None = None
    person_id: str | None = None
    company_id: str | None = None
    deal_id: str | None = None


Record = Company | Person | Deal | List | ListEntry | Note | Task | File

ENTITIES: dict[type[Record], Entity] = {
    Company: "companies",
    Person: "people",
    Deal: "deals",
    List: "lists",
    ListEntry: "list_entries",
    Note: "notes",
    Task: "tasks",
    File: "files",
}


def entity_of(record: Record) -> Entity:
    """Return the entity that a record belongs to."""
    return ENTITIES[type(record)]


def references(record: Record) -> tuple[Reference, ...]:
    """Return the other source records that this one points to, each once, without internal users."""
    found: list[Reference] = []
    match record:
        case Person(company_id=str(company_id)):
            found.append(("companies", company_id))
        case Deal() | Note():
            found += [("companies", id_) for id_ in record.company_ids]
            found += [("people", id_) for id_ in record.person_ids]
            if isinstance(record, Note):
                found += [("people", id_) for id_ in record.participant_ids]
                found += [("deals", id_) for id_ in record.deal_ids]
            elif record.list_id is not None:
                found.append(("lists", record.list_id))
        case ListEntry():
            found += [("lists", record.list_id), record.parent]
        case Task() | File():
            given = (("companies", record.company_id), ("people", record.person_id), ("deals", record.deal_id))
            found += [(entity, id_) for entity, id_ in given if id_ is not None]  # type: ignore[misc]
        case _:
            pass
    if isinstance(record, Company | Person | Deal | ListEntry):
        found += field_references(record.fields)
    return tuple(dict.fromkeys(found))


def field_references(fields: FieldValues) -> list[Reference]:
    """Return the source records that the values of fields point to."""
    found: list[Reference] = []
    for value in (value for values in fields.values() for value in values):
        match value:
            case PersonRef(internal=False):
                found.append(("people", value.id))
            case CompanyRef():
                found.append(("companies", value.id))
            case _:
                pass
    return found


def people_named(record: Record) -> tuple[str, ...]:
    """Return the ids of people whose names or kinds a draft needs, internal users included.

    These are the people named in the text of a note, and those on a list.
    """
    match record:
        case ListEntry(parent=("people", id_)):
            return (id_,)
        case Note():
            authors = [record.author_id, *(reply.author_id for reply in record.replies)]
            return tuple(dict.fromkeys(id_ for id_ in [*authors, *record.person_ids, *record.participant_ids] if id_))
        case _:
            return ()


def note_of(source_id: str) -> str:
    """Return the id of the note that an id stands for: its own, or that of a copy, as `copy_id` composes it."""
    return source_id.partition("/")[0]


def copy_id(note_id: str, link: Reference) -> str:
    """Return the id of the copy of a note for one of its records. Ledgers and targets contain such ids."""
    return "/".join((note_id, *link))


def note_ids(note: Note) -> tuple[str, ...]:
    """Return the ids under which a note can be known: its own, and those of its copies, however jobs write notes."""
    links: list[Reference] = [
        *(("deals", id_) for id_ in note.deal_ids),
        *(("companies", id_) for id_ in note.company_ids),
        *(("people", id_) for id_ in note.person_ids),
    ]
    id_ = note.part_of or note.id
    return (id_, *(copy_id(id_, link) for link in links))


def claims(record: Record, unique: Mapping[Entity, UniquePart]) -> tuple[str, ...]:
    """Return the record's values that must be unique in the target, in canonical form.

    A place on a list goes to the first of a record's entries there. An unusable address claims nothing, and neither do
    internal users, who are not migrated.
    """
    part = unique.get(entity_of(record))
    match record:
        case Company() | Person(internal=False) if part in ("domains", "emails"):
            parts = [part for text in _addresses(record) for part in _read(record, text)]
            return tuple(dict.fromkeys(part.value for part in parts if part.kind == "address" and part.value))
        case ListEntry() if part == "parent":
            return ("/".join((record.list_id, *record.parent)),)
        case _:
            return ()


def without_claims(record: Record, lost: Collection[str]) -> Record:
    """Return the record without those values, in the form of `claims`, that another record holds."""
    if not lost:
        return record
    match record:
        case Company():
            return msgspec.structs.replace(record, domains=_without(record, lost))
        case Person():
            return msgspec.structs.replace(record, emails=_without(record, lost))
        case ListEntry():
            return msgspec.structs.replace(record, repeated=True)
        case _:
            return record


def _addresses(record: Company | Person) -> tuple[str, ...]:
    return record.domains if isinstance(record, Company) else record.emails


def _read(record: Company | Person, text: str) -> tuple[Part, ...]:
    return read_website(text, record.name) if isinstance(record, Company) else read_email(text)


def _without(record: Company | Person, lost: Collection[str]) -> tuple[str, ...]:
    """Return the texts with addresses, without those that are lost."""
    kept: list[str] = []
    for text in _addresses(record):
        parts = _read(record, text)
        left = [part for part in parts if part.kind != "address" or part.value not in lost]
        # The text of an address includes its page.
        kept += [text] if len(left) == len(parts) else [part.text for part in left if part.kind != "page"]
    return tuple(kept)
