"""Fields and their dropdown options, in both versions."""

import zlib
from collections.abc import Collection, Iterable, Iterator
from typing import Any

import msgspec
from litestar import delete, get, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from freight_sandbox.affinity.collection import Gone
from freight_sandbox.affinity.errors import AffinityError
from freight_sandbox.affinity.paging import cursor_page
from freight_sandbox.affinity.requests import (
    LATEST,
    RESTRICTIONS,
    SUCCESS,
    AnyRequest,
    decode_body,
    entity_of,
    find_list,
    not_found,
    positive_integer,
    refused,
    version_of,
    workspace_of,
)
from freight_sandbox.affinity.rows import DropdownOption, Entity, FieldDefinition
from freight_sandbox.affinity.shapes import ENTITY_BY_CODE, ENTITY_CODES
from freight_sandbox.affinity.workspace import Workspace
from freight_sandbox.control import answer

VALUE_CODES = {
    "person": 0, "company": 1, "dropdown": 2, "number": 3, "datetime": 4, "location": 5, "text": 6,
    "ranked-dropdown": 7, "filterable-text": 10,
}  # fmt: skip
"""Codes by the value type of API v2 without `-multi`. Types that are missing here, such as formulas, are unknown to API
v1.
"""

MANAGED_DROPDOWN = 17
"""A dropdown whose options only administrators create; API v2 calls it a dropdown too."""

KIND_BY_CODE = {code: kind for kind, code in VALUE_CODES.items()} | {MANAGED_DROPDOWN: "dropdown"}
MULTIPLE_KINDS = frozenset({"person", "company", "dropdown", "number", "location", "filterable-text"})
"""Value types for which Affinity has a `-multi` variant."""

OWN_TYPES = frozenset({"global", "list"})
"""Custom fields, the only ones that this version writes."""

RECORD_FIELD_TYPES = frozenset({"enriched", "global", "relationship-intelligence"})
ENTRY_FIELD_TYPES = RECORD_FIELD_TYPES | {"list"}
DROPDOWNS = frozenset({"dropdown", "dropdown-multi", "ranked-dropdown"})
STATUS_CATEGORIES = {"won": "won", "lost": "lost", "passed": "lost", "on hold": "on-hold"}
LATEST_VALUE_TYPES = frozenset({"list-multi", "note", "reminder"})
COLOR_NUMBERS = {"white": 0, "blue": 1, "green": 2, "yellow": 3, "orange": 4, "red": 5, "purple": 6, "gray": 7}
COLOR_NAMES = {number: name for name, number in COLOR_NUMBERS.items()}


class NewField(msgspec.Struct, frozen=True):
    """A field to be created; with a `list_id`, a field of that list."""

    name: str
    entity_type: int
    value_type: int
    list_id: int | None = None
    allows_multiple: bool = False


@get("/fields", sync_to_thread=False)
def list_fields_v1(request: AnyRequest) -> ASGIResponse:
    """List all fields, or those that match the parameters."""
    query = request.query_params
    asked = {name: query[name] for name in ("list_id", "value_type", "entity_type") if name in query}
    workspace = workspace_of(request)
    if "list_id" in asked:
        find_list(workspace, asked["list_id"])
    kept = [
        field
        for field in _known_to_v1(workspace.fields_of_version_1)
        if all(str(_properties_v1(field)[name]) == value for name, value in asked.items())
    ]
    return answer(fields_v1(kept, with_options=query.get("exclude_dropdown_options") != "true"))


@get(["/persons/fields", "/organizations/fields"], sync_to_thread=False)
def list_record_fields_v1(request: AnyRequest) -> ASGIResponse:
    """List the fields of persons or organizations."""
    return answer(fields_v1(known_fields_v1(workspace_of(request), entity_of(request))))


@post("/fields", status_code=200)
async def create_field_v1(request: AnyRequest) -> ASGIResponse:
    """Create a field. Affinity documents that opportunities have only the fields of their list."""
    body = await decode_body(request, NewField)
    workspace = workspace_of(request)
    entity, kind = ENTITY_BY_CODE.get(body.entity_type), KIND_BY_CODE.get(body.value_type)
    if entity is None or kind is None or (body.allows_multiple and kind not in MULTIPLE_KINDS):
        raise refused(request, "There are no fields of this kind.", "value_type")
    if body.list_id is None:
        if entity == "opportunity":
            raise refused(request, "A field of opportunities needs a list.", "list_id")
    elif find_list(workspace, str(body.list_id)).type != entity:
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
    return answer(fields_v1([field])[0])


