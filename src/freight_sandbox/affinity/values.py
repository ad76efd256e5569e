"""The values of fields: where they are stored, and what a field can hold."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import msgspec

from freight_sandbox.affinity.fields import color_name
from freight_sandbox.affinity.rows import Entity, Field, FieldDefinition, ListEntry, pacific_midnight
from freight_sandbox.affinity.shapes import company_data, person_data
from freight_sandbox.affinity.workspace import COLLECTIONS, Workspace

MAX_VALUES = 100


class Cell(NamedTuple):
    """A field of one row of a collection."""

    collection: str
    row_id: int
    field_id: str


class Reference(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A person or a company."""

    id: int


class Choice(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """An option of a dropdown field."""

    dropdown_option_id: int


class Location(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """A location; all five parts are required."""

    street_address: str | None
    city: str | None
    state: str | None
    country: str | None
    continent: str | None


VALUE_SHAPES: Mapping[str, Any] = {
    "text": str,
    "filterable-text": str,
    "number": int | float,
    "datetime": str,
    "location": Location,
    "person": Reference,
    "company": Reference,
    "dropdown": Choice,
    "ranked-dropdown": Choice,
}
"""Types of data by the value type without `-multi`. Affinity computes values of other types itself."""


def cell_of(entity: Entity, record_id: int, entry_id: int | None, field_id: str) -> Cell:
    """Return the cell of a record or, with an entry id, of its entry."""
    if entry_id is None:
        return Cell(COLLECTIONS[entity], record_id, field_id)
    return Cell("list_entries", entry_id, field_id)


def field_in(workspace: Workspace, cell: Cell) -> Field | None:
    """Return the field with its value, or None if it never had one. Raise `Gone` or `Merged` without its row."""
    return next((field for field in _fields_of(workspace, cell) if field.id == cell.field_id), None)


def put_value(workspace: Workspace, cell: Cell, definition: FieldDefinition, data: Any) -> Field:
    """Set the value of a cell. Raise `Gone` or `Merged` if its row does not exist."""
    row = workspace.collections[cell.collection].row(cell.row_id)
    written = definition.holding(data)
    fields = [*(field for field in _fields_of(workspace, cell) if field.id != cell.field_id), written]
    changes: dict[str, Any] = {"fields": fields}
    if isinstance(row, ListEntry):
        changes = {"cells": partial(list, fields)}
    workspace.put(cell.collection, msgspec.structs.replace(row, **changes))
    return written


def kind_of(field: FieldDefinition) -> str:
    """Return the value type without `-multi`."""
    return field.value_type.removesuffix("-multi")


def takes_several(field: FieldDefinition) -> bool:
    """Return whether the data of the field is an array."""
    return field.value_type.endswith("-multi")


def stored_data(workspace: Workspace, field: FieldDefinition, data: Any) -> Any:
    """Return the data that a field holds after this was written. Raise `ValueError` for data that it cannot hold.

    Affinity documents that a multi-value is an array of at most 100 and that an empty one is null.
    """
    if kind_of(field) not in VALUE_SHAPES or (field.entity == "opportunity" and field.id in {"persons", "companies"}):
        raise ValueError(f"The field {field.id} cannot be written.")
    if data is None:
        return None
    if not takes_several(field):
        return stored_item(workspace, field, data)
    if not isinstance(data, list) or (len(data) > MAX_VALUES and kind_of(field) != "dropdown"):
        raise ValueError(f"The field {field.id} takes an array of at most {MAX_VALUES} values.")
    return [stored_item(workspace, field, item) for item in data] or None


def stored_item(workspace: Workspace, field: FieldDefinition, item: Any) -> Any:
    """Return one value that a field holds after this was written. Raise `ValueError` for one that it cannot hold."""
    kind = kind_of(field)
    given = msgspec.convert(item, VALUE_SHAPES[kind])
    if kind == "datetime":
        return pacific_midnight(given)
    if kind in {"dropdown", "ranked-dropdown"}:
        return _chosen_option(field, given.dropdown_option_id)
    if kind == "person":
        return _referenced(workspace.persons.ids, given.id, lambda: person_data(workspace, given.id))
    if kind == "company":
        return _referenced(workspace.companies.ids, given.id, lambda: company_data(workspace, given.id))
    return msgspec.to_builtins(given)


def _fields_of(workspace: Workspace, cell: Cell) -> list[Field]:
    row = workspace.collections[cell.collection].row(cell.row_id)
    return row.cells() if isinstance(row, ListEntry) else list(row.fields or ())


def _chosen_option(field: FieldDefinition, option_id: int) -> dict[str, Any]:
    """Return an option as a value. Raise `ValueError` if the field has none with this id."""
    for option in field.dropdown_options:
        if option.id == option_id:
            value = {"dropdownOptionId": option.id, "text": option.text}
            if kind_of(field) == "dropdown":
                return value
            return {**value, "rank": option.rank or 0, "color": color_name(option.color)}
    raise ValueError(f"The field {field.id} has no option with id {option_id}.")


def _referenced(ids: Any, row_id: int, data: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    if row_id not in ids:
        raise ValueError(f"There is no record with id {row_id}.")
    return data()
