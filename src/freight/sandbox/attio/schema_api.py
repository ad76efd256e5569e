"""Attio's operations on objects, attributes, options and statuses."""

from typing import Any

import msgspec
from litestar import get, patch, post
from litestar.connection import Request
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from freight.sandbox.attio.bodies import (
    AttributeChange,
    Config,
    Data,
    NewAttribute,
    NewOption,
    NewStatus,
    OptionChange,
    StatusChange,
    decode,
)
from freight.sandbox.attio.errors import not_found, refused
from freight.sandbox.attio.schema import (
    MULTISELECT_TYPES,
    AttioObject,
    Attribute,
    find_choice,
    new_option,
    new_status,
    require_free_title,
    require_type,
)
from freight.sandbox.attio.values import Option, Status
from freight.sandbox.attio.workspace import Table, Workspace
from freight.sandbox.control import answer

AnyRequest = Request[Any, Any, Any]

PATH = "/v2/objects/{object_name:str}"
ATTRIBUTES = PATH + "/attributes"
ATTRIBUTE = ATTRIBUTES + "/{attribute_name:str}"


@get("/v2/objects", sync_to_thread=False)
def list_objects(request: AnyRequest) -> ASGIResponse:
    """All objects."""
    workspace = _workspace(request)
    return answer({"data": [_object(workspace, table.definition) for table in workspace.tables.values()]})


@get(PATH, sync_to_thread=False)
def get_object(request: AnyRequest, object_name: FromPath[str]) -> ASGIResponse:
    """One object."""
    workspace = _workspace(request)
    return answer({"data": _object(workspace, workspace.table(object_name).definition)})


@get(ATTRIBUTES, sync_to_thread=False)
def list_attributes(request: AnyRequest, object_name: FromPath[str]) -> ASGIResponse:
    """The attributes of an object."""
    workspace = _workspace(request)
    definition = workspace.table(object_name).definition
    found = list(definition.attributes(archived=_flag(request, "show_archived")))
    offset, limit = _integer(request, "offset", 0), _integer(request, "limit", len(found))
    shown = found[offset : offset + limit]
    return answer({"data": [_attribute(workspace, definition, attribute) for attribute in shown]})


@get(ATTRIBUTE, sync_to_thread=False)
def get_attribute(request: AnyRequest, object_name: FromPath[str], attribute_name: FromPath[str]) -> ASGIResponse:
    """One attribute, also an archived one."""
    table, attribute = _named(request, object_name, attribute_name)
    return answer({"data": _attribute(_workspace(request), table.definition, attribute)})


@post(ATTRIBUTES, status_code=200)
async def create_attribute(request: AnyRequest, object_name: FromPath[str]) -> ASGIResponse:
    """Make an attribute, with its other side where it is a relationship."""
    workspace = _workspace(request)
    table = workspace.table(object_name)
    new = decode(await request.body(), Data[NewAttribute]).data
    _require_possible(table.definition, new)
    attribute = Attribute(
        slug=new.api_slug,
        title=new.title,
        type=new.type,
        description=new.description,
        is_system=False,
        is_required=new.is_required,
        is_unique=new.is_unique,
        is_multiselect=new.is_multiselect,
        default_value=new.default_value,
        **_configured(workspace, new.config),
    )
    if new.relationship is None:
        table.definition.add(attribute)
    else:
        _add_relationship(workspace, table, attribute, new)
    return answer({"data": _attribute(workspace, table.definition, attribute)})


@patch(ATTRIBUTE)
async def change_attribute(
    request: AnyRequest, object_name: FromPath[str], attribute_name: FromPath[str]
) -> ASGIResponse:
    """Change or archive an attribute, or take it out of the archive."""
    workspace = _workspace(request)
    table, attribute = _named(request, object_name, attribute_name)
    change = decode(await request.body(), Data[AttributeChange]).data
    if attribute.is_system:
        raise refused("Cannot update a System attribute.", "system_edit_unauthorized")
    if change.is_unique is True:
        _require_uniqueness_possible(table.definition, attribute.type)
    if change.api_slug is not msgspec.UNSET:
        table.definition.rename(attribute, change.api_slug)
    if change.config is not msgspec.UNSET:
        for name, value in _configured(workspace, change.config).items():
            setattr(attribute, name, value)
    for name in ("title", "description", "is_required", "is_unique", "default_value", "is_archived"):
        if (value := getattr(change, name)) is not msgspec.UNSET:
            setattr(attribute, name, value)
    return answer({"data": _attribute(workspace, table.definition, attribute)})