@delete("/fields/{field_id:str}", status_code=200, sync_to_thread=False)
def delete_field_v1(request: AnyRequest, field_id: FromPath[str]) -> ASGIResponse:
    """Delete a custom field."""
    workspace = workspace_of(request)
    try:
        workspace.delete_field(f"field-{positive_integer(field_id, 'fieldId')}")
    except Gone:
        raise not_found(field_id, "field") from None
    return answer(SUCCESS)


@get(["/v2/companies/fields", "/v2/persons/fields"], sync_to_thread=False)
def list_fields(request: AnyRequest) -> ASGIResponse:
    """List the fields of companies or persons."""
    return _fields_page(request, record_fields(workspace_of(request), entity_of(request)))


@get("/v2/lists/{list_id:str}/fields", sync_to_thread=False)
def list_list_fields(request: AnyRequest, list_id: FromPath[str]) -> ASGIResponse:
    """List the fields of a list's entries: the list's own and those of its records."""
    return _fields_page(request, _fields_of_list(request, list_id))


@get(
    [
        "/v2/companies/fields/{field_id:str}/dropdown-options",
        "/v2/persons/fields/{field_id:str}/dropdown-options",
    ],
    sync_to_thread=False,
)
def list_options(request: AnyRequest, field_id: FromPath[str]) -> ASGIResponse:
    """List the options of a dropdown field of companies or persons."""
    return _options_page(request, record_fields(workspace_of(request), entity_of(request)), field_id)


@get("/v2/lists/{list_id:str}/fields/{field_id:str}/dropdown-options", sync_to_thread=False)
def list_list_options(request: AnyRequest, list_id: FromPath[str], field_id: FromPath[str]) -> ASGIResponse:
    """List the options of a dropdown field of a list."""
    return _options_page(request, _fields_of_list(request, list_id), field_id)


FIELD_OPERATIONS = (
    list_fields_v1,
    list_record_fields_v1,
    create_field_v1,
    delete_field_v1,
    list_fields,
    list_list_fields,
    list_options,
    list_list_options,
)


def known_fields_v1(workspace: Workspace, entity: Entity, list_id: int | None = None) -> list[FieldDefinition]:
    """Return the fields of all records of an entity, or of one list, as far as API v1 knows them."""
    told = workspace.fields_of_version_1
    return [field for field in told if (field.entity, field.list_id) == (entity, list_id)]


def fields_v1(fields: Iterable[FieldDefinition], *, with_options: bool = True) -> list[dict[str, Any]]:
    """Return the fields that API v1 knows, as it describes them."""
    return [_field_v1(field, with_options=with_options) for field in _known_to_v1(fields)]


def field_number(field_id: str) -> int:
    """Return the field's id in API v1: a custom field keeps its number, others get one derived from their id."""
    prefix, _, number = field_id.partition("-")
    return int(number) if prefix == "field" and number.isdecimal() else 10_000_000 + zlib.crc32(field_id.encode())


def record_fields(workspace: Workspace, entity: Entity) -> list[FieldDefinition]:
    """Return the fields of a company or a person. An opportunity has only the fields of its list."""
    if entity == "opportunity":
        return []
    return [*workspace.fields(entity), FieldDefinition(entity, "lists", "Lists", "enriched", None, "list-multi")]


def entry_fields(workspace: Workspace, entity: Entity, list_id: int) -> list[FieldDefinition]:
    """Return the fields of a list's entries."""
    own = {field.id: field for field in workspace.fields(entity, list_id)}
    if entity == "opportunity":
        for field_id, name, value_type in (
            ("persons", "People", "person-multi"),
            ("companies", "Organizations", "company-multi"),
        ):
            own.setdefault(field_id, FieldDefinition(entity, field_id, name, "list", None, value_type, list_id))
    return [*own.values(), *record_fields(workspace, entity)]


