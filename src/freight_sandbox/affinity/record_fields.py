"""API v2: the fields of one record or of one list entry, with their values."""

from collections.abc import Callable, Iterable, Sequence
from typing import Annotated, Any, Literal

import msgspec
from litestar import get, patch, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from freight_sandbox.affinity.errors import AffinityError
from freight_sandbox.affinity.fields import (
    ENTRY_FIELD_TYPES,
    RECORD_FIELD_TYPES,
    entry_fields,
    known_fields,
    record_fields,
    wanted_fields,
)
from freight_sandbox.affinity.paging import FEW, cursor_page
from freight_sandbox.affinity.requests import (
    RESTRICTIONS,
    AnyRequest,
    decode_body,
    entity_of,
    find_entry,
    find_list,
    find_row,
    no_content,
    not_found,
    version_of,
    versioned,
    workspace_of,
)
from freight_sandbox.affinity.rows import Entity, Field, FieldDefinition, ListEntry, Opportunity, Person, Record
from freight_sandbox.affinity.shapes import company_data, person_data
from freight_sandbox.affinity.values import MAX_VALUES, Cell, cell_of, put_value, stored_data
from freight_sandbox.affinity.workspace import Workspace

CAPPED = frozenset({"company-multi", "person-multi"})
"""Types of which the specification of the oldest version allows at most `MAX_VALUES`; it does not limit others."""

ENTRY = "/v2/lists/{list_id:str}/list-entries/{entry_id:str}/fields"
RECORDS = ["/v2/companies/{row_id:str}/fields", "/v2/persons/{row_id:str}/fields"]


class GivenValue(msgspec.Struct, frozen=True):
    """A value with its type, which must match the field's."""

    type: str
    data: Any


class FieldUpdate(msgspec.Struct, frozen=True):
    """The new value of one field."""

    value: GivenValue


class NamedUpdate(msgspec.Struct, frozen=True):
    """The new value of a named field."""

    id: str
    value: GivenValue


class Batch(msgspec.Struct, frozen=True):
    """New values of several fields: either all are written or, if one is refused, none."""

    operation: Literal["update-fields"]
    updates: Annotated[list[NamedUpdate], msgspec.Meta(max_length=100)]


@get("/v2/lists/{list_id:str}/list-entries/{entry_id:str}/fields", sync_to_thread=False)
def list_entry_fields(request: AnyRequest, list_id: FromPath[str], entry_id: FromPath[str]) -> ASGIResponse:
    """List the values of one list entry, of all fields or of some."""
    workspace, version = workspace_of(request), version_of(request)
    row = find_list(workspace, list_id)
    definitions = entry_fields(workspace, row.type, row.id)
    fields = wanted_fields(request, definitions, ENTRY_FIELD_TYPES, ("ids", "types"))
    entry = find_entry(workspace, row, entry_id)
    record = workspace.record_of(entry)
    shown = known_fields(version, definitions) if fields is None else fields
    values = entry_values(workspace, entry, record, shown, version)
    return cursor_page(request, range(len(values)), values.__getitem__, FEW)


@get(f"{ENTRY}/{{field_id:str}}", sync_to_thread=False)
def get_entry_field(
    request: AnyRequest, list_id: FromPath[str], entry_id: FromPath[str], field_id: FromPath[str]
) -> ASGIResponse:
    """Get one field of a list entry."""
    row = EntryFields(request, list_id, entry_id)
    return _one(request, row.definitions, row.values, field_id)


@post(f"{ENTRY}/{{field_id:str}}", status_code=200)
async def update_entry_field(
    request: AnyRequest, list_id: FromPath[str], entry_id: FromPath[str], field_id: FromPath[str]
) -> ASGIResponse:
    """Write one field of a list entry."""
    body = await decode_body(request, FieldUpdate)
    row = EntryFields(request, list_id, entry_id)
    _write(request, row.definitions, row.cell, [NamedUpdate(field_id, body.value)])
    return no_content(request)


