"""Where values stand: in a field of a company or person, or of a list's row."""

from functools import partial
from typing import Any, NamedTuple

import msgspec

from freight_sandbox.affinity.rows import Entity, Field, FieldDefinition, ListEntry
from freight_sandbox.affinity.workspace import COLLECTIONS, Workspace


class Cell(NamedTuple):
    """A field of one row of a collection."""

    collection: str
    row_id: int
    field_id: str


def cell_of(entity: Entity, record_id: int, entry_id: int | None, field_id: str) -> Cell:
    """The cell of a record or, with one, of its entry."""
    if entry_id is None:
        return Cell(COLLECTIONS[entity], record_id, field_id)
    return Cell("list_entries", entry_id, field_id)


def field_in(workspace: Workspace, cell: Cell) -> Field | None:
    """The field with its value, if it ever had one. Raises `Gone` or `Merged` if its row is not there."""
    return next((field for field in _fields(workspace, cell) if field.id == cell.field_id), None)


def put_value(workspace: Workspace, cell: Cell, definition: FieldDefinition, data: Any) -> Field:
    """Let a cell hold this data and nothing else. Raises `Gone` or `Merged` if its row is not there."""
    row = workspace.collections[cell.collection].row(cell.row_id)
    written = definition.holding(data)
    fields = [*(field for field in _fields(workspace, cell) if field.id != cell.field_id), written]
    changes: dict[str, Any] = {"fields": fields}
    if isinstance(row, ListEntry):
        changes = {"cells": partial(list, fields)}
    workspace.put(cell.collection, msgspec.structs.replace(row, **changes))
    return written


def _fields(workspace: Workspace, cell: Cell) -> list[Field]:
    row = workspace.collections[cell.collection].row(cell.row_id)
    return row.cells() if isinstance(row, ListEntry) else list(row.fields or ())
