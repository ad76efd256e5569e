"""API v1: the values of fields, each a row with its own id."""

from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any

import msgspec
from litestar import delete, get, post, put
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from freight_sandbox.affinity.collection import Gone, Merged
from freight_sandbox.affinity.errors import RefusedByVersion1
from freight_sandbox.affinity.fields import OWN_TYPES, VALUE_CODES, base_type, color_number, field_number
from freight_sandbox.affinity.requests import (
    OWNERS,
    SUCCESS,
    AnyRequest,
    decode_body,
    find_row,
    not_found,
    positive_integer,
    refused,
    workspace_of,
)
from freight_sandbox.affinity.rows import DropdownOption, Entity, Field, FieldDefinition, ListEntry
from freight_sandbox.affinity.shapes import ENTITY_CODES
from freight_sandbox.affinity.values import Cell, cell_of, field_in, kind_of, put_value, stored_item, takes_several
from freight_sandbox.affinity.workspace import ENTITIES, Workspace
from freight_sandbox.control import answer

FIRST_ID = 4_000_000_001

LOCATION_WORDS = {
    "streetAddress": "street_address",
    "city": "city",
    "state": "state",
    "country": "country",
    "continent": "continent",
}


class NewValue(msgspec.Struct, frozen=True):
    """A value to be written into a field of a record or, where the field belongs to a list, of an entry."""

    field_id: int
    entity_id: int
    value: Any
    list_entry_id: int | None = None


class ChangedValue(msgspec.Struct, frozen=True):
    """The new content of a value."""

    value: Any


class ValueIds:
    """The ids of the values that clients have seen. They stay the same when a value of the cell changes."""

    def __init__(self) -> None:
        self._unused = count(FIRST_ID)
        self._ids: dict[Cell, list[int]] = {}
        self._cells: dict[int, Cell] = {}

    def of(self, cell: Cell, number: int) -> Sequence[int]:
        """Return the ids of the values of a cell that has this many."""
        ids = self._ids.setdefault(cell, [])
        del ids[number:]
        while len(ids) < number:
            ids.append(next(self._unused))
            self._cells[ids[-1]] = cell
        return ids

    def place(self, value_id: int) -> tuple[Cell, int]:
        """Return the cell of a value and its position there. Raise `Gone` for an unknown value."""
        cell = self._cells.get(value_id)
        if cell is None or value_id not in self._ids[cell]:
            raise Gone
        return cell, self._ids[cell].index(value_id)

    def forget(self, value_id: int) -> None:
        """Remove a value's id, so that no other value of its cell gets it."""
        self._ids[self._cells.pop(value_id)].remove(value_id)


@get("/field-values", sync_to_thread=False)
def list_values(request: AnyRequest) -> ASGIResponse:
    """List the values of one record, including those on lists, or of one entry. Exactly one id is accepted."""
    given = [name for name in (*OWNERS, "list_entry_id") if name in request.query_params]
    if len(given) != 1 or not request.query_params[given[0]].isdecimal():
        raise RefusedByVersion1("Exactly one of person_id, organization_id, opportunity_id, list_entry_id is needed")
    name, workspace, ids = given[0], workspace_of(request), _value_ids(request)
    text = request.query_params[name]
    if name == "list_entry_id":
        return answer(list(_entry_values(ids, find_row(workspace.list_entries, text, "listEntry"))))
    row = find_row(workspace.records(OWNERS[name]), text, OWNERS[name])
    return answer(list(_record_values(ids, workspace, OWNERS[name], row.id)))


@post("/field-values", status_code=200)
async def create_value(request: AnyRequest) -> ASGIResponse:
    """Add a value to a field, or replace the value of a field that takes only one."""
    body = await decode_body(request, NewValue)
    workspace = workspace_of(request)
    own = (field for field in workspace.all_fields if field.type in OWN_TYPES)
    definition = next((field for field in own if field_number(field.id) == body.field_id), None)
    if definition is None:
        raise not_found(str(body.field_id), "field")
    cell = _cell(request, definition, body)
    values = _values(workspace, cell) if takes_several(definition) else []
    values.append(_item(request, definition, body.value))
    _put(workspace, cell, definition, values)
    return answer(_rows_of_cell(request, cell)[len(values) - 1])


