"""API v1: fields are made and deleted, and single values are written."""

from typing import Any

import msgspec
from litestar import delete, post, put
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from freight_sandbox.affinity.cells import Cell, cell_of, field_in, put_value
from freight_sandbox.affinity.collection import Gone, Merged
from freight_sandbox.affinity.given import given, refused
from freight_sandbox.affinity.requests import AnyRequest, absent, found, found_list, positive, workspace_of
from freight_sandbox.affinity.rows import DropdownOption, FieldDefinition, ListEntry
from freight_sandbox.affinity.v1 import shapes
from freight_sandbox.affinity.v1.fields import (
    MANAGED_DROPDOWN,
    VALUE_CODES,
    field_number,
    numbered,
    rows_of,
    value_ids_of,
)
from freight_sandbox.affinity.v1.record_writes import SUCCESS
from freight_sandbox.affinity.v2.written_values import held_item, kind_of, takes_several
from freight_sandbox.affinity.workspace import ENTITIES, Workspace
from freight_sandbox.control import answer

KINDS = {code: kind for kind, code in VALUE_CODES.items()} | {MANAGED_DROPDOWN: "dropdown"}
SEVERAL = frozenset({"person", "company", "dropdown", "number", "location", "filterable-text"})
"""Value types of which Affinity knows a `-multi`."""

OWN_TYPES = frozenset({"global", "list"})
"""Fields of the firm's own, the only ones that this version writes."""

LOCATION_WORDS = {
    "streetAddress": "street_address",
    "city": "city",
    "state": "state",
    "country": "country",
    "continent": "continent",
}


class NewField(msgspec.Struct, frozen=True):
    """A field to be made, of a list if it names one."""

    name: str
    entity_type: int
    value_type: int
    list_id: int | None = None
    allows_multiple: bool = False


class NewValue(msgspec.Struct, frozen=True):
    """A value to be written into a field of a record or, where the field is a list's, of an entry."""

    field_id: int
    entity_id: int
    value: Any
    list_entry_id: int | None = None


class ChangedValue(msgspec.Struct, frozen=True):
    """What a value shall be from now on."""

    value: Any


@post("/fields", status_code=200)
async def create_field(request: AnyRequest) -> ASGIResponse:
    """Make a field. Affinity documents that opportunities have none but their list's."""
    body = await given(request, NewField)
    workspace = workspace_of(request)
    entity, kind = shapes.ENTITIES.get(body.entity_type), KINDS.get(body.value_type)
    if entity is None or kind is None or (body.allows_multiple and kind not in SEVERAL):
        raise refused(request, "There are no fields of this kind.", "value_type")
    if body.list_id is None:
        if entity == "opportunity":
            raise refused(request, "A field of opportunities needs a list.", "list_id")
    elif found_list(workspace, str(body.list_id)).type != entity:
        raise refused(request, f"There is no list with id {body.list_id} for the entity.", "list_id")
    field = FieldDefinition(
        entity=entity,
        id=workspace.new_field_id(),
        name=body.name,
        type="global" if body.list_id is None else "list",
        enrichment_source=None,
        value_type=f"{kind}-multi" if body.allows_multiple else kind,
        list_id=body.list_id,
        is_managed=body.value_type == MANAGED_DROPDOWN,
    )
    workspace.put_field(field)
    return answer(numbered([field])[0])


@delete("/fields/{field_id:str}", status_code=200, sync_to_thread=False)
def delete_field(request: AnyRequest, field_id: FromPath[str]) -> ASGIResponse:
    """Delete a field of the firm's own."""
    workspace = workspace_of(request)
    try:
        workspace.delete_field(f"field-{positive(field_id, 'fieldId')}")
    except Gone:
        raise absent(field_id, "field") from None
    return answer(SUCCESS)


@post("/field-values", status_code=200)
async def create_value(request: AnyRequest) -> ASGIResponse:
    """Add a value to a field, or let it be the only one where the field takes no more."""
    body = await given(request, NewValue)
    workspace = workspace_of(request)
    own = (field for field in workspace.all_fields if field.type in OWN_TYPES)
    definition = next((field for field in own if field_number(field.id) == body.field_id), None)
    if definition is None:
        raise absent(str(body.field_id), "field")
    cell = _cell(request, definition, body)
    values = _values(workspace, cell) if takes_several(definition) else []
    values.append(_item(request, definition, body.value))
    _put(workspace, cell, definition, values)
    return answer(_rows(request, cell)[len(values) - 1])


