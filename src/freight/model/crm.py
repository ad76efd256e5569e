"""The vocabulary of a CRM: vendor-neutral records, no I/O.

A connector that reads turns a vendor's rows into these; a connector that writes turns these into a vendor's rows.
Ids are the source's own, as text.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Literal, get_args

import msgspec

from freight.model.contacts import Part, read_email, read_website
from freight.model.fields import CompanyRef, Field, FieldValues, Location, PersonRef

Entity = Literal["companies", "people", "deals", "lists", "list_entries", "notes", "tasks", "files"]

LOAD_ORDER: tuple[Entity, ...] = get_args(Entity)
"""Entities in the order in which they are written: whatever is referred to comes first."""

UniquePart = Literal["domains", "emails", "parent"]
"""A part of records that a target may allow to only one of them: a company's domains, a person's e-mail addresses, the
place of a record on a list."""

Reference = tuple[Entity, str]
"""A record of the source: its entity and its id."""


class Company(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="entity", tag="companies"):
    """A firm. `domains` are what the source has as its web addresses, as it was typed, the primary one first."""

    id: str
    name: str | None = None
    domains: tuple[str, ...] = ()
    description: str | None = None
    phone_numbers: tuple[str, ...] = ()
    location: Location | None = None
    linkedin: str | None = None
    fields: FieldValues = {}


class Person(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="entity", tag="people"):
    """A person. `emails` are what the source has as e-mail addresses, as it was typed, the primary one first."""

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
    """Whether the person is one of the firm's own, a user of the source."""
    fields: FieldValues = {}


class Deal(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="entity", tag="deals"):
    """An opportunity. Its stage, owner and value are among `fields`, which are those of its list."""

    id: str
    name: str | None = None
    list_id: str | None = None
    """The list that it stands on; None where the key does not show it."""
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
    """How many entries it has, as far as the source says."""


class ListEntry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="entity", tag="list_entries"):
    """A record's place on a list. The same record may stand on a list several times."""

    id: str
    list_id: str
    parent: Reference
    """The record that stands on the list."""
    created_at: datetime | None = None
    fields: FieldValues = {}
    repeated: bool = False
    """Whether the record stands on the list with another entry as well."""


class Reply(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An answer to a note, its content in Markdown or plain text."""

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
    """Whom the note was attached to."""
    company_ids: tuple[str, ...] = ()
    deal_ids: tuple[str, ...] = ()
    participant_ids: tuple[str, ...] = ()
    """Who took part in the meeting, call or e-mail that the note is about."""
    replies: tuple[Reply, ...] = ()
    part_of: str | None = None
    """The id of the note that this is a copy of, for one of its records; None for a note itself."""
    stands_in: bool = True
    """Whether it may go to a participant where nothing that it is attached to is in the target; of the copies of a
    note only the first may."""


class Task(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="entity", tag="tasks"):
    """Something to be done, a reminder."""

    id: str
    content: str | None = None
    due_at: datetime | None = None
    created_at: datetime | None = None
    completed_at: datetime | None = None
    completed: bool = False
    recurrence: str | None = None
    """How it comes back, in words; None where it does not."""
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
    """Return the other source records that this one points to, each once; the firm's own people are none."""
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
    """Return the ids of people of whom a draft must know who they are, the firm's own included.

    They are those whose names are part of the text of a note, and those who stand on a list.
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
    """Return the id of the copy of a note that is for one of its records. Ledgers and targets hold such ids."""
    return "/".join((note_id, *link))


def note_ids(note: Note) -> tuple[str, ...]:
    """Return the ids under which a note may be known: its own, and those of its copies, whichever way jobs write
    notes."""
    links: list[Reference] = [
        *(("deals", id_) for id_ in note.deal_ids),
        *(("companies", id_) for id_ in note.company_ids),
        *(("people", id_) for id_ in note.person_ids),
    ]
    id_ = note.part_of or note.id
    return (id_, *(copy_id(id_, link) for link in links))


def claims(record: Record, unique: Mapping[Entity, UniquePart]) -> tuple[str, ...]:
    """Return what the record has of the parts that are unique in the target, each value in its canonical form.

    A place on a list goes to the first of a record's entries there. A text that is no usable address claims nothing,
    and neither do the firm's own people, who are not migrated.
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
    """Return the record without those of its claims, given as `claims` writes them, that another one holds."""
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
        # A page stands in the text of its address as well.
        kept += [text] if len(left) == len(parts) else [part.text for part in left if part.kind != "page"]
    return tuple(kept)