@get(ATTRIBUTE + "/options", sync_to_thread=False)
def list_options(request: AnyRequest, object_name: FromPath[str], attribute_name: FromPath[str]) -> ASGIResponse:
    """The options of a select attribute."""
    _, attribute = _named(request, object_name, attribute_name)
    require_type(attribute, "select")
    archived = _flag(request, "show_archived")
    return answer({"data": [option for option in attribute.options if archived or not option.is_archived]})


@post(ATTRIBUTE + "/options", status_code=200)
async def create_option(request: AnyRequest, object_name: FromPath[str], attribute_name: FromPath[str]) -> ASGIResponse:
    """Make an option."""
    table, attribute = _named(request, object_name, attribute_name)
    require_type(attribute, "select")
    new = decode(await request.body(), Data[NewOption]).data
    require_free_title(attribute, new.title, "select option")
    option = new_option(_workspace(request).id, table.definition, attribute, new.title)
    attribute.options.append(option)
    return answer({"data": option})


@patch(ATTRIBUTE + "/options/{option_name:str}")
async def change_option(
    request: AnyRequest, object_name: FromPath[str], attribute_name: FromPath[str], option_name: FromPath[str]
) -> ASGIResponse:
    """Rename or archive an option."""
    _, attribute = _named(request, object_name, attribute_name)
    require_type(attribute, "select")
    return answer(
        {"data": _change_choice(attribute, option_name, decode(await request.body(), Data[OptionChange]).data)}
    )


@get(ATTRIBUTE + "/statuses", sync_to_thread=False)
def list_statuses(request: AnyRequest, object_name: FromPath[str], attribute_name: FromPath[str]) -> ASGIResponse:
    """The statuses of a status attribute."""
    _, attribute = _named(request, object_name, attribute_name)
    require_type(attribute, "status")
    archived = _flag(request, "show_archived")
    return answer({"data": [status for status in attribute.statuses if archived or not status.is_archived]})


@post(ATTRIBUTE + "/statuses", status_code=200)
async def create_status(request: AnyRequest, object_name: FromPath[str], attribute_name: FromPath[str]) -> ASGIResponse:
    """Make a status."""
    table, attribute = _named(request, object_name, attribute_name)
    require_type(attribute, "status")
    new = decode(await request.body(), Data[NewStatus]).data
    require_free_title(attribute, new.title, "status")
    status = new_status(_workspace(request).id, table.definition, attribute, new.title)
    status.celebration_enabled, status.target_time_in_status = new.celebration_enabled, new.target_time_in_status
    attribute.statuses.append(status)
    return answer({"data": status})


@patch(ATTRIBUTE + "/statuses/{status_name:str}")
async def change_status(
    request: AnyRequest, object_name: FromPath[str], attribute_name: FromPath[str], status_name: FromPath[str]
) -> ASGIResponse:
    """Change or archive a status."""
    _, attribute = _named(request, object_name, attribute_name)
    require_type(attribute, "status")
    return answer(
        {"data": _change_choice(attribute, status_name, decode(await request.body(), Data[StatusChange]).data)}
    )


SCHEMA_OPERATIONS = (
    list_objects, get_object, list_attributes, get_attribute, create_attribute, change_attribute, list_options,
    create_option, change_option, list_statuses, create_status, change_status,
)  # fmt: skip


def _workspace(request: AnyRequest) -> Workspace:
    workspace: Workspace = request.app.state.workspace
    return workspace


def _named(request: AnyRequest, object_name: str, attribute_name: str) -> tuple[Table, Attribute]:
    table = _workspace(request).table(object_name)
    return table, table.definition.attribute(attribute_name)


def _flag(request: AnyRequest, name: str) -> bool:
    return bool(request.query_params.get(name) == "true")


def _integer(request: AnyRequest, name: str, default: int) -> int:
    text = request.query_params.get(name, str(default))
    if not (text.isascii() and text.isdigit()):
        raise refused(f'Query parameter "{name}" must be a number from 0.')
    return int(text)


