"""API v2: the fields of one record or of one row of a list are read one by one, and written."""

from collections.abc import Callable, Iterable, Sequence
from typing import Annotated, Any, Literal

import msgspec
from litestar import get, patch, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from freight_sandbox.affinity.cells import Cell, cell_of, put_value
from freight_sandbox.affinity.errors import AffinityError
from freight_sandbox.affinity.given import given
from freight_sandbox.affinity.requests import AnyRequest, absent, entity_of, found, found_list, workspace_of
from freight_sandbox.affinity.rows import Field, FieldDefinition
from freight_sandbox.affinity.v2.activity_writes import no_content
from freight_sandbox.affinity.v2.fields import (
    RECORD_TYPES,
    entry_fields,
    entry_values,
    record_fields,
    record_values,
    wanted_fields,
)
from freight_sandbox.affinity.v2.lists import FEW, entry_on
from freight_sandbox.affinity.v2.paging import page_answer
from freight_sandbox.affinity.v2.versions import known_fields, version_of, versioned
from freight_sandbox.affinity.v2.written_values import held
from freight_sandbox.affinity.workspace import Workspace

ENTRY = "/v2/lists/{list_id:str}/list-entries/{entry_id:str}/fields"
RECORDS = ["/v2/companies/{row_id:str}/fields", "/v2/persons/{row_id:str}/fields"]


class GivenValue(msgspec.Struct, frozen=True):
    """A value with its type, which must be that of the field."""

    type: str
    data: Any


class FieldUpdate(msgspec.Struct, frozen=True):
    """What one field shall hold."""

    value: GivenValue


class NamedUpdate(msgspec.Struct, frozen=True):
    """What a field shall hold."""

    id: str
    value: GivenValue


class Batch(msgspec.Struct, frozen=True):
    """What several fields shall hold: all of them or, if one cannot, none."""

    operation: Literal["update-fields"]
    updates: Annotated[list[NamedUpdate], msgspec.Meta(max_length=100)]


@get(f"{ENTRY}/{{field_id:str}}", sync_to_thread=False)
def get_entry_field(
    request: AnyRequest, list_id: FromPath[str], entry_id: FromPath[str], field_id: FromPath[str]
) -> ASGIResponse:
    """One field of a row of a list."""
    row = EntryFields(request, list_id, entry_id)
    return _one(request, row.definitions, row.values, field_id)


@post(f"{ENTRY}/{{field_id:str}}", status_code=200)
async def update_entry_field(
    request: AnyRequest, list_id: FromPath[str], entry_id: FromPath[str], field_id: FromPath[str]
) -> ASGIResponse:
    """Write one field of a row of a list."""
    body = await given(request, FieldUpdate)
    row = EntryFields(request, list_id, entry_id)
    _write(request, row.definitions, row.cell, [NamedUpdate(field_id, body.value)])
    return no_content(request)


@patch(ENTRY, status_code=200)
async def update_entry_fields(request: AnyRequest, list_id: FromPath[str], entry_id: FromPath[str]) -> ASGIResponse:
    """Write several fields of a row of a list."""
    body = await given(request, Batch)
    row = EntryFields(request, list_id, entry_id)
    _write(request, row.definitions, row.cell, body.updates)
    return versioned(request, {"operation": body.operation})


@get(RECORDS, sync_to_thread=False)
def list_fields_of_record(request: AnyRequest, row_id: FromPath[str]) -> ASGIResponse:
    """A page of the values of a company or a person, of all fields or of some."""
    record = RecordFields(request, row_id)
    fields = wanted_fields(request, record.definitions, RECORD_TYPES, ("ids", "types"))
    values = record.values(known_fields(version_of(request), record.definitions) if fields is None else fields)
    return page_answer(request, range(len(values)), values.__getitem__, FEW)


@get([f"{path}/{{field_id:str}}" for path in RECORDS], sync_to_thread=False)
def get_record_field(request: AnyRequest, row_id: FromPath[str], field_id: FromPath[str]) -> ASGIResponse:
    """One field of a company or a person."""
    record = RecordFields(request, row_id)
    return _one(request, record.definitions, record.values, field_id)