@patch(ENTRY, status_code=200)
async def update_entry_fields(request: AnyRequest, list_id: FromPath[str], entry_id: FromPath[str]) -> ASGIResponse:
    """Write several fields of a list entry."""
    body = await decode_body(request, Batch)
    row = EntryFields(request, list_id, entry_id)
    _write(request, row.definitions, row.cell, body.updates)
    return versioned(request, {"operation": body.operation})


@get(RECORDS, sync_to_thread=False)
def list_fields_of_record(request: AnyRequest, row_id: FromPath[str]) -> ASGIResponse:
    """List the values of a company or a person, of all fields or of some."""
    record = RecordFields(request, row_id)
    fields = wanted_fields(request, record.definitions, RECORD_FIELD_TYPES, ("ids", "types"))
    values = record.values(known_fields(version_of(request), record.definitions) if fields is None else fields)
    return cursor_page(request, range(len(values)), values.__getitem__, FEW)


@get([f"{path}/{{field_id:str}}" for path in RECORDS], sync_to_thread=False)
def get_record_field(request: AnyRequest, row_id: FromPath[str], field_id: FromPath[str]) -> ASGIResponse:
    """Get one field of a company or a person."""
    record = RecordFields(request, row_id)
    return _one(request, record.definitions, record.values, field_id)


@post([f"{path}/{{field_id:str}}" for path in RECORDS], status_code=200)
async def update_record_field(request: AnyRequest, row_id: FromPath[str], field_id: FromPath[str]) -> ASGIResponse:
    """Write one field of a company or a person."""
    body = await decode_body(request, FieldUpdate)
    record = RecordFields(request, row_id)
    _write(request, record.definitions, record.cell, [NamedUpdate(field_id, body.value)])
    return no_content(request)


@patch(RECORDS, status_code=200)
async def update_record_fields(request: AnyRequest, row_id: FromPath[str]) -> ASGIResponse:
    """Write several fields of a company or a person."""
    body = await decode_body(request, Batch)
    record = RecordFields(request, row_id)
    _write(request, record.definitions, record.cell, body.updates)
    return versioned(request, {"operation": body.operation})


RECORD_FIELD_OPERATIONS = (
    list_entry_fields,
    get_entry_field,
    update_entry_field,
    update_entry_fields,
    list_fields_of_record,
    get_record_field,
    update_record_field,
    update_record_fields,
)


class EntryFields:
    """The fields of a list entry: the list's own, and those of its record."""

    def __init__(self, request: AnyRequest, list_id: str, entry_id: str) -> None:
        self._workspace, self._version = workspace_of(request), version_of(request)
        row = find_list(self._workspace, list_id)
        self._entry = find_entry(self._workspace, row, entry_id)
        self.definitions = entry_fields(self._workspace, row.type, row.id)

    def values(self, fields: Sequence[FieldDefinition]) -> list[Field]:
        """Return the entry's values of these fields."""
        record = self._workspace.record_of(self._entry)
        return entry_values(self._workspace, self._entry, record, fields, self._version)

    def cell(self, field: FieldDefinition) -> Cell:
        """Return the cell of a field's value. Raise `AffinityError` if it belongs to a record that does not exist."""
        entity, entry_id = self._entry.type, None if field.list_id is None else self._entry.id
        record_id = self._workspace.record_of(self._entry).id
        if entry_id is None:
            find_row(self._workspace.records(entity), str(record_id), entity)
        return cell_of(entity, record_id, entry_id, field.id)


class RecordFields:
    """The fields of a company or a person."""

    def __init__(self, request: AnyRequest, row_id: str) -> None:
        self._workspace, self._version, self._entity = workspace_of(request), version_of(request), entity_of(request)
        self._row = find_row(self._workspace.records(self._entity), row_id, self._entity)
        self.definitions = record_fields(self._workspace, self._entity)

    def values(self, fields: Sequence[FieldDefinition]) -> list[Field]:
        """Return the record's values of these fields."""
        return record_values(self._workspace, self._row, fields, self._version)

    def cell(self, field: FieldDefinition) -> Cell:
        """Return the cell of a field's value."""
        return cell_of(self._entity, self._row.id, None, field.id)


