"""An Affinity workspace from a folder of JSON Lines files, one per collection."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from freight_sandbox.affinity.collection import StoredRows
from freight_sandbox.affinity.rows import (
    Company,
    DropdownOption,
    Entity,
    Field,
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
)
from freight_sandbox.affinity.workspace import Contents, Workspace

T = TypeVar("T")


class WorkspaceFileError(Exception):
    """A file of the workspace folder cannot be used; the message names file and line."""


class EntryLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel", tag_field="type"):
    """A list entry in the form of API v2: the values of the list's own fields are within the entity, by their type."""

    id: int
    list_id: int
    created_at: str
    creator_id: int | None


class CompanyEntry(EntryLine, frozen=True, tag="company"):
    """A company on a list."""

    entity: Company


class PersonEntry(EntryLine, frozen=True, tag="person"):
    """A person on a list."""

    entity: Person


class OpportunityEntry(EntryLine, frozen=True, tag="opportunity"):
    """An opportunity on its list."""

    entity: Opportunity


def _entry(line: CompanyEntry | PersonEntry | OpportunityEntry) -> ListEntry:
    cells = [field for field in line.entity.fields or () if field.type == "list" and field.id not in ASSOCIATIONS]
    return ListEntry(
        id=line.id,
        list_id=line.list_id,
        type=ENTRY_TYPES[type(line)],
        created_at=line.created_at,
        creator_id=line.creator_id,
        entity_id=line.entity.id,
        cells=partial(list, cells),
        stated=line.entity,
    )


def _same(row: Row) -> Row:
    return row


ASSOCIATIONS = frozenset({"persons", "companies"})

ENTRY_TYPES: dict[type[EntryLine], Entity] = {
    CompanyEntry: "company",
    PersonEntry: "person",
    OpportunityEntry: "opportunity",
}

SHAPES: dict[str, tuple[Any, Callable[[Any], Row]]] = {
    "companies": (Company, _same),
    "persons": (Person, _same),
    "opportunities": (Opportunity, _same),
    "lists": (WorkspaceList, _same),
    "list_entries": (CompanyEntry | PersonEntry | OpportunityEntry, _entry),
    "notes": (Note, _same),
    "reminders": (Reminder, _same),
    "files": (File, _same),
}
"""The type of a line of a collection's file, and the function that makes a row of it."""


def load_workspace(folder: Path) -> Workspace:
    """Read `companies.jsonl`, `persons.jsonl` and the other collections, and the fields from `fields.jsonl`.

    A missing file counts as empty; without `fields.jsonl` the fields are derived from the values of the rows. Raise
    `WorkspaceFileError`.
    """
    if not folder.is_dir():
        raise WorkspaceFileError(f"{folder} is not a folder. Name one that holds companies.jsonl and persons.jsonl.")
    if not any((folder / f"{name}.jsonl").exists() for name in SHAPES):
        raise WorkspaceFileError(f"{folder} holds neither companies.jsonl nor persons.jsonl nor any other collection.")
    rows: dict[str, Any] = {name: _rows(folder / f"{name}.jsonl", name) for name in SHAPES}
    fields = [field for _, field in _lines(folder / "fields.jsonl", FieldDefinition)]
    return Workspace(
        Contents(
            **{name: StoredRows(found) for name, found in rows.items()},
            users=[row.id for row in rows["persons"].values() if row.type == "internal"],
            fields=fields or _derive_fields(rows),
        )
    )


def read_row(collection: str, line: bytes) -> Row:
    """Return a row of a collection from its line. Raise `msgspec.DecodeError`."""
    shape, convert = SHAPES[collection]
    return convert(msgspec.json.decode(line, type=shape))


def _rows(path: Path, collection: str) -> dict[int, Row]:
    shape, convert = SHAPES[collection]
    rows: dict[int, Row] = {}
    for number, line in _lines(path, shape):
        row = convert(line)
        if row.id in rows:
            raise WorkspaceFileError(f"{path}, line {number}: the id {row.id} is also on an earlier line.")
        rows[row.id] = row
    return rows


def _lines(path: Path, shape: type[T]) -> Iterator[tuple[int, T]]:
    if not path.exists():
        return
    decoder = msgspec.json.Decoder(shape)
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                yield number, decoder.decode(line)
            except msgspec.DecodeError as error:
                raise WorkspaceFileError(f"{path}, line {number}: {error}.") from error


def _derive_fields(rows: Mapping[str, Mapping[int, Any]]) -> list[FieldDefinition]:
    """Return the fields that have values, with the options that are in use."""
    fields: dict[tuple[Entity, int | None, str], Field] = {}
    options: dict[tuple[Entity, int | None, str], dict[int, DropdownOption]] = {}
    for entity, list_id, field in _values(rows):
        key = (entity, list_id, field.id)
        fields.setdefault(key, field)
        for option in _options(field):
            options.setdefault(key, {}).setdefault(option.id, option)
    return [
        FieldDefinition(
            entity=key[0],
            list_id=key[1],
            id=field.id,
            name=field.name,
            type=field.type,
            enrichment_source=field.enrichment_source,
            value_type=field.value.type,
            dropdown_options=tuple(options.get(key, {}).values()),
        )
        for key, field in fields.items()
    ]


def _values(rows: Mapping[str, Mapping[int, Any]]) -> Iterator[tuple[Entity, int | None, Field]]:
    records: tuple[tuple[Entity, Iterable[Record]], ...] = (
        ("company", rows["companies"].values()),
        ("person", rows["persons"].values()),
    )
    for entity, found in records:
        for record in found:
            for field in record.fields or ():
                yield entity, None, field
    for entry in rows["list_entries"].values():
        for field in entry.cells():
            yield entry.type, entry.list_id, field


def _options(field: Field) -> Iterator[DropdownOption]:
    if "dropdown" not in field.value.type:
        return
    data = field.value.data or []
    for chosen in data if isinstance(data, list) else [data]:
        if isinstance(chosen, dict) and "dropdownOptionId" in chosen:
            rank, color = chosen.get("rank"), chosen.get("color")
            yield DropdownOption(chosen["dropdownOptionId"], chosen.get("text", ""), rank, color)