@put("/field-values/{value_id:str}")
async def update_value(request: AnyRequest, value_id: FromPath[str]) -> ASGIResponse:
    """Replace one value."""
    body = await decode_body(request, ChangedValue)
    workspace = workspace_of(request)
    cell, place, definition = _place(request, value_id)
    values = _values(workspace, cell)
    values[place] = _item(request, definition, body.value)
    _put(workspace, cell, definition, values)
    return answer(_rows_of_cell(request, cell)[place])


@delete("/field-values/{value_id:str}", status_code=200, sync_to_thread=False)
def delete_value(request: AnyRequest, value_id: FromPath[str]) -> ASGIResponse:
    """Delete one value."""
    workspace = workspace_of(request)
    cell, place, definition = _place(request, value_id)
    values = _values(workspace, cell)
    del values[place]
    _put(workspace, cell, definition, values)
    _value_ids(request).forget(int(value_id))
    return answer(SUCCESS)


FIELD_VALUE_OPERATIONS = (
    list_values,
    create_value,
    update_value,
    delete_value,
)


def _value_ids(request: AnyRequest) -> ValueIds:
    """Return the ids of the values that clients have seen."""
    ids: ValueIds = request.app.state.value_ids
    return ids


def _record_values(ids: ValueIds, workspace: Workspace, entity: Entity, row_id: int) -> Iterator[dict[str, Any]]:
    for field in workspace.records(entity).row(row_id).fields or []:
        if field.type == "global":
            yield from _rows_of(ids, cell_of(entity, row_id, None, field.id), field, entity, row_id)
    for entry in workspace.entries_of(entity, row_id):
        yield from _entry_values(ids, entry)


def _entry_values(ids: ValueIds, entry: ListEntry) -> Iterator[dict[str, Any]]:
    for field in entry.cells():
        cell = cell_of(entry.type, entry.entity_id, entry.id, field.id)
        yield from _rows_of(ids, cell, field, entry.type, entry.entity_id)


def _rows_of(ids: ValueIds, cell: Cell, field: Field, entity: Entity, row_id: int) -> Iterator[dict[str, Any]]:
    """Return a row for each value: a field with several values has several rows."""
    kind = base_type(field.value.type)
    if kind not in VALUE_CODES or field.value.data is None:
        return
    values = field.value.data if field.value.type != kind else [field.value.data]
    for value_id, data in zip(ids.of(cell, len(values)), values, strict=True):
        yield {
            "id": value_id,
            "field_id": field_number(field.id),
            "list_entry_id": cell.row_id if cell.collection == "list_entries" else None,
            "entity_type": ENTITY_CODES[entity],
            "value_type": VALUE_CODES[kind],
            "entity_id": row_id,
            "created_at": "2024-05-14T09:30:00.000-07:00",
            "updated_at": None,
            "value": _value_v1(kind, data),
        }


def _value_v1(kind: str, data: Any) -> Any:
    if kind in {"person", "company"}:
        return data["id"]
    if kind == "dropdown":
        return data["text"]
    if kind == "ranked-dropdown":
        return {
            "id": data["dropdownOptionId"],
            "text": data["text"],
            "rank": data["rank"],
            "color": color_number(data["color"]),
        }
    if kind == "location":
        words = {"street_address": "streetAddress"}
        return {
            name: data[words.get(name, name)] for name in ("street_address", "city", "state", "country", "continent")
        }
    return data


