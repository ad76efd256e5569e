"""What does not fit in the values that a client sent: all of it, each with its path."""

from collections.abc import Iterator
from inspect import isclass
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

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
    if not isinstance(value, dict) or (kind := _kind_of_object(hint)) is None:
        try:
            msgspec.convert(value, hint)
        except msgspec.ValidationError as error:
            message, _, place = str(error).partition(" - at `$")
            yield from_message(message, hint, field=(path + place.rstrip("`")).removeprefix(".") or None)
        return
    if get_origin(kind) is dict:
        for name, part in value.items():
            yield from problems(part, get_args(kind)[1], f"{path}.{name}".removeprefix("."))
        return
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    for name, field in fields.items():
        at = f"{path}.{name}".removeprefix(".")
        if name in value:
            yield from problems(value[name], field.type, at)
        elif field.required:
            yield Problem(type="missing", message="This field is required.", field=at)
    for name in value.keys() - fields.keys():
        at = f"{path}.{name}".removeprefix(".")
        yield Problem(type="unknown_field", message="There is no such field.", field=at)


def _kind_of_object(hint: Any) -> Any:
    """The struct that an object is to be, or the dict of structs; None for what has no parts to look at."""
    if isclass(hint) and issubclass(hint, msgspec.Struct):
        return hint
    if get_origin(hint) is dict:
        return hint if _kind_of_object(get_args(hint)[1]) else None
    if get_origin(hint) in (Annotated, Union, UnionType):
        return next((kind for part in get_args(hint) if (kind := _kind_of_object(part))), None)
    return None


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