def _require_possible(definition: AttioObject, new: NewAttribute) -> None:
    definition.require_free_slug(new.api_slug)
    if new.is_unique:
        _require_uniqueness_possible(definition, new.type)
    if new.is_multiselect and new.type not in MULTISELECT_TYPES:
        raise refused(f"Attributes of type {new.type} cannot be multiselect.")
    if new.default_value is not None and definition.slug in {"people", "companies"}:
        raise refused(f"Default values are not supported on {definition.slug}.")
    if new.relationship is not None and new.type != "record-reference":
        raise refused("Only record reference attributes can be a relationship.")


def _require_uniqueness_possible(definition: AttioObject, attribute_type: str) -> None:
    if definition.slug in {"people", "companies"} or attribute_type == "select":
        raise refused("Cannot set attribute as unique.")


def _configured(workspace: Workspace, config: Config) -> dict[str, Any]:
    """The parts of an attribute that come from its configuration."""
    configured: dict[str, Any] = {}
    if config.currency is not None:
        configured["currency"] = msgspec.to_builtins(config.currency)
    if config.record_reference is not None and config.record_reference.allowed_objects is not None:
        names = config.record_reference.allowed_objects
        configured["allowed_objects"] = [workspace.table(name).definition.slug for name in names]
    return configured


def _add_relationship(workspace: Workspace, table: Table, attribute: Attribute, new: NewAttribute) -> None:
    relationship = new.relationship
    if relationship is None:
        raise TypeError("A relationship is needed.")
    other = workspace.table(relationship.object).definition
    opposite = Attribute(
        slug=relationship.api_slug,
        title=relationship.title,
        type="record-reference",
        is_system=False,
        is_multiselect=relationship.is_multiselect,
        allowed_objects=[table.definition.slug],
        inverse=(table.definition.slug, attribute.id),
    )
    other.add(opposite)
    attribute.allowed_objects, attribute.inverse = [other.slug], (other.slug, opposite.id)
    table.definition.add(attribute)


def _change_choice(attribute: Attribute, name: str, change: OptionChange | StatusChange) -> Option | Status:
    choice = find_choice(attribute, name)
    what = "status" if attribute.type == "status" else "select option"
    if choice is None:
        raise not_found(what.capitalize(), name, by="title/ID")
    if change.title is not msgspec.UNSET and change.title != choice.title:
        require_free_title(attribute, change.title, what)
    for name_of_field, value in msgspec.to_builtins(change).items():
        setattr(choice, name_of_field, value)
    return choice


def _object(workspace: Workspace, definition: AttioObject) -> dict[str, Any]:
    return {
        "id": {"workspace_id": workspace.id, "object_id": definition.id},
        "api_slug": definition.slug,
        "singular_noun": definition.singular,
        "plural_noun": definition.plural,
        "created_at": definition.created_at,
    }


def _attribute(workspace: Workspace, definition: AttioObject, attribute: Attribute) -> dict[str, Any]:
    allowed = attribute.allowed_objects
    return {
        "id": {"workspace_id": workspace.id, "object_id": definition.id, "attribute_id": attribute.id},
        "title": attribute.title,
        "description": attribute.description,
        "api_slug": attribute.slug,
        "type": attribute.type,
        "is_system_attribute": attribute.is_system,
        "is_writable": attribute.is_writable,
        "is_required": attribute.is_required,
        "is_unique": attribute.is_unique,
        "is_multiselect": attribute.is_multiselect,
        "is_default_value_enabled": attribute.default_value is not None,
        "is_archived": attribute.is_archived,
        "default_value": attribute.default_value,
        "relationship": _relationship(workspace, attribute),
        "created_at": attribute.created_at,
        "config": {
            "currency": attribute.currency or {"default_currency_code": None, "display_type": None},
            "record_reference": {
                "allowed_object_ids": None
                if allowed is None
                else [workspace.table(slug).definition.id for slug in allowed]
            },
        },
    }


def _relationship(workspace: Workspace, attribute: Attribute) -> dict[str, Any] | None:
    if attribute.inverse is None:
        return None
    slug, attribute_id = attribute.inverse
    definition = workspace.table(slug).definition
    opposite = definition.attribute(attribute_id)
    return {
        "id": {"workspace_id": workspace.id, "object_id": definition.id, "attribute_id": opposite.id},
        "object_slug": slug,
        "title": opposite.title,
        "api_slug": opposite.slug,
        "is_multiselect": opposite.is_multiselect,
    }
