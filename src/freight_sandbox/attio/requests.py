"""What the operations read from a request: its body, its parameters, and raw values."""

import re
from collections.abc import Iterable
from itertools import islice
from typing import Annotated, Any, Generic, TypeVar

import msgspec
from litestar.connection import Request
from msgspec import Meta

from freight_sandbox.attio.errors import AttioError, Path, incomplete, invalid, malformed, refused, unrecognised
from freight_sandbox.attio.schema import Attribute
from freight_sandbox.attio.values import Actor
from freight_sandbox.attio.workspace import Workspace

AnyRequest = Request[Any, Any, Any]
T = TypeVar("T")
NonEmpty = Annotated[str, Meta(min_length=1)]


class Data(msgspec.Struct, Generic[T]):
    """The wrapper of nearly every body."""

    data: T


class RequestValue(msgspec.Struct, frozen=True):
    """One value as a client sent it, with the context needed to parse it."""

    raw: Any
    attribute: Attribute
    workspace: Workspace
    active_from: str
    actor: Actor

    def bad(self, reason: str, *path: str) -> AttioError:
        """Return an error about the value, or about the part of it at `path`."""
        return invalid(path, reason)

    def part(self, key: str) -> Any:
        """Return the raw value itself, or the value of the only key of its object form."""
        if isinstance(self.raw, dict):
            require_keys(self.raw, (key,))
            return self.raw[key]
        return self.raw

    def text(self, key: str) -> str:
        """Return `part`, which must be a string."""
        part = self.part(key)
        if not isinstance(part, str):
            raise malformed((key,), "string", part)
        return part

    @property
    def common(self) -> dict[str, Any]:
        """The properties that every value has."""
        return {"active_from": self.active_from, "created_by_actor": self.actor}


def workspace_of(request: AnyRequest) -> Workspace:
    """Return the workspace that the application simulates."""
    workspace: Workspace = request.app.state.workspace
    return workspace


async def read_data(request: AnyRequest, shape: type[T]) -> T:
    """Return what a body holds under `data`, in that shape. Raise `AttioError` for another body."""
    wrapped: Any = Data[shape]  # type: ignore[valid-type]
    body: Data[T] = decode(await request.body(), wrapped)
    return body.data


def decode(body: bytes, shape: type[T]) -> T:
    """Return the body in this shape. Raise `AttioError` for another body."""
    try:
        return msgspec.json.decode(body or b"null", type=shape)
    except msgspec.ValidationError as error:
        raise _validation_error(str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise refused("The request body is not valid JSON.") from None


def flag(request: AnyRequest, name: str) -> bool | None:
    """Return a query parameter that is "true" or "false", or None if it is absent. Raise 400."""
    text = request.query_params.get(name)
    if text not in {None, "true", "false"}:
        raise refused(f'Query parameter "{name}" must be true or false.')
    return None if text is None else text == "true"


def page(
    request: AnyRequest, items: Iterable[T], *, default: int | None, maximum: int | None, minimum: int = 1
) -> list[T]:
    """Return the items that `limit` and `offset` select. Raise 400."""
    limit = integer(request, "limit", default, minimum=minimum, maximum=maximum)
    offset = integer(request, "offset", 0) or 0
    return list(islice(items, offset, None if limit is None else offset + limit))


def integer(
    request: AnyRequest, name: str, default: int | None, *, minimum: int = 0, maximum: int | None = None
) -> int | None:
    """Return a query parameter that is a whole number. Raise 400 for any other."""
    text = request.query_params.get(name)
    if text is None:
        return default
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 16 else -1
    if number < minimum or (maximum is not None and number > maximum):
        range_ = f"from {minimum}" if maximum is None else f"from {minimum} to {maximum}"
        raise refused(f'Query parameter "{name}" must be a number {range_}.')
    return number


def require_keys(
    raw: dict[str, Any], required: tuple[str, ...], optional: tuple[str, ...] = (), path: Path = ()
) -> None:
    """Raise 400 unless the object has all required keys and no unknown ones."""
    if lacking := [key for key in required if key not in raw]:
        raise incomplete(path, lacking)
    if unknown := [key for key in raw if key not in required and key not in optional]:
        raise unrecognised(path, unknown)


def _validation_error(message: str) -> AttioError:
    """Return Attio's form of msgspec's message, such as "Object missing required field `title` - at `$.data`"."""
    reason, _, place = message.partition(" - at `$")
    path = _path(place.rstrip("`"))
    if missing := re.fullmatch(r"Object missing required field `(\w+)`", reason):
        return malformed((*path, missing[1]), "a value")
    if unknown := re.fullmatch(r"Object contains unknown field `(.+)`", reason):
        return unrecognised(path, [unknown[1]])
    return AttioError(
        400,
        "validation_type",
        "Body payload validation error.",
        validation_errors=[{"code": "invalid_type", "path": list(path), "message": reason}],
    )


def _path(text: str) -> Path:
    return tuple(int(part) if part.isdigit() else part for part in re.findall(r"[\w-]+", text) if part != "")