def _cell(request: AnyRequest, definition: FieldDefinition, body: NewValue) -> Cell:
    workspace = workspace_of(request)
    if definition.list_id is not None:
        if body.list_entry_id is None:
            raise refused(request, "A list's field needs the id of an entry of it.", "list_entry_id")
        entry = find_row(workspace.list_entries, str(body.list_entry_id), "listEntry")
        if (entry.list_id, entry.entity_id) != (definition.list_id, body.entity_id):
            raise refused(request, "The entry is not one of the entity on the field's list.", "list_entry_id")
    else:
        find_row(workspace.records(definition.entity), str(body.entity_id), definition.entity)
    entry_id = None if definition.list_id is None else body.list_entry_id
    return cell_of(definition.entity, body.entity_id, entry_id, definition.id)


def _place(request: AnyRequest, value_id: str) -> tuple[Cell, int, FieldDefinition]:
    """Return a value's cell and position, and its field. Raise `AffinityError` if it no longer exists."""
    workspace = workspace_of(request)
    try:
        cell, place = _value_ids(request).place(positive_integer(value_id, "fieldValueId"))
        present = place < len(_values(workspace, cell))
    except (Gone, Merged):
        raise not_found(value_id, "field value") from None
    definition = next((field for field in workspace.all_fields if _is_of(workspace, field, cell)), None)
    if not present or definition is None:
        raise not_found(value_id, "field value")
    return cell, place, definition


def _is_of(workspace: Workspace, field: FieldDefinition, cell: Cell) -> bool:
    row = workspace.collections[cell.collection].row(cell.row_id)
    if isinstance(row, ListEntry):
        return (field.entity, field.list_id, field.id) == (row.type, row.list_id, cell.field_id)
    return (field.entity, field.list_id, field.id) == (ENTITIES[cell.collection], None, cell.field_id)


def _values(workspace: Workspace, cell: Cell) -> list[Any]:
    field = field_in(workspace, cell)
    if field is None or field.value.data is None:
        return []
    return list(field.value.data) if field.value.type.endswith("-multi") else [field.value.data]


def _put(workspace: Workspace, cell: Cell, definition: FieldDefinition, values: list[Any]) -> None:
    data = (values or None) if takes_several(definition) else next(iter(values), None)
    put_value(workspace, cell, definition, data)


def _rows_of_cell(request: AnyRequest, cell: Cell) -> list[dict[str, Any]]:
    workspace = workspace_of(request)
    row, field = workspace.collections[cell.collection].row(cell.row_id), field_in(workspace, cell)
    if field is None:
        return []
    entry = row if isinstance(row, ListEntry) else None
    entity, row_id = (entry.type, entry.entity_id) if entry else (ENTITIES[cell.collection], row.id)
    return list(_rows_of(_value_ids(request), cell, field, entity, row_id))


def _item(request: AnyRequest, definition: FieldDefinition, value: Any) -> Any:
    """Return the value as it is stored. Raise `AffinityError` for one that the field cannot hold."""
    workspace = workspace_of(request)
    try:
        return stored_item(workspace, *_as_v2(workspace, definition, value))
    except ValueError as error:
        raise refused(request, str(error), "value") from None


def _as_v2(workspace: Workspace, definition: FieldDefinition, value: Any) -> tuple[FieldDefinition, Any]:
    """Return the field and the value as API v2 takes it. The text of a dropdown may be new to the field."""
    match kind_of(definition), value:
        case "dropdown", str():
            return _with_option(workspace, definition, value)
        case "ranked-dropdown", _:
            return definition, {"dropdownOptionId": value}
        case (("person" | "company"), _):
            return definition, {"id": value}
        case "location", dict():
            return definition, {name: value.get(word) for name, word in LOCATION_WORDS.items()}
    return definition, value


def _with_option(workspace: Workspace, definition: FieldDefinition, text: str) -> tuple[FieldDefinition, Any]:
    """Return the field and its option with that text, which is created if it does not exist."""
    for option in definition.dropdown_options:
        if option.text == text:
            return definition, {"dropdownOptionId": option.id}
    used = (option.id for field in workspace.all_fields for option in field.dropdown_options)
    option = DropdownOption(1 + max(used, default=0), text)
    extended = msgspec.structs.replace(definition, dropdown_options=(*definition.dropdown_options, option))
    workspace.put_field(extended)
    return extended, {"dropdownOptionId": option.id}
