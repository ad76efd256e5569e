"""Select options and statuses."""

import msgspec
from litestar import get, patch, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse
from msgspec import UNSET, UnsetType

from freight_sandbox.attio.access import READ_SCHEMA, WRITE_SCHEMA
from freight_sandbox.attio.attributes import below_attribute, named_attribute
from freight_sandbox.attio.errors import not_found
from freight_sandbox.attio.requests import AnyRequest, NonEmpty, flag, read_data, workspace_of
from freight_sandbox.attio.schema import Attribute, new_option, new_status, require_type
from freight_sandbox.attio.values import Option
from freight_sandbox.control import answer


class NewOption(msgspec.Struct):
    """A select option to be created."""

    title: NonEmpty


class OptionChange(msgspec.Struct):
    """Changes of a select option."""

    title: NonEmpty | UnsetType = UNSET
    is_archived: bool | UnsetType = UNSET


class NewStatus(msgspec.Struct):
    """A status to be created."""

    title: NonEmpty
    celebration_enabled: bool = False
    target_time_in_status: str | None = None


class StatusChange(msgspec.Struct):
    """Changes of a status."""

    title: NonEmpty | UnsetType = UNSET
    celebration_enabled: bool | UnsetType = UNSET
    target_time_in_status: str | UnsetType | None = UNSET
    is_archived: bool | UnsetType = UNSET


@get(below_attribute("/options"), opt=READ_SCHEMA, sync_to_thread=False)
def list_options(request: AnyRequest, identifier: FromPath[str], attribute_name: FromPath[str]) -> ASGIResponse:
    """List the options of a select attribute."""
    _, attribute = named_attribute(request, identifier, attribute_name)
    require_type(attribute, "select")
    return answer({"data": attribute.choices.listed(archived=bool(flag(request, "show_archived")))})


@post(below_attribute("/options"), status_code=200, opt=WRITE_SCHEMA)
async def create_option(request: AnyRequest, identifier: FromPath[str], attribute_name: FromPath[str]) -> ASGIResponse:
    """Create an option."""
    table, attribute = named_attribute(request, identifier, attribute_name)
    require_type(attribute, "select")
    new = await read_data(request, NewOption)
    option = new_option(workspace_of(request).id, table.definition, attribute, new.title)
    attribute.choices.add(option)
    return answer({"data": option})


@patch(below_attribute("/options/{choice_name:str}"), opt=WRITE_SCHEMA)
async def change_option(
    request: AnyRequest, identifier: FromPath[str], attribute_name: FromPath[str], choice_name: FromPath[str]
) -> ASGIResponse:
    """Rename or archive an option."""
    _, attribute = named_attribute(request, identifier, attribute_name)
    require_type(attribute, "select")
    change = await read_data(request, OptionChange)
    return answer({"data": _change_choice(attribute, choice_name, change)})


@get(below_attribute("/statuses"), opt=READ_SCHEMA, sync_to_thread=False)
def list_statuses(request: AnyRequest, identifier: FromPath[str], attribute_name: FromPath[str]) -> ASGIResponse:
    """List the statuses of a status attribute."""
    _, attribute = named_attribute(request, identifier, attribute_name)
    require_type(attribute, "status")
    return answer({"data": attribute.choices.listed(archived=bool(flag(request, "show_archived")))})


@post(below_attribute("/statuses"), status_code=200, opt=WRITE_SCHEMA)
async def create_status(request: AnyRequest, identifier: FromPath[str], attribute_name: FromPath[str]) -> ASGIResponse:
    """Create a status."""
    table, attribute = named_attribute(request, identifier, attribute_name)
    require_type(attribute, "status")
    new = await read_data(request, NewStatus)
    status = new_status(workspace_of(request).id, table.definition, attribute, new.title)
    status.celebration_enabled, status.target_time_in_status = new.celebration_enabled, new.target_time_in_status
    attribute.choices.add(status)
    return answer({"data": status})


@patch(below_attribute("/statuses/{choice_name:str}"), opt=WRITE_SCHEMA)
async def change_status(
    request: AnyRequest, identifier: FromPath[str], attribute_name: FromPath[str], choice_name: FromPath[str]
) -> ASGIResponse:
    """Change or archive a status."""
    _, attribute = named_attribute(request, identifier, attribute_name)
    require_type(attribute, "status")
    change = await read_data(request, StatusChange)
    return answer({"data": _change_choice(attribute, choice_name, change)})


OPTION_OPERATIONS = (list_options, create_option, change_option, list_statuses, create_status, change_status)


def _change_choice(attribute: Attribute, name: str, change: OptionChange | StatusChange) -> Option:
    choice = attribute.choices.find(name)
    if choice is None:
        raise not_found("Status" if attribute.type == "status" else "Select option", name, by="title/ID")
    if change.title is not msgspec.UNSET:
        attribute.choices.rename(choice, change.title)
    for field, value in msgspec.to_builtins(change).items():
        if field != "title":
            setattr(choice, field, value)
    return choice