def wanted_fields(
    request: AnyRequest,
    definitions: Iterable[FieldDefinition],
    types: Collection[str],
    names: tuple[str, str] = ("fieldIds", "fieldTypes"),
) -> list[FieldDefinition] | None:
    """Return the requested fields, or None if none was requested. Raise `AffinityError` for unknown ones."""
    ids, asked_types = (request.query_params.getall(name, []) for name in names)
    if not ids and not asked_types:
        return None
    known = {field.id: field for field in known_fields(version_of(request), definitions)}
    for field_id in ids:
        if field_id not in known:
            raise AffinityError("validation", f"Field '{field_id}' does not exist.", names[0])
    for field_type in asked_types:
        if field_type not in types:
            raise AffinityError("validation", f"'{field_type}' is not a valid field type.", names[1])
    return [field for field in known.values() if field.id in ids or field.type in asked_types]


def known_fields(version: str, definitions: Iterable[FieldDefinition]) -> list[FieldDefinition]:
    """Return the fields that a version knows."""
    return [field for field in definitions if version >= LATEST or field.value_type not in LATEST_VALUE_TYPES]


def base_type(value_type: str) -> str:
    """Return the value type without `-multi`."""
    return value_type.removesuffix("-multi")


def color_name(color: str | int | None) -> str | None:
    """Return the colour as API v2 names it."""
    return COLOR_NAMES.get(color) if isinstance(color, int) else color


def color_number(color: str | int | None) -> int | None:
    """Return the colour as API v1 numbers it."""
    return COLOR_NUMBERS.get(color) if isinstance(color, str) else color


def _field_v1(field: FieldDefinition, *, with_options: bool) -> dict[str, Any]:
    content: dict[str, Any] = {
        "id": field_number(field.id),
        "name": field.name,
        "enrichment_source": field.enrichment_source or "none",
        "allows_multiple": field.multiple,
        "track_changes": field.type in {"global", "list"},
        **_properties_v1(field),
    }
    if with_options:
        content["dropdown_options"] = [
            {"id": option.id, "text": option.text, "rank": option.rank, "color": color_number(option.color)}
            for option in field.dropdown_options
        ]
    return content


def _known_to_v1(fields: Iterable[FieldDefinition]) -> Iterator[FieldDefinition]:
    return (field for field in fields if base_type(field.value_type) in VALUE_CODES)


def _properties_v1(field: FieldDefinition) -> dict[str, int | None]:
    return {
        "list_id": field.list_id,
        "value_type": MANAGED_DROPDOWN if field.is_managed else VALUE_CODES[base_type(field.value_type)],
        "entity_type": ENTITY_CODES[field.entity],
    }


def _field_v2(version: str, field: FieldDefinition) -> dict[str, Any]:
    """Return a field as the operations for metadata describe it."""
    content: dict[str, Any] = {
        "id": field.id,
        "name": field.name,
        "type": field.type,
        "enrichmentSource": field.enrichment_source,
        "valueType": field.value_type,
    }
    if version >= RESTRICTIONS:
        content |= {"description": None, "isRequired": False, "createdAt": None}
    return content


def _fields_of_list(request: AnyRequest, list_id: str) -> list[FieldDefinition]:
    workspace = workspace_of(request)
    row = find_list(workspace, list_id)
    return entry_fields(workspace, row.type, row.id)


def _fields_page(request: AnyRequest, definitions: Iterable[FieldDefinition]) -> ASGIResponse:
    version = version_of(request)
    fields = known_fields(version, definitions)
    return cursor_page(request, range(len(fields)), lambda place: _field_v2(version, fields[place]))


def _options_page(request: AnyRequest, definitions: Iterable[FieldDefinition], field_id: str) -> ASGIResponse:
    version = version_of(request)
    field = next((field for field in known_fields(version, definitions) if field.id == field_id), None)
    if field is None:
        raise not_found(field_id, "field")
    if field.value_type not in DROPDOWNS:
        raise AffinityError("validation", f"Field '{field_id}' is not a dropdown field.", "fieldId")
    options = field.dropdown_options
    return cursor_page(request, range(len(options)), lambda place: _option(version, field, options[place]))


def _option(version: str, field: FieldDefinition, option: DropdownOption) -> dict[str, Any]:
    content = {"type": "dropdown", "id": option.id, "text": option.text}
    if field.value_type != "ranked-dropdown":
        return content
    content |= {"type": "ranked-dropdown", "rank": option.rank or 0, "color": color_name(option.color)}
    if field.name == "Status" and version >= RESTRICTIONS:
        category = STATUS_CATEGORIES.get(option.text.lower(), "open")
        content |= {"type": "status-dropdown", "statusCategory": category, "winRate": None}
    return content
