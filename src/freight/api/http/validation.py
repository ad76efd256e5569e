"""Validation problems in a client's values: all of them, each with its path."""

import difflib
import re
from collections.abc import Iterable, Iterator
from functools import cache
from inspect import isclass
from itertools import islice
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec
from msgspec import Meta

MAX_DETAILS = 100
"""Problems that one response lists."""

MAX_COUNTED = 500
"""Problems that are counted at all; a body with more is something else altogether."""

MAX_PATH = 300
"""Characters of a path that a response repeats."""

MAX_NAME = 60
"""Characters of a name for which a similar one is searched."""


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One problem of a request."""

    type: Annotated[str, Meta(description="A stable code.")]
    message: Annotated[str, Meta(description="What is wrong.")]
    field: Annotated[str | None, Meta(description="The path of the value, such as `source_config.api_key`.")]


def problems(value: object, hint: Any) -> list[Problem]:
    """Return the problems of a decoded JSON value: the first `MAX_DETAILS`, and how many more there are.

    Values are never quoted, because they may be secrets. This takes much longer than `msgspec.convert`, which stops at
    the first problem: call it only after that has failed.
    """
    return listed(islice(_search(value, hint, ""), MAX_COUNTED))


def listed(all_problems: Iterable[Problem]) -> list[Problem]:
    """Return the first `MAX_DETAILS` problems, and how many more there are."""
    found = list(islice(all_problems, MAX_COUNTED))
    if (more := len(found) - MAX_DETAILS) <= 0:
        return found
    number = f"at least {more:,}" if len(found) == MAX_COUNTED else f"{more:,}"
    message = f"There are {number} more problems that are not listed."
    return [*found[:MAX_DETAILS], Problem(type="more_problems", message=message, field=None)]


def _search(value: object, hint: Any, path: str) -> Iterator[Problem]:
    if (complaint := _complaint(value, hint)) is None:
        return
    message, _, place = complaint.partition(" - at `$")
    kind = _kind_of_object(hint) if isinstance(value, dict) else None
    if not isinstance(value, dict) or kind is None or (get_origin(kind) is dict and not place):
        yield from_message(message, hint, field=shortened((path + place.rstrip("`")).removeprefix(".")))
    elif get_origin(kind) is dict:
        inner = get_args(kind)[1]
        for name, part in value.items():
            if _complaint(part, inner):
                yield from _search(part, inner, _below(path, name))
    else:
        yield from _in_struct(value, kind, path)


def _complaint(value: object, hint: Any) -> str | None:
    """Return msgspec's message about the first problem of a value."""
    try:
        msgspec.convert(value, hint)
    except msgspec.ValidationError as error:
        return str(error)
    return None


def _in_struct(value: dict[str, object], kind: type[msgspec.Struct], path: str) -> Iterator[Problem]:
    fields = _fields(kind)
    for name, field in fields.items():
        if name in value:
            yield from _search(value[name], field.type, _below(path, name))
        elif field.required:
            yield Problem(type="missing", message="This field is required.", field=shortened(_below(path, name)))
    for name in value:
        if name not in fields:
            message = f"Unknown field.{suggestion(name, fields)}"
            yield Problem(type="unknown_field", message=message, field=shortened(_below(path, name)))


@cache
def _fields(kind: type[msgspec.Struct]) -> dict[str, msgspec.structs.FieldInfo]:
    # msgspec evaluates the type hints every time.
    return {field.encode_name: field for field in msgspec.structs.fields(kind)}


def suggestion(name: str, known: Iterable[str]) -> str:
    """Return a sentence with the most similar known name, after a space; empty if none is similar."""
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.7) if len(name) <= MAX_NAME else []
    return f" Did you mean {close[0]}?" if close else ""


def _below(path: str, name: str) -> str:
    return f"{path}.{name}".removeprefix(".")


def shortened(path: str) -> str | None:
    """Return a path as a response repeats it; None for an empty one."""
    return (path if len(path) <= MAX_PATH else f"{path[:MAX_PATH]}…") or None


def _kind_of_object(hint: Any) -> Any:
    """Return the struct that an object must match, or the dict of structs; None for a type without parts to check."""
    if isclass(hint) and issubclass(hint, msgspec.Struct):
        return hint
    if get_origin(hint) is dict:
        return hint if _kind_of_object(get_args(hint)[1]) else None
    if get_origin(hint) in (Annotated, Union, UnionType):
        return next((kind for part in get_args(hint) if (kind := _kind_of_object(part))), None)
    return None


def from_message(message: str, hint: Any, *, field: str | None) -> Problem:
    """Return the problem that msgspec describes with this message, in words that do not need Python."""
    if message.startswith("Invalid enum value"):
        return Problem(type="invalid_choice", message=f"Must be one of: {', '.join(_choices(hint))}.", field=field)
    if "matching regex" in message:
        return Problem(
            type="invalid_text", message="The text contains characters that are not allowed here.", field=field
        )
    if match := WRONG_TYPE.fullmatch(message):
        wanted, got = (_in_words(part) for part in match.groups())
        return Problem(type="wrong_type", message=f"Must be {wanted}, not {got}.", field=field)
    return Problem(type="out_of_range", message=_range(message, hint), field=field)


WRONG_TYPE = re.compile(r"Expected `([^`]+)`, got `([^`]+)`")
RANGE = re.compile(r"Expected `(\w+)(?: \| null)?` (of length )?(>=|<=|>|<) (-?[\d.e+]+)")

TYPES = {
    "array": "a list",
    "bool": "true or false",
    "datetime": "a moment",
    "float": "a number",
    "int": "a whole number",
    "null": "null",
    "object": "an object",
    "str": "a text",
    "uuid": "a UUID",
}
"""The names of types in msgspec, and in messages."""

UNITS = {"str": "character", "array": "item", "object": "entry"}


def _in_words(types: str) -> str:
    return " or ".join(TYPES.get(name, name) for name in types.split(" | "))


def _range(message: str, hint: Any) -> str:
    if not (match := RANGE.fullmatch(message)):
        return f"{message}."
    kind, length, sign, limit = match.groups()
    if not length:
        bounds = _bounds(hint)
        if bounds:
            return f"Must be between {bounds[0]} and {bounds[1]}."
        return f"Must be {'at least' if sign == '>=' else 'at most' if sign == '<=' else sign} {limit}."
    unit = UNITS.get(kind, "item")
    if limit != "1":
        unit = "entries" if unit == "entry" else f"{unit}s"
    return f"Must have {'at least' if sign == '>=' else 'at most'} {limit} {unit}."


def _bounds(hint: Any) -> tuple[float, float] | None:
    """Return the minimum and maximum, if a type has both."""
    for part in (*getattr(hint, "__metadata__", ()), *get_args(hint)):
        least, most = getattr(part, "ge", None), getattr(part, "le", None)
        if least is not None and most is not None:
            return least, most
        if get_args(part) and (found := _bounds(part)):
            return found
    return None


def _choices(hint: Any) -> list[str]:
    if get_origin(hint) is Literal:
        return [str(choice) for choice in get_args(hint)]
    return [choice for argument in get_args(hint) for choice in _choices(argument)]
