"""Objects."""

from typing import Any

import msgspec
from litestar import get, patch, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse
from msgspec import UNSET, UnsetType

from freight_sandbox.attio.access import READ_SCHEMA, WRITE_SCHEMA
from freight_sandbox.attio.errors import refused
from freight_sandbox.attio.requests import AnyRequest, NonEmpty, read_data, workspace_of
from freight_sandbox.attio.schema import AttioObject
from freight_sandbox.attio.standard import custom_attributes
from freight_sandbox.attio.workspace import Workspace
from freight_sandbox.control import answer

OBJECT = "/v2/objects/{object_name:str}"


class NewObject(msgspec.Struct, forbid_unknown_fields=True):
    """An object to be created."""

    api_slug: NonEmpty
    singular_noun: NonEmpty
    plural_noun: NonEmpty


class ObjectChange(msgspec.Struct, forbid_unknown_fields=True):
    """Changes of an object."""

    api_slug: NonEmpty | UnsetType = UNSET
    singular_noun: NonEmpty | UnsetType = UNSET
    plural_noun: NonEmpty | UnsetType = UNSET


@get("/v2/objects", opt=READ_SCHEMA, sync_to_thread=False)
def list_objects(request: AnyRequest) -> ASGIResponse:
    """List all objects."""
    workspace = workspace_of(request)
    return answer({"data": [_render_object(workspace, table.definition) for table in workspace.tables.values()]})


@get(OBJECT, opt=READ_SCHEMA, sync_to_thread=False)
def get_object(request: AnyRequest, object_name: FromPath[str]) -> ASGIResponse:
    """Get an object."""
    workspace = workspace_of(request)
    return answer({"data": _render_object(workspace, workspace.table(object_name).definition)})


@post("/v2/objects", status_code=200, opt=WRITE_SCHEMA)
async def create_object(request: AnyRequest) -> ASGIResponse:
    """Create a custom object."""
    workspace = workspace_of(request)
    new = await read_data(request, NewObject)
    definition = AttioObject(new.api_slug, new.singular_noun, new.plural_noun, custom_attributes())
    workspace.add_object(definition)
    return answer({"data": _render_object(workspace, definition)})


@patch(OBJECT, opt=WRITE_SCHEMA)
async def change_object(request: AnyRequest, object_name: FromPath[str]) -> ASGIResponse:
    """Rename an object. The sandbox does not change API slugs, because all references to the object contain them."""
    workspace = workspace_of(request)
    definition = workspace.table(object_name).definition
    change = await read_data(request, ObjectChange)
    if change == ObjectChange():
        raise refused("The payload is empty. Please change at least one property.")
    if change.api_slug not in (msgspec.UNSET, definition.slug):
        raise refused("The sandbox does not change API slugs of objects.")
    if change.singular_noun is not msgspec.UNSET:
        definition.singular = change.singular_noun
    if change.plural_noun is not msgspec.UNSET:
        definition.plural = change.plural_noun
    return answer({"data": _render_object(workspace, definition)})


OBJECT_OPERATIONS = (
    list_objects,
    get_object,
    create_object,
    change_object,
)


def _render_object(workspace: Workspace, definition: AttioObject) -> dict[str, Any]:
    return {
        "id": {"workspace_id": workspace.id, "object_id": definition.id},
        "api_slug": definition.slug,
        "singular_noun": definition.singular,
        "plural_noun": definition.plural,
        "created_at": definition.created_at,
    }