@put("/field-values/{value_id:str}")
async def update_value(request: AnyRequest, value_id: FromPath[str]) -> ASGIResponse:
    """Put another value in the place of one."""
    body = await given(request, ChangedValue)
    workspace = workspace_of(request)
    cell, place, definition = _place(request, value_id)
    values = _values(workspace, cell)
    values[place] = _item(request, definition, body.value)
    _put(workspace, cell, definition, values)
    return answer(_rows(request, cell)[place])


@delete("/field-values/{value_id:str}", status_code=200, sync_to_thread=False)
def delete_value(request: AnyRequest, value_id: FromPath[str]) -> ASGIResponse:
    """Delete one value."""
    workspace = workspace_of(request)
    cell, place, definition = _place(request, value_id)
    values = _values(workspace, cell)
    del values[place]
    _put(workspace, cell, definition, values)
    value_ids_of(request).forget(int(value_id))
    return answer(SUCCESS)


def _cell(request: AnyRequest, definition: FieldDefinition, body: NewValue) -> Cell:
    workspace = workspace_of(request)
    if definition.list_id is not None:
        if body.list_entry_id is None:
            raise refused(request, "A list's field needs the id of an entry of it.", "list_entry_id")
        entry = found(workspace.list_entries, str(body.list_entry_id), "listEntry")
        if (entry.list_id, entry.entity_id) != (definition.list_id, body.entity_id):
            raise refused(request, "The entry is not one of the entity on the field's list.", "list_entry_id")
    else:
        found(workspace.records(definition.entity), str(body.entity_id), definition.entity)
    entry_id = None if definition.list_id is None else body.list_entry_id
    return cell_of(definition.entity, body.entity_id, entry_id, definition.id)


def _place(request: AnyRequest, value_id: str) -> tuple[Cell, int, FieldDefinition]:
    """Where a value stands, and in what field. Raises `AffinityError` if it is not there any more."""
    workspace = workspace_of(request)
    try:
        cell, place = value_ids_of(request).place(positive(value_id, "fieldValueId"))
        present = place < len(_values(workspace, cell))
    except (Gone, Merged):
        raise absent(value_id, "field value") from None
    definition = next((field for field in workspace.all_fields if _is_of(workspace, field, cell)), None)
    if not present or definition is None:
        raise absent(value_id, "field value")
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


def _rows(request: AnyRequest, cell: Cell) -> list[dict[str, Any]]:
    workspace = workspace_of(request)
    row, field = workspace.collections[cell.collection].row(cell.row_id), field_in(workspace, cell)
    if field is None:
        return []
    entry = row if isinstance(row, ListEntry) else None
    entity, row_id = (entry.type, entry.entity_id) if entry else (ENTITIES[cell.collection], row.id)
    return list(rows_of(value_ids_of(request), cell, field, entity, row_id))


def _item(request: AnyRequest, definition: FieldDefinition, value: Any) -> Any:
    """The value as it is kept. Raises `AffinityError` for one that the field cannot hold."""
    workspace = workspace_of(request)
    try:
        return held_item(workspace, *_as_v2(workspace, definition, value))
    except ValueError as error:
        raise refused(request, str(error), "value") from None


def _as_v2(workspace: Workspace, definition: FieldDefinition, value: Any) -> tuple[FieldDefinition, Any]:
    """The field and the value as API v2 takes it. The text of a dropdown may be new to the field."""
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
    """The field and its option with that text, which is made if there is none."""
    for option in definition.dropdown_options:
        if option.text == text:
            return definition, {"dropdownOptionId": option.id}
    used = (option.id for field in workspace.all_fields for option in field.dropdown_options)
    option = DropdownOption(1 + max(used, default=0), text)
    extended = msgspec.structs.replace(definition, dropdown_options=(*definition.dropdown_options, option))
    workspace.put_field(extended)
    return extended, {"dropdownOptionId": option.id}
