"""What does not fit in the values that a client sent: all of it, each with its path."""

from collections.abc import Iterator
from inspect import isclass
from typing import Annotated, Any, Literal, get_args, get_origin

import msgspec
from msgspec import Meta


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is wrong with a request."""

    type: Annotated[str, Meta(description="A stable code.")]
    message: Annotated[str, Meta(description="What is wrong.")]
    field: Annotated[str | None, Meta(description="The path of the value, `source_config.api_key`.")]


def problems(value: object, hint: Any, path: str = "") -> Iterator[Problem]:
    """Everything in a decoded JSON value that does not fit the type. Values are never quoted: they may be secrets.

    msgspec itself stops at the first.
    """
    if not (isclass(hint) and issubclass(hint, msgspec.Struct) and isinstance(value, dict)):
        try:
            msgspec.convert(value, hint)
        except msgspec.ValidationError as error:
            message, _, place = str(error).partition(" - at `$")
            yield from_message(message, hint, field=(path + place.rstrip("`")).removeprefix(".") or None)
        return
    fields = {field.encode_name: field for field in msgspec.structs.fields(hint)}
    for name, field in fields.items():
        at = f"{path}.{name}".removeprefix(".")
        if name in value:
            yield from problems(value[name], field.type, at)
        elif field.required:
            yield Problem(type="missing", message="This field is required.", field=at)
    for name in value.keys() - fields.keys():
        at = f"{path}.{name}".removeprefix(".")
        yield Problem(type="unknown_field", message="There is no such field.", field=at)


def from_message(message: str, hint: Any, *, field: str | None) -> Problem:
    """The problem that msgspec describes with this message."""
    if message.startswith("Invalid enum value"):
        return Problem(type="invalid_choice", message=f"Must be one of: {', '.join(_choices(hint))}.", field=field)
    if "matching regex" in message:
        return Problem(type="invalid_text", message="The text holds characters that are not allowed here.", field=field)
    kind = "wrong_type" if ", got `" in message else "out_of_range"
    return Problem(type=kind, message=f"{message}.", field=field)


def _choices(hint: Any) -> list[str]:
    if get_origin(hint) is Literal:
        return [str(choice) for choice in get_args(hint)]
    return [choice for argument in get_args(hint) for choice in _choices(argument)]
