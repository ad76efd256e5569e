"""The attributes of objects and lists."""

from typing import Annotated, Any, Literal

import msgspec
from litestar import get, patch, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse
from msgspec import UNSET, Meta, UnsetType

from freight_sandbox.attio.access import READ_SCHEMA, WRITE_SCHEMA
from freight_sandbox.attio.errors import refused
from freight_sandbox.attio.parsing import default_values
from freight_sandbox.attio.requests import AnyRequest, NonEmpty, flag, page, read_data, workspace_of
from freight_sandbox.attio.schema import MULTISELECT_TYPES, AttioObject, Attribute, DefaultValue, Definition
from freight_sandbox.attio.tables import Table
from freight_sandbox.attio.workspace import Workspace
from freight_sandbox.control import answer

RESTRICTED_OBJECTS = frozenset({"people", "companies"})
"""Objects that accept neither custom unique attributes nor default values."""

CreatableType = Literal[
    "text", "number", "checkbox", "currency", "date", "timestamp", "rating", "status", "select", "record-reference",
    "actor-reference", "location", "domain", "email-address", "phone-number",
]  # fmt: skip

CurrencyCode = Literal[
    "ARS", "AUD", "BRL", "BGN", "CAD", "CLP", "CNY", "COP", "CZK", "DKK", "EGP", "EUR", "FJD", "GHS", "HKD", "HUF",
    "ISK", "INR", "IDR", "ILS", "JPY", "KES", "KRW", "MYR", "MXN", "NTD", "NZD", "NGN", "NOK", "OMR", "XPF", "PEN",
    "PHP", "PLN", "GBP", "QAR", "RWF", "SAR", "SGD", "ZAR", "SEK", "CHF", "THB", "TRY", "AED", "UYU", "USD",
]  # fmt: skip
"""Attio's own list; Taiwan's dollar is NTD in it. Four codes are known from clients and not from the specification."""


class CurrencyConfig(msgspec.Struct):
    """The display of a currency attribute's amounts."""

    default_currency_code: CurrencyCode
    display_type: Literal["code", "name", "narrowSymbol", "symbol"]


class RecordReferenceConfig(msgspec.Struct):
    """The objects that a record reference can point to, by slug or id."""

    allowed_objects: Annotated[list[str], Meta(min_length=1)] | None = None


class Config(msgspec.Struct):
    """Settings that only some types of attributes have."""

    currency: CurrencyConfig | None = None
    record_reference: RecordReferenceConfig | None = None


class Relationship(msgspec.Struct, forbid_unknown_fields=True):
    """The other side of a new relationship."""

    object: str
    title: NonEmpty
    api_slug: NonEmpty
    is_multiselect: bool