def record_values(workspace: Workspace, record: Record, wanted: Sequence[FieldDefinition], version: str) -> list[Field]:
    """Return the record's values of the wanted fields."""
    values = {field.id: field for field in record.fields or ()}
    for field in wanted:
        if field.id == "lists" and not isinstance(record, Opportunity):
            values["lists"] = field.holding(_lists_with(workspace, record) or None)
    return [_shown(version, values[field.id], restricted=False) for field in wanted if field.id in values]


def entry_values(
    workspace: Workspace, entry: ListEntry, record: Record, wanted: Sequence[FieldDefinition], version: str
) -> list[Field]:
    """Return the values of the wanted fields, of the entry and of its record."""
    values = {field.id: field for field in entry.cells()}
    restricted = False
    if isinstance(record, Opportunity):
        restricted = record.is_restricted
        for field in wanted:
            if field.id in {"persons", "companies"}:
                values[field.id] = field.holding(_linked(workspace, record, field.id) or None)
    own = [_shown(version, values[field.id], restricted=restricted) for field in wanted if field.id in values]
    return [*own, *record_values(workspace, record, [field for field in wanted if field.id not in values], version)]


def _shown(version: str, field: Field, *, restricted: bool) -> Field:
    """Return a field with its value as a version shows it.

    The oldest version gives the first hundred people or companies and all other values. Later ones give the number of
    values and the first hundred of any type; this is known only of their pages of values.
    """
    value = field.value
    if restricted and version >= RESTRICTIONS:
        hidden = msgspec.structs.replace(value, data=None)
        return msgspec.structs.replace(field, type="hidden", value=hidden)
    if not value.type.endswith("-multi") or not isinstance(value.data, list | None):
        return field
    total = len(value.data or ())
    if value.data is not None and (version >= RESTRICTIONS or value.type in CAPPED):
        value = msgspec.structs.replace(value, data=value.data[:MAX_VALUES])
    if version >= RESTRICTIONS:
        value = msgspec.structs.replace(value, total_count=total)
    return msgspec.structs.replace(field, value=value)


def _linked(workspace: Workspace, opportunity: Opportunity, field_id: str) -> list[dict[str, Any]]:
    if field_id == "persons":
        return [person_data(workspace, row_id) for row_id in opportunity.person_ids]
    return [company_data(workspace, row_id) for row_id in opportunity.company_ids]


def _lists_with(workspace: Workspace, record: Record) -> list[dict[str, Any]]:
    entity: Entity = "person" if isinstance(record, Person) else "company"
    list_ids = dict.fromkeys(entry.list_id for entry in workspace.entries_of(entity, record.id))
    return [{"id": list_id, "name": workspace.lists.row(list_id).name} for list_id in list_ids]


def _one(
    request: AnyRequest,
    definitions: Iterable[FieldDefinition],
    values: Callable[[Sequence[FieldDefinition]], list[Field]],
    field_id: str,
) -> ASGIResponse:
    known = known_fields(version_of(request), definitions)
    field = next((field for field in known if field.id == field_id), None)
    if field is None:
        raise not_found(field_id, "field")
    return versioned(request, next(iter(values([field])), field.holding(None)))


def _write(
    request: AnyRequest,
    definitions: Iterable[FieldDefinition],
    cell: Callable[[FieldDefinition], Cell],
    updates: Sequence[NamedUpdate],
) -> None:
    """Write all values or, if one of them cannot be written, none. Raise `AffinityError`."""
    workspace = workspace_of(request)
    known = {field.id: field for field in known_fields(version_of(request), definitions)}
    ready = []
    for update in updates:
        if (field := known.get(update.id)) is None:
            raise AffinityError("validation", f"Field '{update.id}' does not exist.", "id")
        ready.append((cell(field), field, _checked_data(workspace, field, update)))
    for place, field, data in ready:
        put_value(workspace, place, field, data)


def _checked_data(workspace: Workspace, field: FieldDefinition, update: NamedUpdate) -> Any:
    if update.value.type != field.value_type:
        raise AffinityError("validation", f"The field {field.id} is of type {field.value_type}.", "value.type")
    try:
        return stored_data(workspace, field, update.value.data)
    except ValueError as error:
        raise AffinityError("validation", str(error), "value.data") from None
