"""API v2: what fields there are, which were asked for, and their values."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from litestar import get
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from freight_sandbox.affinity.colors import color_name
from freight_sandbox.affinity.errors import AffinityError
from freight_sandbox.affinity.requests import AnyRequest, absent, entity_of, found_list, workspace_of
from freight_sandbox.affinity.rows import (
    DropdownOption,
    Entity,
    Field,
    FieldDefinition,
    ListEntry,
    Opportunity,
    Person,
    Record,
)
from freight_sandbox.affinity.v2.paging import page_answer
from freight_sandbox.affinity.v2.people import company_data, person_data
from freight_sandbox.affinity.v2.versions import RESTRICTIONS, described, known_fields, shown, version_of
from freight_sandbox.affinity.workspace import Workspace

RECORD_TYPES = frozenset({"enriched", "global", "relationship-intelligence"})
ENTRY_TYPES = RECORD_TYPES | {"list"}
DROPDOWNS = frozenset({"dropdown", "dropdown-multi", "ranked-dropdown"})

STATUS_CATEGORIES = {"won": "won", "lost": "lost", "passed": "lost", "on hold": "on-hold"}


@get(["/v2/companies/fields", "/v2/persons/fields"], sync_to_thread=False)
def list_fields(request: AnyRequest) -> ASGIResponse:
    """A page of the fields of companies or persons."""
    return _fields_page(request, record_fields(workspace_of(request), entity_of(request)))


@get("/v2/lists/{list_id:str}/fields", sync_to_thread=False)
def list_list_fields(request: AnyRequest, list_id: FromPath[str]) -> ASGIResponse:
    """A page of the fields that the rows of a list have: the list's own and those of its records."""
    return _fields_page(request, _list_fields(request, list_id))


@get(
    [
        "/v2/companies/fields/{field_id:str}/dropdown-options",
        "/v2/persons/fields/{field_id:str}/dropdown-options",
    ],
    sync_to_thread=False,
)
def list_options(request: AnyRequest, field_id: FromPath[str]) -> ASGIResponse:
    """A page of the options of a dropdown field of companies or persons."""
    return _options_page(request, record_fields(workspace_of(request), entity_of(request)), field_id)


@get("/v2/lists/{list_id:str}/fields/{field_id:str}/dropdown-options", sync_to_thread=False)
def list_list_options(request: AnyRequest, list_id: FromPath[str], field_id: FromPath[str]) -> ASGIResponse:
    """A page of the options of a dropdown field of a list."""
    return _options_page(request, _list_fields(request, list_id), field_id)


def record_fields(workspace: Workspace, entity: Entity) -> list[FieldDefinition]:
    """The fields of a company or a person. An opportunity has none but its list's."""
    if entity == "opportunity":
        return []
    return [*workspace.fields(entity), FieldDefinition(entity, "lists", "Lists", "enriched", None, "list-multi")]


def entry_fields(workspace: Workspace, entity: Entity, list_id: int) -> list[FieldDefinition]:
    """The fields of a list's rows."""
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
    """The fields that were asked for; None if no field was. Raises `AffinityError` for those that cannot be."""
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


def record_values(workspace: Workspace, record: Record, wanted: Sequence[FieldDefinition], version: str) -> list[Field]:
    """The values of a record's own fields, as far as they are wanted."""
    values = {field.id: field for field in record.fields or ()}
    for field in wanted:
        if field.id == "lists" and not isinstance(record, Opportunity):
            values["lists"] = field.holding(_lists_with(workspace, record) or None)
    return [shown(version, values[field.id], restricted=False) for field in wanted if field.id in values]


def entry_values(
    workspace: Workspace, entry: ListEntry, record: Record, wanted: Sequence[FieldDefinition], version: str
) -> list[Field]:
    """The values of an entry's fields and of those of its record, as far as they are wanted."""
    values = {field.id: field for field in entry.cells()}
    restricted = False
    if isinstance(record, Opportunity):
        restricted = record.is_restricted
        for field in wanted:
            if field.id in {"persons", "companies"}:
                values[field.id] = field.holding(_linked(workspace, record, field.id) or None)
    own = [shown(version, values[field.id], restricted=restricted) for field in wanted if field.id in values]
    return [*own, *record_values(workspace, record, [field for field in wanted if field.id not in values], version)]


def _linked(workspace: Workspace, opportunity: Opportunity, field_id: str) -> list[dict[str, Any]]:
    if field_id == "persons":
        return [person_data(workspace, row_id) for row_id in opportunity.person_ids]
    return [company_data(workspace, row_id) for row_id in opportunity.company_ids]


def _lists_with(workspace: Workspace, record: Record) -> list[dict[str, Any]]:
    entity: Entity = "person" if isinstance(record, Person) else "company"
    list_ids = dict.fromkeys(entry.list_id for entry in workspace.entries_of(entity, record.id))
    return [{"id": list_id, "name": workspace.lists.row(list_id).name} for list_id in list_ids]


def _list_fields(request: AnyRequest, list_id: str) -> list[FieldDefinition]:
    workspace = workspace_of(request)
    row = found_list(workspace, list_id)
    return entry_fields(workspace, row.type, row.id)


def _fields_page(request: AnyRequest, definitions: Iterable[FieldDefinition]) -> ASGIResponse:
    version = version_of(request)
    fields = known_fields(version, definitions)
    return page_answer(request, range(len(fields)), lambda place: described(version, fields[place]))


def _options_page(request: AnyRequest, definitions: Iterable[FieldDefinition], field_id: str) -> ASGIResponse:
    version = version_of(request)
    field = next((field for field in known_fields(version, definitions) if field.id == field_id), None)
    if field is None:
        raise absent(field_id, "field")
    if field.value_type not in DROPDOWNS:
        raise AffinityError("validation", f"Field '{field_id}' is not a dropdown field.", "fieldId")
    options = field.dropdown_options
    return page_answer(request, range(len(options)), lambda place: _option(version, field, options[place]))


def _option(version: str, field: FieldDefinition, option: DropdownOption) -> dict[str, Any]:
    content = {"type": "dropdown", "id": option.id, "text": option.text}
    if field.value_type != "ranked-dropdown":
        return content
    content |= {"type": "ranked-dropdown", "rank": option.rank or 0, "color": color_name(option.color)}
    if field.name == "Status" and version >= RESTRICTIONS:
        category = STATUS_CATEGORIES.get(option.text.lower(), "open")
        content |= {"type": "status-dropdown", "statusCategory": category, "winRate": None}
    return content