class NewAttribute(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """An attribute to be created."""

    title: NonEmpty
    description: str | None
    api_slug: NonEmpty
    type: CreatableType
    is_required: bool
    is_unique: bool
    is_multiselect: bool
    config: Config
    default_value: DefaultValue | None = None
    relationship: Relationship | None = None


class AttributeChange(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Changes of an attribute."""

    title: NonEmpty | UnsetType = UNSET
    description: str | UnsetType | None = UNSET
    api_slug: NonEmpty | UnsetType = UNSET
    is_required: bool | UnsetType = UNSET
    is_unique: bool | UnsetType = UNSET
    default_value: DefaultValue | UnsetType | None = UNSET
    config: Config | UnsetType = UNSET
    is_archived: bool | UnsetType = UNSET


def below_attributes(rest: str) -> list[str]:
    """Return the paths of an operation on the attributes of objects and of lists."""
    return [f"/v2/{target}/{{identifier:str}}/attributes{rest}" for target in ("objects", "lists")]


def below_attribute(rest: str) -> list[str]:
    """Return the paths of an operation on one attribute."""
    return below_attributes("/{attribute_name:str}" + rest)


@get(below_attributes(""), opt=READ_SCHEMA, sync_to_thread=False)
def list_attributes(request: AnyRequest, identifier: FromPath[str]) -> ASGIResponse:
    """List the attributes of an object or a list."""
    workspace, definition = workspace_of(request), _table(request, identifier).definition
    found = definition.attributes(archived=bool(flag(request, "show_archived")))
    shown = page(request, found, default=None, maximum=None)
    return answer({"data": [_render(workspace, definition, attribute) for attribute in shown]})


@get(below_attribute(""), opt=READ_SCHEMA, sync_to_thread=False)
def get_attribute(request: AnyRequest, identifier: FromPath[str], attribute_name: FromPath[str]) -> ASGIResponse:
    """Get an attribute, even an archived one."""
    table, attribute = named_attribute(request, identifier, attribute_name)
    return answer({"data": _render(workspace_of(request), table.definition, attribute)})


@post(below_attributes(""), status_code=200, opt=WRITE_SCHEMA)
async def create_attribute(request: AnyRequest, identifier: FromPath[str]) -> ASGIResponse:
    """Create an attribute, with its other side if it is a relationship."""
    workspace, definition = workspace_of(request), _table(request, identifier).definition
    new = await read_data(request, NewAttribute)
    _require_possible(definition, new)
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
    default_values(workspace, attribute)
    if new.relationship is not None:
        _relate(workspace, definition, attribute, new.relationship)
    definition.add(attribute)
    _announce(workspace, definition, attribute, "created")
    return answer({"data": _render(workspace, definition, attribute)})


@patch(below_attribute(""), opt=WRITE_SCHEMA)
async def change_attribute(
    request: AnyRequest, identifier: FromPath[str], attribute_name: FromPath[str]
) -> ASGIResponse:
    """Change, archive or restore an attribute."""
    workspace = workspace_of(request)
    table, attribute = named_attribute(request, identifier, attribute_name)
    change = await read_data(request, AttributeChange)
    if attribute.is_system:
        raise refused("Cannot update a System attribute.", "system_edit_unauthorized")
    if change.is_unique is True:
        _require_uniqueness_possible(table.definition, attribute.type)
    if change.default_value is not msgspec.UNSET:
        if change.default_value is not None:
            _require_default_possible(table.definition)
        default_values(workspace, msgspec.structs.replace(attribute, default_value=change.default_value))
    configured = {} if change.config is msgspec.UNSET else _configured(workspace, change.config)
    if change.api_slug is not msgspec.UNSET:
        table.definition.rename(attribute, change.api_slug)
    for name, value in configured.items():
        setattr(attribute, name, value)
    for name in ("title", "description", "is_required", "is_unique", "default_value", "is_archived"):
        if (value := getattr(change, name)) is not msgspec.UNSET:
            setattr(attribute, name, value)
    _announce(workspace, table.definition, attribute, "updated")
    return answer({"data": _render(workspace, table.definition, attribute)})


ATTRIBUTE_OPERATIONS = (list_attributes, get_attribute, create_attribute, change_attribute)


def named_attribute(request: AnyRequest, identifier: str, attribute_name: str) -> tuple[Table[Definition], Attribute]:
    """Return the attribute of a path, with its table. Raise 404."""
    table = _table(request, identifier)
    return table, table.definition.attribute(attribute_name)


def _announce(
    workspace: Workspace, definition: Definition, attribute: Attribute, what: Literal["created", "updated"]
) -> None:
    if isinstance(definition, AttioObject):
        ids = {"object_id": definition.id, "attribute_id": attribute.id}
        workspace.announce("object-attribute.created" if what == "created" else "object-attribute.updated", ids)
    else:
        ids = {"list_id": definition.id, "attribute_id": attribute.id}
        workspace.announce("list-attribute.created" if what == "created" else "list-attribute.updated", ids)


def _table(request: AnyRequest, identifier: str) -> Table[Definition]:
    workspace = workspace_of(request)
    of_list = request.scope["path"].startswith("/v2/lists/")
    return workspace.list_table(identifier) if of_list else workspace.table(identifier)


def _require_possible(definition: Definition, new: NewAttribute) -> None:
    definition.require_free_slug(new.api_slug)
    if new.is_unique:
        _require_uniqueness_possible(definition, new.type)
    if new.is_multiselect and new.type not in MULTISELECT_TYPES:
        raise refused(f"Attributes of type {new.type} cannot be multiselect.")
    if new.default_value is not None:
        _require_default_possible(definition)
    if new.relationship is not None and (new.type != "record-reference" or not isinstance(definition, AttioObject)):
        raise refused("Only record reference attributes of objects can be a relationship.")


def _require_uniqueness_possible(definition: Definition, attribute_type: str) -> None:
    if _is_restricted(definition) or attribute_type == "select":
        raise refused("Cannot set attribute as unique.")


def _require_default_possible(definition: Definition) -> None:
    if _is_restricted(definition):
        raise refused(f"Default values are not supported on {definition.slug}.")


def _is_restricted(definition: Definition) -> bool:
    return isinstance(definition, AttioObject) and definition.slug in RESTRICTED_OBJECTS


def _configured(workspace: Workspace, config: Config) -> dict[str, Any]:
    """Return the properties of an attribute that come from its configuration."""
    configured: dict[str, Any] = {}
    if config.currency is not None:
        configured["currency"] = msgspec.to_builtins(config.currency)
    if config.record_reference is not None and config.record_reference.allowed_objects is not None:
        names = config.record_reference.allowed_objects
        configured["allowed_objects"] = [workspace.table(name).definition.slug for name in names]
    return configured


def _relate(workspace: Workspace, definition: Definition, attribute: Attribute, relationship: Relationship) -> None:
    """Create the other side of a new relationship."""
    other = workspace.table(relationship.object).definition
    if attribute.allowed_objects not in (None, [other.slug]):
        raise refused("A relationship allows only the object that it leads to.")
    opposite = Attribute(
        slug=relationship.api_slug,
        title=relationship.title,
        type="record-reference",
        is_system=False,
        is_multiselect=relationship.is_multiselect,
        allowed_objects=[definition.slug],
        inverse=(definition.slug, attribute.id),
    )
    other.add(opposite)
    attribute.allowed_objects, attribute.inverse = [other.slug], (other.slug, opposite.id)


def _render(workspace: Workspace, definition: Definition, attribute: Attribute) -> dict[str, Any]:
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
        "relationship": _render_relationship(workspace, attribute),
        "created_at": attribute.created_at,
        "config": {
            "currency": attribute.currency or {"default_currency_code": None, "display_type": None},
            "record_reference": {
                "allowed_object_ids": None if allowed is None else [workspace.object_id(slug) for slug in allowed]
            },
        },
    }


def _render_relationship(workspace: Workspace, attribute: Attribute) -> dict[str, Any] | None:
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
