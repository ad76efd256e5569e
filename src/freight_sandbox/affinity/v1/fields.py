"""API v1: fields with their options, and the values of one record or entry."""

import zlib
from collections.abc import Iterable, Iterator
from typing import Any

from litestar import get
from litestar.response.base import ASGIResponse

from freight_sandbox.affinity.cells import Cell, cell_of
from freight_sandbox.affinity.colors import color_number
from freight_sandbox.affinity.errors import RefusedByVersion1
from freight_sandbox.affinity.requests import AnyRequest, entity_of, found, found_list, workspace_of
from freight_sandbox.affinity.rows import Entity, Field, FieldDefinition, ListEntry
from freight_sandbox.affinity.v1.shapes import ENTITY_CODES
from freight_sandbox.affinity.v1.value_ids import ValueIds
from freight_sandbox.affinity.workspace import Workspace
from freight_sandbox.control import answer

VALUE_CODES = {
    "person": 0, "company": 1, "dropdown": 2, "number": 3, "datetime": 4, "location": 5, "text": 6,
    "ranked-dropdown": 7, "filterable-text": 10,
}  # fmt: skip
"""By the name in v2 without `-multi`. What is not among them, such as formulas, v1 does not know."""
MANAGED_DROPDOWN = 17
"""A dropdown of which only those that a firm's administrators make are options; v2 calls it a dropdown too."""

OWNERS: dict[str, Entity] = {"person_id": "person", "organization_id": "company", "opportunity_id": "opportunity"}


@get("/fields", sync_to_thread=False)
def list_fields(request: AnyRequest) -> ASGIResponse:
    """All fields of everything, or those that the parameters leave."""
    query = request.query_params
    asked = {name: query[name] for name in ("list_id", "value_type", "entity_type") if name in query}
    workspace = workspace_of(request)
    if "list_id" in asked:
        found_list(workspace, asked["list_id"])
    kept = [
        field
        for field in _known(workspace.fields_of_version_1)
        if all(str(_properties(field)[name]) == value for name, value in asked.items())
    ]
    return answer(numbered(kept, with_options=query.get("exclude_dropdown_options") != "true"))


@get(["/persons/fields", "/organizations/fields"], sync_to_thread=False)
def list_record_fields(request: AnyRequest) -> ASGIResponse:
    """All fields of persons or organizations."""
    return answer(numbered(fields_told(workspace_of(request), entity_of(request))))


@get("/field-values", sync_to_thread=False)
def list_values(request: AnyRequest) -> ASGIResponse:
    """The values of one record, also those on lists, or of one entry. Exactly one id is taken."""
    given = [name for name in (*OWNERS, "list_entry_id") if name in request.query_params]
    if len(given) != 1 or not request.query_params[given[0]].isdecimal():
        raise RefusedByVersion1("Exactly one of person_id, organization_id, opportunity_id, list_entry_id is needed")
    name, workspace, ids = given[0], workspace_of(request), value_ids_of(request)
    text = request.query_params[name]
    if name == "list_entry_id":
        return answer(list(_entry_values(ids, found(workspace.list_entries, text, "listEntry"))))
    row = found(workspace.records(OWNERS[name]), text, OWNERS[name])
    return answer(list(_record_values(ids, workspace, OWNERS[name], row.id)))


def value_ids_of(request: AnyRequest) -> ValueIds:
    """The ids that clients were told of values."""
    ids: ValueIds = request.app.state.value_ids
    return ids


def fields_told(workspace: Workspace, entity: Entity, list_id: int | None = None) -> list[FieldDefinition]:
    """Return the fields that all records of an entity, or the rows of one list, have as far as this version knows."""
    told = workspace.fields_of_version_1
    return [field for field in told if (field.entity, field.list_id) == (entity, list_id)]


def numbered(fields: Iterable[FieldDefinition], *, with_options: bool = True) -> list[dict[str, Any]]:
    """The fields that this version knows, as it describes them."""
    return [_described(field, with_options=with_options) for field in _known(fields)]


def _described(field: FieldDefinition, *, with_options: bool) -> dict[str, Any]:
    content: dict[str, Any] = {
        "id": field_number(field.id),
        "name": field.name,
        "enrichment_source": field.enrichment_source or "none",
        "allows_multiple": field.multiple,
        "track_changes": field.type in {"global", "list"},
        **_properties(field),
    }
    if with_options:
        content["dropdown_options"] = [
            {"id": option.id, "text": option.text, "rank": option.rank, "color": color_number(option.color)}
            for option in field.dropdown_options
        ]
    return content


def field_number(field_id: str) -> int:
    """The field's id in this version: that of a firm's own field is the same number, others have one of their own."""
    prefix, _, number = field_id.partition("-")
    return int(number) if prefix == "field" and number.isdecimal() else 10_000_000 + zlib.crc32(field_id.encode())


def _known(fields: Iterable[FieldDefinition]) -> Iterator[FieldDefinition]:
    return (field for field in fields if _kind(field.value_type) in VALUE_CODES)


def _properties(field: FieldDefinition) -> dict[str, int | None]:
    return {
        "list_id": field.list_id,
        "value_type": MANAGED_DROPDOWN if field.is_managed else VALUE_CODES[_kind(field.value_type)],
        "entity_type": ENTITY_CODES[field.entity],
    }


def _kind(value_type: str) -> str:
    return value_type.removesuffix("-multi")


def _record_values(ids: ValueIds, workspace: Workspace, entity: Entity, row_id: int) -> Iterator[dict[str, Any]]:
    for field in workspace.records(entity).row(row_id).fields or []:
        if field.type == "global":
            yield from rows_of(ids, cell_of(entity, row_id, None, field.id), field, entity, row_id)
    for entry in workspace.entries_of(entity, row_id):
        yield from _entry_values(ids, entry)


def _entry_values(ids: ValueIds, entry: ListEntry) -> Iterator[dict[str, Any]]:
    for field in entry.cells():
        cell = cell_of(entry.type, entry.entity_id, entry.id, field.id)
        yield from rows_of(ids, cell, field, entry.type, entry.entity_id)


def rows_of(ids: ValueIds, cell: Cell, field: Field, entity: Entity, row_id: int) -> Iterator[dict[str, Any]]:
    """A row for each value: several values of a field are several rows."""
    kind = _kind(field.value.type)
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
            "value": _value(kind, data),
        }


def _value(kind: str, data: Any) -> Any:
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