@post([f"{path}/{{field_id:str}}" for path in RECORDS], status_code=200)
async def update_record_field(request: AnyRequest, row_id: FromPath[str], field_id: FromPath[str]) -> ASGIResponse:
    """Write one field of a company or a person."""
    body = await given(request, FieldUpdate)
    record = RecordFields(request, row_id)
    _write(request, record.definitions, record.cell, [NamedUpdate(field_id, body.value)])
    return no_content(request)


@patch(RECORDS, status_code=200)
async def update_record_fields(request: AnyRequest, row_id: FromPath[str]) -> ASGIResponse:
    """Write several fields of a company or a person."""
    body = await given(request, Batch)
    record = RecordFields(request, row_id)
    _write(request, record.definitions, record.cell, body.updates)
    return versioned(request, {"operation": body.operation})


class EntryFields:
    """The fields of a row of a list: the list's own, and those of the record that stands there."""

    def __init__(self, request: AnyRequest, list_id: str, entry_id: str) -> None:
        self._workspace, self._version = workspace_of(request), version_of(request)
        row = found_list(self._workspace, list_id)
        self._entry = entry_on(self._workspace, row, entry_id)
        self.definitions = entry_fields(self._workspace, row.type, row.id)

    def values(self, fields: Sequence[FieldDefinition]) -> list[Field]:
        """What the row holds in some fields."""
        record = self._workspace.record_of(self._entry)
        return entry_values(self._workspace, self._entry, record, fields, self._version)

    def cell(self, field: FieldDefinition) -> Cell:
        """Where a field's value stands. Raises `AffinityError` if that is a record which is not there."""
        entity, entry_id = self._entry.type, None if field.list_id is None else self._entry.id
        record_id = self._workspace.record_of(self._entry).id
        if entry_id is None:
            found(self._workspace.records(entity), str(record_id), entity)
        return cell_of(entity, record_id, entry_id, field.id)


class RecordFields:
    """The fields of a company or a person."""

    def __init__(self, request: AnyRequest, row_id: str) -> None:
        self._workspace, self._version, self._entity = workspace_of(request), version_of(request), entity_of(request)
        self._row = found(self._workspace.records(self._entity), row_id, self._entity)
        self.definitions = record_fields(self._workspace, self._entity)

    def values(self, fields: Sequence[FieldDefinition]) -> list[Field]:
        """What the record holds in some fields."""
        return record_values(self._workspace, self._row, fields, self._version)

    def cell(self, field: FieldDefinition) -> Cell:
        """Where a field's value stands."""
        return cell_of(self._entity, self._row.id, None, field.id)


def _one(
    request: AnyRequest,
    definitions: Iterable[FieldDefinition],
    values: Callable[[Sequence[FieldDefinition]], list[Field]],
    field_id: str,
) -> ASGIResponse:
    known = known_fields(version_of(request), definitions)
    field = next((field for field in known if field.id == field_id), None)
    if field is None:
        raise absent(field_id, "field")
    return versioned(request, next(iter(values([field])), field.holding(None)))


def _write(
    request: AnyRequest,
    definitions: Iterable[FieldDefinition],
    cell: Callable[[FieldDefinition], Cell],
    updates: Sequence[NamedUpdate],
) -> None:
    """Write all values or, if one of them cannot be written, none. Raises `AffinityError`."""
    workspace = workspace_of(request)
    known = {field.id: field for field in known_fields(version_of(request), definitions)}
    ready = []
    for update in updates:
        if (field := known.get(update.id)) is None:
            raise AffinityError("validation", f"Field '{update.id}' does not exist.", "id")
        ready.append((cell(field), field, _held(workspace, field, update)))
    for place, field, data in ready:
        put_value(workspace, place, field, data)


def _held(workspace: Workspace, field: FieldDefinition, update: NamedUpdate) -> Any:
    if update.value.type != field.value_type:
        raise AffinityError("validation", f"The field {field.id} is of type {field.value_type}.", "value.type")
    try:
        return held(workspace, field, update.value.data)
    except ValueError as error:
        raise AffinityError("validation", str(error), "value.data") from None
